/*
 * What a folder remembers of its changes: mod-sequences, expunged UIDs, save dates, object ids, many messages
 * in one go; and what becomes of it when other programs change names, lines are lost, or nothing may be written.
 */
#include "folder.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "store.h"
#include "test.h"

static char	dir[256], other[300];

/* An empty Maildir with n messages, and another beside it. */
static void
fresh(const char *name, int n)
{
	snprintf(dir, sizeof(dir), "%s/%s", root, name);
	snprintf(other, sizeof(other), "%s.other", dir);
	sh("mkdir -p %s/cur %s/new %s/tmp %s/cur %s/new %s/tmp", dir, dir, dir,
	    other, other, other);
	for (int i = 1; i <= n; i++)
		sh("printf 'Subject: %d\\n\\nx\\n' > %s/new/%d.m", i, dir, i);
}

static struct folder *
get(const char *d)
{
	struct folder *f = folder_open(d, false);

	if (f == NULL)
		err(1, "folder_open %s", d);
	return f;
}

static void
refresh(struct folder *f)
{
	CHECK(folder_refresh(f, NULL) == 0, "refresh");
}

/* Expunged UIDs as text: "2 5:7 ". */
static char	gone[512];

static int
add_gone(void *arg, uint32_t lo, uint32_t hi)
{
	size_t n = strlen(gone);

	(void)arg;
	if (lo == hi)
		snprintf(gone + n, sizeof(gone) - n, "%u ", (unsigned)lo);
	else
		snprintf(gone + n, sizeof(gone) - n, "%u:%u ", (unsigned)lo,
		    (unsigned)hi);
	return 0;
}

static const char *
vanished(struct folder *f, uint64_t since)
{
	gone[0] = '\0';
	CHECK(folder_vanished(f, since, add_gone, NULL) == 0, "vanished");
	return gone;
}

static void
test_rising(void)
{
	struct folder *f, *g;
	uint64_t first, second, third;

	fresh("rising", 3);
	f = get(dir);
	first = folder_highest_modseq(f);
	CHECK(first > 0 && folder_modseq(f, 0) == first &&
	    folder_modseq(f, 2) == first, "arrived together");
	CHECK(folder_set(f, 1, MAIL_SEEN, 0) == 0, "set");
	second = folder_modseq(f, 1);
	CHECK(second > first && folder_highest_modseq(f) == second, "higher");
	CHECK(folder_modseq(f, 0) == first, "others stay");
	CHECK(folder_set(f, 1, MAIL_SEEN, 0) == 0 &&
	    folder_modseq(f, 1) == second, "no change, no number");
	g = get(dir);
	CHECK(folder_modseq(g, 1) == second && folder_modseq(g, 0) == first &&
	    folder_highest_modseq(g) == second, "read back");
	CHECK(folder_set(g, 0, MAIL_FLAGGED, 0) == 0, "set");
	third = folder_modseq(g, 0);
	refresh(f);
	CHECK(third > second && folder_modseq(f, 0) == third &&
	    folder_highest_modseq(f) == third, "seen by another session");
	folder_close(f);
	folder_close(g);
	test_end("mod-sequences rise and are read back");
}

static void
test_foreign(void)
{
	struct folder *f, *g;
	uint64_t first, second;

	fresh("foreign", 3);
	f = get(dir);
	first = folder_highest_modseq(f);
	sh("mv %s/new/2.m %s/cur/2.m:2,S", dir, dir);
	refresh(f);
	second = folder_modseq(f, 1);
	CHECK(second > first && folder_modseq(f, 0) == first, "noticed");
	g = get(dir);
	CHECK(folder_modseq(g, 1) == second, "and written down");
	folder_close(f);
	folder_close(g);
	sh("mv %s/cur/2.m:2,S %s/cur/2.m:2,F; rm %s/new/3.m", dir, dir, dir);
	f = get(dir);
	CHECK(folder_modseq(f, 1) > second && folder_modseq(f, 0) == first,
	    "noticed at the next opening");
	CHECK(strcmp(vanished(f, second), "3 ") == 0, gone);
	CHECK(strcmp(vanished(f, folder_highest_modseq(f)), "") == 0, gone);
	folder_close(f);
	f = get(dir);
	CHECK(strcmp(vanished(f, second), "3 ") == 0, gone);
	folder_close(f);
	test_end("changes by other programs");
}

