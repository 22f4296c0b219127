/* Maildir names taken apart and printed; directories made and opened safely. */
#include "maildir.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned failures;

#define CHECK(cond, ...) do {						\
	if (!(cond)) {							\
		failures++;						\
		printf("%s:%d: %s: ", __FILE__, __LINE__, #cond);	\
		printf(__VA_ARGS__);					\
		putchar('\n');						\
	}								\
} while (0)

static const struct {
	const char *name, *unique, *base;
	uint64_t size, wsize;
	unsigned flags;
	uint32_t letters;
} names[] = {
	{ "17.abc.host,S=12,W=14:2,FS", "17.abc.host", "17.abc.host,S=12,W=14",
	    12, 14, MAIL_FLAGGED | MAIL_SEEN, 0 },
	{ "17.abc.host", "17.abc.host", "17.abc.host", 0, 0, 0, 0 },
	{ "17.abc.host:2,", "17.abc.host", "17.abc.host", 0, 0, 0, 0 },
	{ "17.M1P2V3I4.host,W=9:2,DFPRSTaz", "17.M1P2V3I4.host",
	    "17.M1P2V3I4.host,W=9", 0, 9, 63, 1u | 1u << 25 },
	{ "17.x,S=007,W=,S=5x:2,S", "17.x", "17.x,S=007,W=,S=5x", 7, 0,
	    MAIL_SEEN, 0 },
	{ "17.x,S=99999999999999999999", "17.x", "17.x,S=99999999999999999999",
	    0, 0, 0, 0 },
	{ "17.x:1,odd", "17.x", "17.x:1,odd", 0, 0, 0, 0 },
	{ "17.x:2,S,extra:2,T", "17.x", "17.x", 0, 0,
	    MAIL_SEEN | MAIL_DELETED, 1u << ('e' - 'a') | 1u << ('x' - 'a') |
	    1u << ('t' - 'a') | 1u << ('r' - 'a') | 1u },
	{ ":2,S", "", "", 0, 0, MAIL_SEEN, 0 },
	{ "", "", "", 0, 0, 0, 0 },
};

static void
test_parse(void)
{
	struct maildir_name n;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		maildir_name_parse(span_str(names[i].name), &n);
		CHECK(span_is(n.unique, names[i].unique), "%s", names[i].name);
		CHECK(span_is(n.base, names[i].base), "%s", names[i].name);
		CHECK(n.size == names[i].size, "%s", names[i].name);
		CHECK(n.wsize == names[i].wsize, "%s", names[i].name);
		CHECK(n.flags == names[i].flags, "%s", names[i].name);
		CHECK(n.letters == names[i].letters, "%s %x", names[i].name,
		    n.letters);
	}
}

static void
test_round_trip(void)
{
	char out[300];
	struct maildir_name n;

	for (unsigned flags = 0; flags < 64; flags++)
		for (unsigned bit = 0; bit < 26; bit++) {
			CHECK(maildir_name_print(span_str("1.a.h,S=3"), flags,
			    1u << bit, out, sizeof(out)) == 0, "%u", flags);
			maildir_name_parse(span_str(out), &n);
			CHECK(n.flags == flags && n.letters == 1u << bit &&
			    span_is(n.base, "1.a.h,S=3") && n.size == 3,
			    "%s", out);
		}
	CHECK(maildir_name_print(span_str("1.a"), 63, 5, out, sizeof(out)) == 0
	    && strcmp(out, "1.a:2,DFPRSTac") == 0, "%s", out);
	CHECK(maildir_name_print(span_str("a/b"), 0, 0, out, sizeof(out)) ==
	    -1, "slash");
	CHECK(maildir_name_print(span_str(""), 0, 0, out, sizeof(out)) == -1,
	    "empty");
	CHECK(maildir_name_print(span_str("1.a"), 0, 0, out, 20) == -1,
	    "short");
}

static void
test_directories(const char *top)
{
	struct ids owner = { (uid_t)-1, (gid_t)-1 };
	char path[512], link_path[512];
	struct stat st;
	int fd;

	if (geteuid() == 0)
		owner = (struct ids){ 65534, 65534 };
	snprintf(path, sizeof(path), "%s/example.org/alice", top);
	CHECK(maildir_make(path, &owner) == 0, "errno %d", errno);
	CHECK(maildir_make(path, &owner) == 0, "twice: errno %d", errno);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700,
	    "mode %o", st.st_mode);
	CHECK(geteuid() != 0 || st.st_uid == 65534, "uid %u", st.st_uid);
	fd = maildir_open_new(path, &owner);
	CHECK(fd != -1 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode), "open");
	close(fd);
	/* a link that the owner made is not followed */
	snprintf(path, sizeof(path), "%s/example.org/alice/new", top);
	CHECK(rmdir(path) == 0, "errno %d", errno);
	CHECK(symlink("/tmp", path) == 0, "errno %d", errno);
	snprintf(path, sizeof(path), "%s/example.org/alice", top);
	fd = maildir_open_new(path, &owner);
	CHECK(fd == -1 && (errno == ENOTDIR || errno == ELOOP), "fd %d", fd);
	/* one that stands in the administrator's directory is */
	snprintf(link_path, sizeof(link_path), "%s/link", top);
	CHECK(symlink("example.org", link_path) == 0, "errno %d", errno);
	snprintf(path, sizeof(path), "%s/link/bob", top);
	CHECK(maildir_make(path, &owner) == 0, "errno %d", errno);
	fd = maildir_open_new(path, &owner);
	CHECK(fd != -1, "errno %d", errno);
	close(fd);
	/* unless others may write there too */
	CHECK(chmod(top, 0777) == 0, "chmod");
	fd = maildir_open_new(path, &owner);
	CHECK(fd == -1 && (errno == ENOTDIR || errno == ELOOP), "fd %d", fd);
	CHECK(chmod(top, 0700) == 0, "chmod");
	snprintf(path, sizeof(path), "%s/example.org/../x", top);
	CHECK(maildir_make(path, &owner) == -1 && errno == EINVAL, "..");
	/* somebody else's directory is not delivered to */
	snprintf(path, sizeof(path), "%s/example.org/bob", top);
	owner.uid = 65533;
	fd = maildir_open_new(path, &owner);
	CHECK(geteuid() != 0 || (fd == -1 && errno == EPERM), "fd %d", fd);
}

int
main(void)
{
	static char rm[] = "rm", flag[] = "-rf";
	char top[] = "/tmp/maildir_test.XXXXXX";
	char *argv[] = { rm, flag, top, NULL };

	test_parse();
	test_round_trip();
	if (mkdtemp(top) == NULL)
		return 1;
	test_directories(top);
	printf("%s\n", failures == 0 ? "ok" : "FAILED");
	fflush(stdout);
	if (failures == 0)
		execvp(rm, argv);
	return failures == 0 ? 0 : 1;
}
