/*
 * Fuzzy matching: what is found, and what scores higher.
 */
#include "imapd/fuzzy.h"

#include "test.h"

/* LINK: imapd/fuzzy.c imapd/find.c */

static const struct { const char *text, *needle; unsigned score; } rows[] = {
	{ "hello world", "hello world", 100 },
	{ "hello world", "world hello", 90 },
	{ "hello world", "wor", 100 },
	{ "hello world", "wor hel", 80 },
	{ "hello world", "ello orld", 70 },
	{ "say hello", "helo", 50 },
	{ "say help", "helo", 50 },
	{ "hello", "hallo", 50 },
	{ "hello", "helllo", 50 },
	{ "hello", "hlelo", 0 },
	{ "hello", "xyz", 0 },
	{ "hello", "hexxo", 0 },
	{ "hello", "hel xyzw", 0 },
	{ "conference", "konferense", 30 },
	{ "conference", "konverense", 0 },
	{ "the end", "", 100 },
	{ "", "word", 0 },
	{ "a", "abcd", 0 },
	{ "abc", "abcd", 50 },
};

int
main(void)
{
	struct buf b;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned score = fuzzy_score(span_str(rows[i].text),
		    span_str(rows[i].needle));

		if (score != rows[i].score)
			printf("# %s in %s: %u\n", rows[i].needle,
			    rows[i].text, score);
		CHECK(score == rows[i].score, rows[i].needle);
	}
	test_end("scores");
	buf_init(&b, 64);
	(void)buf_adds(&b, "CAFE\xcc\x81 \xcd\xaf\xcd\xb0\xcc");
	fuzzy_strip(&b);
	CHECK_SPAN(buf_span(&b), "cafe \xcd\xb0\xcc", "marks");
	buf_free(&b);
	test_end("marks are taken out");
	return test_done();
}
