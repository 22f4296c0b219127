/*
 * The argument grammar of imapd, sequence sets, dates, patterns.
 * LINK: imapd/parse.c imapd/arena.c imapd/seqset.c imapd/imapdate.c imapd/match.c imapd/crlf.c imapd/find.c
 */
#include "imapd/parse.h"

#include "imapd/crlf.h"
#include "imapd/find.h"
#include "imapd/imapdate.h"
#include "imapd/match.h"
#include "maildir.h"
#include "test.h"

static struct arena	arena;

static struct args
args(const char *text)
{
	struct args a = { .arena = &arena };

	cur_init(&a.c, span_str(text));
	return a;
}

static const struct {
	const char *in, *out;		/* out NULL: refused */
	const char *rest;
} astrings[] = {
	{ "abc def", "abc", " def" }, { "a]b", "a]b", "" },
	{ "\"a b\"", "a b", "" }, { "\"\"", "", "" },
	{ "\"a\\\"b\\\\c\"x", "a\"b\\c", "x" },
	{ "\"a\\b\"", NULL, NULL }, { "\"a", NULL, NULL },
	{ "\"a\r\nb\"", NULL, NULL }, { "", NULL, NULL },
	{ " ", NULL, NULL }, { "(", NULL, NULL }, { "{", NULL, NULL },
	{ "{3}\r\nabcd", "abc", "d" }, { "{3+}\r\nabc", "abc", "" },
	{ "{0}\r\n", "", "" }, { "{4}\r\nabc", NULL, NULL },
	{ "{3}abc", NULL, NULL }, { "{3}\nabc", NULL, NULL },
	{ "{-1}\r\n", NULL, NULL }, { "{3+}x", NULL, NULL },
	{ "{99999999999}\r\nabc", NULL, NULL },
	{ "NIL", "NIL", "" }, { "a%", "a", "%" }, { "a*b", "a", "*b" },
};

static void
test_astring(void)
{
	struct span s;

	for (size_t i = 0; i < sizeof(astrings) / sizeof(*astrings); i++) {
		struct args a = args(astrings[i].in);
		bool ok = parse_astring(&a, &s);

		CHECK(ok == (astrings[i].out != NULL), astrings[i].in);
		CHECK(ok || a.why != NULL, astrings[i].in);
		if (!ok || astrings[i].out == NULL)
			continue;
		CHECK_SPAN(s, astrings[i].out, astrings[i].in);
		CHECK_SPAN(cur_rest(&a.c), astrings[i].rest, astrings[i].in);
	}
	test_end("astring, quoted, literal");
}

static const struct {
	const char *in;
	uint32_t star;
	const char *out;		/* NULL: refused */
} sets[] = {
	{ "1", 9, "1" }, { "*", 9, "9" }, { "1:*", 9, "1:9" },
	{ "*:1", 9, "1:9" }, { "5:2", 9, "2:5" }, { "3,1,2", 9, "1:3" },
	{ "1:3,2:7,9", 9, "1:7,9" }, { "12:*", 9, "9:12" },
	{ "4294967295", 9, "4294967295" }, { "1:4294967295", 9, "1:4294967295" },
	{ "4294967295,4294967294", 9, "4294967294:4294967295" },
	{ "2,4,6,*", 6, "2,4,6" }, { "1,1,1", 9, "1" },
	{ "0", 9, NULL }, { "1:0", 9, NULL }, { "", 9, NULL },
	{ ",", 9, NULL }, { "1,", 9, NULL }, { "1:", 9, NULL },
	{ "4294967296", 9, NULL }, { "a", 9, NULL }, { "-1", 9, NULL },
};

static void
test_sets(void)
{
	struct seqset s;
	struct buf b;

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct args a = args(sets[i].in);
		bool ok = parse_sequence_set(&a, &s);

		CHECK(ok == (sets[i].out != NULL), sets[i].in);
		if (!ok || sets[i].out == NULL)
			continue;
		seqset_resolve(&s, sets[i].star);
		buf_init(&b, 1000);
		CHECK(seqset_print(&s, &b) == 0, sets[i].in);
		CHECK_SPAN(buf_span(&b), sets[i].out, sets[i].in);
		CHECK(seqset_has(&s, s.r[0].lo) &&
		    seqset_has(&s, s.r[s.n - 1].hi), sets[i].in);
		CHECK(s.r[0].lo == 1 || !seqset_has(&s, s.r[0].lo - 1),
		    sets[i].in);
		buf_free(&b);
	}
	memset(&s, 0, sizeof(s));
	for (uint32_t v = 1; v <= 10000; v += v % 3 == 0 ? 2 : 1)
		CHECK(seqset_append(&s, &arena, v) == 0, "append");
	CHECK(seqset_has(&s, 1) && !seqset_has(&s, 4) && seqset_has(&s, 5),
	    "append");
	test_end("sequence sets");
}

