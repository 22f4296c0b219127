/*
 * Counts of a user's hour: the text, and what is added to it.
 * LINK: smtpd/rate.c
 */
#include "smtpd/rate.h"

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
	CHECK(!rate_over(0, 1000000) && !rate_over(5, 5) && rate_over(5, 6),
	    "over");
	test_end("text");
}

static void
test_counts(void)
{
	char path[] = "/tmp/rate_test.XXXXXX";
	struct rate r;
	int dir;

	CHECK(mkdtemp(path) != NULL, path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(rate_get(dir, "a/b@x", &r) == 0 && r.messages == 0, "no file");
	for (int i = 0; i < 3; i++)
		CHECK(rate_add(dir, "a/b@x", 1, 10) == 0, "add");
	CHECK(rate_get(dir, "a/b@x", &r) == 0 && r.messages == 3 &&
	    r.recipients == 30, "three");
	CHECK(rate_add(dir, "a/b@x", 1, UINT64_C(9999999999)) == 0 &&
	    rate_get(dir, "a/b@x", &r) == 0 &&
	    r.recipients == UINT64_C(9999999999), "as many as there are");
	CHECK(rate_get(-1, "a", &r) == -1 && rate_add(-1, "a", 1, 1) == -1,
	    "nowhere");
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
