/*
 * Buffers, spans and cursors: limits, sticky errors, ends.
 */
#include "buf.h"

#include <errno.h>

#include "test.h"

static void
test_limits(void)
{
	struct buf b;

	buf_init(&b, 8);
	CHECK(buf_add(&b, "12345678", 8) == 0, "up to max");
	CHECK(buf_addc(&b, '9') == -1 && errno == ENOBUFS && b.bad, "one more");
	CHECK(buf_add(&b, "", 0) == -1, "sticky");
	CHECK(buf_cstr(&b) == NULL, "no string of a bad buffer");
	buf_clear(&b);
	CHECK(!b.bad && buf_adds(&b, "abc") == 0, "clear");
	CHECK(buf_add(&b, "x", SIZE_MAX) == -1 && b.bad, "length overflow");
	buf_clear(&b);
	CHECK(buf_addf(&b, "%s-%d", "ab", 1234) == 0, "printf");
	CHECK_SPAN(buf_span(&b), "ab-1234", "printf");
	CHECK(buf_addf(&b, "%d", 77) == -1 && b.bad, "printf over max");
	buf_free(&b);
	buf_init(&b, 100);
	CHECK(buf_add(&b, "a\0b", 3) == 0 && buf_cstr(&b) == NULL,
	    "no string with a NUL inside");
	buf_drop(&b, 2);
	CHECK_SPAN(buf_span(&b), "b", "drop");
	buf_drop(&b, 5);
	CHECK(b.len == 0, "drop more than there is");
	CHECK(buf_room(&b, 101) == NULL && b.bad, "no room over max");
	buf_wipe(&b);
	test_end("buffers");
}

static const struct { const char *in; uint64_t max; int r; uint64_t v; } nums[] = {
	{ "0", 9, 0, 0 }, { "9", 9, 0, 9 }, { "10", 9, -1, 0 },
	{ "", 9, -1, 0 }, { "x", 9, -1, 0 }, { "007", 9, 0, 7 },
	{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, -1, 0 },
	{ "99999999999999999999999", UINT64_MAX, -1, 0 },
	{ "4294967296", UINT32_MAX, -1, 0 },
};

static void
test_cursor(void)
{
	uint8_t digits[256] = { 0 };
	struct cur c;
	uint64_t v;

	for (size_t i = 0; i < sizeof(nums) / sizeof(*nums); i++) {
		v = 0;
		cur_init(&c, span_str(nums[i].in));
		CHECK(cur_num(&c, nums[i].max, &v) == nums[i].r &&
		    v == nums[i].v, nums[i].in);
	}
	for (int i = '0'; i <= '9'; i++)
		digits[i] = 1;
	cur_init(&c, span_str("12ab,cd"));
	CHECK_SPAN(cur_while(&c, digits, 1), "12", "while");
	CHECK(!cur_word(&c, "AC") && cur_word(&c, "AB"), "word");
	CHECK(!cur_ch(&c, 'x') && cur_ch(&c, ','), "ch");
	CHECK(cur_take(&c, 3).p == NULL && cur_left(&c) == 2, "take too many");
	CHECK_SPAN(cur_until(&c, 'd'), "c", "until");
	CHECK_SPAN(cur_rest(&c), "d", "rest");
	CHECK(cur_end(&c) && cur_peek(&c) == -1 && cur_next(&c) == -1, "end");
	cur_init(&c, span_of(NULL, 0));
	CHECK(cur_end(&c) && cur_while(&c, digits, 1).len == 0 &&
	    !cur_word(&c, "a"), "empty");
	cur_init(&c, span_of("\xff\x80", 2));
	CHECK(cur_next(&c) == 255 && cur_next(&c) == 128, "unsigned bytes");
	test_end("cursor");
}

static void
test_spans(void)
{
	char out[4];

	CHECK(span_isis(span_str("INBOX"), "inbox"), "no case");
	CHECK(!span_isis(span_of("\xc9", 1), "\xe9"), "ASCII only");
	CHECK(!span_is(span_of("ab", 1), "ab"), "length counts");
	CHECK(span_cstr(span_str("abc"), out, 4) == 0, "fits");
	CHECK(span_cstr(span_str("abcd"), out, 4) == -1 && out[0] == '\0' &&
	    errno == ENAMETOOLONG, "does not fit");
	CHECK(span_cstr(span_of("a\0b", 3), out, 4) == -1 && errno == EINVAL,
	    "NUL inside");
	CHECK(span_dup(span_of("a\0", 2)) == NULL, "NUL inside");
	test_end("spans");
}

int
main(void)
{
	test_limits();
	test_cursor();
	test_spans();
	return test_done();
}
