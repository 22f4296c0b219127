/*
 * posthouse explain ADDRESS: which file and line decide where mail for an
 * address goes, through every alias to mailboxes and hosts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "ex.h"

struct explain {
	const struct control *c;
	int depth;
	bool unknown;
};

static int	explain_target(struct explain *, const struct addr *);

static void
indent(int depth)
{
	for (int i = 0; i < depth; i++)
		fputs("    ", stdout);
}

static void
explain_remote(const struct explain *x, const struct addr *a)
{
	static const char *const tls[] = { [TLS_NONE] = "no TLS",
	    [TLS_MAY] = "TLS if offered", [TLS_ENCRYPT] = "TLS or nothing",
	    [TLS_VERIFY] = "TLS with a verified name" };
	struct route r;
	struct buf where;
	unsigned line;

	line = route_find(x->c, addr_domain(a), &r);
	buf_init(&where, CONTROL_LINE_MAX);
	route_print(&r, &where);
	indent(x->depth);
	printf("domains: %s is not local\n", addr_domain(a));
	indent(x->depth);
	if (line != 0)
		printf("routes:%u: ", line);
	else
		printf("routes: no line fits: ");
	if (strcmp(r.host, "mx:") == 0)
		printf("to the MX of %s, %s\n", addr_domain(a), tls[r.tls]);
	else
		printf("to %s, %s%s\n", buf_cstr(&where), tls[r.tls],
		    r.user[0] != '\0' ? ", with a password" : "");
	buf_free(&where);
	explicit_bzero(&r, sizeof(r));
}

/* "\name" and an alias's own address: the mailbox. */
static void
explain_mailbox(struct explain *x, const struct addr *a)
{
	struct rcpt_decision d;

	rcpt_mailbox(x->c, a, &d);
	indent(x->depth);
	if (d.kind == RCPT_MAILBOX)
		printf("the mailbox itself: %s in %s\n", d.account.address,
		    d.account.maildir);
	else {
		printf("%s is no mailbox: the message would bounce\n", a->text);
		x->unknown = true;
	}
}

static void
explain_include(const struct explain *x, const char *path)
{
	bool readable = access(path, R_OK) == 0;

	indent(x->depth);
	printf("the addresses in %s%s%s\n", path, readable ? "" :
	    ", which cannot be read now: ", readable ? "" : strerror(errno));
}

static void
explain_item(struct explain *x, const struct addr *alias,
    const struct target_item *item)
{
	const struct ids *who = &x->c->set.program_user;

	switch (item->kind) {
	case TARGET_PROGRAM:
		indent(x->depth);
		printf("the program \"%s\"", item->text);
		if (who->uid != (uid_t)-1)
			printf(", as uid %lu", (unsigned long)who->uid);
		putchar('\n');
		break;
	case TARGET_FILE:
		indent(x->depth);
		printf("the file %s\n", item->text);
		break;
	case TARGET_INCLUDE:
		explain_include(x, item->text);
		break;
	case TARGET_MAILBOX:
		explain_mailbox(x, &item->addr);
		break;
	case TARGET_ADDRESS:
		if (strcmp(item->addr.text, alias->text) == 0)
			explain_mailbox(x, &item->addr);
		else
			(void)explain_target(x, &item->addr);
		break;
	}
}

static void
explain_list(struct explain *x, const struct addr *alias, struct span targets,
    const char *domain)
{
	char owner[ADDR_MAX + 8];
	struct target_item item;
	const char *wrong;
	struct targets t;
	int r;

	if (alias_owner(x->c, alias, owner, sizeof(owner))) {
		indent(x->depth);
		printf("a new message, from %s\n", owner);
	}
	targets_init(&t, targets, domain, false);
	while ((r = targets_next(&t, &item, &wrong)) != 0)
		if (r == 1)
			explain_item(x, alias, &item);
}

/* The owner may have it go elsewhere. */
static void
explain_forward(const struct explain *x, const struct account *a)
{
	char path[600];

	if (account_forward(a, path, sizeof(path)) == -1 ||
	    access(path, F_OK) == -1)
		return;
	indent(x->depth);
	printf("%s says where it goes from there\n", path);
}

static void
explain_alias(struct explain *x, const struct addr *a,
    const struct rcpt_decision *d)
{
	char domain[ADDR_DOMAIN_MAX + 1];
	struct buf text;

	buf_init(&text, CONTROL_TABLE_MAX);
	decision_print(d, &text);
	indent(x->depth);
	printf("aliases:%u: %s\n", d->line, buf_cstr(&text));
	buf_free(&text);
	if (x->depth + 1 >= ALIAS_DEPTH_MAX) {
		indent(x->depth);
		printf("this goes round in a circle: the message would bounce\n");
		x->unknown = true;
		return;
	}
	strlcpy(domain, *addr_domain(a) != '\0' ? addr_domain(a) :
	    x->c->first_domain, sizeof(domain));
	x->depth++;
	explain_list(x, a, d->targets, domain);
	x->depth--;
}

static int
explain_target(struct explain *x, const struct addr *a)
{
	struct rcpt_decision d;

	rcpt_decide(x->c, a, &d);
	indent(x->depth);
	printf("%s\n", a->text);
	x->depth++;
	switch (d.kind) {
	case RCPT_MAILBOX:
		indent(x->depth);
		if (d.line != 0)
			printf("users:%u: ", d.line);
		else
			printf("an account of this system (home-maildir): ");
		printf("mailbox %s in %s\n", d.account.address,
		    d.account.maildir);
		explain_forward(x, &d.account);
		break;
	case RCPT_ALIAS:
		explain_alias(x, a, &d);
		break;
	case RCPT_REMOTE:
		explain_remote(x, a);
		break;
	case RCPT_UNKNOWN:
		indent(x->depth);
		printf("domains: %s is local; users and aliases have no such "
		    "address: refused with 550 5.1.1\n", addr_domain(a));
		x->unknown = true;
		break;
	}
	x->depth--;
	return 0;
}

int
admin_rcpt(const char *dir, int argc, char *argv[])
{
	static struct control c;
	struct explain x = { &c, 0, false };
	struct addr a;

	if (argc != 2) {
		fprintf(stderr, "usage: posthouse explain address\n");
		return EX_USAGE;
	}
	control_init(&c, dir, CONTROL_HOSTNAME | CONTROL_DOMAINS |
	    CONTROL_ROUTES | CONTROL_USERS | CONTROL_ALIASES);
	if (control_load(&c, NULL) == -1) {
		fprintf(stderr, "%s\n", c.error);
		return EX_CONFIG;
	}
	if (parse_mailbox(span_str(argv[1]), true, &a) != ADDR_OK) {
		fprintf(stderr, "%s: this is not an address; write one like "
		    "alice@example.org\n", argv[1]);
		return EX_USAGE;
	}
	(void)explain_target(&x, &a);
	control_free(&c);
	return x.unknown ? EX_NOUSER : EX_OK;
}
