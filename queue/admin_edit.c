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

/* Is this line, as it stands in the file, one of that key? */
static bool
has_key(struct span line, struct span key)
{
	struct span s = span_trim(line);

	return s.len > key.len && span_iseq(span_of(s.p, key.len), key) &&
	    *span_trim(span_of(s.p + key.len, s.len - key.len)).p == ':';
}

static void
add_line(struct buf *out, const char *line)
{
	if (out->len > 0 && out->p[out->len - 1] != '\n')
		buf_addc(out, '\n');
	buf_adds(out, line);
	buf_addc(out, '\n');
}

/* The first line of the key is replaced, any other is dropped. */
static void
rewrite(struct span old, struct span key, const char *line, struct buf *out)
{
	bool done = line == NULL;
	struct cur c;

	cur_init(&c, old);
	while (!cur_end(&c)) {
		struct span s = cur_until(&c, '\n');

		if (has_key(s, key)) {
			if (!done)
				add_line(out, line);
			done = true;
		} else {
			buf_addspan(out, s);
			if (cur_peek(&c) == '\n')
				buf_addc(out, '\n');
		}
		(void)cur_ch(&c, '\n');
	}
	if (!done)
		add_line(out, line);
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

	snprintf(tmp, sizeof(tmp), ".%s.%ld", file, (long)getpid());
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

int
edit_line(const struct control *c, const char *file, struct span key,
    const char *line, mode_t mode)
{
	struct buf old, new;
	int r = -1;

	if (line != NULL && strchr(line, '\n') != NULL) {
		errno = EINVAL;
		return failed(c, file);
	}
	buf_init(&old, CONTROL_TABLE_MAX);
	buf_init(&new, CONTROL_TABLE_MAX);
	if (file_read(c->dirfd, file, &old) == 0 || errno == ENOENT) {
		rewrite(buf_span(&old), key, line, &new);
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
