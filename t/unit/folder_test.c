/*
 * The mail store: UIDs over re-opening, foreign changes, files that vanish, crashes.  With arguments
 * it is a tool for t/store.bats: folder_test COMMAND DIR ...
 */
#include "folder.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "store.h"
#include "test.h"
#include "uidlist.h"

static char	dir[256];
static bool	watching;	/* the second round: following a watch, not listing */

/* An empty Maildir of its own for each group. */
static void
fresh(const char *name)
{
	snprintf(dir, sizeof(dir), "%s/%s%d", root, name, watching);
	sh("mkdir -p %s/cur %s/new %s/tmp", dir, dir, dir);
}

static void
put(const char *path)
{
	sh("printf 'Subject: %s\\n\\nhello\\n' > %s/%s", path, dir, path);
}

static struct folder *
get(void)
{
	struct folder *f = folder_open(dir, false);

	if (f == NULL)
		err(1, "folder_open %s", dir);
	if (watching && (folder_watch(f) == -1 ||
	    folder_refresh(f, NULL) == -1))
		err(1, "folder_watch %s", dir);
	return f;
}

/* What a refresh told, as text: "v2 f0 a1 ". */
static char	told[1024];

static void
add_told(char what, size_t n)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%c%zu ", what, n);
}

static void
on_vanished(void *arg, size_t i, uint32_t uid)
{
	(void)arg;
	(void)uid;
	add_told('v', i);
}

static void
on_flags(void *arg, size_t i)
{
	(void)arg;
	add_told('f', i);
}

static void
on_arrived(void *arg, size_t n)
{
	(void)arg;
	add_told('a', n);
}

static const char *
refresh(struct folder *f)
{
	struct folder_changes c = { on_vanished, on_flags, on_arrived, NULL };

	told[0] = '\0';
	if (folder_refresh(f, &c) == -1)
		snprintf(told, sizeof(told), "error %d", errno);
	return told;
}

static void
test_uids(void)
{
	struct folder *f;
	uint32_t validity;

	fresh("uids");
	put("new/20.b");
	put("new/3.z");
	put("cur/100.a:2,FS");
	f = get();
	validity = folder_uidvalidity(f);
	CHECK(folder_count(f) == 3, "count");
	CHECK(validity > 0, "validity");
	CHECK(folder_uidnext(f) == 4, "next");
	CHECK_SPAN(folder_unique(f, 0), "3.z", "by time of arrival");
	CHECK_SPAN(folder_unique(f, 1), "20.b", "by time of arrival");
	CHECK_SPAN(folder_unique(f, 2), "100.a", "by time of arrival");
	CHECK(folder_flags(f, 2) == (MAIL_FLAGGED | MAIL_SEEN), "flags");
	CHECK(folder_recent(f, 0), "recent");
	CHECK(folder_lower(f, 2) == 1 && folder_lower(f, 9) == 3, "lower");
	folder_close(f);
	put("new/1.first");
	f = get();
	CHECK(folder_uidvalidity(f) == validity, "validity stays");
	CHECK_SPAN(folder_unique(f, 3), "1.first", "later found, later UID");
	CHECK(!folder_recent(f, 0) && folder_recent(f, 3), "recent once");
	CHECK(folder_remove(f, 3) == 0, "remove");
	CHECK(strcmp(refresh(f), "v3 ") == 0, told);
	CHECK(folder_uidnext(f) == 5, "next never goes back");
	folder_close(f);
	f = get();
	CHECK(folder_uidnext(f) == 5, "nor after opening again");
	CHECK(folder_count(f) == 3 && folder_uid(f, 2) == 3, "the rest");
	put("new/1.first");
	CHECK(strcmp(refresh(f), "a1 ") == 0, told);
	CHECK(folder_uid(f, 3) == 5, "an expunged name gets a new UID");
	folder_close(f);
	test_end("UIDs");
}

