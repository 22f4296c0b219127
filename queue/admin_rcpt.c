/*
 * posthouse explain ADDRESS: which file and line decide where mail for an
 * address goes, through every alias to mailboxes and hosts; and, when asked, what DNS says
 * of those hosts now.  As text or as JSON (RFC 8259).
 */
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "dns.h"
#include "ex.h"
#include "idna.h"
#include "queue_schedule.h"

struct explain {
	const struct control *c;
	int depth;
	bool json, dns;		/* as JSON; and ask DNS */
	bool any;		/* a step was printed */
	int naliases;
	const struct addr *aliases[ALIAS_DEPTH_MAX];	/* that led here */
	bool unknown;
};

static int	explain_target(struct explain *, const struct addr *);

/* JSON is UTF-8 (RFC 8259 section 8.1); a path or a command may be anything. */
static void
json_string(const char *s)
{
	bool clean = is_utf8(span_str(s));

	putchar('"');
	for (; *s != '\0'; s++)
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < ' ' || *s == 0x7f)
			printf("\\u%04x", (unsigned char)*s);
		else if (!clean && (unsigned char)*s >= 0x80)
			putchar('?');
		else
			putchar(*s);
	putchar('"');
}

static void
put(struct explain *x, const char *key, const char *file, unsigned line,
    const char *text)
{
	if (x->json) {
		printf("%s\n{\"depth\":%d,", x->any ? "," : "", x->depth);
		if (file != NULL)
			printf("\"file\":\"%s\",", file);
		if (line != 0)
			printf("\"line\":%u,", line);
		printf("\"%s\":", key);
		json_string(text);
		putchar('}');
	} else {
		printf("%*s", 4 * x->depth, "");
		if (line != 0)
			printf("%s:%u: ", file, line);
		else if (file != NULL)
			printf("%s: ", file);
		printf("%s\n", text);
	}
	x->any = true;
}

/* One step: what FILE:LINE says; line 0: none of its lines; file NULL: what follows from
 * the step before. */
static void step(struct explain *, const char *file, unsigned line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void
step(struct explain *x, const char *file, unsigned line, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) == -1)
		exit(EX_OSERR);
	va_end(ap);
	put(x, "text", file, line, text);
	free(text);
}

static int
mx_order(const void *a, const void *b)
{
	const struct dns_mx *x = a, *y = b;

	return x->pref != y->pref ? (x->pref < y->pref ? -1 : 1) :
	    strcmp(x->host, y->host);
}

static int
text_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The addresses of one host, in an order that is always the same. */
static enum dns_result
explain_host(struct explain *x, const char *what, const char *host)
{
	struct sockaddr_storage ss[DNS_ADDR_MAX];
	char text[DNS_ADDR_MAX][NI_MAXHOST];
	enum dns_result r;
	size_t n = 0;
	struct buf all;

	if (dns_is_address(host)) {
		step(x, "dns", 0, "%s%s: an address, where the name of a host "
		    "must stand", what, host);
		return DNS_NONE;
	}
	if ((r = dns_addr(host, 25, ss, &n)) != DNS_OK) {
		step(x, "dns", 0, "%s%s: %s", what, host, r == DNS_TEMP ?
		    "no answer about its addresses" : "no address");
		return r;
	}
	for (size_t i = 0; i < n; i++)
		if (getnameinfo((struct sockaddr *)&ss[i], sizeof(ss[i]),
		    text[i], sizeof(text[i]), NULL, 0, NI_NUMERICHOST) != 0)
			strlcpy(text[i], "?", sizeof(text[i]));
	qsort(text, n, sizeof(text[0]), text_order);
	buf_init(&all, DNS_ADDR_MAX * (NI_MAXHOST + 2));
	for (size_t i = 0; i < n; i++)
		buf_addf(&all, "%s%s", i > 0 ? ", " : "", text[i]);
	step(x, "dns", 0, "%s%s: %s", what, host, buf_cstr(&all));
	buf_free(&all);
	return DNS_OK;
}

/* What becomes of the message, of all its hosts; named: by routes, not by DNS. */
static void
explain_outcome(struct explain *x, enum dns_result r, bool named)
{
	if (r == DNS_OK)
		return;
	if (named || r == DNS_TEMP) {
		step(x, "dns", 0, "the message would wait");
		return;
	}
	step(x, "dns", 0, "the message would bounce with 5.4.4");
	x->unknown = true;
}