static const struct { const char *in; int64_t out; } dates[] = {
	{ "\"17-Jul-1996 02:44:25 -0700\"", 837596665 },
	{ "\" 1-Jan-1970 00:00:00 +0000\"", 0 },
	{ "\"01-Jan-1970 01:00:00 +0100\"", 0 },
	{ "\"29-Feb-2024 23:59:60 +0000\"", 1709251200 },
	{ "\"31-Dec-9999 23:59:59 +0000\"", 253402300799 },
	{ "\"29-Feb-2023 00:00:00 +0000\"", -1 },
	{ "\"31-Apr-2024 00:00:00 +0000\"", -1 },
	{ "\"00-Jan-2024 00:00:00 +0000\"", -1 },
	{ "\"1-Jan-2024 24:00:00 +0000\"", -1 },
	{ "\"1-Jan-2024 0:00:00 +0000\"", -1 },
	{ "\"1-Jan-2024 00:00:00 0000\"", -1 },
	{ "\"1-Jan-2024 00:00:00 +0000", -1 },
	{ "\"1-Jan-2024 00:00:00\"", -1 }, { "1-Jan-2024", -1 },
	{ "\"1 Jan 2024 00:00:00 +0000\"", -1 }, { "\"\"", -1 },
};

static void
test_dates(void)
{
	char text[IMAP_DATE_SIZE];
	struct args a;
	int64_t day;
	time_t t;

	for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
		a = args(dates[i].in);
		if (!parse_date_time(&a, &t))
			t = -1;
		CHECK(t == dates[i].out, dates[i].in);
	}
	a = args("1-Feb-1994");
	CHECK(parse_date(&a, &day) && day == 8797, "date");
	a = args("\"01-Feb-1994\"");
	CHECK(parse_date(&a, &day) && day == 8797, "quoted date");
	imap_date_print(837596665, text);
	CHECK_SPAN(span_str(text), "17-Jul-1996 09:44:25 +0000", "print");
	imap_date_print((time_t)1 << 62, text);
	CHECK_SPAN(span_str(text), "01-Jan-1970 00:00:00 +0000", "no such year");
	test_end("dates");
}

static void
test_flags(void)
{
	struct flag_list f;
	struct args a = args("(\\Seen \\DELETED $Label a $label $forwarded)");

	CHECK(parse_flag_list(&a, &f, false), "list");
	CHECK(f.flags == (MAIL_SEEN | MAIL_DELETED | MAIL_PASSED), "bits");
	CHECK(f.nkeywords == 2, "keywords once each");
	a = args("()");
	CHECK(parse_flag_list(&a, &f, false) && f.flags == 0, "empty");
	a = args("\\Seen \\Draft");
	CHECK(!parse_flag_list(&a, &f, false), "bare not allowed");
	a = args("\\Seen \\Draft");
	CHECK(parse_flag_list(&a, &f, true) &&
	    f.flags == (MAIL_SEEN | MAIL_DRAFT), "bare");
	for (const char *const *p = (const char *const []){ "(", "(\\)",
	    "(\\Seen", "(\\Seen,)", "(\\Recent)", "(\\X)", "( )", "(a  b)",
	    NULL }; *p != NULL; p++) {
		a = args(*p);
		CHECK(!parse_flag_list(&a, &f, false), *p);
	}
	test_end("flags");
}

static const struct { const char *in; int64_t size; bool sync; } ends[] = {
	{ "a {3}", 3, true }, { "a {3+}", 3, false }, { "{0}", 0, true },
	{ "a ~{3}", 3, true }, { "a {3", -1, false }, { "a 3}", -1, false },
	{ "a {}", -1, false }, { "a {3} ", -1, false }, { "}", -1, false },
	{ "a {3++}", -1, false }, { "a {-3}", -1, false }, { "", -1, false },
	{ "a {99999999999999999999}", INT64_MAX, true }, { "{{3}", 3, true },
	{ "a {99999999999999999999+}", INT64_MAX, false },
	{ "a {99999999999999999999x}", -1, false },
};

static void
test_literal(void)
{
	struct literal lit;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		bool ok = literal_at_end(span_str(ends[i].in), &lit);

		CHECK(ok == (ends[i].size >= 0), ends[i].in);
		if (ok)
			CHECK((int64_t)lit.size == ends[i].size &&
			    lit.sync == ends[i].sync, ends[i].in);
	}
	test_end("literal at the end of a line");
}

