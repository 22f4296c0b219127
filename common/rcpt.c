/*
 * Where a recipient goes.  A pure function of the control files: exact address
 * before the one without +detail, users before aliases, full aliases before
 * those of all local domains, and "@domain" last.
 */
#include "rcpt.h"

#include <stdio.h>
#include <string.h>

#include "control_parts.h"

/* An address to look up: the local part as in the canonical text, and where. */
struct candidate {
	const struct control *c;
	struct span local;
	const char *domain;
	struct rcpt_decision *d;
};

static bool
decide_alias(const struct candidate *k, const char *key)
{
	if (!table_find(&k->c->aliases, span_str(key), &k->d->targets,
	    &k->d->line))
		return false;
	k->d->kind = RCPT_ALIAS;
	k->d->file = "aliases";
	return true;
}

/* The exact address: users, aliases, aliases by local part. */
static bool
decide_exact(const struct candidate *k)
{
	char text[ADDR_MAX + 8];

	if ((size_t)snprintf(text, sizeof(text), "%.*s@%s", (int)k->local.len,
	    (const char *)k->local.p, k->domain) >= sizeof(text))
		return false;
	if (table_find(&k->c->users, span_str(text), NULL, &k->d->line) &&
	    account_find(k->c, text, &k->d->account) == 0) {
		k->d->kind = RCPT_MAILBOX;
		k->d->file = "users";
		return true;
	}
	if (decide_alias(k, text))
		return true;
	text[k->local.len] = '\0';
	return decide_alias(k, text);
}

/* The local part before the first delimiter; the same when there is none. */
static struct span
without_detail(const struct control *c, struct span local)
{
	struct span set = span_str(c->set.recipient_delimiter);

	if (local.len > 0 && local.p[0] == '"')
		return local;
	for (size_t i = 1; i < local.len; i++)
		if (span_haschr(set, local.p[i]))
			return span_of(local.p, i);
	return local;
}

void
rcpt_decide(const struct control *c, const struct addr *addr,
    struct rcpt_decision *d)
{
	char catchall[ADDR_DOMAIN_MAX + 8];
	struct candidate k = { c, addr_local(addr), addr_domain(addr), d };
	struct span plain;

