/* The parameters of RFC 3461, and whose wishes hold for which recipient. */
#include "dsn.h"

#include "limits.h"
#include "test.h"

static const struct { const char *in; unsigned bits; const char *out; }
notify[] = {
	{ "NEVER", DSN_NEVER, "NEVER" },
	{ "never", DSN_NEVER, "NEVER" },
	{ "SUCCESS", DSN_SUCCESS, "SUCCESS" },
	{ "delay,Success,FAILURE", DSN_SUCCESS | DSN_FAILURE | DSN_DELAY,
	    "SUCCESS,FAILURE,DELAY" },
	{ "FAILURE,FAILURE", DSN_FAILURE, "FAILURE" },
	{ "", 0, "" }, { ",", 0, "" }, { "FAILURE,", 0, "" },
	{ "NEVER,FAILURE", 0, "" }, { "FAILURE,NEVER", 0, "" },
	{ "NEVER,NEVER", 0, "" }, { "FAIL", 0, "" }, { "SUCCESS ", 0, "" },
};

static void
test_notify(void)
{
	char out[DSN_NOTIFY_SIZE];

	for (size_t i = 0; i < sizeof(notify) / sizeof(notify[0]); i++) {
		unsigned bits = dsn_notify_parse(span_str(notify[i].in));

		CHECK(bits == notify[i].bits, notify[i].in);
		dsn_notify_print(bits, out);
		CHECK(strcmp(out, notify[i].out) == 0, notify[i].in);
	}
	test_end("NOTIFY");
}

static const struct { const char *notify, *index; unsigned bits; } of[] = {
	{ NULL, "1", 0 }, { NULL, "1.2", 0 },
	{ "SUCCESS,DELAY", "3", DSN_SUCCESS | DSN_DELAY },
	{ "SUCCESS,DELAY", "3.0", DSN_SUCCESS | DSN_DELAY },
	{ "SUCCESS,DELAY", "3.1", DSN_DELAY },
	{ "SUCCESS,DELAY", "3.0.2", DSN_DELAY },
	{ "SUCCESS,DELAY", "3.2.0", DSN_DELAY },
	{ "SUCCESS", "3.10", DSN_NEVER },
	{ "NEVER", "3.1", DSN_NEVER }, { "FAILURE", "3.1", DSN_FAILURE },
};

static void
test_of(void)
{
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		CHECK(dsn_notify_of(of[i].notify, span_str(of[i].index)) ==
		    of[i].bits, of[i].index);
	test_end("alias targets");
}

static const struct { const char *in; bool plain, utf8; } orcpt[] = {
	{ "rfc822;bob@example.org", true, true },
	{ "rfc822;bob+2Btag@example.org", true, true },
	{ "X400;/c=x", false, false },		/* "=" is always encoded */
	{ "x-name;+09a", true, true },
	{ "rfc822;+2", false, false }, { "rfc822;+2b", false, false },
	{ "rfc822;+0D+0A", false, false }, { "rfc822;+00", false, false },
	{ "rfc822;+7F", false, false }, { "rfc822;", false, false },
	{ ";bob", false, false }, { "rfc822", false, false },
	{ "rfc 822;bob", false, false }, { "rfc822;a b", false, false },
	{ "utf-8;gr\\x{FC}n@example.org", true, true },
	{ "utf-8;gr\303\274n@example.org", false, true },
	{ "utf-8;gr\303n@example.org", false, false },
	{ "rfc822;gr\303\274n@example.org", false, false },
};

static void
test_orcpt(void)
{
	char longest[DSN_ORCPT_MAX + 2];

	for (size_t i = 0; i < sizeof(orcpt) / sizeof(orcpt[0]); i++) {
		struct span s = span_str(orcpt[i].in);

		CHECK(dsn_is_orcpt(s, false) == orcpt[i].plain, orcpt[i].in);
		CHECK(dsn_is_orcpt(s, true) == orcpt[i].utf8, orcpt[i].in);
	}
	memset(longest, 'a', sizeof(longest));
	longest[6] = ';';
	CHECK(dsn_is_orcpt(span_of(longest, DSN_ORCPT_MAX), false), "500");
	CHECK(!dsn_is_orcpt(span_of(longest, DSN_ORCPT_MAX + 1), false), "501");
	test_end("ORCPT");
}

static void
test_envid(void)
{
	char longest[DSN_ENVID_MAX + 1];

	memset(longest, 'a', sizeof(longest));
	CHECK(dsn_is_envid(span_of(longest, DSN_ENVID_MAX)), "100");
	CHECK(!dsn_is_envid(span_of(longest, DSN_ENVID_MAX + 1)), "101");
	CHECK(dsn_is_envid(span_str("QQ+2B314159")), "xtext");
	CHECK(!dsn_is_envid(span_str("a=b")), "=");
	CHECK(!dsn_is_envid(span_str("")), "empty");
	CHECK(!dsn_is_envid(span_str("a+0Ab")), "line end");
	CHECK(dsn_ret_parse(span_str("full")) != NULL, "full");
	CHECK(strcmp(dsn_ret_parse(span_str("hdrs")), "HDRS") == 0, "hdrs");
	CHECK(dsn_ret_parse(span_str("")) == NULL, "empty");
	test_end("ENVID and RET");
}

int
main(void)
{
	test_notify();
	test_of();
	test_orcpt();
	test_envid();
	return test_done();
}
