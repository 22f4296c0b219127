/*
 * The lines of users and passwords.  Refuses what it does not fully understand:
 * an unknown option might have been meant to keep somebody out.
 */
#include "userline.h"

#include <errno.h>
#include <string.h>

#include "control.h"
#include "control_parts.h"
#include "header.h"
#include "table.h"

static const struct { const char *name; unsigned bit; } protocols[] = {
	{ "imap", FOR_IMAP }, { "pop3", FOR_POP3 }, { "smtp", FOR_SMTP },
};
static const char *const passwords[] = { [PASSWORD_FILE] = "file",
    [PASSWORD_SYSTEM] = "system", [PASSWORD_PROGRAM] = "program" };

#define N(a)	(sizeof(a) / sizeof((a)[0]))

int
protocols_parse(struct span s, unsigned *bits)
{
	struct cur c;

	*bits = 0;
	cur_init(&c, s);
	do {
		struct span word = span_trim(cur_until(&c, ','));
		unsigned bit = 0;

		for (size_t i = 0; i < N(protocols); i++)
			if (span_isis(word, protocols[i].name))
				bit = protocols[i].bit;
		if (bit == 0)
			return -1;
		*bits |= bit;
	} while (cur_ch(&c, ','));
	return 0;
}

int
protocols_print(struct buf *out, unsigned bits)
{
	const char *comma = "";

	for (size_t i = 0; i < N(protocols); i++)
		if ((bits & protocols[i].bit) != 0) {
			(void)buf_addf(out, "%s%s", comma, protocols[i].name);
			comma = ",";
		}
	return out->bad ? -1 : 0;
}

static const char *
clients_check(struct span clients)
{
	struct network n;
	struct cur c;

	cur_init(&c, clients);
	do {
		if (network_parse(span_trim(cur_until(&c, ',')), &n) != NULL)
			return "clients= wants addresses or networks with commas "
			    "between, such as 192.0.2.0/24,2001:db8::/32";
	} while (cur_ch(&c, ','));
	return NULL;
}

static const char *
password_option(struct span value, struct user_line *u)
{
	for (size_t i = 0; i < N(passwords); i++)
		if (span_isis(value, passwords[i])) {
			u->password = (enum user_password)i;
			return NULL;
		}
	return "password= is file, system or program";
}

/* One option of the fifth field. */
static const char *
option_parse(struct span option, struct user_line *u)
{
	struct span name, value;
	struct cur c;

	cur_init(&c, option);
	name = span_trim(cur_until(&c, '='));
	(void)cur_ch(&c, '=');
	value = span_trim(cur_rest(&c));
	if (span_isis(name, "protocols"))
		return protocols_parse(value, &u->protocols) == 0 ? NULL :
		    "protocols= wants some of imap, pop3 and smtp, with commas "
		    "between";
	if (span_isis(name, "clients")) {
		u->clients = value;
		return clients_check(value);
	}
	if (span_isis(name, "disabled")) {
		u->disabled = true;
		u->reason = value;
		return NULL;
	}
	if (span_isis(name, "password"))
		return password_option(value, u);
	return "the options of the fifth field are protocols=, clients=, "
	    "disabled= and password=, with \";\" between";
}

const char *
user_line_parse(struct span key, struct span value, struct user_line *u)
{
	struct span *fields[] = { &u->maildir, &u->owner, &u->quota };
	const char *wrong = NULL;
	struct span options;
	struct cur c;

	memset(u, 0, sizeof(*u));
	u->address = key;
	u->protocols = FOR_ALL;
	cur_init(&c, value);
	for (size_t i = 0; i < N(fields); i++) {
		*fields[i] = span_trim(cur_until(&c, ':'));
		(void)cur_ch(&c, ':');
	}
	options = span_trim(cur_rest(&c));
	cur_init(&c, options);
	while (!cur_end(&c) && wrong == NULL) {
		wrong = option_parse(span_trim(cur_until(&c, ';')), u);
		(void)cur_ch(&c, ';');
	}
	return wrong;
}

