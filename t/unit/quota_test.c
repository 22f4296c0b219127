/* Quotas: the file's text, limits, counting, and what a hostile file does. */
#include "quota.h"

#include <sys/stat.h>

#include "maildir.h"
#include "test.h"

static const struct {
	const char *text;
	int r;
	uint64_t max_bytes, max_messages, bytes, messages;
} files[] = {
	{ "1000S,10C\n100 1\n", 0, 1000, 10, 100, 1 },
	{ "10C,1000S\n         100            1\n-40 -1\n", 0, 1000, 10, 60, 0 },
	{ "1000S\n", 0, 1000, 0, 0, 0 },
	{ "10C\n5 1 \n", 0, 0, 10, 5, 1 },
	{ "\n5 1\n", 0, 0, 0, 5, 1 },
	{ "1000S\n100 1", -1, 0, 0, 0, 0 },		/* cut */
	{ "1000S\n100\n", -1, 0, 0, 0, 0 },
	{ "1000S\n100 1 1\n", -1, 0, 0, 0, 0 },
	{ "1000S\n-1 0\n", -1, 0, 0, 0, 0 },
	{ "1000S\n4611686018427387904 1\n4611686018427387904 1\n", -1, 0, 0, 0,
	    0 },
	{ "1000S\n9223372036854775808 1\n", -1, 0, 0, 0, 0 },
	{ "1000X\n1 1\n", -1, 0, 0, 0, 0 },
	{ "1000S10C\n1 1\n", -1, 0, 0, 0, 0 },
	{ "", -1, 0, 0, 0, 0 },
};

static void
test_parse(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct quota q;
		struct quota_usage u;
		const char *t = files[i].text;

		CHECK(quota_parse(span_str(t), &q, &u) == files[i].r, t);
		if (files[i].r == -1)
			continue;
		CHECK(q.bytes == files[i].max_bytes, t);
		CHECK(q.messages == files[i].max_messages, t);
		CHECK(u.bytes == files[i].bytes, t);
		CHECK(u.messages == files[i].messages, t);
	}
	test_end("the text of maildirsize");
}

static const struct {
	struct quota q;
	struct quota_usage u;
	uint64_t bytes;
	bool fits, full;
} limits[] = {
	{ { 1000, 0 }, { 900, 9 }, 100, true, false },
	{ { 1000, 0 }, { 900, 9 }, 101, false, false },
	{ { 1000, 0 }, { 951, 9 }, 1, true, true },
	{ { 1000, 0 }, { 1001, 9 }, 0, false, true },
	{ { 0, 10 }, { 1000, 9 }, UINT64_MAX, true, false },
	{ { 0, 10 }, { 1000, 10 }, 0, false, true },
	{ { 0, 10 }, { 1000, 11 }, 0, false, true },
	{ { 10485760, 0 }, { 10485760 - 65536, 1 }, 65536, true, false },
	{ { 10485760, 0 }, { 10485760 - 65535, 1 }, 65536, false, true },
	{ { 0, 0 }, { UINT64_MAX, UINT64_MAX }, UINT64_MAX, true, false },
};

static void
test_limits(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char what[16];

		snprintf(what, sizeof(what), "row %zu", i);
		CHECK(quota_fits(&limits[i].q, &limits[i].u, limits[i].bytes,
		    1) == limits[i].fits, what);
		CHECK(quota_is_full(&limits[i].q, &limits[i].u) ==
		    limits[i].full, what);
	}
	test_end("what fits and what is full");
}

static const struct { const char *address, *name; } marks[] = {
	{ "alice@example.org", "alice@example.org" },
	{ "A/B@Example.org", "a%2Fb@example.org" },
	{ "\"a b%\"@example.org", "\"a%20b%25\"@example.org" },
	{ ".a@example.org", NULL },
	{ "", NULL },
};