static void
test_foreign(void)
{
	struct folder *f, *g;
	char path[300];

	fresh("foreign");
	put("new/1.a");
	put("new/2.b,S=9");
	put("cur/3.c:2,S");
	f = get();
	g = get();
	CHECK(strcmp(refresh(f), "") == 0, told);
	sh("mv %s/new/1.a %s/cur/1.a:2,S", dir, dir);
	CHECK(strcmp(refresh(f), "f0 ") == 0, told);
	CHECK(folder_flags(f, 0) == MAIL_SEEN, "flag by mv");
	sh("mv %s/cur/3.c:2,S %s/cur/3.c:2,RSa; rm %s/new/2.b*", dir, dir, dir);
	put("new/4.d");
	CHECK(strcmp(refresh(f), "v1 f1 a1 ") == 0, told);
	CHECK(folder_keywords(f, 1) == 1, "letter a");
	CHECK(folder_uid(f, 2) == 4, "UID of the new one");
	/* g still has the old view: its change is added to what is there. */
	CHECK(folder_set(g, 2, MAIL_SEEN | MAIL_FLAGGED, 0) == 0, "set");
	CHECK(folder_flags(g, 2) == (MAIL_SEEN | MAIL_FLAGGED |
	    MAIL_ANSWERED), "merged");
	CHECK(folder_set(g, 1, MAIL_SEEN, 0) == -1 && errno == ENOENT, "gone");
	CHECK(folder_open_message(g, 1) == -1 && errno == ENOENT, "gone");
	CHECK(folder_remove(g, 1) == 0, "gone is no error");
	CHECK(strcmp(refresh(g), "v1 f0 f1 a1 ") == 0, told);
	CHECK(strcmp(refresh(f), "f1 ") == 0, told);
	snprintf(path, sizeof(path), "%s/cur/3.c:2,FRSa", dir);
	CHECK(access(path, F_OK) == 0, "unknown letters stay");
	CHECK(folder_set(f, 2, 0, 0) == 0, "no change");
	snprintf(path, sizeof(path), "%s/new/4.d", dir);
	CHECK(access(path, F_OK) == 0, "stays in new");
	sh("rm -r %s/cur", dir);
	CHECK(strncmp(refresh(f), "error", 5) == 0, told);
	folder_close(f);
	folder_close(g);
	test_end("foreign changes");
}

static void
test_keywords(void)
{
	struct folder *f, *g;
	char name[16];

	fresh("keywords");
	put("new/1.a");
	f = get();
	g = get();
	CHECK(folder_keyword_bit(f, span_str("$Junk"), false) == -1, "none");
	CHECK(folder_keyword_bit(f, span_str("$Junk"), true) == 0, "a");
	CHECK(folder_keyword_bit(g, span_str("work"), true) == 1, "b");
	CHECK(folder_keyword_bit(f, span_str("WORK"), true) == 1, "no case");
	CHECK(folder_keyword_bit(f, span_str("a b"), true) == -1 &&
	    errno == EINVAL, "space");
	CHECK(folder_keyword_bit(f, span_str("\\Seen"), true) == -1, "system");
	CHECK(folder_set(f, 0, 0, 3) == 0, "set");
	CHECK(strcmp(refresh(g), "f0 ") == 0, told);
	CHECK(folder_keywords(g, 0) == 3, "both");
	CHECK(strcmp(folder_keyword_name(g, 0), "$Junk") == 0, "name");
	for (char c = 'c'; c <= 'z'; c++) {
		snprintf(name, sizeof(name), "k%c", c);
		CHECK(folder_keyword_bit(f, span_str(name), true) == c - 'a',
		    name);
	}
	for (int i = 26; i < 64; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		CHECK(folder_keyword_bit(f, span_str(name), true) == i, name);
	}
	CHECK(folder_keyword_bit(f, span_str("more"), true) == -1 &&
	    errno == ENOSPC, "full");
	CHECK(folder_set(f, 0, 0, UINT64_MAX) == 0, "set all");
	CHECK(strcmp(refresh(g), "f0 ") == 0, told);
	CHECK(folder_keywords(g, 0) == UINT64_MAX, "all");
	CHECK(folder_set(g, 0, 0, (uint64_t)1 << 63 | 5) == 0, "set some");
	folder_close(g);
	g = get();
	CHECK(folder_keywords(g, 0) == ((uint64_t)1 << 63 | 5), "some");
	folder_close(f);
	folder_close(g);
	test_end("keywords");
}

