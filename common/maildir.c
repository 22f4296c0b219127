/*
 * Maildir names and directories.  Trusts the administrator's part of a path
 * (directories that belong to root or to us and that nobody else may write)
 * and nothing below it: from there on no symbolic link is followed, so that
 * the owner of a mailbox cannot point a privileged deliverer elsewhere.
 */
#include "maildir.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"

#define COMPONENT_MAX	256	/* NAME_MAX and the NUL */
#define PATH_SIZE	1024	/* of a mailbox; longer ones are walked */

#ifdef O_PATH
#define OPEN_SEARCH	(O_PATH | O_DIRECTORY | O_CLOEXEC)
#else
#define OPEN_SEARCH	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

/* The letters that have a meaning, in the order in which they are printed. */
static const struct { unsigned char letter; unsigned flag; } flag_letters[] = {
	{ 'D', MAIL_DRAFT }, { 'F', MAIL_FLAGGED }, { 'P', MAIL_PASSED },
	{ 'R', MAIL_ANSWERED }, { 'S', MAIL_SEEN }, { 'T', MAIL_DELETED }
};
#define NLETTERS (sizeof(flag_letters) / sizeof(flag_letters[0]))

bool
maildir_letters_parse(struct span s, unsigned *flags, uint64_t *letters)
{
	bool all = true;

	for (size_t k = 0; k < s.len; k++) {
		unsigned char ch = s.p[k];
		size_t i = 0;

		while (i < NLETTERS && ch != flag_letters[i].letter)
			i++;
		if (i < NLETTERS)
			*flags |= flag_letters[i].flag;
		else if (ch >= 'a' && ch <= 'z')
			*letters |= (uint64_t)1 << (ch - 'a');
		else
			all = false;
	}
	return all;
}

static void
parse_flags(struct span s, struct maildir_name *n)
{
	uint64_t letters = 0;

	(void)maildir_letters_parse(s, &n->flags, &letters);
	n->letters = (uint32_t)letters;
}

/* ",S=123" and ",W=125" in any order; what else stands there is kept in base
 * and has no meaning. */
static void
parse_sizes(struct span s, struct maildir_name *n)
{
	struct cur c;
	uint64_t v;

	cur_init(&c, s);
	while (!cur_end(&c)) {
		struct span field;
		struct cur f;
		int what;

		(void)cur_ch(&c, ',');
		field = cur_until(&c, ',');
		cur_init(&f, field);
		what = cur_next(&f);
		if (!cur_ch(&f, '=') || cur_num(&f, UINT64_MAX / 2, &v) == -1 ||
		    !cur_end(&f))
			continue;
		if (what == 'S')
			n->size = v;
		else if (what == 'W')
			n->wsize = v;
	}
}

/* The first ":2," ends the base.  Other text after a colon belongs to it. */
void
maildir_name_parse(struct span s, struct maildir_name *n)
{
	memset(n, 0, sizeof(*n));
	n->base = n->unique = s;
	for (size_t i = 0; i + 3 <= s.len; i++)
		if (memcmp(s.p + i, ":2,", 3) == 0) {
			n->base.len = i;
			parse_flags(span_of(s.p + i + 3, s.len - i - 3), n);
			break;
		}
	for (size_t i = 0; i < n->base.len; i++)
		if (s.p[i] == ',' || s.p[i] == ':') {
			n->unique.len = i;
			if (s.p[i] == ',')
				parse_sizes(span_of(s.p + i, n->base.len - i),
				    n);
			return;
		}
	n->unique = n->base;
}

void
maildir_letters_print(unsigned flags, uint32_t letters,
    char out[MAILDIR_LETTERS_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < NLETTERS; i++)
		if ((flags & flag_letters[i].flag) != 0)
			out[n++] = (char)flag_letters[i].letter;
	for (unsigned i = 0; i < 26; i++)
		if ((letters >> i & 1) != 0)
			out[n++] = (char)('a' + i);
	out[n] = '\0';
}

int
maildir_name_print(struct span base, unsigned flags, uint32_t letters,
    char *out, size_t size)
{
	size_t n;

	if (base.len == 0 || base.len + 3 + NLETTERS + 26 + 1 > size ||
	    span_haschr(base, '/') || span_haschr(base, '\0')) {
		errno = base.len == 0 ? EINVAL : ENAMETOOLONG;
		return -1;
	}
	memcpy(out, base.p, base.len);
	n = base.len;
	memcpy(out + n, ":2,", 3);
	n += 3;
	maildir_letters_print(flags, letters, out + n);
	return 0;
}

/* May a symbolic link that stands in this directory be believed? */
static bool
is_trusted(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return false;
	return (st.st_uid == 0 || st.st_uid == geteuid()) &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int
step(int at, const char *name, int flags)
{
	return openat(at, name, flags | (is_trusted(at) ? 0 : O_NOFOLLOW));
}

/*
 * Makes one directory and opens it.  The new one is taken over through its
 * descriptor, so that a name swapped meanwhile is never given to anybody.
 */
static int
make_step(int at, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;
	int fd, e;

	if (mkdirat(at, name, 0700) == -1 && errno != EEXIST)
		return -1;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    fchmod(fd, mode) == 0 && (geteuid() != 0 || uid == (uid_t)-1 ||
	    fchown(fd, uid, gid) == 0))
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}

