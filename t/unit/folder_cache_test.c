/*
 * posthouse.cache: opening with it and without it is the same; damaged, foreign or deleted it costs time alone.
 */
#include "folder.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "log.h"
#include "store.h"
#include "test.h"

#define SMALL	200
#define LARGE	3000		/* mapped */

static char	dir[256], cache[300];

/* The directories' times are old enough to be believed. */
static void
age(void)
{
	sh("touch -d '1 minute ago' %s/cur %s/new", dir, dir);
}

static void
fresh(const char *name, int n)
{
	char path[400];

	snprintf(dir, sizeof(dir), "%s/%s", root, name);
	snprintf(cache, sizeof(cache), "%s/posthouse.cache", dir);
	sh("mkdir -p %s/cur %s/new %s/tmp", dir, dir, dir);
	for (int i = 1; i <= n; i++) {
		snprintf(path, sizeof(path), i % 3 == 0 ?
		    "%s/cur/%d.m,S=5,W=6:2,S" : "%s/new/%d.m,S=5,W=6", dir, i);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	age();
}

static struct folder *
get(void)
{
	struct folder *f = folder_open(dir, false);

	if (f == NULL)
		err(1, "folder_open %s", dir);
	return f;
}

/* All that a folder tells, as one number. */
static uint64_t
digest(struct folder *f)
{
	uint64_t h = folder_highest_modseq(f) * 31 + folder_uidvalidity(f) +
	    folder_uidnext(f);

	for (size_t i = 0; i < folder_count(f); i++) {
		struct span u = folder_unique(f, i);
		uint64_t size = 0;

		CHECK(folder_size(f, i, &size) == 0, "size");
		h = (h ^ folder_uid(f, i)) * 0x100000001b3ULL;
		h = (h ^ folder_flags(f, i)) * 0x100000001b3ULL;
		h = (h ^ folder_keywords(f, i)) * 0x100000001b3ULL;
		h = (h ^ folder_modseq(f, i) ^ size) * 0x100000001b3ULL;
		for (size_t k = 0; k < u.len; k++)
			h = (h ^ u.p[k]) * 0x100000001b3ULL;
	}
	return h;
}

static uint64_t
open_digest(void)
{
	struct folder *f = get();
	uint64_t h = digest(f);

	folder_close(f);
	return h;
}

static bool
have_cache(struct stat *st)
{
	return stat(cache, st) == 0 && S_ISREG(st->st_mode);
}

static void
test_same(int n, const char *name)
{
	struct stat st, again;
	struct folder *f;
	uint64_t h;
	char what[64];

	fresh(name, n);
	h = open_digest();
	CHECK(have_cache(&st), "written");
	CHECK(open_digest() == h, "with it");
	CHECK(have_cache(&again) && again.st_ino == st.st_ino, "not again");
	unlink(cache);
	CHECK(open_digest() == h, "without it");
	f = get();
	CHECK(folder_set(f, 0, MAIL_SEEN | MAIL_FLAGGED, 0) == 0 &&
	    folder_set(f, 7, 0, 0) == 0 && folder_remove(f, 5) == 0 &&
	    folder_refresh(f, NULL) == 0, "changes");
	h = digest(f);
	CHECK(folder_count(f) == (size_t)n - 1, "one less");
	CHECK(folder_first_unseen(f) == 1, "first unseen");
	folder_close(f);
	CHECK(open_digest() == h, "after changes");
	age();
	CHECK(open_digest() == h && open_digest() == h, "and again");
	sh("mv %s/new/1.* %s/cur/x 2>/dev/null; mv %s/cur/1.m* %s/cur/1.m:2,T",
	    dir, dir, dir, dir);
	f = get();
	CHECK(folder_flags(f, 0) == MAIL_DELETED, "by hand");
	folder_close(f);
	snprintf(what, sizeof(what), "the same with a cache, %d messages", n);
	test_end(what);
}

/* A child, for a session on a damaged mapping ends. */
static int
child_opens(uint64_t h)
{
	int status;
	pid_t pid = fork();

	if (pid == 0 && freopen("/dev/null", "w", stderr) != NULL)
		_exit(open_digest() == h ? 0 : 1);
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		err(1, "fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static void
patch(off_t at, unsigned char c)
{
	int fd = open(cache, O_WRONLY);

	CHECK(fd != -1 && pwrite(fd, &c, 1, at) == 1, "patch");
	close(fd);
}

/* One byte changed, anywhere: nothing else is ever told than without it; a session that had mapped it ends,
 * and the next one is served. */
static void
test_damaged(int n, const char *name)
{
	struct stat st;
	uint64_t h;
	char what[64];

	fresh(name, n);
	h = open_digest();
	CHECK(have_cache(&st), "written");
	for (off_t at = 0; at < st.st_size; at += 1 + st.st_size / 60) {
		int r;

		(void)open_digest();
		age();
		h = open_digest();
		patch(at, 0x5a);
		r = child_opens(h);
		CHECK(r == 0 || (n >= 1024 && r == EX_TEMPFAIL), "damaged");
		CHECK(child_opens(h) == 0, "and mended");
		unlink(cache);
	}
	for (off_t size = 0; size < st.st_size; size += 1 + st.st_size / 20) {
		h = open_digest();
		CHECK(truncate(cache, size) == 0, "cut");
		CHECK(child_opens(h) == 0, "half");
		unlink(cache);
	}
	snprintf(what, sizeof(what), "damaged, %d messages", n);
	test_end(what);
}

static void
test_deleted(void)
{
	struct folder *f, *g;
	uint64_t h;

	fresh("deleted", LARGE);
	h = open_digest();
	f = get();
	g = get();
	unlink(cache);
	CHECK(digest(f) == h, "while open");
	CHECK(folder_set(f, 3, MAIL_SEEN, 0) == 0, "set");
	for (size_t i = 100; i < 200; i++)
		CHECK(folder_remove(f, i) == 0, "remove");
	CHECK(folder_refresh(f, NULL) == 0 && folder_refresh(g, NULL) == 0,
	    "refresh");
	CHECK(folder_count(g) == LARGE - 100 && digest(f) == digest(g),
	    "both see it");
	folder_close(f);
	folder_close(g);
	test_end("deleted while open");
}

/* The cache of another list, of another folder, or in the way of one. */
static void
test_foreign(void)
{
	uint64_t h;
	struct stat st;

	fresh("other", SMALL);
	(void)open_digest();
	sh("cp %s %s/other.cache", cache, root);
	fresh("foreign", SMALL);
	h = open_digest();
	sh("cp %s/other.cache %s", root, cache);
	CHECK(open_digest() == h, "another folder's");
	unlink(cache);
	h = open_digest();
	sh("cp -p %s/posthouse.uids %s/x; mv %s/x %s/posthouse.uids", dir, dir,
	    dir, dir);
	CHECK(open_digest() == h, "another list");
	sh("rm %s; mkfifo %s", cache, cache);
	alarm(600);
	CHECK(open_digest() == h, "a FIFO");
	alarm(0);
	sh("rm -f %s; ln -s %s/other.cache %s", cache, root, cache);
	CHECK(open_digest() == h, "a link");
	age();
	(void)open_digest();
	CHECK(have_cache(&st) && lstat(cache, &st) == 0 && S_ISREG(st.st_mode),
	    "a file again");
	test_end("caches that are none of its own");
}

/* Private memory of this process in KiB. */
static long
private_kib(void)
{
	FILE *fp = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	uint64_t n;
	long sum = 0;
	struct cur c;

	while (fp != NULL && fgets(line, sizeof(line), fp) != NULL) {
		cur_init(&c, span_str(line));
		if (!cur_word(&c, "Private_Dirty:"))
			continue;
		while (cur_ch(&c, ' '))
			;
		if (cur_num(&c, INT32_MAX, &n) == 0)
			sum += (long)n;
	}
	if (fp != NULL)
		fclose(fp);
	return sum;
}

static void
test_memory(void)
{
	struct folder *f;
	long before, after;

	fresh("memory", LARGE * 5);
	(void)open_digest();
	before = private_kib();
	f = get();
	CHECK(folder_watch(f) != -1 && folder_refresh(f, NULL) == 0, "watch");
	CHECK(folder_count(f) == (size_t)LARGE * 5 &&
	    folder_first_unseen(f) == 0, "opened");
	after = private_kib();
#ifndef __SANITIZE_ADDRESS__	/* whose own memory is counted, too */
	CHECK(before == 0 || after - before < 250, "little memory of its own");
#endif
	printf("# %ld KiB for %d messages\n", after - before, LARGE * 5);
	folder_close(f);
	test_end("memory");
}

/* A session that follows the watch of a mapped folder, and one that opens it afterwards. */
static void
test_follow(void)
{
	struct folder *f;

	fresh("follow", LARGE);
	(void)open_digest();
	f = get();
	if (folder_watch(f) == -1) {
		folder_close(f);
		test_skip("following", "no inotify here");
		return;
	}
	CHECK(folder_refresh(f, NULL) == 0, "refresh");
	for (int i = 0; i < 8; i++) {
		sh("cd %s && touch tmp/x && mv tmp/x new/%d.late && "
		    "mv new/%d.m,S=5,W=6 cur/%d.m,S=5,W=6:2,F && "
		    "rm cur/%d.m,S=5,W=6:2,S", dir, 5000 + i, 100 + 3 * i,
		    100 + 3 * i, 300 + 3 * i);
		CHECK(folder_refresh(f, NULL) == 0, "follow");
		CHECK(folder_count(f) == LARGE &&
		    folder_uid(f, LARGE - 1) == (uint32_t)(LARGE + 1 + i),
		    "one came, one went");
		CHECK(folder_flags(f, folder_lower(f,
		    (uint32_t)(100 + 3 * i))) == MAIL_FLAGGED, "flagged");
		CHECK(folder_uid(f, folder_lower(f, (uint32_t)(300 + 3 * i)))
		    == (uint32_t)(301 + 3 * i), "gone");
	}
	sh("cd %s && mv new/5003.late cur/5003.late:2,R", dir);
	CHECK(folder_refresh(f, NULL) == 0 && folder_flags(f, LARGE - 5) ==
	    MAIL_ANSWERED, "one that is not in the cache");
	CHECK(digest(f) == open_digest(), "same");
	folder_close(f);
	test_end("following a mapped folder");
}

/* What message i was given: bytes that depend on it. */
static size_t
blob_of(size_t i, unsigned kind, unsigned char out[512])
{
	size_t n = 1 + (i * 37 + kind * 11) % 511;

	memset(out, (int)(i + kind) & 0xff, n);
	return n;
}

static void
blobs_put(struct folder *f, unsigned kind)
{
	unsigned char b[512];

	for (size_t i = 0; i < folder_count(f); i++)
		folder_blob_put(f, i, kind, 7, b,
		    blob_of(folder_uid(f, i) - 1, kind, b));
	folder_blob_flush(f);
}

/* How many are there; each that is there is right.  UIDs are 1 and up. */
static size_t
blobs_right(struct folder *f, unsigned kind)
{
	unsigned char b[512];
	size_t n = 0;

	for (size_t i = 0; i < folder_count(f); i++) {
		struct span s = folder_blob_get(f, i, kind, 7);

		if (s.p == NULL)
			continue;
		n++;
		CHECK(span_eq(s, span_of(b, blob_of(folder_uid(f, i) - 1, kind,
		    b))), "right");
	}
	return n;
}

static void
test_blobs(void)
{
	char records[400], index[400];
	struct folder *f, *g;
	struct stat st;
	int fd;

	fresh("blobs", LARGE);
	snprintf(records, sizeof(records), "%s-parsed", cache);
	snprintf(index, sizeof(index), "%s-index", cache);
	f = get();
	g = get();
	CHECK(blobs_right(f, 0) == 0, "none yet");
	blobs_put(f, 0);
	CHECK(blobs_right(f, 0) == LARGE && blobs_right(f, 1) == 0, "all");
	CHECK(blobs_right(g, 0) == 0 || blobs_right(g, 0) == LARGE, "another");
	blobs_put(g, 1);
	CHECK(blobs_right(f, 1) == LARGE && blobs_right(f, 0) == LARGE,
	    "both kinds");
	CHECK(folder_blob_get(f, 3, 0, 8).p == NULL, "another format");
	CHECK(folder_remove(f, 0) == 0 && folder_refresh(f, NULL) == 0,
	    "remove");
	CHECK(blobs_right(f, 0) == LARGE - 1, "by UID");
	folder_close(g);
	/* Any bytes may be wrong. */
	CHECK(stat(records, &st) == 0, "stat");
	fd = open(records, O_WRONLY);
	for (off_t at = 64; at < st.st_size; at += 997)
		CHECK(pwrite(fd, "Z", 1, at) == 1, "patch");
	close(fd);
	fd = open(index, O_WRONLY);
	for (off_t at = 64; at < 40000; at += 333)
		CHECK(pwrite(fd, "\377\377", 2, at) == 2, "patch");
	close(fd);
	CHECK(blobs_right(f, 0) < LARGE - 1, "damaged ones are not told");
	unlink(records);
	CHECK(blobs_right(f, 1) < LARGE, "deleted while open");
	folder_close(f);
	f = get();
	CHECK(blobs_right(f, 0) == 0, "none");
	blobs_put(f, 2);
	CHECK(blobs_right(f, 2) == LARGE - 1, "made anew");
	folder_close(f);
	sh("rm -f %s; mkfifo %s", records, records);
	f = get();
	alarm(600);
	CHECK(folder_blob_get(f, 1, 0, 7).p == NULL, "a FIFO");
	alarm(0);
	folder_close(f);
	test_end("what was made of messages");
}

/* Sizes that names do not tell are read once: afterwards the file may say what it wants. */
static void
test_sizes(void)
{
	uint64_t size = 0, other = 0;
	struct folder *f;

	fresh("sizes", 0);
	sh("for i in $(seq %d); do printf 'a: b\\n\\nc\\n' >%s/new/$i.m; done",
	    SMALL, dir);
	age();
	folder_close(get());
	f = get();
	for (size_t i = 0; i < SMALL; i++)
		CHECK(folder_size(f, i, &size) == 0 && size == 11, "read");
	folder_close(f);
	sh("for f in %s/new/*; do echo longer than it was >>$f; done", dir);
	f = get();
	CHECK(folder_size(f, SMALL / 2, &size) == 0 && size == 11, "kept");
	folder_close(f);
	sh("mv %s/new/7.m %s/cur/7.m:2,S; echo >%s/new/0.m", dir, dir, dir);
	f = get();
	CHECK(folder_count(f) == SMALL + 1 &&
	    folder_size(f, SMALL - 1, &size) == 0 && size == 11 &&
	    folder_size(f, SMALL, &other) == 0 && other == 2,
	    "kept when others change");
	folder_close(f);
	test_end("sizes that names do not tell");
}

int
main(void)
{
	clock_init();
	log_init("folder_cache_test", false, false);
	root_make();
	test_same(SMALL, "small");
	test_same(LARGE, "large");
	test_damaged(SMALL, "damaged_small");
	test_damaged(LARGE, "damaged_large");
	test_deleted();
	test_foreign();
	test_memory();
	test_blobs();
	test_follow();
	test_sizes();
	root_remove();
	return test_done();
}