static void
test_append(void)
{
	static const char text[] = "A: b\r\n\r\nx\ry\r\r\nz\nend";
	const char *kw[] = { "$Junk", "two" };
	struct folder_append *a;
	struct folder *f;
	uint32_t validity, uid;
	uint64_t size;
	time_t date;
	struct buf b;
	int fd;

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		fresh("append");
		a = folder_append_begin(dir);
		if (a == NULL)
			err(1, "append");
		CHECK(folder_append_add(a, text, cut) == 0, "add");
		CHECK(folder_append_add(a, text + cut,
		    sizeof(text) - 1 - cut) == 0, "add");
		CHECK(folder_append_commit(a, MAIL_SEEN, kw, 2, 86400,
		    &validity, &uid) == 0, "commit");
		f = get();
		CHECK(folder_count(f) == cut + 1 && folder_uid(f, cut) == uid,
		    "uid");
		CHECK(folder_uidvalidity(f) == validity, "validity");
		CHECK(folder_flags(f, cut) == MAIL_SEEN, "flags");
		CHECK(folder_keywords(f, cut) == 3, "keywords");
		CHECK(folder_size(f, cut, &size) == 0 && size == 20, "size");
		CHECK(folder_date(f, cut, &date) == 0 && date == 86400, "date");
		fd = folder_open_message(f, cut);
		buf_init(&b, 1000);
		CHECK(fd != -1 && file_read_all(fd, &b) == 0, "read");
		CHECK_SPAN(buf_span(&b), "A: b\n\nx\ry\r\r\nz\nend", "content");
		buf_free(&b);
		close(fd);
		folder_close(f);
	}
	if ((a = folder_append_begin(dir)) == NULL)
		err(1, "append");
	folder_append_abort(a);
	sh("test -z \"$(ls %s/tmp)\"", dir);
	test_end("append");
}

static void
test_copy(void)
{
	struct folder *f, *g;
	char to[300];
	uint32_t validity, uids[4];
	size_t all[4] = { 3, 0, 1, 2 };

	fresh("copy");
	put("new/1.a");
	put("cur/2.b:2,S");
	put("cur/3.c,W=30:2,Fab");
	put("cur/4.d:2,");
	snprintf(to, sizeof(to), "%s/copy2%d", root, watching);
	sh("mkdir -p %s/cur %s/new %s/tmp; printf 'k1\\nk2\\n' > "
	    "%s/posthouse.keywords; printf 'k2\\n' > %s/posthouse.keywords",
	    to, to, to, dir, to);
	f = get();
	CHECK(folder_copy_many(f, all, 4, to, false, &validity, uids) == 0,
	    "copy");
	for (size_t i = 0; i < 4; i++)
		CHECK(uids[i] == i + 1, "UIDs in the order asked for");
	g = folder_open(to, false);
	CHECK(g != NULL && folder_count(g) == 4, "there");
	CHECK(folder_uidvalidity(g) == validity, "validity");
	CHECK(folder_flags(g, 2) == MAIL_SEEN && folder_keywords(g, 3) == 3 &&
	    strcmp(folder_keyword_name(g, 0), "k2") == 0, "flags, keywords");
	CHECK(copy_one(f, 0, dir, false, &validity, uids) == 0, "into itself");
	CHECK(strcmp(refresh(f), "a1 ") == 0, told);
	CHECK(folder_uid(f, 4) == uids[0], "its UID");
	CHECK(copy_one(f, 2, to, true, &validity, uids) == 0, "move");
	CHECK(strcmp(refresh(f), "v2 ") == 0, told);
	CHECK(strcmp(refresh(g), "a1 ") == 0, told);
	CHECK_SPAN(folder_unique(g, 4), "3.c", "moved, same name");
	sh("rm %s/cur/2.b*", dir);
	CHECK(copy_one(f, 1, to, false, &validity, uids) == -1, "vanished");
	CHECK(folder_copy_many(f, all + 1, 2, to, false, &validity, uids) ==
	    -1 && errno == ESRCH && *refresh(g) == '\0', "all or none");
	CHECK(copy_one(f, 0, dir, true, &validity, uids) == 0, "move to itself");
	refresh(f);
	CHECK(folder_count(f) == 3 && folder_uid(f, 2) == uids[0], "moved");
	folder_close(f);
	folder_close(g);
	test_end("copy and move");
}

