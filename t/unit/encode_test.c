/*
 * base64, quoted-printable, encoded-words and charsets: tables, round trips
 * and mail-parser's vectors of unstructured fields.
 */
#include "encode.h"

#include "header.h"
#include "json.h"

static const struct { const char *text, *code; } base64[] = {
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" },
	{ "\xfb\xff", "+/8=" },
};

static const char *const not_base64[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==",
	"Zm9=", "Zm9v=", "====", "=", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm-_",
	"Z=9v", "Zm 9v", "Zg=x" };

static void
test_base64(void)
{
	struct buf out;

	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(base64) / sizeof(base64[0]); i++) {
		buf_clear(&out);
		CHECK(base64_encode(span_str(base64[i].text), &out) == 0,
		    base64[i].code);
		CHECK_SPAN(buf_span(&out), base64[i].code, base64[i].text);
		buf_clear(&out);
		CHECK(base64_decode(span_str(base64[i].code), &out) == 0,
		    base64[i].code);
		CHECK_SPAN(buf_span(&out), base64[i].text, base64[i].code);
	}
	for (size_t i = 0; i < sizeof(not_base64) / sizeof(not_base64[0]); i++) {
		buf_clear(&out);
		CHECK(base64_decode(span_str(not_base64[i]), &out) == -1,
		    not_base64[i]);
	}
	buf_clear(&out);
	base64_decode_body(span_str("Zm9v\r\nY m!Fy\n=\nZg"), &out);
	CHECK_SPAN(buf_span(&out), "foobarf", "body");
	buf_clear(&out);
	base64_decode_body(span_str("Zm8=Zm8=\n"), &out);
	CHECK_SPAN(buf_span(&out), "fofo", "joined bodies");
	buf_free(&out);
	buf_init(&out, 2);
	CHECK(base64_decode(span_str("Zm9v"), &out) == -1, "bounded");
	buf_clear(&out);
	CHECK(base64_encode(span_str("f"), &out) == -1, "bounded");
	buf_free(&out);
	test_end("base64");
}

static const struct { const char *in, *out; } qp[] = {
	{ "", "" }, { "a=3Db", "a=b" }, { "a=3db", "a=b" },
	{ "a=\nb", "ab" }, { "a=\r\nb", "ab" }, { "a= \t\nb", "ab" },
	{ "a  \nb\t\r\n", "a\nb\r\n" }, { "a=", "a" }, { "a=3", "a=3" },
	{ "a=zz b", "a=zz b" }, { "=E4=C3=A4", "\xe4\xc3\xa4" },
	{ "=20\n", " \n" }, { "a\n\n=\n\nb", "a\n\n\nb" }, { "==", "=" },
	{ "=3D=", "=" },
};

static void
test_qp(void)
{
	struct buf out;

	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(qp) / sizeof(qp[0]); i++) {
		buf_clear(&out);
		CHECK(qp_decode_body(span_str(qp[i].in), &out) == 0, qp[i].in);
		CHECK_SPAN(buf_span(&out), qp[i].out, qp[i].in);
	}
	buf_clear(&out);
	qp_decode_body(span_str("a=00b"), &out);
	CHECK(out.len == 3 && out.p[1] == 0, "an encoded NUL is a byte");
	buf_free(&out);
	test_end("quoted-printable");
}

