/*
 * Fields, unfolding and dates: our own tables and the date vectors of
 * mail-parser.
 */
#include "header.h"

#include "json.h"

static const struct {
	const char *in;
	const char *fields;	/* name=body; ... */
	enum header_result end;
	const char *rest;
} headers[] = {
	{ "", "", HEADER_END, "" },
	{ "\n", "", HEADER_END, "" },
	{ "\r\n", "", HEADER_END, "" },
	{ "\nbody\n", "", HEADER_END, "body\n" },
	{ "A: b\n\nbody", "A= b;", HEADER_END, "body" },
	{ "A: b\r\n\r\nbody", "A= b;", HEADER_END, "body" },
	{ "A: b\n c\n\td\nE:f\n\n", "A= b\n c\n\td;E=f;", HEADER_END, "" },
	{ "A: b\r\n c\r\nE:f\r\n\r\n", "A= b\r\n c;E=f;", HEADER_END, "" },
	{ "A: b", "A= b;", HEADER_END, "" },
	{ "A : b\n", "A= b;", HEADER_END, "" },
	{ "A:\n", "A=;", HEADER_END, "" },
	{ "A:\n \n", "A=\n ;", HEADER_END, "" },
	{ "A: b\nbody: no\ncolon\n", "A= b;body= no;", HEADER_BAD, "colon\n" },
	{ "A: b\n--x\n", "A= b;", HEADER_BAD, "--x\n" },
	{ " A: b\n", "", HEADER_BAD, " A: b\n" },
	{ "From x y\n>From z\nA: b\nFrom : c\nFrom d\n\ne", "A= b;From= c;",
	    HEADER_END, "e" },
	{ ":b\n", "", HEADER_BAD, ":b\n" },
	{ "\xc3\xa4: b\n", "", HEADER_BAD, "\xc3\xa4: b\n" },
	{ "A: \xe4\r\n", "A= \xe4;", HEADER_END, "" },
	{ "A: b\r\r\n\r\r\n", "A= b\r;", HEADER_BAD, "\r\r\n" },
	{ "A: b\n\r", "A= b;", HEADER_BAD, "\r" },
};

static void
test_fields(void)
{
	struct buf got;

	buf_init(&got, 4096);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const char *in = headers[i].in;
		struct span rest = span_str(in), whole = rest;
		struct header_field f;
		enum header_result r;

		buf_clear(&got);
		while ((r = header_next(&rest, &f)) == HEADER_FIELD) {
			buf_addspan(&got, f.name);
			buf_adds(&got, "=");
			buf_addspan(&got, f.body);
			buf_adds(&got, ";");
			CHECK(f.whole.p >= whole.p && f.whole.p +
			    f.whole.len == rest.p, in);
			whole.p = rest.p;
		}
		CHECK(r == headers[i].end, in);
		CHECK_SPAN(rest, headers[i].rest, in);
		CHECK_SPAN(buf_span(&got), headers[i].fields, in);
		CHECK(header_length(span_str(in)) == strlen(in) - rest.len, in);
	}
	buf_free(&got);
	test_end("fields");
}

static const struct { const char *in, *fields, *rest; } passed[] = {
	{ "A: b\ncolon\nC: d\n\nE: f\n", "A= b;C= d;", "E: f\n" },
	{ "A: b\r\n no\r\ngarbage\r\n more\r\nC: d\r\n\r\nE: f",
	    "A= b\r\n no;C= d;", "E: f" },
	{ "A: b\nHello,\nthis is text\nC: d\n", "A= b;",
	    "Hello,\nthis is text\nC: d\n" },
	{ "garbage\n\nA: b\n", "", "garbage\n\nA: b\n" },
	{ "garbage", "", "garbage" },
	{ ":b\nA: b\nx\n", "A= b;", "x\n" },
};

static void
test_passed_over(void)
{
	struct buf got;

	buf_init(&got, 4096);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
		struct span rest = span_str(passed[i].in);
		struct header_field f;

		buf_clear(&got);
		while (header_field(&rest, &f)) {
			buf_addspan(&got, f.name);
			buf_adds(&got, "=");
			buf_addspan(&got, f.body);
			buf_adds(&got, ";");
		}
		CHECK_SPAN(buf_span(&got), passed[i].fields, passed[i].in);
		CHECK_SPAN(rest, passed[i].rest, passed[i].in);
		CHECK(header_length(span_str(passed[i].in)) ==
		    strlen(passed[i].in) - rest.len, passed[i].in);
	}
	buf_free(&got);
	test_end("lines that are no field");
}