/* As deliver-remote does it (RFC 5321 section 5.1): how many of n hosts, which are in
 * their order, are left when this one and what is not better are not. */
static size_t
explain_self(struct explain *x, const struct dns_mx *mx, size_t n)
{
	size_t self = 0, left = 0;

	while (self < n && strcasecmp(mx[self].host, x->c->hostname) != 0)
		self++;
	if (self == n)
		return n;
	while (mx[left].pref < mx[self].pref)
		left++;
	step(x, "dns", 0, "MX %u %s is this host: %s", mx[self].pref,
	    mx[self].host, left > 0 ? "it and all that are not better are left "
	    "out" : "the message would bounce with 5.4.6");
	x->unknown = x->unknown || left == 0;
	return left;
}

/* RFC 5321 section 5.1: what would be connected to. */
static void
explain_mx(struct explain *x, const char *domain)
{
	enum dns_result all = DNS_NONE, r;
	struct dns_mx mx[DNS_MX_MAX];
	size_t n = 0;
	bool null = false;
	char what[32], ascii[ADDR_DOMAIN_MAX + 1];

	if (idna_ascii(domain, ascii, sizeof(ascii)) == 0)
		domain = ascii;
	switch (dns_mx(domain, mx, &n, &null)) {
	case DNS_OK:
		break;
	case DNS_NONE:
		explain_outcome(x, explain_host(x, "no MX, so the domain's own "
		    "address: ", domain), false);
		return;
	case DNS_NXDOMAIN:
		step(x, "dns", 0, "%s does not exist: the message would "
		    "bounce with 5.1.2", domain);
		x->unknown = true;
		return;
	case DNS_TEMP:
		step(x, "dns", 0, "no answer about %s: the message would wait",
		    domain);
		return;
	}
	if (null) {
		step(x, "dns", 0, "%s takes no mail (null MX): the message "
		    "would bounce with 5.1.10", domain);
		x->unknown = true;
		return;
	}
	qsort(mx, n, sizeof(mx[0]), mx_order);
	if ((n = explain_self(x, mx, n)) == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		snprintf(what, sizeof(what), "MX %u ", mx[i].pref);
		r = explain_host(x, what, mx[i].host);
		if (r == DNS_OK || (r == DNS_TEMP && all != DNS_OK))
			all = r;
	}
	explain_outcome(x, all, false);
}

/* What becomes of it when it is deferred: by the route, or else the settings. */
static void
explain_schedule(struct explain *x, const char *domain, const struct route *r,
    unsigned line)
{
	bool own = r->retry_first != 0 || r->lifetime != 0;
	struct schedule rule;
	unsigned jobs;
	struct buf b;

	schedule_for(x->c, domain, &rule, &jobs);
	buf_init(&b, CONTROL_LINE_MAX);
	schedule_print(&rule, &b);
	step(x, own ? "routes" : "settings", own ? line : 0, "if deferred, %s; "
	    "at most %u at once", buf_cstr(&b), jobs);
	buf_free(&b);
}

static void
explain_remote(struct explain *x, const struct addr *a)
{
	static const char *const tls[] = { [TLS_NONE] = "no TLS",
	    [TLS_MAY] = "TLS if offered", [TLS_ENCRYPT] = "TLS or nothing",
	    [TLS_VERIFY] = "TLS with a verified name" };
	const char *domain = addr_domain(a), *none;
	struct route r;
	struct buf where;
	unsigned line;

	line = route_find(x->c, domain, &r);
	none = line == 0 ? "no line fits: " : "";
	buf_init(&where, CONTROL_LINE_MAX);
	route_print(&r, &where);
	step(x, "domains", 0, "%s is not local", domain);
	if (strcmp(r.host, "mx:") == 0)
		step(x, "routes", line, "%sto %s %s, %s", none,
		    domain[0] == '[' ? "the address" : "the MX of", domain,
		    tls[r.tls]);
	else
		step(x, "routes", line, "%sto %s, %s%s", none,
		    buf_cstr(&where), tls[r.tls],
		    r.user[0] != '\0' ? ", with a password" : "");
	if (!span_isascii(addr_local(a)))
		step(x, NULL, 0, "a server without SMTPUTF8 cannot take this "
		    "address: from there the message would bounce");
	explain_schedule(x, domain, &r, line);
	if (x->dns && strcmp(r.host, "mx:") == 0 && domain[0] != '[')
		explain_mx(x, domain);
	else if (x->dns && r.host[0] != '[' && strcmp(r.host, "mx:") != 0)
		explain_outcome(x, explain_host(x, "", r.host), true);
	buf_free(&where);
	buf_zero(&r, sizeof(r));
}