/* A uid list as crashes, editors and enemies leave it. */
static void
test_damage(void)
{
	static const struct { const char *text, *uids; } rows[] = {
		{ "posthouse-uids 1 77 9\n5 1.a\n6 2.b\n7 3.c\n", "5 6 7 " },
		{ "posthouse-uids 1 77 9\n5 1.a\n6 2.b\n7 3.", "5 6 9 " },
		{ "posthouse-uids 1 77 9\n5 1.a\n6 2.b\n7", "5 6 9 " },
		{ "posthouse-uids 1 77 9\n5 1.a\n6 2.b\n", "5 6 9 " },
		{ "posthouse-uids 1 77 3\n5 1.a\nx y\n\n6\n 8 z\n7 3.c\n",
		    "5 7 8 " },
		{ "posthouse-uids 1 77 9\n7 1.a\n6 2.b\n5 3.c\n", "7 9 10 " },
		{ "posthouse-uids 1 77 9\n5 1.a\n6 2.b\n7 3.c\n-6\n",
		    "5 7 9 " },
		{ "posthouse-uids 1 77 9\n5 1.a\n6 2.b\n7 3.c\n-5:6\n8 2.b\n",
		    "7 8 9 " },
		{ "posthouse-uids 1 77 9\n5 1.a\n6 1.a\n7 1.a\n", "7 9 10 " },
		{ "posthouse-uids 1 77 9\n# x\nzz 9\n5 1.a\n99999999999 2.b\n",
		    "5 9 10 " },
		{ "posthouse-uids 1 77 1\n", "1 2 3 " },
		{ "posthouse-uids 1 0 1\n5 1.a\n", "1 2 3 " },
		{ "", "1 2 3 " },
		{ "garbage", "1 2 3 " },
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		char path[300], uids[64] = "";
		struct folder *f;
		FILE *fp;

		fresh("damage");
		sh("rm -f %s/*/* %s/posthouse*", dir, dir);
		put("new/1.a");
		put("new/2.b");
		put("new/3.c");
		snprintf(path, sizeof(path), "%s/posthouse.uids", dir);
		if ((fp = fopen(path, "w")) == NULL)
			err(1, "%s", path);
		fputs(rows[r].text, fp);
		fclose(fp);
		for (int again = 0; again < 2; again++) {
			f = get();
			uids[0] = '\0';
			for (size_t i = 0; i < folder_count(f); i++)
				snprintf(uids + strlen(uids), sizeof(uids) -
				    strlen(uids), "%u ", folder_uid(f, i));
			CHECK_SPAN(span_str(uids), rows[r].uids, rows[r].text);
			folder_close(f);
		}
	}
	sh("echo 'posthouse-uids 2 1 1' > %s/posthouse.uids", dir);
	CHECK(folder_open(dir, false) == NULL && errno == EPROTO, "later");
	test_end("damaged uid list");
}

