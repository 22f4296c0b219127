/*
 * Counts of a user's hour: the text, and what is added to it.
 * LINK: smtpd/rate.c
 */
#include "smtpd/rate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

static const char *const wrong[] = { "", "1", "1 2", "1 2 3", "1 2 3 4\n",
    "1 2\n", " 1 2 3\n", "1  2 3\n", "-1 2 3\n", "1 2 3\n\n", "a b c\n",
    "1 2 99999999999\n", "18446744073709551616 1 1\n", "1 2 3\n1 2 3\n" };

static void
test_text(void)
{
	struct rate r = { 1795305600, 17, 9999999999 }, back;
	char text[RATE_SIZE + 1];

	rate_print(&r, text);
	CHECK(strlen(text) == RATE_SIZE, "fixed length");
	CHECK(rate_parse(span_str(text), &back) == 0 &&
	    back.since == r.since && back.messages == 17 &&
	    back.recipients == 9999999999, "round trip");
	CHECK(rate_parse(span_str("1 2 3\n"), &back) == 0, "short");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(rate_parse(span_str(wrong[i]), &back) == -1, wrong[i]);
	for (uint64_t m = 0; m < 8; m++)
		for (uint64_t n = 0; n < 8; n++) {
			const struct rate limit = { 0, 5, 0 }, both = { 0, 5,
			    3 }, none = { 0, 0, 0 }, now = { 1, m, n };

			CHECK(!rate_over(&none, &now) &&
			    rate_over(&limit, &now) == (m > 5) &&
			    rate_over(&both, &now) == (m > 5 || n > 3), "over");
		}
	test_end("text");
}

static void
test_counts(void)
{
	char path[] = "/tmp/rate_test.XXXXXX";
	const struct rate none = { 0, 0, 0 }, more = { 0, 1, 10 },
	    much = { 0, 1, UINT64_C(9999999999) }, three = { 0, 3, 0 };
	struct rate r;
	int dir;

	CHECK(mkdtemp(path) != NULL, path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(rate_get(dir, "a/b@x", &r) == 0 && r.messages == 0, "no file");
	for (unsigned i = 1; i <= 3; i++)
		CHECK(rate_add(dir, "a/b@x", &three, &more, &r) == 0 &&
		    r.messages == i, "add");
	CHECK(rate_add(dir, "a/b@x", &three, &more, &r) == -1 &&
	    errno == EDQUOT && r.messages == 4, "one too many");
	CHECK(rate_get(dir, "a/b@x", &r) == 0 && r.messages == 3 &&
	    r.recipients == 30, "three");
	CHECK(rate_add(dir, "a/b@x", &none, &much, &r) == 0 &&
	    rate_get(dir, "a/b@x", &r) == 0 &&
	    r.recipients == UINT64_C(9999999999), "as many as there are");
	CHECK(rate_get(-1, "a", &r) == -1 &&
	    rate_add(-1, "a", &none, &more, &r) == -1, "nowhere");
	CHECK(unlinkat(dir, "a%2Fb@x", 0) == 0, "name");
	close(dir);
	rmdir(path);
	test_end("counts");
}

int
main(void)
{
	test_text();
	test_counts();
	return test_done();
}