/* "\name" and an alias's own address: the mailbox. */
static void
explain_mailbox(struct explain *x, const struct addr *a)
{
	struct rcpt_decision d;

	rcpt_mailbox(x->c, a, &d);
	if (d.kind == RCPT_MAILBOX)
		step(x, NULL, 0, "the mailbox itself: %s in %s",
		    d.account.address, d.account.maildir);
	else {
		step(x, NULL, 0, "%s is no mailbox: the message would bounce",
		    a->text);
		x->unknown = true;
	}
}

static void
explain_include(struct explain *x, const char *path)
{
	bool readable = access(path, R_OK) == 0;

	step(x, NULL, 0, "the addresses in %s%s%s", path, readable ? "" :
	    ", which cannot be read now: ", readable ? "" : strerror(errno));
}

static void
explain_item(struct explain *x, const struct addr *alias,
    const struct target_item *item)
{
	const struct ids *who = &x->c->set.program_user;

	switch (item->kind) {
	case TARGET_PROGRAM:
		if (who->uid == (uid_t)-1)
			step(x, NULL, 0, "the program \"%s\"", item->text);
		else
			step(x, NULL, 0, "the program \"%s\", as uid %lu",
			    item->text, (unsigned long)who->uid);
		break;
	case TARGET_FILE:
		step(x, NULL, 0, "the file %s", item->text);
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

	if (alias_owner(x->c, alias, owner, sizeof(owner)))
		step(x, NULL, 0, "a new message, from %s", owner);
	targets_init(&t, targets, domain, false);
	while ((r = targets_next(&t, &item, &wrong)) != 0)
		if (r == 1)
			explain_item(x, alias, &item);
}

/* The owner may have it go elsewhere. */
static void
explain_forward(struct explain *x, const struct account *a)
{
	char path[600];

	if (account_forward(a, path, sizeof(path)) == 0 &&
	    access(path, F_OK) == 0)
		step(x, NULL, 0, "%s says where it goes from there", path);
}

static bool
comes_again(const struct explain *x, const struct addr *a)
{
	for (int i = 0; i < x->naliases; i++)
		if (strcmp(x->aliases[i]->text, a->text) == 0)
			return true;
	return false;
}

static void
explain_alias(struct explain *x, const struct addr *a,
    const struct rcpt_decision *d)
{
	char domain[ADDR_DOMAIN_MAX + 1];
	struct buf text;

	buf_init(&text, CONTROL_TABLE_MAX);
	decision_print(d, &text);
	step(x, "aliases", d->line, "%s", buf_cstr(&text));
	buf_free(&text);
	if (comes_again(x, a) || x->naliases == ALIAS_DEPTH_MAX) {
		step(x, "aliases", d->line, "this goes round in a circle: the "
		    "message would bounce");
		x->unknown = true;
		return;
	}
	strlcpy(domain, *addr_domain(a) != '\0' ? addr_domain(a) :
	    x->c->first_domain, sizeof(domain));
	x->aliases[x->naliases++] = a;
	x->depth++;
	explain_list(x, a, d->targets, domain);
	x->depth--;
	x->naliases--;
}

/* "@example.com: @example.org" has put another domain in the place of the address's own. */
static void
explain_domain(struct explain *x, const struct addr *a,
    const struct rcpt_decision *d)
{
	char key[ADDR_DOMAIN_MAX + 8];
	struct span target;
	unsigned line;

	snprintf(key, sizeof(key), "@%s", addr_domain(a));
	if (d->is_catchall && table_find(&x->c->aliases, span_str(key),
	    &target, &line) && line != d->line)
		step(x, "aliases", line, "%s is another name for %.*s",
		    key, (int)target.len, (const char *)target.p);
}

/* What was found is the address without its detail. */
static void
explain_detail(struct explain *x, const struct addr *a,
    const struct rcpt_decision *d)
{
	struct span detail = rcpt_detail(x->c, a);
	char local[ADDR_MAX + 1];

	strlcpy(local, a->text, sizeof(local));
	local[a->local_len] = '\0';
	if (detail.len == 0 || d->is_catchall || d->kind == RCPT_UNKNOWN ||
	    d->kind == RCPT_REMOTE ||
	    table_find(&x->c->aliases, span_str(a->text), NULL, NULL) ||
	    table_find(&x->c->users, span_str(a->text), NULL, NULL) ||
	    table_find(&x->c->aliases, span_str(local), NULL, NULL))
		return;
	step(x, "settings", 0, "recipient-delimiter: looked up without \"%.*s\"%s",
	    (int)detail.len + 1, (const char *)detail.p - 1,
	    d->kind == RCPT_MAILBOX && x->c->set.detail_folders ?
	    ", which is its folder if there is one of that name" : "");
}

static int
explain_target(struct explain *x, const struct addr *a)
{
	struct rcpt_decision d;

	rcpt_decide(x->c, a, &d);
	put(x, "address", NULL, 0, a->text);
	x->depth++;
	explain_domain(x, a, &d);
	explain_detail(x, a, &d);
	switch (d.kind) {
	case RCPT_MAILBOX:
		step(x, d.line != 0 ? "users" : NULL, d.line,
		    "%smailbox %s in %s", d.line != 0 ? "" :
		    "an account of this system (home-maildir): ",
		    d.account.address, d.account.maildir);
		explain_forward(x, &d.account);
		break;
	case RCPT_ALIAS:
		explain_alias(x, a, &d);
		break;
	case RCPT_REMOTE:
		explain_remote(x, a);
		break;
	case RCPT_UNKNOWN:
		step(x, "domains", 0, "%s is local; users and aliases have no "
		    "such address: refused with 550 5.1.1", addr_domain(a));
		x->unknown = true;
		break;
	}
	x->depth--;
	return 0;
}

static int
usage(void)
{
	fprintf(stderr, "usage: posthouse explain [-dj] address\n");
	return EX_USAGE;
}

static int
options(struct explain *x, int argc, char *argv[])
{
	int ch;

	optind = 1;
	while ((ch = getopt(argc, argv, "+dj")) != -1)
		if (ch == 'd')
			x->dns = true;
		else if (ch == 'j')
			x->json = true;
		else
			return -1;
	return argc - optind == 1 ? 0 : -1;
}

/* A name without a domain is in the first one, as sendmail(1) takes it. */
static bool
parse_argument(const struct control *c, const char *text, struct addr *a)
{
	char full[ADDR_MAX + 8];

	if (parse_mailbox(span_str(text), true, a) == ADDR_OK)
		return true;
	return (size_t)snprintf(full, sizeof(full), "%s@%s", text,
	    c->first_domain) < sizeof(full) &&
	    parse_mailbox(span_str(full), true, a) == ADDR_OK;
}

int
admin_rcpt(const char *dir, int argc, char *argv[])
{
	static struct control c;
	struct explain x = { .c = &c };
	struct addr a;
	bool itself;

	if (options(&x, argc, argv) == -1)
		return usage();
	control_init(&c, dir, CONTROL_HOSTNAME | CONTROL_DOMAINS |
	    CONTROL_ROUTES | CONTROL_USERS | CONTROL_ALIASES);
	if (control_load(&c, NULL) == -1) {
		fprintf(stderr, "%s\n", c.error);
		return EX_CONFIG;
	}
	itself = argv[optind][0] == '\\';
	if (!parse_argument(&c, argv[optind] + itself, &a)) {
		fprintf(stderr, "%s: this is not an address; write one like "
		    "alice@example.org\n", argv[optind]);
		return EX_USAGE;
	}
	if (x.dns && dns_init() == -1) {
		fprintf(stderr, "explain: DNS cannot be used here\n");
		return EX_OSERR;
	}
	if (x.json) {
		fputs("{\"address\":", stdout);
		json_string(a.text);
		fputs(",\"steps\":[", stdout);
	}
	if (itself)		/* as mailq shows it */
		explain_mailbox(&x, &a);
	else
		(void)explain_target(&x, &a);
	if (x.json)
		printf("\n],\"deliverable\":%s}\n",
		    x.unknown ? "false" : "true");
	control_free(&c);
	return x.unknown ? EX_NOUSER : EX_OK;
}
