/*
 * Safe edits of users and passwords: lock, temporary file in the same
 * directory, fsync, rename, fsync of the directory.  Refuses to write what the
 * reader would take for two lines.
 */
#include "admin_edit.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define LOCK_FILE	".lock"

static int
failed(const struct control *c, const char *file)
{
	fprintf(stderr, "%s/%s: cannot be changed: %s\n", c->dir, file,
	    strerror(errno));
	return -1;
}

int
edit_lock(const struct control *c)
{
	int fd = openat(c->dirfd, LOCK_FILE,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd == -1)
		return failed(c, LOCK_FILE);
	while ((r = flock(fd, LOCK_EX)) == -1 && errno == EINTR)
		;
	if (r == 0)
		return fd;
	(void)failed(c, LOCK_FILE);
	close(fd);
	return -1;
}

/* Which lines an edit is about. */
struct edit {
	struct span key;
	bool (*is_old)(const void *arg, struct span value);	/* NULL: all */
	const void *arg;
	const char *line;		/* what takes their place, or NULL */
};

/* Is this line, as it stands in the file, one of them? */
static bool
is_meant(const struct edit *e, struct span line)
{
	struct cur c;

	cur_init(&c, span_trim(line));
	if (!span_iseq(span_trim(cur_until(&c, ':')), e->key) ||
	    !cur_ch(&c, ':'))
		return false;
	return e->is_old == NULL ||
	    e->is_old(e->arg, span_trim(cur_rest(&c)));
}

static void
add_line(struct buf *out, const char *line)
{
	if (out->len > 0 && out->p[out->len - 1] != '\n')
		buf_addc(out, '\n');
	buf_adds(out, line);
	buf_addc(out, '\n');
}

/* The first line that is meant is replaced, any other is dropped. */
static void
rewrite(struct span old, const struct edit *e, struct buf *out)
{
	bool done = e->line == NULL;
	struct cur c;

	cur_init(&c, old);
	while (!cur_end(&c)) {
		struct span s = cur_until(&c, '\n');

		if (is_meant(e, s)) {
			if (!done)
				add_line(out, e->line);
			done = true;
		} else {
			buf_addspan(out, s);
			if (cur_peek(&c) == '\n')
				buf_addc(out, '\n');
		}
		(void)cur_ch(&c, '\n');
	}
	if (!done)
		add_line(out, e->line);
}

/* Owner and mode are right before the name is: no moment in which a secret is
 * open, or its reader shut out. */
static int
write_new(int dirfd, const char *tmp, const char *file, const struct buf *b,
    mode_t mode)
{
	struct stat st;
	int fd, r, e;
	bool old = fstatat(dirfd, file, &st, 0) == 0;

	fd = openat(dirfd, tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (old)
		mode = st.st_mode & 07777;
	r = 0;
	if (old && (st.st_uid != geteuid() || st.st_gid != getegid()))
		r = fchown(fd, st.st_uid, st.st_gid);
	if (r == -1 || fchmod(fd, mode) == -1 ||
	    file_write_all(fd, b->p, b->len) == -1 || fsync(fd) == -1) {
		e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return close(fd);
}

static int
replace(const struct control *c, const char *file, const struct buf *b,
    mode_t mode)
{
	char tmp[128];
	int e, fd;

	/* Under the lock one name is enough; an editor that was killed may have
	 * left it. */
	snprintf(tmp, sizeof(tmp), ".%s.new", file);
	if (unlinkat(c->dirfd, tmp, 0) == -1 && errno != ENOENT)
		return -1;
	if (write_new(c->dirfd, tmp, file, b, mode) == -1 ||
	    renameat(c->dirfd, tmp, c->dirfd, file) == -1) {
		e = errno;
		unlinkat(c->dirfd, tmp, 0);
		errno = e;
		return -1;
	}
	if ((fd = openat(c->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	e = file_sync_dir(fd);
	close(fd);
	return e;
}

/* A link would be replaced, and the file that it names not changed. */
static int
check_plain(const struct control *c, const char *file)
{
	struct stat st;

	if (fstatat(c->dirfd, file, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : failed(c, file);
	if (S_ISREG(st.st_mode))
		return 0;
	fprintf(stderr, "%s/%s: this is not a regular file and is not changed; "
	    "edit what it stands for\n", c->dir, file);
	return -1;
}

static int
edit(const struct control *c, const char *file, const struct edit *e,
    mode_t mode)
{
	struct buf old, new;
	int r = -1;

	if (e->line != NULL && strchr(e->line, '\n') != NULL) {
		errno = EINVAL;
		return failed(c, file);
	}
	if (check_plain(c, file) == -1)
		return -1;
	buf_init(&old, CONTROL_TABLE_MAX);
	buf_init(&new, CONTROL_TABLE_MAX);
	if (file_read(c->dirfd, file, &old) == 0 || errno == ENOENT) {
		rewrite(buf_span(&old), e, &new);
		if (span_eq(buf_span(&old), buf_span(&new)))
			r = 0;
		else
			r = new.bad ? -1 : replace(c, file, &new, mode);
	}
	if (r == -1)
		(void)failed(c, file);
	buf_wipe(&old);
	buf_wipe(&new);
	return r;
}

int
edit_line(const struct control *c, const char *file, struct span key,
    const char *line, mode_t mode)
{
	const struct edit e = { .key = key, .line = line };

	return edit(c, file, &e, mode);
}

int
edit_some(const struct control *c, const char *file, struct span key,
    bool (*is_old)(const void *arg, struct span value), const void *arg,
    const char *line, mode_t mode)
{
	const struct edit e = { key, is_old, arg, line };

	return edit(c, file, &e, mode);
}
