/*
 * What a watch tells by halves, or not at all: a rename whose second notice comes behind the end of what is read; and what
 * others do while a watch is quiet.
 */
#include "folder.h"

#include <sys/inotify.h>
#include <sys/syscall.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "store.h"
#include "test.h"

static int	halved = -1;		/* the watch, whose next read ends after one notice */
static char	rest[4096];
static size_t	nrest;
static bool	ended;

/* In the place of libc's: what the kernel does when it is asked between the two. */
ssize_t
read(int fd, void *to, size_t n)
{
	const struct inotify_event *e = to;
	ssize_t r;
	size_t one;

	if (fd != halved)
		return syscall(SYS_read, fd, to, n);
	if (nrest > 0 && !ended) {
		ended = true;
		errno = EAGAIN;
		return -1;
	}
	if (nrest > 0) {
		r = (ssize_t)nrest;
		memcpy(to, rest, nrest);
		nrest = 0;
		halved = -1;
		return r;
	}
	r = syscall(SYS_read, fd, to, n);
	one = sizeof(*e) + (r > 0 ? e->len : 0);
	if (r <= (ssize_t)one)
		return r;
	nrest = (size_t)r - one;
	memcpy(rest, (char *)to + one, nrest);
	return (ssize_t)one;
}

/* What read(2) of an object is where sizes are checked and known only at run time. */
ssize_t	__read_chk(int, void *, size_t, size_t);
ssize_t
__read_chk(int fd, void *to, size_t n, size_t size)
{
	(void)size;
	return read(fd, to, n);
}

static char	told[64];

static void
on_vanished(void *arg, size_t i, uint32_t uid)
{
	(void)arg;
	snprintf(told, sizeof(told), "v%zu,%u", i, (unsigned)uid);
}

static void
on_flags(void *arg, size_t i)
{
	(void)arg;
	snprintf(told, sizeof(told), "f%zu", i);
}

static const char *
refresh(struct folder *f)
{
	struct folder_changes c = { on_vanished, on_flags, NULL, NULL };

	told[0] = '\0';
	CHECK(folder_refresh(f, &c) == 0, "refresh");
	return told;
}

static size_t	nvanished, nflags, narrived;

static void
count_vanished(void *arg, size_t i, uint32_t uid)
{
	(void)arg;
	(void)i;
	CHECK(uid == 292, "the one that was removed");
	nvanished++;
}

static void
count_flags(void *arg, size_t i)
{
	(void)arg;
	CHECK(i == 289 || i == 290, "those that others have changed");
	nflags++;
}

static void
count_arrived(void *arg, size_t n)
{
	(void)arg;
	narrived += n;
}

/* Many changes of our own, for which the watch is made quiet, and three of others on both sides of that. */
static void
test_given_up(const char *dir)
{
	struct folder_changes c = { count_vanished, count_flags, count_arrived,
	    NULL };
	struct folder *f;

	sh("mkdir -p %s/cur %s/new %s/tmp; for i in $(seq 101 400); do echo x >%s/cur/$i.a:2,; done", dir, dir, dir, dir);
	if ((f = folder_open(dir, false)) == NULL)
		err(1, "folder_open");
	if (folder_watch(f) == -1) {
		test_skip("a watch that is quiet", "no inotify here");
		folder_close(f);
		return;
	}
	CHECK(folder_refresh(f, NULL) == 0 && folder_count(f) == 300,
	    "all are there");
	sh("mv %s/cur/390.a:2, %s/cur/390.a:2,F", dir, dir);
	CHECK(folder_store_begin(f) == 0, "begin");
	for (size_t i = 0; i < 250; i++)
		CHECK(folder_set(f, i, MAIL_SEEN, 0) == 0, "set");
	sh("cd %s/cur && mv 391.a:2, 391.a:2,F && rm 392.a:2, && echo x >401.a:2,", dir);
	CHECK(folder_set(f, 280, MAIL_SEEN, 0) == 0, "set another");
	CHECK(folder_store_end(f) == 0, "end");
	for (int i = 0; i < 3; i++)
		CHECK(folder_refresh(f, &c) == 0, "refresh");
	CHECK(nflags == 2, "flags of others");
	CHECK(nvanished == 1, "removed by others");
	CHECK(narrived == 1 && folder_count(f) == 300, "added by others");
	CHECK(folder_flags(f, 249) == MAIL_SEEN && folder_flags(f, 280) ==
	    MAIL_SEEN && folder_flags(f, 250) == 0, "our own");
	sh("rm %s/cur/401.a:2,", dir);
	c.vanished = NULL;
	CHECK(folder_refresh(f, &c) == 0 && folder_count(f) == 299,
	    "and what comes after it");
	folder_close(f);
	test_end("a watch that is quiet");
}

int
main(void)
{
	struct folder *f;
	char dir[64];

	clock_init();
	log_init("folder_watch_test", false, false);
	root_make();
	snprintf(dir, sizeof(dir), "%s/box", root);
	sh("mkdir -p %s/cur %s/new %s/tmp; echo x >%s/cur/1.a:2,; echo x >%s/cur/2.b:2,", dir, dir, dir, dir, dir);
	if ((f = folder_open(dir, false)) == NULL)
		err(1, "folder_open");
	if (folder_watch(f) == -1) {
		test_skip("following a watch", "no inotify here");
	} else {
		CHECK(*refresh(f) == '\0', told);
		halved = folder_watch(f);
		sh("mv %s/cur/1.a:2, %s/cur/1.a:2,S", dir, dir);
		CHECK_SPAN(span_str(refresh(f)), "f0", "half of a rename");
		CHECK(ended && nrest == 0, "it was halved");
		CHECK(folder_count(f) == 2 && folder_flags(f, 0) == MAIL_SEEN,
		    "it is there");
		sh("rm %s/cur/1.a:2,S", dir);
		CHECK_SPAN(span_str(refresh(f)), "v0,1", "really gone");
		test_end("half of a rename");
	}
	folder_close(f);
	snprintf(dir, sizeof(dir), "%s/many", root);
	test_given_up(dir);
	root_remove();
	return test_done();
}