static void
test_tree(void)
{
	char path[300], long_name[300];
	struct folder_status s;
	struct folder *f;
	uint32_t v1, v2;

	fresh("tree");
	put("new/1.a");
	CHECK(folder_create(dir, "A") == 0, "create");
	CHECK(folder_create(dir, "A") == -1 && errno == EEXIST, "again");
	CHECK(folder_create(dir, "A.B") == 0, "below");
	CHECK(folder_create(dir, "Ab") == 0, "beside");
	CHECK(folder_create(dir, "../x") == -1, "out");
	CHECK(folder_create(dir, "a/b") == -1, "slash");
	CHECK(folder_create(dir, "a..b") == -1, "dots");
	CHECK(folder_create(dir, ".") == -1, "dot");
	memset(long_name, 'x', sizeof(long_name));
	long_name[299] = '\0';
	CHECK(folder_create(dir, long_name) == -1, "long");
	CHECK(folder_path(dir, "A", path, sizeof(path)) == 0, "path");
	CHECK(folder_status(path, &s) == 0 && s.messages == 0, "status");
	v1 = s.uidvalidity;
	CHECK(folder_rename(dir, "A", "Ab") == -1 && errno == EEXIST, "taken");
	CHECK(folder_rename(dir, "A", "A.x") == -1, "into itself");
	CHECK(folder_rename(dir, "A", "C") == 0, "rename");
	CHECK(folder_path(dir, "C.B", path, sizeof(path)) == 0 &&
	    access(path, F_OK) == 0, "children too");
	CHECK(folder_delete(dir, "C") == 0, "delete");
	CHECK(access(path, F_OK) == 0, "children stay");
	CHECK(folder_delete(dir, "C") == -1 && errno == ENOENT, "once");
	CHECK(folder_create(dir, "A") == 0, "anew");
	CHECK(folder_path(dir, "A", path, sizeof(path)) == 0 &&
	    folder_status(path, &s) == 0, "status");
	v2 = s.uidvalidity;
	CHECK(v2 > v1, "another UIDVALIDITY within the second");
	CHECK(folder_rename(dir, "", "Old") == 0, "INBOX");
	CHECK(folder_status(dir, &s) == 0 && s.messages == 0, "empty");
	CHECK(folder_path(dir, "Old", path, sizeof(path)) == 0 &&
	    (f = folder_open(path, false)) != NULL, "open");
	CHECK(folder_count(f) == 1, "moved");
	folder_close(f);
	sh("test -z \"$(ls -A %s/tmp)\"", dir);
	test_end("folders");
}

/* Writers at once: every file gets one UID, the same for all. */
static void
test_two(void)
{
	enum { WRITERS = 4, EACH = 40 };
	struct folder *f, *g;
	uint32_t validity, uid;
	pid_t pids[WRITERS];
	int status;

	fresh("two");
	for (int w = 0; w < WRITERS; w++) {
		if ((pids[w] = fork()) != 0)
			continue;
		for (int i = 0; i < EACH; i++) {
			struct folder_append *a = folder_append_begin(dir);
			char path[300];
			int fd;

			if (a == NULL || folder_append_add(a, "x\n", 2) == -1 ||
			    folder_append_commit(a, 0, NULL, 0, 0, &validity,
			    &uid) == -1)
				_exit(1);
			snprintf(path, sizeof(path), "%s/new/%d.w%d", dir,
			    i, w);
			fd = open(path, O_CREAT | O_WRONLY, 0600);
			if (fd == -1 || (g = folder_open(dir, false)) == NULL)
				_exit(2);
			close(fd);
			folder_close(g);
		}
		_exit(0);
	}
	f = get();
	for (int w = 0; w < WRITERS;) {
		CHECK(folder_refresh(f, NULL) == 0, "refresh");
		if (waitpid(pids[w], &status, WNOHANG) == pids[w]) {
			CHECK(status == 0, "writer");
			w++;
		}
	}
	CHECK(strcmp(refresh(f), "") == 0 || told[0] == 'a', told);
	g = get();
	CHECK(folder_count(f) == 2 * WRITERS * EACH, "all there");
	CHECK(folder_count(g) == folder_count(f), "same count");
	for (size_t i = 0; i < folder_count(g); i++) {
		CHECK(folder_uid(f, i) == folder_uid(g, i), "same UID");
		CHECK(span_eq(folder_unique(f, i), folder_unique(g, i)),
		    "same file");
	}
	CHECK(folder_uidnext(g) == 2 * WRITERS * EACH + 1, "each once");
	folder_close(f);
	folder_close(g);
	test_end("writers at once");
}

