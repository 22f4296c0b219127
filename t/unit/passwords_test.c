/*
 * Look-ups in passwords: which lines are an account's, with the index and when it
 * is stale, damaged or gone; and what one costs among 100,000 accounts.
 */
#include "passwords.h"

#include <sys/stat.h>

#include <time.h>
#include <utime.h>

#include "test.h"

#define MANY	100000
#define EQUAL	1000	/* lines of one account among them */
#define LOOKUPS	2000
#define LOOKUP_US 500.0	/* of CPU time; about 10 here */

static char	dir[] = "/tmp/posthouse_passwords.XXXXXX";
static char	file[64], cache[64];

/* A file that was there for a while: one that is new is not kept in the index. */
static void
put(const char *path, const void *p, size_t n, time_t age)
{
	const struct timespec times[2] = { { .tv_sec = time(NULL) - age },
	    { .tv_sec = time(NULL) - age } };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || file_write_all(fd, p, n) == -1 ||
	    futimens(fd, times) == -1 || close(fd) == -1)
		err(1, "%s", path);
}

static void
check_find(const char *text, const char *name, const char *want)
{
	struct control c = { .dirfd = -1 };
	struct passwords p;
	struct buf b;

	strlcpy(c.dir, dir, sizeof(c.dir));
	buf_init(&b, 4096);
	if (text != NULL)
		put(file, text, strlen(text), 100);
	CHECK(passwords_open(&p, &c, cache) == 0, c.error);
	CHECK(passwords_find(&p, span_str(name), &b) == 0, name);
	CHECK_SPAN(buf_span(&b), want, name);
	passwords_close(&p);
	buf_free(&b);
}

static void
test_lines(void)
{
	static const char text[] = "# a@b.c:no\na@b.c:one\na@b.cd:no\n"
	    "xa@b.c:no\n\n  A@b.C : two \na:no\n\"q:r\"@b.c:quoted:x\na@b.c:";

	check_find(text, "a@B.c", "one\ntwo\n\n");
	check_find(text, "\"q:r\"@b.c", "quoted:x\n");
	check_find(text, "b.c", "");
	check_find(text, "", "");
	check_find(text, "a@b.c:one", "");
	check_find("", "a@b.c", "");
	unlink(file);
	check_find(NULL, "a@b.c", "");
	test_end("lines of an account");
}

/* ctime cannot be set back, so the file has to grow old: two seconds. */
static void
test_index(void)
{
	time_t began = time(NULL);
	struct stat st;
	char *damaged;

	check_find("a@b.c:one\n", "a@b.c", "one\n");
	CHECK(stat(cache, &st) == -1 || time(NULL) > began + 1,
	    "not kept: the file is too new");
	sleep(3);
	check_find(NULL, "a@b.c", "one\n");
	CHECK(stat(cache, &st) == 0 && st.st_size > 0, "kept");
	check_find(NULL, "a@b.c", "one\n");
	check_find("b@b.c:two\na@b.c:three\n", "a@b.c", "three\n");
	check_find(NULL, "b@b.c", "two\n");
	if ((damaged = calloc(1, (size_t)st.st_size)) == NULL)
		err(1, "calloc");
	memset(damaged, 0xff, (size_t)st.st_size);
	put(cache, damaged, (size_t)st.st_size, 0);
	check_find(NULL, "a@b.c", "three\n");
	put(cache, damaged, 3, 0);
	check_find(NULL, "a@b.c", "three\n");
	free(damaged);
	test_end("the index");
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Opening, as each auth process does, and the look-up. */
static double
measure(void)
{
	struct control c = { .dirfd = -1 };
	double start = seconds();
	struct passwords p;
	char name[64];
	struct buf b;

	strlcpy(c.dir, dir, sizeof(c.dir));
	buf_init(&b, 4096);
	for (unsigned i = 0; i < LOOKUPS; i++) {
		snprintf(name, sizeof(name), "user%u@example.org",
		    i * 7919 % MANY);
		buf_clear(&b);
		CHECK(passwords_open(&p, &c, cache) == 0 &&
		    passwords_find(&p, span_str(name), &b) == 0 && b.len > 0,
		    name);
		passwords_close(&p);
	}
	buf_free(&b);
	return (seconds() - start) / LOOKUPS * 1e6;
}

/* More lines than are read of the index at once, of one hash. */
static void
check_equal(const char *what)
{
	struct control c = { .dirfd = -1 };
	struct passwords p;
	size_t n = 0;
	struct buf b;

	strlcpy(c.dir, dir, sizeof(c.dir));
	buf_init(&b, 16 * EQUAL);
	CHECK(passwords_open(&p, &c, cache) == 0, c.error);
	CHECK(passwords_find(&p, span_str("equal@example.org"), &b) == 0, what);
	for (size_t i = 0; i < b.len; i++)
		n += b.p[i] == '\n';
	CHECK(n == EQUAL, what);
	passwords_close(&p);
	buf_free(&b);
}

static void
test_many(void)
{
	struct buf b;
	double us;

	buf_init(&b, 64 << 20);
	for (unsigned i = 0; i < MANY; i++) {
		if (i % (MANY / EQUAL) == 0)
			buf_addf(&b, "equal@example.org:%u\n", i);
		buf_addf(&b, "user%u@example.org:{SCRAM-SHA-256}50000,"
		    "LCYBcFBwjzxIEYjtcu4zlA==,/Ohun0OCj8CnYDMV9MJRr61LJN3ZEhDWy"
		    "O7zhbaxJ64=,kwLLfpeb3lchN4bXfnZRr+UqFV+wkFmWDYIRFpy0U3w=\n",
		    i);
	}
	put(file, b.p, b.len, 100);
	buf_free(&b);
	sleep(3);
	check_equal("without an index");
	check_equal("with it");
	check_find(NULL, "nobody@example.org", "");
	us = measure();
	fprintf(stderr, "passwords: %.1f us to open and look up, of %d "
	    "accounts\n", us, MANY);
	CHECK(us < LOOKUP_US, "microseconds");
	test_end("100,000 accounts");
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		err(1, "mkdtemp");
	snprintf(file, sizeof(file), "%s/passwords", dir);
	snprintf(cache, sizeof(cache), "%s/index", dir);
	test_lines();
	unlink(cache);
	test_index();
	test_many();
	unlink(file);
	unlink(cache);
	rmdir(dir);
	return test_done();
}
