/*
 * posthouse explain ADDRESS: which file and line decide where mail for an
 * address goes, through every alias to mailboxes and hosts.
 */
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "ex.h"

struct explain {
	const struct control *c;
	int depth;
	bool unknown;
};

static int	explain_target(void *, const struct addr *);

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
	(void)alias_targets(d->targets, domain, explain_target, x);
	x->depth--;
}

static int
explain_target(void *arg, const struct addr *a)
{
	struct explain *x = arg;
	struct rcpt_decision d;

	rcpt_decide(x->c, a, &d);
	indent(x->depth);
	printf("%s\n", a->text);
	x->depth++;
	switch (d.kind) {
	case RCPT_MAILBOX:
		indent(x->depth);
		printf("users:%u: mailbox %s in %s\n", d.line,
		    d.account.address, d.account.maildir);
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