static void
test_find(void)
{
	static const char message[] = "From: a\nSubject: one\n two\n"
	    "SUBJECT: three\n\nTo: b\n";
	struct header_field f;
	struct buf out;

	buf_init(&out, 64);
	CHECK(header_find(span_str(message), "subject", &f), "subject");
	CHECK(header_unfold(f.body, &out) == 0, "unfold");
	CHECK_SPAN(buf_span(&out), "one two", "unfold");
	CHECK(!header_find(span_str(message), "To", &f), "not in the body");
	buf_clear(&out);
	header_unfold(span_str(" \r\n a\r\n\tb\rc\n\n  d \r\n"), &out);
	CHECK_SPAN(buf_span(&out), "a\tb\rc  d", "unfold");
	buf_free(&out);
	buf_init(&out, 3);
	CHECK(header_unfold(span_str("abcd"), &out) == -1, "bounded");
	buf_free(&out);
	test_end("find and unfold");
}

static const struct { const char *in; long long t; int zone; } dates[] = {
	{ "Thu, 01 Jan 1970 00:00:00 +0000", 0, 0 },
	{ "Sun, 22 Nov 2026 00:00:00 +0000", 1795305600, 0 },
	{ "Sun, 22 Nov 2026 01:00:00 +0100", 1795305600, 60 },
	{ "Sat, 21 Nov 2026 20:30:00 -0330", 1795305600, -210 },
	{ "22 Nov 2026 00:00 GMT", 1795305600, 0 },
	{ "22 Nov 26 00:00:00 UT", 1795305600, 0 },
	{ "22 Nov 126 00:00:00 +0000", 1795305600, 0 },
	{ "21 Nov 2026 19:00:00 EST", 1795305600, -300 },
	{ "Sunday 22-Nov-2026 00:00:00", 1795305600, 0 },
	{ "(x(y)) Sun(z), 22 November 2026 (at) 00 : 00 : 00 +0000 (UTC)",
	    1795305600, 0 },
	{ "Sun,\r\n 22\r\n Nov\r\n 2026 00:00:00 +0000", 1795305600, 0 },
	{ "Fri, 29 Feb 2024 12:00:00 +0000", 1709208000, 0 },
	{ "31 Dec 1969 23:59:59 +0000", -1, 0 },
	{ "1 Jan 1900 00:00:00 +0000", -2208988800, 0 },
	{ "31 Dec 9999 23:59:59 +0000", 253402300799, 0 },
	{ "31 Dec 2016 23:59:60 +0000", 1483228800, 0 },
};

static const char *const no_dates[] = { "", "yesterday", "Sun, 22 Nov",
	"32 Nov 2026 00:00 +0000", "0 Nov 2026 00:00 +0000",
	"29 Feb 2023 00:00 +0000", "31 Apr 2023 00:00 +0000",
	"22 Nox 2026 00:00 +0000", "22 Nov 2026 24:00 +0000",
	"22 Nov 2026 00:60 +0000", "22 Nov 2026 00:00:61 +0000",
	"22 Nov 2026 00:00 +0160", "22 Nov 2026 00:00 +99999",
	"22 Nov 20260 00:00 +0000", "22 Nov 0099 00:00 +0000",
	"22 Nov 99999999999999999999 00:00 +0000", "22 Nov 2026 (", "(",
	"Sum, 22 Nov 2026 00:00 +0000", "22 Nov 2026 00:00 +" };

