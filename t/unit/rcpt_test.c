/*
 * Where recipients go: the order of look-ups, details, catch-alls, and the
 * taking apart of alias targets.
 */
#include "rcpt.h"
#include "t/unit/dir.h"

static struct control c;

static const struct { const char *addr; int kind; unsigned line;
    const char *what; } want[] = {
	{ "alice@example.org", RCPT_MAILBOX, 1, "alice@example.org" },
	{ "ALICE@EXAMPLE.org", RCPT_MAILBOX, 1, "alice@example.org" },
	{ "alice+x@example.org", RCPT_MAILBOX, 1, "alice@example.org" },
	{ "alice+x+y@example.org", RCPT_MAILBOX, 1, "alice@example.org" },
	{ "alice+list@example.org", RCPT_MAILBOX, 2, "alice+list@example.org" },
	{ "alice+news@example.org", RCPT_ALIAS, 3, "bob@example.com" },
	{ "alice@example.net", RCPT_UNKNOWN, 0, NULL },
	{ "\"john doe\"@example.org", RCPT_MAILBOX, 3, "\"john doe\"@example.org" },
	{ "sales@example.org", RCPT_ALIAS, 1, "alice,\n bob" },
	{ "sales@example.net", RCPT_ALIAS, 4, "carol" },
	{ "sales+eu@example.net", RCPT_ALIAS, 4, "carol" },
	{ "+x@example.org", RCPT_UNKNOWN, 0, NULL },
	{ "any@catch.example", RCPT_ALIAS, 5, "alice@example.org" },
	{ "sales@catch.example", RCPT_ALIAS, 1, "alice,\n bob" },
	{ "any@elsewhere.example", RCPT_REMOTE, 0, NULL },
	{ "any@sub.example.org", RCPT_REMOTE, 0, NULL },
	{ "alice@[192.0.2.1]", RCPT_REMOTE, 0, NULL },
	{ "nobody@example.org", RCPT_UNKNOWN, 0, NULL },
	{ "mixed@example.org", RCPT_MAILBOX, 4, "mixed@example.org" },
};

static void
load(const char *more)
{
	dir_put_settings(more);
	dir_put("hostname", "mx.example.org\n");
	dir_put("domains", "example.org\nexample.net\ncatch.example\n");
	dir_put("users", "alice@example.org:\nalice+list@example.org:\n"
	    "\"john doe\"@example.org:jd\nmixed@example.org:\n");
	dir_put("aliases", "sales: alice,\n bob\n"
	    "alice+news@example.org: bob@example.com\n"
	    "sales@example.net: carol\n@catch.example: alice@example.org\n"
	    "postmaster: alice@example.org\nmixed: alice@example.org\n");
	CHECK(dir_load(&c, CONTROL_HOSTNAME | CONTROL_DOMAINS | CONTROL_USERS |
	    CONTROL_ALIASES) == 0, test_errors);
}

static void
decide(const char *text, struct rcpt_decision *d)
{
	struct addr a;

	if (parse_mailbox(span_str(text), true, &a) != ADDR_OK)
		errx(1, "%s", text);
	rcpt_decide(&c, &a, d);
}

static void
check_decisions(void)
{
	struct rcpt_decision d;

	load("");
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		decide(want[i].addr, &d);
		CHECK((int)d.kind == want[i].kind && d.line == want[i].line,
		    want[i].addr);
		if (d.kind == RCPT_MAILBOX)
			CHECK(strcmp(d.account.address, want[i].what) == 0,
			    d.account.address);
		if (d.kind == RCPT_ALIAS)
			CHECK(span_is(d.targets, want[i].what), want[i].addr);
	}
	control_free(&c);
	load("recipient-delimiter -_\n");
	decide("alice-x@example.org", &d);
	CHECK(d.kind == RCPT_MAILBOX, "another delimiter");
	decide("alice_x@example.org", &d);
	CHECK(d.kind == RCPT_MAILBOX, "a second delimiter");
	decide("alice+x@example.org", &d);
	CHECK(d.kind == RCPT_UNKNOWN, "no longer a delimiter");
	control_free(&c);
}

/* A domain in another script comes in either form. */
static void
check_forms(void)
{
	struct rcpt_decision d;

	load("");
	dir_put("domains", "example.org\nxn--b-eha.example\n");
	dir_put("users", "alice@xn--b-eha.example:\n");
	dir_put("aliases", "sales: alice\n");
	CHECK(control_refresh(&c) == 1, test_errors);
	decide("alice+x@b\xc3\xbc.example", &d);
	CHECK(d.kind == RCPT_MAILBOX && d.line == 1 && strcmp(d.account.address,
	    "alice@xn--b-eha.example") == 0, "user");
	decide("sales@b\xc3\xbc.example", &d);
	CHECK(d.kind == RCPT_ALIAS, "alias");
	decide("nobody@b\xc3\xbc.example", &d);
	CHECK(d.kind == RCPT_UNKNOWN, "nobody");
	decide("alice@c\xc3\xbc.example", &d);
	CHECK(d.kind == RCPT_REMOTE, "another domain");
	CHECK(control_is_local(&c, "b\xc3\xbc.example"), "local");
	control_free(&c);
}

/* <postmaster> without a domain, RFC 5321 section 4.5.1. */
static void
check_postmaster(void)
{
	struct rcpt_decision d;
	struct addr a;
	struct cur cur;

	load("");
	cur_init(&cur, span_str("<Postmaster>"));
	CHECK(parse_forward_path(&cur, false, &a) == ADDR_OK, "syntax");
	rcpt_decide(&c, &a, &d);
	CHECK(d.kind == RCPT_ALIAS && d.line == 6, "postmaster");
	control_free(&c);
	dir_put("aliases", NULL);
	dir_put("domains", NULL);
	CHECK(dir_load(&c, CONTROL_HOSTNAME | CONTROL_DOMAINS | CONTROL_USERS |
	    CONTROL_ALIASES) == 0, test_errors);
	rcpt_decide(&c, &a, &d);
	CHECK(d.kind == RCPT_UNKNOWN, "never remote");
	control_free(&c);
}

static int
collect(void *arg, const struct addr *a)
{
	strlcat(arg, a->text, 1024);
	strlcat(arg, ";", 1024);
	return 0;
}

static void
check_targets(void)
{
	static const struct { const char *in, *out; int r; } t[] = {
		{ "a", "a@d.example;", 0 },
		{ "a,b@c.example", "a@d.example;b@c.example;", 0 },
		{ " a ,\n\t b@C.Example , ", "a@d.example;b@c.example;", 0 },
		{ "\"x, y\"@c.example,z", "\"x, y\"@c.example;z@d.example;", 0 },
		{ "", "", 0 }, { ",,", "", 0 },
		{ "a b", "", -1 }, { "a@b@c", "", -1 }, { "|cat", "", 0 },
		{ "a,/file,\\b", "a@d.example;b@d.example;", 0 },
		{ "\"unclosed,a", "", -1 }, { ":include:/x", "", 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char out[1024] = "";

		CHECK(alias_targets(span_str(t[i].in), "d.example", collect,
		    out) == t[i].r, t[i].in);
		CHECK(strcmp(out, t[i].out) == 0, out);
	}
}

int
main(void)
{
	dir_make();
	check_decisions();
	check_postmaster();
	check_forms();
	check_targets();
	dir_remove();
	return failures != 0;
}
