/*
 * Where a recipient goes.  A pure function of the control files: exact address
 * before the one without +detail; full aliases, then users, then aliases of
 * all local domains, then accounts of the system; and "@domain" last.
 */
#include "rcpt.h"

#include <stdio.h>
#include <string.h>

#include "control_parts.h"
#include "fmt.h"

/* An address to look up: the local part as in the canonical text, and where. */
struct candidate {
	const struct control *c;
	struct span local;
	const char *domain;
	struct rcpt_decision *d;
	bool mailbox;			/* pass over aliases */
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

static bool
decide_mailbox(const struct candidate *k, const char *address)
{
	if (account_find(k->c, address, &k->d->account) == -1)
		return false;
	k->d->kind = RCPT_MAILBOX;
	k->d->file = k->d->account.home[0] == '\0' ? "users" : "passwd";
	if (!table_find(&k->c->users, span_str(address), NULL, &k->d->line))
		k->d->line = 0;
	return true;
}

/* The exact address: aliases, users, aliases by local part, system accounts. */
static bool
decide_exact(const struct candidate *k)
{
	char text[ADDR_MAX + 8], local[ADDR_MAX + 8];

	if ((size_t)fmt_print(text, sizeof(text), "%.*s@%s", (int)k->local.len,
	    (const char *)k->local.p, k->domain) >= sizeof(text))
		return false;
	if (k->mailbox)
		return decide_mailbox(k, text);
	if (decide_alias(k, text))
		return true;
	if (table_find(&k->c->users, span_str(text), NULL, NULL) &&
	    decide_mailbox(k, text))
		return true;
	strlcpy(local, text, sizeof(local));
	local[k->local.len] = '\0';
	return decide_alias(k, local) || decide_mailbox(k, text);
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

/* As it stands, then without its detail. */
static bool
decide_known(struct candidate *k)
{
	struct span local = k->local, plain = without_detail(k->c, local);
	bool found = decide_exact(k);

	if (!found && plain.len != local.len) {
		k->local = plain;
		found = decide_exact(k);
		k->local = local;
	}
	return found;
}

/* "@example.com: @example.org": all of a domain is in another one's place. */
static bool
decide_catchall(struct candidate *k)
{
	char key[ADDR_DOMAIN_MAX + 8], domain[ADDR_DOMAIN_MAX + 1];
	struct span t;

	fmt_print(key, sizeof(key), "@%s", k->domain);
	if (!decide_alias(k, key))
		return false;
	k->d->is_catchall = true;
	t = k->d->targets;
	if (t.len < 2 || t.p[0] != '@')
		return true;
	if (span_cstr(span_of(t.p + 1, t.len - 1), domain, sizeof(domain)) ==
	    -1 || !control_is_local(k->c, domain))
		return false;
	k->domain = domain;
	return decide_known(k);
}

static void
decide(const struct control *c, const struct addr *addr, bool mailbox,
    struct rcpt_decision *d)
{
	struct candidate k = { c, addr_local(addr), addr_domain(addr), d,
	    mailbox };
	char ascii[ADDR_DOMAIN_MAX + 1];
	const char *local;

	memset(d, 0, sizeof(*d));
	d->kind = RCPT_REMOTE;
	d->file = "domains";
	if (*k.domain == '\0')		/* <postmaster>: RFC 5321 section 4.5.1 */
		k.domain = c->first_domain;
	local = control_domain(c, k.domain, ascii, &d->line);
	if (local == NULL && *addr_domain(addr) != '\0')
		return;
	if (local != NULL)
		k.domain = local;
	if (decide_known(&k) || (!mailbox && decide_catchall(&k)))
		return;
	memset(d, 0, sizeof(*d));
	d->kind = RCPT_UNKNOWN;
	d->file = "users";
}

void
rcpt_decide(const struct control *c, const struct addr *addr,
    struct rcpt_decision *d)
{
	decide(c, addr, false, d);
}

void
rcpt_mailbox(const struct control *c, const struct addr *addr,
    struct rcpt_decision *d)
{
	decide(c, addr, true, d);
}

struct span
rcpt_detail(const struct control *c, const struct addr *addr)
{
	struct span local = addr_local(addr), plain = without_detail(c, local);

	if (plain.len == local.len)
		return span_of(local.p + local.len, 0);
	return span_of(local.p + plain.len + 1, local.len - plain.len - 1);
}

/* The local part in front of the domain, with or without owner-. */
static bool
owner_of(const struct control *c, struct span local, const char *domain,
    char *out, size_t size)
{
	struct rcpt_decision d;
	struct addr a;
	int n = fmt_print(out, size, "owner-%.*s@%s", (int)local.len,
	    (const char *)local.p, domain);

	if (n < 0 || (size_t)n >= size ||
	    parse_mailbox(span_str(out), true, &a) != ADDR_OK)
		return false;
	rcpt_decide(c, &a, &d);
	if (d.kind == RCPT_UNKNOWN || d.kind == RCPT_REMOTE ||
	    d.is_catchall)
		return false;
	strlcpy(out, a.text, size);
	return true;
}

bool
alias_owner(const struct control *c, const struct addr *a, char *out,
    size_t size)
{
	struct span local = addr_local(a), plain = without_detail(c, local);
	const char *domain = addr_domain(a);

	if (local.len > 6 && span_isis(span_of(local.p, 6), "owner-"))
		return false;
	if (*domain == '\0')
		domain = c->first_domain;
	return owner_of(c, local, domain, out, size) ||
	    (plain.len != local.len && owner_of(c, plain, domain, out, size));
}

bool
alias_is_list(const struct control *c, const struct addr *a,
    const struct rcpt_decision *d)
{
	char owner[ADDR_MAX + 8];
	struct target_item item;
	const char *wrong;
	struct targets t;
	int r;

	targets_init(&t, d->targets, "a.example", false);
	while ((r = targets_next(&t, &item, &wrong)) != 0)
		if (r == 1 && item.kind != TARGET_ADDRESS &&
		    item.kind != TARGET_MAILBOX)
			return true;
	return alias_owner(c, a, owner, sizeof(owner));
}

int
alias_targets(struct span targets, const char *domain,
    int (*each)(void *arg, const struct addr *), void *arg)
{
	struct target_item item;
	const char *wrong;
	struct targets t;
	int r, bad = 0;

	targets_init(&t, targets, domain, false);
	while ((r = targets_next(&t, &item, &wrong)) != 0) {
		if (r == -1)
			bad = -1;
		else if ((item.kind == TARGET_ADDRESS ||
		    item.kind == TARGET_MAILBOX) && each(arg, &item.addr) == -1)
			return -1;
	}
	return bad;
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
	if ((size_t)fmt_print(text, sizeof(text), "%.*s@a.example", (int)key.len,
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
	struct target_item item;
	struct targets t;
	const char *wrong;
	bool any = false;
	int r;

	if (!alias_key_check(c, file, line, key))
		return;
	if (value.len > 1 && value.p[0] == '@' && key.p[0] == '@' &&
	    is_domain(span_of(value.p + 1, value.len - 1), true))
		return;
	targets_init(&t, value, "a.example", false);
	while ((r = targets_next(&t, &item, &wrong)) != 0) {
		any = true;
		if (r == -1)
			control_error(c, file, line + item.line - 1,
			    "\"%.100s\": %s", item.text, wrong);
	}
	if (!any)
		control_error(c, file, line, "the alias has no target; write at "
		    "least one address behind the colon, or remove the line");
}
