/*
 * Accounts: one line of users taken apart.  System names are resolved while
 * loading, as root, and kept; a look-up afterwards opens no file, so that it
 * works inside a chroot.  Refuses Maildirs that would leave their place ("..")
 * and root as an owner.
 */
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "control_parts.h"
#include "fmt.h"
#include "maildir.h"

struct owner_name {
	char name[64];
	struct ids ids;
};
struct owner_names {			/* sorted by name */
	struct owner_name *p;
	size_t n, cap;
};

void
owners_free(struct control *c)
{
	if (c->owners != NULL)
		free(c->owners->p);
	free(c->owners);
	c->owners = NULL;
}

/* Where name is, or where it belongs. */
static size_t
owner_position(const struct owner_names *o, const char *name)
{
	size_t lo = 0, hi = o->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(o->p[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
owner_add(struct owner_names *o, size_t at, const struct owner_name *new)
{
	struct owner_name *p = o->p;

	if (o->n == o->cap) {
		size_t cap = o->cap == 0 ? 16 : o->cap * 2;

		if ((p = reallocarray(o->p, cap, sizeof(*p))) == NULL)
			return -1;
		o->p = p;
		o->cap = cap;
	}
	memmove(&p[at + 1], &p[at], (o->n - at) * sizeof(*p));
	p[at] = *new;
	o->n++;
	return 0;
}

/* While loading: asks the system once for each name.  NULL, or what is wrong. */
static const char *
owner_learn(struct control *c, struct span owner)
{
	struct owner_name new;
	const char *wrong;
	size_t at;

	if (span_cstr(owner, new.name, sizeof(new.name)) == -1)
		return "the owner is too long; name a system account";
	if (c->owners == NULL &&
	    (c->owners = calloc(1, sizeof(*c->owners))) == NULL)
		return "there is not enough memory";
	at = owner_position(c->owners, new.name);
	if (at < c->owners->n && strcmp(c->owners->p[at].name, new.name) == 0)
		return NULL;
	if ((wrong = ids_parse(owner, '.', &new.ids)) != NULL)
		return wrong;
	if (owner_add(c->owners, at, &new) == -1)
		return "there is not enough memory";
	return NULL;
}

/* What was learnt; (uid_t)-1 for what was not. */
static void
owner_get(const struct control *c, struct span owner, struct ids *ids)
{
	char name[64];
	size_t at;

	ids->uid = (uid_t)-1;
	ids->gid = (gid_t)-1;
	if (owner.len == 0) {
		*ids = c->set.mail_user;
		return;
	}
	if (c->owners == NULL || span_cstr(owner, name, sizeof(name)) == -1)
		return;
	at = owner_position(c->owners, name);
	if (at < c->owners->n && strcmp(c->owners->p[at].name, name) == 0)
		*ids = c->owners->p[at].ids;
}

/* No empty, "." or ".." component: the path names one place as written. */
static bool
path_is_plain(struct span path)
{
	struct cur c;

	cur_init(&c, path);
	(void)cur_ch(&c, '/');
	do {
		struct span part = cur_until(&c, '/');

		if (part.len == 0 || span_is(part, ".") || span_is(part, ".."))
			return false;
	} while (cur_ch(&c, '/'));
	return true;
}

/* DOMAIN/LOCALPART, both in lower case; only where that is one safe path. */
static const char *
maildir_default(const struct control *c, struct account *a)
{
	const char *at = strrchr(a->address, '@');
	struct span local = span_of(a->address, (size_t)(at - a->address));
	int n;

	if (span_haschr(local, '/') || span_haschr(local, '"') ||
	    local.p[0] == '.')
		return "this local part cannot name a folder; write the Maildir's "
		    "path in the second field";
	n = fmt_print(a->maildir, sizeof(a->maildir), "%s/%s/%.*s", c->set.mail,
	    at + 1, (int)local.len, (const char *)local.p);
	if (n < 0 || (size_t)n >= sizeof(a->maildir))
		return "the path of the Maildir is too long; write a shorter one";
	return NULL;
}

static const char *
maildir_parse(const struct control *c, struct span s, struct account *a)
{
	int n;

	if (s.len == 0)
		return maildir_default(c, a);
	while (s.len > 1 && s.p[s.len - 1] == '/')
		s.len--;
	if (!path_is_plain(s))
		return "the path of the Maildir has an empty, \".\" or \"..\" "
		    "part; write it without";
	if (s.p[0] == '/')
		n = fmt_print(a->maildir, sizeof(a->maildir), "%.*s",
		    (int)s.len, (const char *)s.p);
	else
		n = fmt_print(a->maildir, sizeof(a->maildir), "%s/%.*s",
		    c->set.mail, (int)s.len, (const char *)s.p);
	if (n < 0 || (size_t)n >= sizeof(a->maildir))
		return "the path of the Maildir is too long; write a shorter one";
	return NULL;
}

/* "", "2G" or "2G,10000": bytes, and messages; the settings say what is not
 * given here. */
static const char *
limits_parse(const struct control *c, struct span s, struct account *a)
{
	struct cur cur;

	a->quota.bytes = c->set.mailbox_size;
	a->quota.messages = c->set.mailbox_messages;
	if (s.len == 0)
		return NULL;
	cur_init(&cur, s);
	if (size_parse(cur_until(&cur, ','), &a->quota.bytes) == -1 ||
	    (cur_ch(&cur, ',') && cur_num(&cur, UINT64_MAX,
	    &a->quota.messages) == -1) || !cur_end(&cur))
		return "a quota is written 2G, or 2G,10000 with a number of "
		    "messages, or left empty";
	return NULL;
}

/* NULL, or what is wrong and how to mend it. */
static const char *
account_parse(const struct control *c, struct span key, struct span value,
    struct account *a)
{
	const char *wrong;

	if (span_cstr(key, a->address, sizeof(a->address)) == -1)
		return "the address is too long";
	for (char *p = a->address; *p != '\0'; p++)
		*p = (char)ascii_lower((unsigned char)*p);
	if ((wrong = user_line_parse(key, value, &a->line)) != NULL ||
	    (wrong = maildir_parse(c, a->line.maildir, a)) != NULL ||
	    (wrong = limits_parse(c, a->line.quota, a)) != NULL)
		return wrong;
	if (a->line.password == PASSWORD_SYSTEM && a->line.owner.len == 0)
		return "password=system needs the system account's name in the "
		    "third field";
	owner_get(c, a->line.owner, &a->owner);
	return NULL;
}

bool
address_check(struct control *c, const char *file, unsigned line,
    struct span key)
{
	struct addr a;
	int n = (int)(key.len > 100 ? 100 : key.len);

	if (parse_mailbox(key, true, &a) != ADDR_OK || a.literal) {
		control_error(c, file, line, "\"%.*s\" is not an address; write "
		    "one like alice@example.org", n, (const char *)key.p);
		return false;
	}
	if (!span_isis(key, a.text)) {
		control_error(c, file, line, "\"%.*s\" is never asked for in this "
		    "form; write %s", n, (const char *)key.p, a.text);
		return false;
	}
	return true;
}

void
account_check(struct control *c, const char *file, unsigned line,
    struct span key, struct span value)
{
	struct account a;
	const char *wrong;

	if (!address_check(c, file, line, key))
		return;
	wrong = account_parse(c, key, value, &a);
	if (wrong == NULL && a.line.password == PASSWORD_SYSTEM)
		c->system_passwords = true;
	if (wrong == NULL && a.line.owner.len > 0)
		wrong = owner_learn(c, a.line.owner);
	if (wrong != NULL)
		control_error(c, file, line, "%s: %s", a.address, wrong);
}

int
account_find(const struct control *c, const char *address, struct account *a)
{
	struct span value;

	memset(a, 0, sizeof(*a));
	if (!table_find(&c->users, span_str(address), &value, NULL))
		return system_find(c, address, a);
	if (account_parse(c, span_str(address), value, a) != NULL) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

bool
account_has_place(const struct control *c, const struct account *a)
{
	size_t n = strlen(c->set.mail);
	struct stat st;

	return strncmp(a->maildir, c->set.mail, n) != 0 ||
	    a->maildir[n] != '/' || stat(c->set.mail, &st) == 0;
}

int
account_make(const struct control *c, const struct account *a)
{
	if (!account_has_place(c, a)) {
		errno = ENOENT;
		return -1;
	}
	return maildir_make(a->maildir, &a->owner);
}

int
account_forward(const struct account *a, char *out, size_t size)
{
	const char *slash = strrchr(a->maildir, '/');
	int n;

	if (a->home[0] != '\0')
		n = fmt_print(out, size, "%s/.forward", a->home);
	else if (slash != NULL && strcmp(slash, "/Maildir") == 0)
		n = fmt_print(out, size, "%.*s/.forward",
		    (int)(slash - a->maildir), a->maildir);
	else
		n = fmt_print(out, size, "%s.forward", a->maildir);
	return n > 0 && (size_t)n < size ? 0 : -1;
}