static const struct { const char *in, *out; } words[] = {
	{ "", "" }, { "plain  text", "plain  text" },
	{ "=?utf-8?q?a_b=C3=A4?=", "a b\xc3\xa4" },
	{ "=?UTF-8?B?w6Q=?= x", "\xc3\xa4 x" },
	{ "=?utf-8?q?a?= =?utf-8?q?b?=", "ab" },
	{ "=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b" },
	{ "=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4" },
	{ "=?utf-8?q?=C3?= =?iso-8859-1?q?=E4?=", "\xef\xbf\xbd\xc3\xa4" },
	{ "=?iso-8859-1*de?q?=E4?=", "\xc3\xa4" },
	{ "=?iso-8859-15?q?=A4?=", "\xe2\x82\xac" },
	{ "=?windows-1252?q?=80?=", "\xe2\x82\xac" },
	{ "=?koi8-r?b?8NLJ18XU?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" },
	{ "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?x-unknown?q?=E4?=", "\xc3\xa4" },
	{ "=?x-unknown?q?=C3=A4?=", "\xc3\xa4" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" }, { "=?", "=?" }, { "=?=", "=?=" },
	{ "=?utf-8?q?=0D=0ABcc:_x=00?=", "  Bcc: x " },
	{ "a\r\n b\n\tc", "a b\tc" }, { "\xe4", "\xc3\xa4" },
	{ "\xc3\xa4", "\xc3\xa4" }, { "a=?utf-8?q?b?=c", "abc" },
	{ "=?/etc/passwd?q?=E4?=", "=?/etc/passwd?q?=E4?=" },
};

static void
test_words(void)
{
	struct buf out;

	buf_init(&out, 256);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		buf_clear(&out);
		CHECK(words_decode(span_str(words[i].in), &out) == 0,
		    words[i].in);
		CHECK_SPAN(buf_span(&out), words[i].out, words[i].in);
	}
	buf_free(&out);
	test_end("encoded-words");
}

static const struct { const char *in, *out; } encodes[] = {
	{ "plain text", "plain text" }, { "", "" },
	{ "\xc3\xa4", "=?UTF-8?B?w6Q=?=" },
	{ "a \xc3\xa4 b \xc3\xa4 \xc3\xa4",
	    "a =?UTF-8?B?w6Q=?= b =?UTF-8?B?w6Qgw6Q=?=" },
	{ "=?x", "=?UTF-8?B?PT94?=" },
	{ "a\nBcc: x", "=?UTF-8?B?YQpCY2M6?= x" },
	{ "\xe4", "=?UTF-8?B?w6Q=?=" },
};

static const char *const round_trips[] = { "a", "\xc3\xa4\xc3\xb6", "a  b",
	" \xc3\xa4  \xc3\xa4 ", "a=?b", "=?utf-8?q?a?=",
	"\xc3\xa4 a \xc3\xa4  a  \xc3\xa4 \xc3\xa4",
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xf0\x9f\x93\xac end" };

static void
test_encode(void)
{
	struct buf out, back;

	buf_init(&out, 1024);
	buf_init(&back, 1024);
	for (size_t i = 0; i < sizeof(encodes) / sizeof(encodes[0]); i++) {
		buf_clear(&out);
		CHECK(words_encode(span_str(encodes[i].in), &out) == 0,
		    encodes[i].in);
		CHECK_SPAN(buf_span(&out), encodes[i].out, encodes[i].in);
	}
	for (size_t i = 0; i < sizeof(round_trips) / sizeof(round_trips[0]); i++) {
		struct span word;
		struct cur c;

		buf_clear(&out);
		buf_clear(&back);
		words_encode(span_str(round_trips[i]), &out);
		words_decode(buf_span(&out), &back);
		CHECK_SPAN(buf_span(&back), round_trips[i], round_trips[i]);
		for (cur_init(&c, buf_span(&out)); !cur_end(&c); cur_next(&c)) {
			word = cur_until(&c, ' ');
			CHECK(word.len <= 75, "RFC 2047 section 2");
		}
	}
	buf_free(&out);
	buf_free(&back);
	test_end("encode words");
}

static bool
decoded_is(const char *text, const char *charset, const char *want)
{
	struct buf out;
	bool is;

	buf_init(&out, 64);
	charset_decode(span_str(text), span_str(charset), &out);
	is = span_is(buf_span(&out), want);
	buf_free(&out);
	return is;
}

static void
test_charsets(void)
{
	static const char *const bad[] = { "", "x", "utf-8//IGNORE", "../x",
	    "iso-8859-1/x", "utf-16//TRANSLIT", "cp", "unicode", "ebcdic-us",
	    "iso-2022-cn-ext" };
	struct span s = span_of("\x00\xd8\x41\x00", 4);	/* half a surrogate */
	struct buf out;

	buf_init(&out, 64);
	charset_prepare();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(decoded_is("\xe4", bad[i], "\xc3\xa4"), bad[i]);
	CHECK(decoded_is("\xa4", "ISO-8859-15", "\xe2\x82\xac"), "known");
	charset_decode(s, span_str("utf-16le"), &out);
	CHECK(out.len > 0, "goes on after what is broken");
	buf_clear(&out);
	charset_decode(span_str("a\xff" "b"), span_str("utf-8"), &out);
	CHECK_SPAN(buf_span(&out), "a\xef\xbf\xbd" "b", "replaced");
	buf_clear(&out);
	charset_decode(span_str("\x1b$B"), span_str("iso-2022-jp"), &out);
	buf_clear(&out);
	for (int i = 0; i < 100; i++) {		/* more than are kept open */
		char name[32];

		snprintf(name, sizeof(name), "iso-8859-%d", i);
		buf_clear(&out);
		charset_decode(span_str("a"), span_str(name), &out);
		CHECK_SPAN(buf_span(&out), "a", name);
	}
	buf_free(&out);
	test_end("charsets");
}

static void
test_hostile(void)
{
	static const char *const units[] = { "=?utf-8?q?", "=?", "=?utf-8?q?a?= ",
	    "=?utf-8?q?a?=", "=", "?", " ", "=?utf-8?b?", "=?a?q?", "\xff", "=\n",
	    "=?utf-8?q?\xff?= =?iso-8859-1?q?\xff?= " };
	struct buf in, out;

	buf_init(&in, 2 << 20);
	buf_init(&out, 8 << 20);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		buf_clear(&in);
		while (in.len < (1 << 20))
			buf_adds(&in, units[i]);
		buf_clear(&out);
		CHECK(words_decode(buf_span(&in), &out) == 0, units[i]);
		buf_clear(&out);
		CHECK(words_encode(buf_span(&in), &out) == 0, units[i]);
		buf_clear(&out);
		CHECK(qp_decode_body(buf_span(&in), &out) == 0, units[i]);
		buf_clear(&out);
		CHECK(base64_decode_body(buf_span(&in), &out) == 0, units[i]);
	}
	buf_free(&in);
	buf_free(&out);
	test_end("hostile encodings");
}