static void
test_dates(void)
{
	char text[DATE_SIZE], again[DATE_SIZE];
	time_t t, back;
	int zone;

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		t = 42;
		CHECK(date_parse(span_str(dates[i].in), &t, &zone) == 0,
		    dates[i].in);
		CHECK((long long)t == dates[i].t, dates[i].in);
		CHECK(zone == dates[i].zone, dates[i].in);
		date_print(t, text);
		CHECK(date_parse(span_str(text), &back, &zone) == 0, text);
		CHECK(back == t && zone == 0, text);
	}
	for (size_t i = 0; i < sizeof(no_dates) / sizeof(no_dates[0]); i++)
		CHECK(date_parse(span_str(no_dates[i]), &t, &zone) == -1,
		    no_dates[i]);
	date_print(1795305600, text);
	CHECK_SPAN(span_str(text), "Sun, 22 Nov 2026 00:00:00 +0000", "print");
	date_print((time_t)1 << 60, text);
	CHECK_SPAN(span_str(text), "Fri, 31 Dec 9999 23:59:59 +0000", "late");
	date_print(-((time_t)1 << 60), text);
	CHECK_SPAN(span_str(text), "Mon, 01 Jan 1900 00:00:00 +0000", "early");
	/* every day of 400 years, against the C library */
	for (time_t day = -25567; day < 120000; day += 1) {
		struct tm tm;

		back = day * 86400 + 3661;
		gmtime_r(&back, &tm);
		strftime(again, sizeof(again), "%a, %d %b %Y %H:%M:%S +0000", &tm);
		date_print(back, text);
		if (strcmp(text, again) != 0 ||
		    date_parse(span_str(text), &t, &zone) == -1 || t != back)
			CHECK(false, again);
	}
	test_end("dates");
}

/* These of the vectors differ, and why. */
static const struct { size_t n; const char *why; } vectors_differ[] = {
	{ 10, "a month is a name" },
	{ 12, "numbers alone are no date" },
	{ 28, "a Received field: its date stands behind the last \";\"" },
};

static void
test_vectors(void)
{
	struct json *all = json_data("mime/mail-parser-rust/date.json");
	size_t n = 0;

	if (all == NULL) {
		test_skip("date vectors", "no test material");
		return;
	}
	for (const struct json *j = all->child; j != NULL; j = j->next, n++) {
		const struct json *e = json_get(j, "expected");
		struct buf text;
		struct span rest;
		struct header_field f;
		struct tm tm = { .tm_sec = 0 };
		bool differs = false, same;
		time_t t = 0;
		int zone, want_zone = 0, r;

		for (size_t i = 0; i < 3; i++)
			differs = differs || vectors_differ[i].n == n;
		buf_init(&text, 65536);
		buf_adds(&text, "Date:");
		buf_addspan(&text, json_span(json_get(j, "header")));
		rest = buf_span(&text);
		header_next(&rest, &f);
		r = date_parse(f.body, &t, &zone);
		if (e->kind == JSON_OBJECT) {
			tm.tm_year = (int)json_num(e, "year") - 1900;
			tm.tm_mon = (int)json_num(e, "month") - 1;
			tm.tm_mday = (int)json_num(e, "day");
			tm.tm_hour = (int)json_num(e, "hour");
			tm.tm_min = (int)json_num(e, "minute");
			tm.tm_sec = (int)json_num(e, "second");
			want_zone = (int)(json_num(e, "tz_hour") * 60 +
			    json_num(e, "tz_minute"));
			if (json_get(e, "tz_before_gmt")->text[0] == 't')
				want_zone = -want_zone;
		}
		same = e->kind != JSON_OBJECT ? r == -1 : r == 0 &&
		    zone == want_zone && t == timegm(&tm) - want_zone * 60;
		if (same == differs)
			printf("# vector %zu: %s\n", n, buf_cstr(&text));
		CHECK(same != differs, "date vector");
		buf_free(&text);
	}
	CHECK(n == 40, "all vectors are there");
	json_free(all);
	test_end("date vectors of mail-parser");
}

/* An endless header and a million fields: linear, without memory. */
static void
test_hostile(void)
{
	static const char *const units[] = { "A:\n", "A: b\n ", "A", " ", "\n ",
	    "A: (((((" };
	struct header_field f;
	struct buf b;

	buf_init(&b, 8 << 20);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		buf_clear(&b);
		while (b.len < (4 << 20))
			buf_adds(&b, units[i]);
		CHECK(header_length(buf_span(&b)) <= b.len, units[i]);
		CHECK(!header_find(buf_span(&b), "x", &f), units[i]);
	}
	CHECK(header_length(span_of("A: \0b\nB\0: c\n", 13)) == 6, "NUL");
	buf_free(&b);
	test_end("hostile headers");
}

int
main(void)
{
	test_fields();
	test_passed_over();
	test_find();
	test_dates();
	test_vectors();
	test_hostile();
	return test_done();
}
