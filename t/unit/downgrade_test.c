/* Surrogate headers: RFC 6858 section 2, field by field. */
#include "downgrade.h"

#include "t/unit/test.h"

#define NOBODY	"<invalid@internationalized-address.invalid>"

static const struct { const char *in, *out; } rows[] = {
	/* what is ASCII stays, byte by byte */
	{ "From: a@b\nX:  y\r\n\tz\r\n", "From: a@b\nX:  y\r\n\tz\r\n" },
	/* 2.1: addresses */
	{ "From: Fred <fr\303\251d@example.org>\n",
	    "From: =?UTF-8?B?ZnLDqWRAZXhhbXBsZS5vcmc=?= " NOBODY "\n" },
	{ "From: Fr\303\251d <fred@example.org>\n",
	    "From: =?UTF-8?B?RnLDqWQ=?= <fred@example.org>\n" },
	{ "To: a@b, \"x, y\" <c@d>, \303\251 <e@f>\n",
	    "To: <a@b>,\n \"x, y\" <c@d>,\n =?UTF-8?B?w6k=?= <e@f>\n" },
	{ "cc: fr\303\251d@m\303\274ller.example\n",
	    "cc: =?UTF-8?B?ZnLDqWRAbcO8bGxlci5leGFtcGxl?= " NOBODY "\n" },
	{ "Sender: fred@m\303\274ller.example\n",
	    "Sender: <fred@xn--mller-kva.example>\n" },
	{ "To: gr\303\251: a@b, \303\251@c;, d@e\n",
	    "To: =?UTF-8?B?Z3LDqQ==?=: <a@b>,\n =?UTF-8?B?w6lAYw==?= " NOBODY
	    ";,\n <d@e>\n" },
	{ "To: undisclosed:; (\303\251)\n", "To: \"undisclosed\":;\n" },
	{ "Return-Path: <\303\251@x>\n",
	    "Return-Path: =?UTF-8?B?w6lAeA==?= " NOBODY "\n" },
	/* 2.2: parameters */
	{ "Content-Disposition: attachment; filename=\303\251.txt\n",
	    "Content-Disposition: attachment\n" },
	{ "Content-Type: text/plain; name=\"\303\251\"; charset=utf-8\n",
	    "Content-Type: text/plain;\n charset=\"utf-8\"\n" },
	/* 2.3: Subject */
	{ "Subject: gr\303\274n ist die Hoffnung\n",
	    "Subject: =?UTF-8?B?Z3LDvG4=?= ist die Hoffnung\n" },
	{ "SUBJECT: a\r\n \303\251\r\n", "SUBJECT: a\n =?UTF-8?B?w6k=?=\n" },
	/* 2.4: the rest */
	{ "X-\303\251: y\nX: \303\251\nY: z\n", "Y: z\n" },
	{ "X: y\nno field \303\251\nno field\nY: z\n", "X: y\nno field\nY: z\n" },
};

static const struct { const char *in; bool needed; } looks[] = {
	{ "", false }, { "A: b\n", false }, { "A: \303\251\n", true },
	{ "A: \351\n", false },		/* Latin-1: not ours to translate */
	{ "A: \303\251 \351\n", false },
};

int
main(void)
{
	struct buf out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&out, 4096);
		CHECK(downgrade_header(span_str(rows[i].in), &out) == 0,
		    rows[i].in);
		CHECK_SPAN(buf_span(&out), rows[i].out, rows[i].in);
		buf_free(&out);
	}
	test_end("fields");
	buf_init(&out, 10);
	CHECK(downgrade_header(span_str(rows[1].in), &out) == -1, "full");
	buf_free(&out);
	test_end("a limit");
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		CHECK(downgrade_needed(span_str(looks[i].in)) ==
		    looks[i].needed, looks[i].in);
	test_end("which headers");
	return test_done();
}