/* A directory on the way to a mailbox belongs to whoever owns the one above. */
static int
make_parent(int at, const char *name)
{
	struct stat st;

	if (fstat(at, &st) == -1)
		return -1;
	return make_step(at, name, 0711, st.st_uid, st.st_gid);
}

/*
 * A directory of root's with our mode where another owner should be: we were
 * killed after making it and before giving it away.  Now it is given away.
 */
static void
adopt(int parent, int fd, const struct ids *owner)
{
	struct stat st, up;
	int dir;

	if (geteuid() != 0 || fstat(fd, &st) == -1 || st.st_uid != 0 ||
	    (st.st_mode & 07777) != 0700 || fstat(parent, &up) == -1)
		return;
	if (owner == NULL && up.st_uid == 0)
		return;
	if (owner != NULL && owner->uid == (uid_t)-1)
		return;
	dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return;
	if (owner != NULL && fchown(dir, owner->uid, owner->gid) == -1)
		fd = -1;	/* the caller's next step will tell */
	if (owner == NULL && (fchmod(dir, 0711) == -1 ||
	    fchown(dir, up.st_uid, up.st_gid) == -1))
		fd = -1;
	close(dir);
}

static int
next_component(struct cur *c, char name[COMPONENT_MAX])
{
	struct span s;

	do {
		(void)cur_ch(c, '/');
		s = cur_until(c, '/');
	} while (s.len == 0 && !cur_end(c));
	if (s.len == 0)
		return 0;
	if (span_is(s, "..") || span_cstr(s, name, COMPONENT_MAX) == -1) {
		errno = EINVAL;
		return -1;
	}
	return 1;
}

/* Walks down path; with owner, what is missing is made.  fd or -1. */
static int
walk(const char *path, bool make, const struct ids *owner)
{
	char name[COMPONENT_MAX];
	struct cur c;
	int at, fd, e, more;

	cur_init(&c, span_str(path));
	at = open(path[0] == '/' ? "/" : ".", OPEN_SEARCH);
	while (at != -1 && (more = next_component(&c, name)) != 0) {
		fd = more == -1 ? -1 : step(at, name, OPEN_SEARCH);
		if (fd == -1 && errno == ENOENT && make && cur_end(&c))
			fd = make_step(at, name, 0700, owner->uid, owner->gid);
		else if (fd == -1 && errno == ENOENT && make)
			fd = make_parent(at, name);
		e = errno;
		if (fd != -1 && make)
			adopt(at, fd, cur_end(&c) ? owner : NULL);
		close(at);
		errno = e;
		at = fd;
	}
	return at;
}

int
maildir_make(const char *dir, const struct ids *owner)
{
	static const char *const subdirs[] = { "tmp", "new", "cur" };

	return maildir_make_dirs(dir, subdirs, 3, owner);
}

int
maildir_make_dirs(const char *dir, const char *const *subdirs, size_t n,
    const struct ids *owner)
{
	int at, fd, e;

	if ((at = walk(dir, true, owner)) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		fd = step(at, subdirs[i], OPEN_SEARCH);
		if (fd == -1 && errno == ENOENT)
			fd = make_step(at, subdirs[i], 0700, owner->uid,
			    owner->gid);
		if (fd == -1) {
			e = errno;
			close(at);
			errno = e;
			return -1;
		}
		adopt(at, fd, owner);
		close(fd);
	}
	close(at);
	return 0;
}

/* In one call where no symbolic link stands in the path at all, which is the
 * rule.  -1: look closer. */
static int
open_plain(const char *dir)
{
#ifdef SYS_openat2
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
	};
	char path[PATH_SIZE];

	if ((size_t)snprintf(path, sizeof(path), "%s/new", dir) <
	    sizeof(path))
		return (int)syscall(SYS_openat2, AT_FDCWD, path, &how,
		    sizeof(how));
#endif
	(void)dir;
	return -1;
}

static int
open_closely(const char *dir, const struct ids *owner)
{
	int at, fd, e;

	if ((at = walk(dir, false, owner)) == -1)
		return -1;
	fd = openat(at, "new", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	e = errno;
	close(at);
	errno = e;
	return fd;
}

/* The mailbox's own directory may be a link of the administrator's; "new"
 * inside it never is one. */
int
maildir_open_new(const char *dir, const struct ids *owner)
{
	struct stat st;
	int fd;

	if ((fd = open_plain(dir)) == -1 &&
	    (fd = open_closely(dir, owner)) == -1)
		return -1;
	if (fstat(fd, &st) == 0 && (!proc_is_root() ||
	    owner->uid == (uid_t)-1 || st.st_uid == owner->uid))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}
