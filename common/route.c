/*
 * Routes: where mail for a domain goes instead of its MX, and how.  Trusts the
 * administrator's choice of hosts.  Refuses credentials that a man in the
 * middle could ask for by stripping TLS.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "control_parts.h"
#include "idna.h"

#define SMTP_PORT	25
#define LMTP_PORT	24
#define DAY		86400u

/* "[address]" with or without the tag IPv6: of RFC 5321 section 4.1.3. */
static bool
is_bracketed(struct span s)
{
	char text[INET6_ADDRSTRLEN + 8];
	unsigned char to[16];
	const char *p = text;

	if (s.len < 2 || s.p[0] != '[' || s.p[s.len - 1] != ']' ||
	    span_cstr(span_of(s.p + 1, s.len - 2), text, sizeof(text)) == -1)
		return false;
	if (strncasecmp(p, "IPv6:", 5) == 0)
		p += 5;
	return inet_pton(AF_INET, p, to) == 1 || inet_pton(AF_INET6, p, to) == 1;
}

/* 192.0.2.1 is within the grammar of a domain, but no name that DNS knows. */
static bool
is_number(struct span host)
{
	char text[64];
	struct in_addr to;

	return span_cstr(host, text, sizeof(text)) == 0 &&
	    inet_pton(AF_INET, text, &to) == 1;
}

/* host, host:port, [address], [address]:port, the same with lmtp: before it, or
 * mx: for the domain's MX. */
static const char *
host_parse(struct span s, struct route *r)
{
	struct span host;
	struct cur c;
	uint64_t port;

	cur_init(&c, s);
	r->lmtp = cur_word(&c, "lmtp:");
	port = r->lmtp ? LMTP_PORT : SMTP_PORT;
	if (span_is(s, "mx:")) {
		strlcpy(r->host, "mx:", sizeof(r->host));
		return NULL;
	}
	host = span_of(c.p, 0);
	if (span_isis(span_of(s.p, s.len < 3 ? s.len : 3), "mx:") ||
	    span_isis(s, "mx"))
		return "for the MX records write mx: and nothing behind it; "
		    "their port is the setting smtp-port";
	if (cur_peek(&c) == '[') {
		host = cur_until(&c, ']');
		host.len += cur_ch(&c, ']');
		if (!is_bracketed(host))
			return "between the brackets must be an IPv4 or IPv6 "
			    "address";
	} else {
		host = cur_until(&c, ':');
		if (!is_domain(host, false))
			return "the second word must be a host name, an [address], "
			    "the same behind lmtp:, or mx: for the MX records";
		if (is_number(host))
			return "an address stands in brackets: [192.0.2.1] or "
			    "[192.0.2.1]:25";
	}
	if (cur_ch(&c, ':') && cur_num(&c, 65535, &port) == -1)
		return "behind the colon must be a port number, 1 to 65535";
	if (!cur_end(&c) || port == 0 ||
	    span_cstr(host, r->host, sizeof(r->host)) == -1)
		return "the host must look like smtp.example.org, "
		    "smtp.example.org:587 or [192.0.2.1]:25";
	r->port = (unsigned)port;
	return NULL;
}

static const char *
tls_parse(struct span s, struct route *r)
{
	static const char *const words[] = { [TLS_NONE] = "none",
	    [TLS_MAY] = "may", [TLS_ENCRYPT] = "encrypt",
	    [TLS_VERIFY] = "verify" };

	for (int i = TLS_NONE; i <= TLS_VERIFY; i++)
		if (span_is(s, words[i])) {
			r->tls = i;
			return NULL;
		}
	return "tls= takes none, may, encrypt or verify";
}