static void
test_marks(void)
{
	char name[QUOTA_MARK_MAX], address[321], longest[300];

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *a = marks[i].address;
		int r = quota_mark_name(a, name);

		CHECK(r == (marks[i].name == NULL ? -1 : 0), a);
		if (r == -1)
			continue;
		CHECK(strcmp(name, marks[i].name) == 0, a);
		CHECK(quota_mark_address(name, address, sizeof(address)) == 0,
		    a);
		CHECK(strcasecmp(address, a) == 0, a);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK(quota_mark_name(longest, name) == -1, "too long");
	CHECK(quota_mark_address("a%2", address, 9) == -1, "cut");
	CHECK(quota_mark_address("a%00", address, 9) == -1, "NUL");
	CHECK(quota_mark_address("abcdefghi", address, 9) == -1, "no room");
	test_end("the names of markers");
}

static char	dir[64] = "/tmp/posthouse_quota.XXXXXX";
static const struct ids nobody = { (uid_t)-1, (gid_t)-1 };

static void
put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "w")) == NULL || fputs(text, f) == EOF ||
	    fclose(f) == EOF)
		err(1, "%s", path);
}

static void
expect(int fd, const struct quota *q, uint64_t bytes, uint64_t messages,
    const char *what)
{
	struct quota_usage u;

	CHECK(quota_get(fd, q, &nobody, &u) == 0, what);
	CHECK(u.bytes == bytes && u.messages == messages, what);
}

static void
test_maildir(void)
{
	const struct quota q = { 1000000, 0 }, other = { 2000000, 5 };
	char path[256], command[256];
	int fd;

	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
	snprintf(path, sizeof(path), "%s/m", dir);
	strcpy(dir, path);
	if (maildir_make(dir, &nobody) == -1)
		err(1, "%s", dir);
	snprintf(path, sizeof(path), "%s/.Sent", dir);
	if (maildir_make(path, &nobody) == -1 ||
	    (fd = open(dir, O_RDONLY | O_DIRECTORY)) == -1)
		err(1, "%s", path);
	CHECK(quota_add(fd, &nobody, 5, 1) == 0, "no file: nothing to note");
	expect(fd, &q, 0, 0, "empty");
	put("new/1.a.host,S=300,W=310", "x");
	put("cur/2.a.host,S=200:2,S", "x");
	put("cur/3.a.host:2,S", "12345");
	put(".Sent/cur/4.a.host,S=1000:2,S", "");
	put("tmp/5.a.host,S=1000", "");
	expect(fd, &q, 0, 0, "the file is believed");
	CHECK(quota_add(fd, &nobody, 300, 1) == 0, "add");
	expect(fd, &q, 300, 1, "added");
	expect(fd, &other, 1505, 4, "other limits: counted, by name or by size");
	expect(fd, &q, 1505, 4, "back again");
	put("maildirsize", "1000000S\nrubbish\n");
	expect(fd, &q, 1505, 4, "rubbish: counted");
	for (int i = 0; i < 300; i++)
		CHECK(quota_add(fd, &nobody, 1, 0) == 0, "many");
	expect(fd, &q, 1505, 4, "long: counted");
	snprintf(path, sizeof(path), "%s/maildirsize", dir);
	unlink(path);
	if (symlink("/etc/passwd", path) == -1)
		err(1, "%s", path);
	CHECK(quota_add(fd, &nobody, 1, 1) == -1, "a link is not written to");
	expect(fd, &q, 1505, 4, "a link: counted, and replaced");
	unlink(path);
	if (mkfifo(path, 0600) == -1)
		err(1, "%s", path);
	CHECK(quota_add(fd, &nobody, 1, 1) == -1, "a FIFO does not block");
	expect(fd, &q, 1505, 4, "a FIFO: counted, and replaced");
	close(fd);
	*strrchr(dir, '/') = '\0';
	snprintf(command, sizeof(command), "rm -r %s", dir);
	CHECK(system(command) == 0, "clean");
	test_end("a Maildir is counted, and its file kept");
}

int
main(void)
{
	test_parse();
	test_limits();
	test_marks();
	test_maildir();
	return test_done();
}