static void
test_watch(void)
{
	struct folder *f;
	struct pollfd p = { .events = POLLIN };

	fresh("watch");
	put("new/1.a");
	f = get();
	p.fd = folder_watch(f);
	if (p.fd == -1) {
		folder_close(f);
		test_skip("watch", "no inotify here");
		return;
	}
	CHECK(strcmp(refresh(f), "") == 0, told);
	CHECK(poll(&p, 1, 0) == 0, "quiet");
	put("new/2.b");
	CHECK(poll(&p, 1, 60000) == 1, "told");
	CHECK(strcmp(refresh(f), "a1 ") == 0, told);
	/* The line for the new UID was a change, too; the next look is the last. */
	CHECK(strcmp(refresh(f), "") == 0, told);
	CHECK(poll(&p, 1, 0) == 0, "drained");
	CHECK(folder_set(f, 0, MAIL_SEEN, 0) == 0, "set");
	CHECK(strcmp(refresh(f), "") == 0, told);
	CHECK(folder_set(f, 0, MAIL_SEEN | MAIL_FLAGGED, 0) == 0, "set");
	sh("mv %s/cur/1.a:2,FS %s/cur/1.a:2,", dir, dir);
	CHECK(strcmp(refresh(f), "f0 ") == 0, told);
	CHECK(folder_flags(f, 0) == 0, "flags");
	/* Another renames by link and unlink, and we in between, to the same: nothing tells of ours. */
	sh("ln %s/cur/1.a:2, %s/cur/1.a:2,S", dir, dir);
	CHECK(folder_set(f, 0, MAIL_SEEN, 0) == 0, "set");
	sh("rm %s/cur/1.a:2,", dir);
	(void)refresh(f);
	sh("mv %s/cur/1.a:2,S %s/cur/1.a:2,FS", dir, dir);
	CHECK(strcmp(refresh(f), "f0 ") == 0, told);
	sh("mv %s/cur/1.a:2,FS %s/cur/1.a:2,S", dir, dir);
	CHECK(strcmp(refresh(f), "f0 ") == 0, told);
	folder_close(f);
	test_end("watch");
}

static void
test_compact(void)
{
	struct folder *f, *g;
	char path[300];

	fresh("compact");
	f = get();
	g = get();
	for (int i = 0; i < 700; i++) {
		snprintf(path, sizeof(path), "%s/new/%d.x", dir, i);
		close(open(path, O_CREAT | O_WRONLY, 0600));
		CHECK(folder_refresh(f, NULL) == 0, "refresh");
		if (i % 50 == 0)
			CHECK(folder_refresh(g, NULL) == 0, "refresh");
		CHECK(folder_remove(f, 0) == 0, "remove");
		CHECK(folder_refresh(f, NULL) == 0, "refresh");
	}
	snprintf(path, sizeof(path), "%s/posthouse.uids", dir);
	sh("[ $(grep -c '^[0-9]' %s) -lt 300 ]", path);	/* compacted */
	CHECK(folder_refresh(g, NULL) == 0 && folder_count(g) == 0, "other");
	CHECK(folder_uidnext(f) == 701, "next");
	put("new/9999.x");
	CHECK(strcmp(refresh(g), "a1 ") == 0 && folder_uid(g, 0) == 701,
	    told);
	folder_close(f);
	folder_close(g);
	test_end("compaction");
}

