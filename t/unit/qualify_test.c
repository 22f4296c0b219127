/* Addresses without a domain: qualified, and no other byte is touched. */
#include "qualify.h"

#include "test.h"

static const struct {
	const char *in, *out;
} fields[] = {
	{ "To: bob\n", "To: bob@x.test\n" },
	{ "To: bob, ann@b.example,\n\tcarol\n",
	    "To: bob@x.test, ann@b.example,\n\tcarol@x.test\n" },
	{ "To: Bob B <bob>\r\n", "To: Bob B <bob@x.test>\r\n" },
	{ "To: bob (the\n builder), \"a, b\" <c>\n",
	    "To: bob@x.test (the\n builder), \"a, b\" <c@x.test>\n" },
	{ "To: (who) bob\n", "To: (who) bob@x.test\n" },
	{ "To: team: bob, ann@b.example, carol;, dan\n",
	    "To: team: bob@x.test, ann@b.example, carol@x.test;, dan@x.test\n" },
	{ "To: undisclosed-recipients:;\n", "To: undisclosed-recipients:;\n" },
	{ "From: =?utf-8?q?J=C3=BCrgen?= <j.k>\n",
	    "From: =?utf-8?q?J=C3=BCrgen?= <j.k@x.test>\n" },
	{ "To: \"bob b\"\n", "To: \"bob b\"@x.test\n" },
	{ "To: \"b\\\"b\" <\"b b\">\n", "To: \"b\\\"b\" <\"b b\"@x.test>\n" },
	{ "To: <>\n", "To: <>\n" },
	{ "To:\n", "To:\n" },
	{ "To: bob b <\n", "To: bob b <\n" },
	{ "To: bob, <<>>, carol\n", "To: bob, <<>>, carol\n" },
	{ "To: ann@b.example\n", "To: ann@b.example\n" },
};

static const struct {
	const char *name;
	bool is;
} names[] = {
	{ "from", true }, { "Reply-To", true }, { "Resent-Cc", true },
	{ "BCC", true }, { "sender", true }, { "Subject", false },
	{ "Resent-", false }, { "Resent-Date", false }, { "Tor", false },
};

int
main(void)
{
	struct header_field f;
	struct span rest;
	struct buf out;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		rest = span_str(fields[i].in);
		buf_init(&out, 4096);
		CHECK(header_next(&rest, &f) == HEADER_FIELD, fields[i].in);
		CHECK(qualify_field(&f, "x.test", &out) == 0, fields[i].in);
		CHECK_SPAN(buf_span(&out), fields[i].out, fields[i].in);
		buf_free(&out);
	}
	test_end("fields");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(qualify_is_for(span_str(names[i].name)) == names[i].is,
		    names[i].name);
	test_end("names");
	return test_done();
}