static void
test_conditional(void)
{
	struct folder *f, *g;
	uint64_t first;

	fresh("conditional", 4);
	f = get(dir);
	g = get(dir);
	first = folder_highest_modseq(f);
	CHECK(folder_set(g, 1, MAIL_SEEN, 0) == 0, "another session's");
	sh("mv %s/new/3.m %s/cur/3.m:2,R", dir, dir);
	CHECK(folder_store_begin(f) == 0, "begin");
	CHECK(folder_set_unchanged(f, 0, MAIL_FLAGGED, 0, first) == 0, "0");
	CHECK(folder_set_unchanged(f, 1, MAIL_FLAGGED, 0, first) == 1,
	    "changed by a session");
	CHECK(folder_set_unchanged(f, 2, MAIL_FLAGGED, 0, first) == 1,
	    "changed by another program");
	CHECK(folder_set_unchanged(f, 3, MAIL_FLAGGED, 0, first) == 0, "3");
	CHECK(folder_modseq(f, 0) == folder_modseq(f, 3), "one for all");
	CHECK(folder_store_end(f) == 0, "end");
	refresh(f);
	CHECK(folder_flags(f, 0) == MAIL_FLAGGED &&
	    folder_flags(f, 1) == MAIL_SEEN &&
	    folder_flags(f, 2) == MAIL_ANSWERED, "flags");
	refresh(g);
	for (size_t i = 0; i < 4; i++)
		CHECK(folder_modseq(f, i) == folder_modseq(g, i) &&
		    folder_flags(f, i) == folder_flags(g, i), "agree");
	folder_close(f);
	folder_close(g);
	test_end("conditional changes");
}

static void
test_vanished(void)
{
	struct folder *f;
	uint64_t at[6];

	fresh("vanished", 6);
	f = get(dir);
	for (int i = 0; i < 3; i++) {
		at[i] = folder_highest_modseq(f);
		CHECK(folder_remove(f, (size_t)i) == 0, "remove");
		refresh(f);
	}
	CHECK(strcmp(vanished(f, at[0]), "1 3 5 ") == 0, gone);
	CHECK(strcmp(vanished(f, at[1]), "3 5 ") == 0, gone);
	CHECK(strcmp(vanished(f, at[2]), "5 ") == 0, gone);
	CHECK(strcmp(vanished(f, folder_highest_modseq(f)), "") == 0, gone);
	folder_close(f);
	f = get(dir);
	CHECK(strcmp(vanished(f, at[1]), "3 5 ") == 0, gone);
	folder_close(f);
	/* A list that does not reach back so far: every UID without a message. */
	sh("sed -i 's/^\\(posthouse-uids 1 [0-9]* [0-9]*\\) 0/\\1 %ju/' "
	    "%s/posthouse.uids", (uintmax_t)at[1], dir);
	f = get(dir);
	CHECK(strcmp(vanished(f, at[0]), "1 3 5 ") == 0, gone);
	CHECK(strcmp(vanished(f, at[1]), "3 5 ") == 0, gone);
	folder_close(f);
	test_end("what was expunged");
}

/* A long history, and the list made anew many times: never a number twice, never one lower. */
static void
test_history(void)
{
	struct folder *f, *g;
	struct stat st;
	char path[300];
	uint64_t last = 0;

	fresh("history", 20);
	f = get(dir);
	for (int i = 0; i < 4000; i++) {
		size_t k = (size_t)(i % 20);

		CHECK(folder_set(f, k, folder_flags(f, k) ^ MAIL_SEEN,
		    (uint64_t)(i & 1) << 40) == 0, "set");
		CHECK(folder_modseq(f, k) > last, "rises");
		last = folder_modseq(f, k);
	}
	snprintf(path, sizeof(path), "%s/posthouse.uids", dir);
	CHECK(stat(path, &st) == 0 && st.st_size < 100000, "bounded");
	g = get(dir);
	CHECK(folder_highest_modseq(g) == last, "highest");
	for (size_t i = 0; i < 20; i++)
		CHECK(folder_modseq(f, i) == folder_modseq(g, i) &&
		    folder_keywords(f, i) == folder_keywords(g, i), "same");
	folder_close(f);
	folder_close(g);
	test_end("a long history");
}