	memset(d, 0, sizeof(*d));
	d->kind = RCPT_REMOTE;
	d->file = "domains";
	if (*k.domain == '\0')		/* <postmaster>: RFC 5321 section 4.5.1 */
		k.domain = c->first_domain;
	if (!table_find(&c->domains, span_str(k.domain), NULL, &d->line) &&
	    *addr_domain(addr) != '\0')
		return;
	if (decide_exact(&k))
		return;
	plain = without_detail(c, k.local);
	if (plain.len != k.local.len) {
		k.local = plain;
		if (decide_exact(&k))
			return;
	}
	snprintf(catchall, sizeof(catchall), "@%s", k.domain);
	if (decide_alias(&k, catchall))
		return;
	d->kind = RCPT_UNKNOWN;
	d->file = "users";
	d->line = 0;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The next target between commas, trimmed (line ends of continued lines count
 * as white space); a quoted part may hold commas. */
static struct span
next_target(struct cur *c)
{
	struct span t;
	bool quoted = false;

	while (is_blank(cur_peek(c)))
		(void)cur_next(c);
	t = span_of(c->p, 0);
	while (!cur_end(c) && (quoted || cur_peek(c) != ',')) {
		int ch = cur_next(c);

		if (ch == '"')
			quoted = !quoted;
		if (ch == '\\' && quoted)
			(void)cur_next(c);
	}
	t.len = (size_t)(c->p - t.p);
	(void)cur_ch(c, ',');
	while (t.len > 0 && is_blank(t.p[t.len - 1]))
		t.len--;
	return t;
}

/* A full address, or a local name that gets the alias's own domain. */
static bool
target_parse(struct span t, const char *domain, struct addr *a)
{
	char text[ADDR_MAX + 8];

	if (parse_mailbox(t, true, a) == ADDR_OK)
		return true;
	if ((size_t)snprintf(text, sizeof(text), "%.*s@%s", (int)t.len,
	    (const char *)t.p, domain) >= sizeof(text))
		return false;
	return parse_mailbox(span_str(text), true, a) == ADDR_OK;
}

enum target_kind
target_kind(struct span t)
{
	struct span s = t;

	if (s.len > 1 && s.p[0] == '"')
		s = span_of(s.p + 1, s.len - 1);
	if (s.len > 0 && s.p[0] == '|')
		return TARGET_PROGRAM;
	if (s.len > 0 && s.p[0] == '/')
		return TARGET_FILE;
	if (t.len >= 9 && span_isis(span_of(t.p, 9), ":include:"))
		return TARGET_INCLUDE;
	return TARGET_ADDRESS;
}

int
alias_targets(struct span targets, const char *domain,
    int (*each)(void *arg, const struct addr *), void *arg)
{
	struct cur c;
	struct addr a;
	int bad = 0;

	cur_init(&c, targets);
	while (!cur_end(&c)) {
		struct span t = next_target(&c);

		if (t.len == 0)
			continue;
		if (target_kind(t) != TARGET_ADDRESS ||
		    !target_parse(t, domain, &a))
			bad = -1;
		else if (each(arg, &a) == -1)
			return -1;
	}
	return bad;
}

/* NULL, or what is wrong with this target. */
static const char *
target_wrong(struct span t, const char *domain)
{
	struct addr a;

	switch (target_kind(t)) {
	case TARGET_PROGRAM:
		return "programs are no targets yet; name an address";
	case TARGET_FILE:
		return "files are no targets yet; name an address";
	case TARGET_INCLUDE:
		return ":include: is not known yet; list the addresses here";
	default:
		break;
	}
	if (!target_parse(t, domain, &a))
		return "this is not an address; write bob@example.org, or bob for "
		    "one of the same domain, and commas between them";
	return NULL;
}

/* A key: full address, local part, or @domain. */
static bool
alias_key_check(struct control *c, const char *file, unsigned line,
    struct span key)
{
	char text[ADDR_MAX + 16];
	int n = (int)(key.len > 100 ? 100 : key.len);
	struct addr a;

	if (key.p[0] == '@') {
		if (is_domain(span_of(key.p + 1, key.len - 1), true))
			return true;
		control_error(c, file, line, "\"%.*s\" is not a domain; write one "
		    "like @example.org", n, (const char *)key.p);
		return false;
	}
	if (parse_mailbox(key, true, &a) == ADDR_OK)
		return address_check(c, file, line, key);
	if ((size_t)snprintf(text, sizeof(text), "%.*s@a.example", (int)key.len,
	    (const char *)key.p) < sizeof(text) &&
	    parse_mailbox(span_str(text), true, &a) == ADDR_OK &&
	    span_isis(span_str(text), a.text))
		return true;
	control_error(c, file, line, "\"%.*s\" cannot be an alias; write a local "
	    "part (sales), an address (sales@example.org) or @example.org", n,
	    (const char *)key.p);
	return false;
}

void
alias_check(struct control *c, const char *file, unsigned line,
    struct span key, struct span value)
{
	struct cur cur;
	const char *wrong;
	bool any = false;

	if (!alias_key_check(c, file, line, key))
		return;
	cur_init(&cur, value);
	while (!cur_end(&cur)) {
		struct span t = next_target(&cur);

		if (t.len == 0)
			continue;
		any = true;
		if ((wrong = target_wrong(t, "a.example")) != NULL)
			control_error(c, file, line, "\"%.*s\": %s",
			    (int)(t.len > 100 ? 100 : t.len),
			    (const char *)t.p, wrong);
	}
	if (!any)
		control_error(c, file, line, "the alias has no target; write at "
		    "least one address behind the colon, or remove the line");
}
