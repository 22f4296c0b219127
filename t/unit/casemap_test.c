/*
 * i;unicode-casemap: the example of RFC 5051 section 2, and pairs that must or must
 * not be equal.  With the argument "table": what every code point folds to, for t/casemap.py.
 */
#include "casemap.h"

#include "charset.h"
#include "test.h"

static const struct { const char *text, *folded; } folds[] = {
	{ "", "" },
	{ "abc XYZ [~]", "ABC XYZ [~]" },
	/* U+01C4, LATIN CAPITAL LETTER DZ WITH CARON */
	{ "\xc7\x84", "Dz\xcc\x8c" },
	{ "caf\xc3\xa9", "CAFE\xcc\x81" },
	{ "CAFE\xcc\x81", "CAFE\xcc\x81" },
	{ "stra\xc3\x9f" "e", "STRA\xc3\x9f" "E" },
	{ "\xd0\xbf\xd1\x80\xd0\xb8", "\xd0\x9f\xd0\xa0\xd0\x98" },
	{ "\xcf\x82\xcf\x83\xce\xa3", "\xce\xa3\xce\xa3\xce\xa3" },
	{ "\xef\xbd\x81\xef\xbc\xa1", "AA" },		/* fullwidth */
	{ "\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8" },
	{ "\xea\xb0\x80", "\xe1\x84\x80\xe1\x85\xa1" },
	{ "\xf0\x9f\x92\xa9", "\xf0\x9f\x92\xa9" },
	{ "\xef\xac\x83", "ffi" },			/* the ligature */
	{ "a\xff" "b\xc3", "A\xff" "B\xc3" },
	{ "\xed\xa0\x80", "\xed\xa0\x80" },		/* a surrogate */
};

static void
print_table(void)
{
	struct buf out;
	struct span s;

	buf_init(&out, 256);
	for (uint32_t c = 1; c < 0x110000; c++) {
		unsigned char p[4];
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

		for (size_t i = n - 1; i > 0; i--)
			p[i] = (unsigned char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
		p[0] = (unsigned char)(n == 1 ? c : (0xf00U >> n & 0xff) |
		    c >> 6 * (n - 1));
		if ((c >= 0xd800 && c < 0xe000) || c == '\n' || c == '\r')
			continue;
		buf_clear(&out);
		if (casemap_fold(span_of(p, n), &out) == -1)
			errx(1, "%x does not fit", c);
		printf("%x:", c);
		for (s = buf_span(&out); s.len > 0; s = span_of(s.p + n, s.len - n)) {
			uint32_t to = s.p[0];

			n = charset_utf8_length(s);
			if (n > 1)
				to &= 0x7fU >> n;
			for (size_t i = 1; i < n; i++)
				to = to << 6 | (s.p[i] & 0x3fU);
			printf(" %x", to);
		}
		putchar('\n');
	}
	buf_free(&out);
}

int
main(int argc, char **argv)
{
	struct buf out;

	if (argc == 2 && strcmp(argv[1], "table") == 0) {
		print_table();
		return 0;
	}
	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
		buf_clear(&out);
		CHECK(casemap_fold(span_str(folds[i].text), &out) == 0,
		    folds[i].text);
		CHECK_SPAN(buf_span(&out), folds[i].folded, folds[i].text);
	}
	test_end("text and what it folds to");
	buf_free(&out);
	buf_init(&out, 5);
	CHECK(casemap_fold(span_str("caf\xc3\xa9"), &out) == -1, "no room");
	buf_free(&out);
	test_end("a buffer that is too small");
	return test_done();
}