static void
test_append_many(void)
{
	static const char *const kw[] = { "$Junk" };
	struct folder_message m[3] = { { .flags = MAIL_SEEN }, { .arrival =
	    1000000000 }, { .keywords = kw, .nkeywords = 1 } };
	struct folder *f;
	uint32_t validity;
	time_t t;

	fresh("append", 0);
	f = get(dir);
	for (int i = 0; i < 3; i++) {
		CHECK((m[i].to = folder_append_begin(dir)) != NULL, "begin");
		CHECK(folder_append_add(m[i].to, "A: b\r\n\r\nc\r\n", 11) == 0,
		    "add");
	}
	CHECK(folder_append_commit_many(m, 3, &validity) == 0, "commit");
	refresh(f);
	CHECK(folder_count(f) == 3 && m[0].uid == 1 && m[1].uid == 2 &&
	    m[2].uid == 3, "UIDs in order");
	CHECK(folder_flags(f, 0) == MAIL_SEEN && folder_keywords(f, 2) == 1,
	    "flags");
	CHECK(folder_modseq(f, 0) == folder_modseq(f, 2), "one mod-sequence");
	CHECK(folder_date(f, 1, &t) == 0 && t == 1000000000, "date");
	CHECK(folder_save_date(f, 1, &t) == 0 && t > 1000000000, "saved now");
	CHECK(folder_save_date(f, 0, &t) == 0 && t > 1000000000, "saved");
	/* One that cannot be stored takes the others with it. */
	for (int i = 0; i < 3; i++)
		CHECK((m[i].to = folder_append_begin(dir)) != NULL &&
		    folder_append_add(m[i].to, "x", 1) == 0, "again");
	sh("cd %s/tmp && ls | sort | tail -n 1 | xargs rm", dir);
	CHECK(folder_append_commit_many(m, 3, &validity) == -1, "fails");
	refresh(f);
	CHECK(folder_count(f) == 3, "nothing came");
	sh("[ -z \"$(ls %s/tmp)\" ]", dir);
	folder_close(f);
	test_end("several messages in one go");
}

static void
test_ids(void)
{
	char a[FOLDER_ID_SIZE], b[FOLDER_ID_SIZE], c[FOLDER_ID_SIZE];
	uint32_t validity, uid;
	struct folder *f, *g;
	time_t now, t;

	fresh("ids", 2);
	sh("touch -d @1000000000 %s/new/*", dir);
	f = get(dir);
	CHECK(folder_email_id(f, 0, a) == 0 && folder_email_id(f, 1, b) == 0 &&
	    strcmp(a, b) != 0, "differ");
	now = clock_now();
	CHECK(copy_one(f, 0, other, false, &validity, &uid) == 0, "copy");
	CHECK(copy_one(f, 0, dir, false, &validity, &uid) == 0, "copy here");
	CHECK(copy_one(f, 1, other, true, &validity, &uid) == 0, "move");
	g = get(other);
	CHECK(folder_email_id(g, 0, c) == 0 && strcmp(a, c) == 0, "copied");
	CHECK(folder_email_id(g, 1, c) == 0 && strcmp(b, c) == 0, "moved");
	CHECK(folder_save_date(g, 0, &t) == 0 && t >= now, "saved now");
	CHECK(folder_date(g, 0, &t) == 0 && t == 1000000000, "arrived then");
	refresh(f);
	CHECK(folder_email_id(f, 1, c) == 0 && strcmp(a, c) == 0, "here");
	CHECK(folder_save_date(f, 0, &t) == 0 && t == 1000000000, "first");
	CHECK(copy_one(g, 0, dir, false, &validity, &uid) == 0, "copy of a copy");
	refresh(f);
	CHECK(folder_email_id(f, 2, c) == 0 && strcmp(a, c) == 0, "still");
	folder_id(f, a);
	folder_id(g, b);
	CHECK(strcmp(a, b) != 0 && a[0] == 'F', "folders differ");
	folder_close(f);
	f = get(dir);
	folder_id(f, b);
	CHECK(strcmp(a, b) == 0, "lasting");
	folder_close(f);
	folder_close(g);
	test_end("object ids and save dates");
}

/* A crash between the rename and the line, or a list put back from an old backup. */
static void
test_lost_lines(void)
{
	struct folder *f;
	uint64_t was;

	fresh("lost", 3);
	f = get(dir);
	sh("cp %s/posthouse.uids %s/old", dir, dir);
	CHECK(folder_set(f, 0, MAIL_SEEN, 0) == 0, "set");
	CHECK(folder_remove(f, 1) == 0, "remove");
	refresh(f);
	was = folder_highest_modseq(f);
	folder_close(f);
	sh("mv %s/old %s/posthouse.uids; sleep 1.1", dir, dir);
	f = get(dir);
	CHECK(folder_modseq(f, 0) > was, "a number above all that were seen");
	CHECK(strcmp(vanished(f, was), "2 ") == 0, gone);
	folder_close(f);
	test_end("lines that were lost");
}