/* These of the vectors differ, and why. */
static const struct { size_t n; const char *why; } vectors_differ[] = {
	{ 2, "unfolding keeps white space (RFC 5322 2.2.3)" },
	{ 3, "the same" }, { 4, "the same" }, { 19, "the same" },
	{ 21, "no space is added before a word that has none" },
	{ 22, "nor behind" }, { 27, "as 21" }, { 28, "as 21" },
};

static void
test_vectors(void)
{
	struct json *all = json_data("mime/mail-parser-rust/unstructured.json");
	struct buf got;
	size_t n = 0;

	if (all == NULL) {
		test_skip("unstructured vectors", "no test material");
		return;
	}
	buf_init(&got, 65536);
	for (const struct json *j = all->child; j != NULL; j = j->next, n++) {
		struct span want = json_span(json_get(j, "expected")), rest;
		struct header_field f;
		struct buf text;
		bool differs = false, same;

		for (size_t i = 0; i < sizeof(vectors_differ) /
		    sizeof(vectors_differ[0]); i++)
			differs = differs || vectors_differ[i].n == n;
		buf_init(&text, 65536);
		buf_adds(&text, "Subject:");
		buf_addspan(&text, json_span(json_get(j, "header")));
		rest = buf_span(&text);
		header_next(&rest, &f);
		buf_clear(&got);
		words_decode(header_trim(f.body), &got);
		same = span_eq(buf_span(&got), want);
		if (same == differs)
			printf("# vector %zu: %sgot: %.*s\nwant: %.*s\n", n,
			    buf_cstr(&text), (int)got.len, (char *)got.p,
			    (int)want.len, (const char *)want.p);
		CHECK(same != differs, "vector");
		buf_free(&text);
	}
	CHECK(n >= 29, "all vectors are there");
	buf_free(&got);
	json_free(all);
	test_end("unstructured vectors of mail-parser");
}

int
main(void)
{
	test_base64();
	test_qp();
	test_words();
	test_encode();
	test_charsets();
	test_hostile();
	test_vectors();
	return test_done();
}
