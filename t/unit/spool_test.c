/*
 * Spool names and the writer: what is committed is whole under its name, what
 * is not leaves nothing.
 */
#include "spool.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"

static int	failures;
static char	dir[] = "/tmp/spool_test.XXXXXX";

#define CHECK(cond, what) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,	\
		    what, #cond);					\
		failures++;						\
	}								\
} while (0)

#define QID "1795305600.0123456789abcdef"

static const struct { const char *text; bool ok; } names[] = {
	{ QID ".mx.example.org,S=12,W=13", true },
	{ QID ".h,S=0,W=0", true },
	{ QID ".h,S=13,W=12", false },
	{ QID ".h", false },
	{ QID ".h,S=12", false },
	{ QID ".h,S=12,W=13:2,S", false },
	{ QID ".h,S=12,W=13 ", false },
	{ QID ".,S=12,W=13", false },
	{ QID ",S=12,W=13", false },
	{ QID ".a/b,S=12,W=13", false },
	{ "../" QID ".h,S=12,W=13", false },
	{ "1795305600.0123456789abcde.h,S=1,W=1", false },
	{ "1795305600.0123456789ABCDEF.h,S=1,W=1", false },
	{ "1795305600.0123456789abcdef0.h,S=1,W=1", false },
	{ "x.0123456789abcdef.h,S=1,W=1", false },
	{ "99999999999999999999.0123456789abcdef.h,S=1,W=1", false },
	{ QID ".h,S=99999999999999999999,W=1", false },
	{ "", false }, { ".", false }, { "..", false },
};

static void
check_names(void)
{
	struct spool_name n;
	char longname[SPOOL_NAME_MAX + 64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(spool_name_parse(span_str(names[i].text), &n) ==
		    names[i].ok, names[i].text);
	spool_name_parse(span_str(names[0].text), &n);
	CHECK(n.qid_len == strlen(QID), "qid");
	CHECK(n.arrival == 1795305600 && n.size == 12 && n.wsize == 13, "sizes");
	CHECK(!spool_name_parse(span_of(QID ".h\0,S=1,W=1", 40), &n), "NUL");
	memset(longname, 'a', sizeof(longname));
	CHECK(!spool_name_parse(span_of(longname, sizeof(longname)), &n), "long");
}

static unsigned
count(const char *sub)
{
	char path[128];
	struct dirent *de;
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	if ((d = opendir(path)) == NULL)
		return 999;
	while ((de = readdir(d)) != NULL)
		n += de->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
make_spool(void)
{
	static const char *const sub[] = { "tmp", "new" };
	char path[128];

	CHECK(mkdtemp(dir) != NULL, dir);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, sub[i]);
		CHECK(mkdir(path, 0700) == 0, path);
	}
	snprintf(path, sizeof(path), "%s/trigger", dir);
	CHECK(mkfifo(path, 0600) == 0, path);
}

static void
remove_spool(void)
{
	static const char *const sub[] = { "trigger", "tmp", "new", "" };
	char path[128];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, sub[i]);
		CHECK(remove(path) == 0, path);
	}
}

/* Writes total bytes in pieces and looks at what is there. */
static void
check_commit(size_t total, size_t piece, bool sync_directory)
{
	static char data[200000];
	char line[256] = "", path[400];
	struct spool_writer w;
	struct spool_name n;
	struct spool s;
	struct stat st;
	struct buf b;
	ssize_t r;
	int reader;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i % 61 == 60 ? '\n' : (char)('a' + i % 26);
	snprintf(path, sizeof(path), "%s/trigger", dir);
	reader = open(path, O_RDWR | O_NONBLOCK);
	CHECK(spool_open_writer(&s, dir, "mx.example.org", sync_directory) == 0,
	    dir);
	/* Root opens it for a session, which must not read others' names. */
	CHECK(geteuid() != 0 || (fcntl(s.trigger, F_GETFL) & O_ACCMODE) ==
	    O_WRONLY, "trigger");
	CHECK(spool_begin(&w, &s) == 0, "begin");
	CHECK(count("tmp") == 1 && count("new") == 0, "begun");
	for (size_t at = 0; at < total; at += piece)
		CHECK(spool_add(&w, data + at,
		    total - at < piece ? total - at : piece) == 0, "add");
	CHECK(spool_commit(&w, &n) == 0, "commit");
	CHECK(count("tmp") == 0 && count("new") == 1, "committed");
	CHECK(n.size == total && n.wsize == total + total / 61, n.text);
	snprintf(path, sizeof(path), "%s/new/%s", dir, n.text);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640, path);
	buf_init(&b, sizeof(data));
	CHECK(file_read(AT_FDCWD, path, &b) == 0, path);
	CHECK(b.len == total && memcmp(b.p, data, total) == 0, path);
	buf_free(&b);
	spool_trigger(&s, &n);
	r = read(reader, line, sizeof(line) - 1);
	close(reader);
	CHECK(r > 1 && line[r - 1] == '\n', "trigger");
	CHECK(strncmp(line, n.text, strlen(n.text)) == 0, "trigger");
	spool_abort(&w);		/* no effect now */
	CHECK(count("new") == 1, "abort after commit");
	unlink(path);
	spool_close(&s);
}

static void
check_abort(void)
{
	struct spool_writer w;
	struct spool_name n;
	struct spool s;

	CHECK(spool_open_writer(&s, dir, "a/b c,d", false) == 0, dir);
	CHECK(strcmp(s.host, "a_b_c_d") == 0, s.host);
	CHECK(spool_begin(&w, &s) == 0, "begin");
	CHECK(spool_add(&w, "x\n", 2) == 0, "add");
	spool_abort(&w);
	CHECK(count("tmp") == 0 && count("new") == 0, "aborted");
	CHECK(spool_add(&w, "x\n", 2) == -1, "add after abort");
	CHECK(spool_commit(&w, &n) == -1, "commit after abort");
	/* A writer whose descriptor went bad fails at commit and cleans up. */
	CHECK(spool_begin(&w, &s) == 0, "begin");
	close(w.fd);
	w.fd = open("/dev/full", O_WRONLY);
	CHECK(spool_add(&w, "x\n", 2) == 0, "add");
	CHECK(spool_commit(&w, &n) == -1 && errno == ENOSPC, "commit");
	CHECK(count("tmp") == 0 && count("new") == 0, "failed");
	spool_close(&s);
	CHECK(spool_open_writer(&s, "/nonexistent", "h", false) == -1, "open");
}

int
main(void)
{
	clock_init();
	check_names();
	make_spool();
	check_commit(0, 1, false);
	check_commit(4096, 4096, false);
	check_commit(4097, 7, true);
	check_commit(65536, 65536, false);
	check_commit(200000, 70001, true);
	check_abort();
	remove_spool();
	if (failures == 0)
		puts("ok");
	return failures == 0 ? 0 : 1;
}