static void
test_fifo(void)
{
	struct folder *f;

	fresh("fifo", 2);
	sh("mkfifo %s/posthouse.uids %s/posthouse.keywords", dir, dir);
	alarm(600);
	f = folder_open(dir, false);
	CHECK(f != NULL && folder_count(f) == 2 && folder_uid(f, 0) > 0,
	    "opens");
	folder_close(f);
	alarm(0);
	test_end("a FIFO in place of a file");
}

/* Where nothing can be written the folder opens, under a UIDVALIDITY that no client will meet again. */
static void
test_read_only(void)
{
	struct folder *f;
	uint32_t validity;

	if (geteuid() == 0 && setegid(65534) == -1)
		err(1, "setegid");
	fresh("readonly", 2);
	f = get(dir);
	validity = folder_uidvalidity(f);
	folder_close(f);
	sh("chmod -R a+rX %s; chmod a-w %s/. ", dir, dir);
	if (geteuid() == 0 && seteuid(65534) == -1)
		err(1, "seteuid");
	f = folder_open(dir, true);
	CHECK(f != NULL && folder_count(f) == 2 &&
	    folder_uidvalidity(f) == validity, "all is known");
	folder_close(f);
	if (getuid() != 0) {		/* the list itself is ours to write to */
		sh("chmod u+w %s", dir);
		test_end("where no file can be made");
		return;
	}
	if (seteuid(0) == -1)
		err(1, "seteuid");
	sh("mkdir -p %s; printf x > %s/new/3.m; chmod a-w %s", dir, dir, dir);
	if (getuid() == 0 && seteuid(65534) == -1)
		err(1, "seteuid");
	f = folder_open(dir, true);
	CHECK(f != NULL && folder_count(f) == 3 &&
	    folder_uidvalidity(f) != validity, "one without a UID");
	CHECK(f != NULL && folder_refresh(f, NULL) == 0, "refresh");
	CHECK(f != NULL && folder_set(f, 0, MAIL_SEEN, 0) == -1, "no change");
	folder_close(f);
	if (getuid() == 0 && (seteuid(0) == -1 || setegid(0) == -1))
		err(1, "seteuid");
	test_end("where nothing can be written");
}

static double
seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* folder_log_test open DIR: what opening, telling and the first look at all flags cost. */
static int
time_open(const char *d)
{
	for (int k = 0; k < 4; k++) {
		double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
		double wall = seconds(CLOCK_MONOTONIC);
		struct folder *f = get(d);
		unsigned all = 0;

		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		wall = seconds(CLOCK_MONOTONIC) - wall;
		printf("open %.3f ms, CPU %.3f ms, %zu messages, %zu unseen; ",
		    wall * 1e3, cpu * 1e3, folder_count(f),
		    folder_first_unseen(f));
		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
		for (size_t i = 0; i < folder_count(f); i++)
			all |= folder_flags(f, i) | folder_uid(f, i);
		printf("flags CPU %.3f ms%s\n", (seconds(
		    CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e3, all ? "" : "?");
		folder_close(f);
	}
	return 0;
}

/* folder_log_test arrive DIR: what one new message costs a session that watches. */
static int
time_arrival(const char *d)
{
	struct folder *f = get(d);
	char tmp[512], to[512];
	double cpu;

	if (folder_watch(f) == -1 || folder_refresh(f, NULL) == -1)
		errx(1, "no watch");
	for (int k = 0; k < 5; k++) {
		snprintf(tmp, sizeof(tmp), "%s/tmp/arrive", d);
		snprintf(to, sizeof(to), "%s/new/2000000000.%d.%d", d,
		    (int)getpid(), k);
		close(open(tmp, O_CREAT | O_WRONLY, 0600));
		if (rename(tmp, to) == -1)
			err(1, "%s", to);
		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
		if (folder_refresh(f, NULL) == -1)
			err(1, "refresh");
		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		printf("%zu messages, one more: CPU %.3f ms\n",
		    folder_count(f), cpu * 1e3);
	}
	folder_close(f);
	return 0;
}

int
main(int argc, char **argv)
{
	clock_init();
	log_init("folder_log_test", false, false);
	if (argc == 3 && strcmp(argv[1], "open") == 0)
		return time_open(argv[2]);
	if (argc == 3 && strcmp(argv[1], "arrive") == 0)
		return time_arrival(argv[2]);
	root_make();
	if (chmod(root, 0755) == -1)
		err(1, "chmod");
	test_rising();
	test_foreign();
	test_conditional();
	test_vanished();
	test_history();
	test_append_many();
	test_ids();
	test_lost_lines();
	test_fifo();
	test_read_only();
	root_remove();
	return test_done();
}