static const char *
source_parse(struct span s, struct route *r)
{
	unsigned char to[16];
	char text[INET6_ADDRSTRLEN];

	if (span_cstr(s, text, sizeof(text)) == 0) {
		if (inet_pton(AF_INET, text, to) == 1 && r->source4[0] == '\0') {
			strlcpy(r->source4, text, sizeof(r->source4));
			return NULL;
		}
		if (inet_pton(AF_INET6, text, to) == 1 &&
		    r->source6[0] == '\0') {
			strlcpy(r->source6, text, sizeof(r->source6));
			return NULL;
		}
	}
	return "source= takes an IPv4 or IPv6 address of this machine; write "
	    "it twice for one of each";
}

static bool
seconds_parse(struct span s, unsigned max, unsigned *out)
{
	uint64_t v;

	if (duration_parse(s, &v) == -1 || v == 0 || v > max)
		return false;
	*out = (unsigned)v;
	return true;
}

/* FIRST, or FIRST,MAX */
static const char *
retry_parse(struct cur *c, struct route *r)
{
	bool ok = seconds_parse(cur_until(c, ','), 7 * DAY, &r->retry_first);

	if (ok && cur_ch(c, ','))
		ok = seconds_parse(cur_rest(c), 7 * DAY, &r->retry_max) &&
		    r->retry_max >= r->retry_first;
	return ok ? NULL : "retry= takes the first wait and, behind a comma, "
	    "the longest, such as 5m,1h, up to 7d";
}

static const char *
jobs_parse(struct cur *c, struct route *r)
{
	uint64_t v;

	if (cur_num(c, 1000, &v) == -1 || v == 0 || !cur_end(c))
		return "jobs= takes a number from 1 to 1000";
	r->jobs = (unsigned)v;
	return NULL;
}

/* Of two values one would silently lose.  source= may be there twice, and nothing
 * stands behind password=. */
static bool
is_repeated(struct cur word, unsigned *seen)
{
	static const char *const once[] = { "tls=", "user=", "helo=", "retry=",
	    "lifetime=", "jobs=" };

	for (unsigned i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		unsigned bit = 1u << i;

		if (!cur_word(&word, once[i]))
			continue;
		if (*seen & bit)
			return true;
		*seen |= bit;
	}
	return false;
}

/* One key=value; password runs to the end of the line, whatever is in it. */
static const char *
option_parse(struct cur *c, struct route *r, bool *tls, unsigned *seen)
{
	struct cur word;
	struct span w;

	if (cur_word(c, "password="))
		return span_cstr(span_trim(cur_rest(c)), r->password,
		    sizeof(r->password)) == -1 || r->password[0] == '\0' ?
		    "the password is empty or too long" : NULL;
	w = cur_nextword(c);
	cur_init(&word, w);
	if (is_repeated(word, seen))
		return "an option stands there twice; write it once";
	if (cur_word(&word, "tls=")) {
		*tls = true;
		return tls_parse(cur_rest(&word), r);
	}
	if (cur_word(&word, "user="))
		return span_cstr(cur_rest(&word), r->user, sizeof(r->user)) ==
		    -1 || r->user[0] == '\0' ?
		    "the user is empty or too long" : NULL;
	if (cur_word(&word, "source="))
		return source_parse(cur_rest(&word), r);
	if (cur_word(&word, "helo=")) {
		w = cur_rest(&word);
		return !is_domain(w, false) ||
		    span_cstr(w, r->helo, sizeof(r->helo)) == -1 ?
		    "helo= takes a host name" : NULL;
	}
	if (cur_word(&word, "retry="))
		return retry_parse(&word, r);
	if (cur_word(&word, "lifetime="))
		return seconds_parse(cur_rest(&word), 90 * DAY, &r->lifetime) ?
		    NULL : "lifetime= takes a time such as 2d, up to 90d";
	if (cur_word(&word, "jobs="))
		return jobs_parse(&word, r);
	return "behind the host only tls=, source=, helo=, retry=, lifetime=, "
	    "jobs=, user= and, last, password= may stand";
}