/* A field may hold neither what ends it nor what no line may hold. */
static int
add_field(struct buf *out, struct span field, const char *ends)
{
	for (size_t i = 0; i < field.len; i++)
		if (field.p[i] < ' ' || field.p[i] == 0x7f ||
		    strchr(ends, field.p[i]) != NULL) {
			errno = EINVAL;
			return -1;
		}
	return buf_addspan(out, field);
}

int
user_line_print(struct buf *out, const struct user_line *u)
{
	const struct span *fields[] = { &u->maildir, &u->owner, &u->quota };
	const char *sep = ":";
	size_t end, least = out->len + u->address.len + 1;

	if (add_field(out, u->address, "") == -1)
		return -1;
	for (size_t i = 0; i < N(fields); i++)
		if (buf_addc(out, ':') == -1 ||
		    add_field(out, *fields[i], ":") == -1)
			return -1;
	end = out->len;
	if (u->protocols != FOR_ALL) {
		(void)buf_addf(out, "%sprotocols=", sep);
		(void)protocols_print(out, u->protocols);
		sep = ";";
	}
	if (u->clients.len > 0) {
		(void)buf_addf(out, "%sclients=", sep);
		if (add_field(out, u->clients, ";") == -1)
			return -1;
		sep = ";";
	}
	if (u->password != PASSWORD_FILE) {
		(void)buf_addf(out, "%spassword=%s", sep,
		    passwords[u->password]);
		sep = ";";
	}
	if (u->disabled) {
		(void)buf_addf(out, "%sdisabled%s", sep,
		    u->reason.len > 0 ? "=" : "");
		if (add_field(out, u->reason, ";") == -1)
			return -1;
	}
	/* Fields at the end that say nothing are left out, all but the first. */
	while (!out->bad && out->len == end && end > least &&
	    out->p[end - 1] == ':')
		end = --out->len;
	return out->bad ? -1 : 0;
}

bool
user_line_client(const struct user_line *u, const struct in6_addr *addr)
{
	struct network n;
	struct cur c;

	if (u->clients.len == 0)
		return true;
	cur_init(&c, u->clients);
	do {
		if (network_parse(span_trim(cur_until(&c, ',')), &n) == NULL &&
		    network_has(&n, addr))
			return true;
	} while (cur_ch(&c, ','));
	return false;
}

const char *
password_line_parse(struct span key, struct span value,
    struct password_line *p)
{
	struct span for_what, expires;
	struct cur c;

	memset(p, 0, sizeof(*p));
	p->address = key;
	p->protocols = FOR_ALL;
	cur_init(&c, value);
	p->secret = span_trim(cur_until(&c, ':'));
	(void)cur_ch(&c, ':');
	p->label = span_trim(cur_until(&c, ':'));
	(void)cur_ch(&c, ':');
	for_what = span_trim(cur_until(&c, ':'));
	(void)cur_ch(&c, ':');
	expires = span_trim(cur_rest(&c));
	if (p->secret.len == 0)
		return "the secret is missing; set it with \"posthouse user "
		    "passwd\", or remove the line";
	if (for_what.len > 0 && protocols_parse(for_what, &p->protocols) == -1)
		return "the fourth field wants some of imap, pop3 and smtp, with "
		    "commas between";
	if (expires.len > 0 && day_parse(expires, &p->expires) == -1)
		return "the fifth field is the last day when the secret is good, "
		    "such as 2027-01-31";
	if (expires.len > 0)
		p->expires += 86400;
	return NULL;
}

int
password_line_print(struct buf *out, const struct password_line *p)
{
	bool more = p->protocols != FOR_ALL || p->expires != 0;
	char day[DAY_SIZE];

	if (add_field(out, p->address, "") == -1 || buf_addc(out, ':') == -1 ||
	    add_field(out, p->secret, ":") == -1)
		return -1;
	if (p->label.len > 0 || more) {
		if (buf_addc(out, ':') == -1 ||
		    add_field(out, p->label, ":") == -1)
			return -1;
	}
	if (more)
		(void)buf_addc(out, ':');
	if (p->protocols != FOR_ALL)
		(void)protocols_print(out, p->protocols);
	if (p->expires != 0) {
		day_print(p->expires - 86400, day);
		(void)buf_addf(out, ":%s", day);
	}
	return out->bad ? -1 : 0;
}