static const struct { const char *pattern, *name; bool match; } patterns[] = {
	{ "*", "", true }, { "*", "A/B", true }, { "%", "A", true },
	{ "%", "A/B", false }, { "%/%", "A/B", true }, { "A*B", "A/x/B", true },
	{ "A%B", "A/x/B", false }, { "A%B", "AxB", true }, { "", "", true },
	{ "", "A", false }, { "A", "A", true }, { "A", "a", false },
	{ "*a", "bca", true }, { "*a", "bcab", false }, { "%%", "A", true },
	{ "*%*", "A/B", true }, { "A/%", "A", false }, { "A/%", "A/", true },
	{ "*a*a*a*a*a*a*a*a*a*a*a*ab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    false },
};

static void
test_patterns(void)
{
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		CHECK(list_match(span_str(patterns[i].pattern),
		    span_str(patterns[i].name)) == patterns[i].match,
		    patterns[i].pattern);
	test_end("LIST patterns");
}

/* Every cut of every text against the whole, made the simple way. */
static void
test_crlf(void)
{
	static const char *const texts[] = { "", "\n", "\r\n", "a", "a\nb",
		"a\r\nb\n", "\n\n\n", "\r\r\n\n", "\r", "abc\n\r", "x\n\ry\r\n" };
	struct buf whole;
	struct netout o;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct span s = span_str(texts[i]);

		buf_init(&whole, 1000);
		for (size_t k = 0; k < s.len; k++) {
			if (s.p[k] == '\n' && (k == 0 || s.p[k - 1] != '\r'))
				buf_addc(&whole, '\r');
			buf_addc(&whole, s.p[k]);
		}
		CHECK(crlf_size(s) == whole.len, texts[i]);
		for (size_t from = 0; from <= whole.len; from++)
			for (size_t n = 0; n <= whole.len - from; n++) {
				netout_init(&o, -1, 0);
				crlf_out(&o, s, from, n);
				CHECK(span_eq(buf_span(&o.buf), span_of(
				    whole.p == NULL ? NULL : whole.p + from,
				    n)), texts[i]);
				netout_free(&o);
			}
		buf_free(&whole);
	}
	test_end("CRLF output and its partials");
}

static const struct { const char *text, *needle; bool found; } finds[] = {
	{ "", "", true }, { "", "a", false }, { "abc", "", true },
	{ "abc", "abc", true }, { "ABC", "abc", true }, { "xABCx", "abc", true },
	{ "abcabd", "abd", true }, { "aab", "ab", true }, { "ab", "abc", false },
	{ "@[`{", "`{", true }, { "@", "`", false }, { "A", "a", true },
	{ "xyZ", "z", true }, { "\303\204", "\303\244", false },
	{ "aaaaaaaaab", "aab", true }, { "ababab", "bb", false },
};

/* The table, and every needle in every text over two letters, the plain way. */
static void
test_find(void)
{
	char text[10], needle[5], big[600], part[400];

	for (size_t i = 0; i < sizeof(finds) / sizeof(*finds); i++)
		CHECK(find_folded(span_str(finds[i].text),
		    span_str(finds[i].needle)) == finds[i].found,
		    finds[i].text);
	for (unsigned t = 0; t < 1 << 9; t++)
		for (unsigned n = 0; n < 1 << 4; n++) {
			for (unsigned k = 0; k < 9; k++)
				text[k] = t >> k & 1 ? 'A' : 'b';
			for (unsigned k = 0; k < 4; k++)
				needle[k] = n >> k & 1 ? 'a' : 'b';
			text[9] = needle[4] = '\0';
			CHECK(find_folded(span_str(text), span_str(needle)) ==
			    (strcasestr(text, needle) != NULL), text);
		}
	memset(big, 'x', sizeof(big));
	memset(part, 'x', sizeof(part));
	big[599] = part[399] = 'y';
	CHECK(find_folded(span_of(big, 600), span_of(part, 400)), "long");
	big[300] = 'z';
	CHECK(!find_folded(span_of(big, 600), span_of(part, 400)), "long");
	test_end("finding text");
}

int
main(void)
{
	arena_init(&arena, 10 << 20);
	test_astring();
	test_sets();
	test_dates();
	test_flags();
	test_literal();
	test_patterns();
	test_crlf();
	test_find();
	arena_free(&arena);
	CHECK(arena_alloc(&(struct arena){ .max = 10 }, 11) == NULL, "limit");
	test_end("arena");
	return test_done();
}