static const char *
route_parse(struct span value, struct route *r)
{
	const char *wrong;
	unsigned seen = 0;
	bool tls = false;
	struct cur c;

	memset(r, 0, sizeof(*r));
	r->port = SMTP_PORT;
	r->tls = TLS_MAY;
	cur_init(&c, value);
	if ((wrong = host_parse(cur_nextword(&c), r)) != NULL)
		return wrong;
	for (;;) {
		while (cur_ch(&c, ' ') || cur_ch(&c, '\t'))
			;
		if (cur_end(&c))
			break;
		if ((wrong = option_parse(&c, r, &tls, &seen)) != NULL)
			return wrong;
	}
	if ((r->user[0] == '\0') != (r->password[0] == '\0'))
		return "user= and password= go together; write both or neither";
	if (r->user[0] != '\0' && strcmp(r->host, "mx:") == 0)
		return "credentials need a named host, for MX records lead "
		    "anywhere; write its name instead of mx:";
	if (r->user[0] != '\0' && !tls)
		r->tls = TLS_VERIFY;
	if (r->user[0] != '\0' && r->tls == TLS_MAY)
		return "with tls=may anyone in between can read the password; "
		    "write tls=verify";
	return NULL;
}

/* A domain in another script has two forms, and mail comes for both: a line for one
 * of them alone would be passed by (remote_target.c, route_find). */
static bool
has_other_form(struct control *c, const char *file, unsigned line,
    struct span domain)
{
	char text[ADDR_DOMAIN_MAX + 1], ascii[ADDR_DOMAIN_MAX + 1];

	if (span_isascii(domain) ||
	    span_cstr(domain, text, sizeof(text)) == -1)
		return false;
	if (idna_ascii(text, ascii, sizeof(ascii)) == -1)
		control_error(c, file, line, "\"%s\" is too long for DNS", text);
	else
		control_error(c, file, line, "\"%s\" is written %s here, as DNS "
		    "has it; it counts for both forms", text, ascii);
	return true;
}

/* "*", a domain, or .domain for all below it. */
void
route_check(struct control *c, const char *file, unsigned line,
    struct span key, struct span value)
{
	struct span d = key;
	struct route r;
	const char *wrong;

	if (d.len > 1 && d.p[0] == '.')
		d = span_of(d.p + 1, d.len - 1);
	if (!span_is(d, "*") && !is_domain(d, true))
		wrong = "a line begins with a domain, .domain for those below "
		    "it, or * for all";
	else if (has_other_form(c, file, line, d))
		return;
	else
		wrong = route_parse(value, &r);
	if (wrong != NULL)
		control_error(c, file, line, "%s", wrong);
	buf_zero(&r, sizeof(r));
}

static bool
route_get(const struct control *c, const char *key, struct route *r,
    unsigned *line)
{
	struct span value;

	return table_find(&c->routes, span_str(key), &value, line) &&
	    route_parse(value, r) == NULL;
}

unsigned
route_find(const struct control *c, const char *domain, struct route *r)
{
	char ascii[ADDR_DOMAIN_MAX + 1];
	const char *dot;
	unsigned line;

	if (!span_isascii(span_str(domain)) &&
	    idna_ascii(domain, ascii, sizeof(ascii)) == 0)
		domain = ascii;
	dot = domain;
	if (route_get(c, domain, r, &line))
		return line;
	if (domain[0] != '[')
		while ((dot = strchr(dot, '.')) != NULL) {
			if (route_get(c, dot, r, &line))
				return line;
			dot++;
		}
	if (route_get(c, "*", r, &line))
		return line;
	(void)route_parse(span_str("mx:"), r);
	return 0;
}

void
route_forget(struct table *t)
{
	static const char word[] = "password=";
	struct span key, value;
	unsigned line;

	for (size_t i = 0; i < t->nslots; i++) {
		unsigned char *p;

		table_at(t, i, &key, &value, &line);
		p = memmem(value.p, value.len, word, sizeof(word) - 1);
		if (p != NULL)
			memset(p + sizeof(word) - 1, '*', value.len -
			    (size_t)(p + sizeof(word) - 1 - value.p));
	}
}