static void
test_doubles(void)
{
	struct folder *f;

	fresh("doubles");
	put("new/1.a,S=5");
	put("cur/1.a,S=9:2,S");
	put("cur/2.b:2,");
	put("cur/2.b:2,F");
	put("new/3.c");
	sh("ln %s/new/3.c %s/cur/3.c:2,S", dir, dir);
	f = get();
	CHECK(folder_count(f) == 5, "two more get names, a link is one");
	folder_close(f);
	f = get();
	CHECK(folder_count(f) == 5, "stays so");
	CHECK(folder_uidnext(f) == 6, "each has one UID");
	put("cur/2.b:2,S");
	put("cur/2.b:2,T");
	(void)refresh(f);
	CHECK(folder_count(f) == 6 || folder_count(f) == 7, "while open");
	(void)refresh(f);
	CHECK(folder_count(f) == 7, "while open");
	folder_close(f);
	test_end("doubles");
}

/* More changes than are followed one by one, ours and others', in a folder worth watching. */
static void
test_many(void)
{
	enum { N = 400 };
	struct folder *f, *g;
	char path[300], to[300];
	unsigned seed = 1;
	int fd;

	fresh("many");
	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "%s/new/%d.x", dir, i);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	f = get();
	g = get();
	for (int i = 0; i < 3000; i++) {
		struct folder *h = (seed >> 8) % 2 == 0 ? f : g;
		size_t k = folder_count(h) == 0 ? 0 :
		    (seed >> 9) % folder_count(h);

		seed = seed * 1103515245 + 12345;
		switch ((seed >> 16) % 8) {
		case 0: case 1: case 2:
			(void)folder_set(h, k, (seed >> 20) % 64, 0);
			break;
		case 3:
			(void)folder_remove(h, k);
			break;
		case 4: case 5:
			snprintf(path, sizeof(path), "%s/tmp/x", dir);
			snprintf(to, sizeof(to), "%s/new/%d.y", dir, N + i);
			fd = open(path, O_CREAT | O_WRONLY, 0600);
			close(fd);
			CHECK(rename(path, to) == 0, to);
			break;
		default:
			if ((seed >> 20) % 8 == 0)
				CHECK(folder_refresh(h, NULL) == 0, "refresh");
		}
	}
	for (int i = 0; i < 2; i++) {
		CHECK(folder_refresh(f, NULL) == 0, "refresh");
		CHECK(folder_refresh(g, NULL) == 0, "refresh");
	}
	folder_close(g);
	g = get();
	CHECK(folder_count(f) == folder_count(g), "count");
	for (size_t i = 0; i < folder_count(f); i++)
		CHECK(folder_uid(f, i) == folder_uid(g, i) &&
		    folder_flags(f, i) == folder_flags(g, i) &&
		    span_eq(folder_unique(f, i), folder_unique(g, i)), "same");
	folder_close(f);
	folder_close(g);
	test_end("many changes from two sides");
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* folder_test make DIR N: that many files; folder_test time DIR: what opening costs. */
static int
make_many(const char *d, const char *count)
{
	char path[4096];

	for (int i = 0, n = (int)strtonum(count, 0, 10000000, NULL); i < n;
	    i++) {
		snprintf(path, sizeof(path),
		    "%s/new/17%08d.%016x.mx.example.org,S=4096,W=4190", d, i,
		    (unsigned)i);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	return 0;
}

static int
time_open(const char *d)
{
	for (int i = 0; i < 3; i++) {
		double t = now();
		struct folder *f = folder_open(d, false);

		if (f == NULL)
			err(1, "%s", d);
		printf("open %.1f ms, %zu messages\n", (now() - t) * 1e3,
		    folder_count(f));
		t = now();
		if (folder_refresh(f, NULL) == -1)
			err(1, "refresh");
		printf("refresh %.2f ms\n", (now() - t) * 1e3);
		t = now();
		for (size_t k = 5; k <= 6; k++)
			if (folder_set(f, k, folder_flags(f, k) ^ MAIL_SEEN, 0)
			    == -1 || folder_refresh(f, NULL) == -1)
				err(1, "set");
		printf("set and refresh %.3f ms\n", (now() - t) * 500);
		folder_close(f);
	}
	return 0;
}

static int
list(const char *d)
{
	struct folder *f = folder_open(d, false);

	if (f == NULL)
		err(1, "%s", d);
	printf("%u %u\n", folder_uidvalidity(f), folder_uidnext(f));
	for (size_t i = 0; i < folder_count(f); i++) {
		struct span u = folder_unique(f, i);

		printf("%u %u %.*s\n", folder_uid(f, i), folder_flags(f, i),
		    (int)u.len, (const char *)u.p);
	}
	folder_close(f);
	return 0;
}

/* Adds standard input as one message; says its UID only when it is durable. */
static int
add(const char *d)
{
	struct folder_append *a = folder_append_begin(d);
	char chunk[4096];
	uint32_t validity, uid;
	ssize_t n;

	if (a == NULL)
		err(1, "%s", d);
	while ((n = read(0, chunk, sizeof(chunk))) > 0)
		folder_append_add(a, chunk, (size_t)n);
	if (folder_append_commit(a, MAIL_SEEN, NULL, 0, 0, &validity, &uid)
	    == -1)
		err(1, "commit");
	printf("%u %u\n", validity, uid);
	return 0;
}

/* Takes up, flags, copies, moves and removes: work to be killed at. */
static int
churn(const char *d, const char *to)
{
	struct folder *f = folder_open(d, false);
	uint32_t validity, uid;

	if (f == NULL || folder_store_begin(f) == -1)
		err(1, "%s", d);
	for (size_t i = 0; i < folder_count(f); i++)
		if (folder_set(f, i, folder_flags(f, i) ^ MAIL_FLAGGED, 0)
		    == -1)
			err(1, "set");
	if (folder_store_end(f) == -1)
		err(1, "end");
	if (folder_count(f) > 0 && copy_one(f, 0, to, false, &validity, &uid) == -1)
		err(1, "copy");
	if (folder_count(f) > 1 && copy_one(f, 1, to, true, &validity, &uid) == -1)
		err(1, "move");
	if (folder_refresh(f, NULL) == -1)
		err(1, "refresh");
	folder_close(f);
	return 0;
}

static int
keyword(const char *d, const char *name)
{
	struct folder *f = folder_open(d, false);

	if (f == NULL || folder_keyword_bit(f, span_str(name), true) == -1)
		err(1, "%s", d);
	folder_close(f);
	return 0;
}

int
main(int argc, char **argv)
{
	struct folder *f;

	clock_init();
	log_init("folder_test", false, false);
	if (argc == 3 && strcmp(argv[1], "list") == 0)
		return list(argv[2]);
	if (argc == 3 && strcmp(argv[1], "add") == 0)
		return add(argv[2]);
	if (argc == 3 && strcmp(argv[1], "time") == 0)
		return time_open(argv[2]);
	if (argc == 4 && strcmp(argv[1], "make") == 0)
		return make_many(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "churn") == 0)
		return churn(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "keyword") == 0)
		return keyword(argv[2], argv[3]);
	if (argc != 1)
		errx(64, "usage: folder_test [command dir ...]");
	root_make();
	for (int round = 0; round < 2; round++) {
		test_uids();
		test_foreign();
		test_keywords();
		test_append();
		test_copy();
		test_damage();
		test_tree();
		test_two();
		test_watch();
		test_compact();
		test_many();
		test_doubles();
		fresh("probe");
		f = get();
		watching = folder_watch(f) != -1;
		folder_close(f);
		if (!watching) {
			test_skip("following a watch", "no inotify here");
			break;
		}
	}
	root_remove();
	return test_done();
}
