/*
 * What unit tests share: checks that print TAP lines, one for each group, and
 * public test material read in place.
 */
#ifndef TEST_H
#define TEST_H

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"

static int	test_failures, test_group_failures, test_checks, test_groups;

/* Counts; prints why when it does not hold.  what names the table row. */
#define CHECK(cond, what) do {						\
	test_checks++;							\
	if (!(cond)) {							\
		test_group_failures++;					\
		printf("# %s:%d: %s: %s\n", __FILE__, __LINE__,		\
		    (what), #cond);					\
	}								\
} while (0)

/* Bytes against expected text. */
#define CHECK_SPAN(got, want, what) do {				\
	struct span got_ = (got), want_ = span_str(want);		\
	test_checks++;							\
	if (!span_eq(got_, want_)) {					\
		test_group_failures++;					\
		printf("# %s:%d: %s: got \"%.*s\" want \"%s\"\n",	\
		    __FILE__, __LINE__, (what), (int)got_.len,		\
		    (const char *)got_.p, (want));			\
	}								\
} while (0)

/* Ends a group of checks with its TAP line. */
static inline void
test_end(const char *name)
{
	printf("%sok %d %s (%d checks)\n",
	    test_group_failures > 0 ? "not " : "", ++test_groups, name,
	    test_checks);
	test_failures += test_group_failures;
	test_group_failures = test_checks = 0;
}

static inline void
test_skip(const char *name, const char *why)
{
	printf("ok %d %s # skip NOT TESTED: %s\n", ++test_groups, name, why);
	fprintf(stderr, "SKIP %s: NOT TESTED: %s\n", name, why);
}

/* The exit code of main. */
static inline int
test_done(void)
{
	printf("1..%d\n", test_groups);
	return test_failures > 0 ? 1 : 0;
}

/* Where the public material is: $TESTDATA, or beside the repository. */
static inline void
test_data_path(char *out, size_t size, const char *name)
{
	const char *dir = getenv("TESTDATA");

	snprintf(out, size, "%s/%s", dir != NULL ? dir : "../shared/testdata",
	    name);
}

/* Reads it whole: false when it is not there. */
static inline bool
test_data(const char *name, struct buf *out)
{
	char path[1024];

	test_data_path(path, sizeof(path), name);
	buf_init(out, 64 << 20);
	return file_read(AT_FDCWD, path, out) == 0;
}

#endif
