/*
 * The file posthouse.acl of a folder.  Whoever may write into the folder may have put anything there: a link, FIFO or
 * device in its place is a list that cannot be understood.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "acl.h"
#include "file.h"
#include "folder_impl.h"
#include "limits.h"

static void
stamp_take(struct acl_stamp *stamp, const struct stat *st)
{
	stamp->ino = st->st_ino;
	stamp->size = st->st_size;
	stamp->mtime = st->st_mtim;
	stamp->ctime = st->st_ctim;
}

/* 0, 1: there is none, or -1. */
static int
read_text(int dirfd, struct buf *text, struct acl_stamp *stamp)
{
	struct stat st;
	int r, e, fd = openat(dirfd, ACL_FILE,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return errno == ENOENT ? 1 : -1;
	r = fstat(fd, &st);
	if (r == 0 && !S_ISREG(st.st_mode)) {
		errno = EBADMSG;
		r = -1;
	}
	if (r == 0 && stamp != NULL)
		stamp_take(stamp, &st);
	if (r == 0)
		r = file_read_all(fd, text);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

static int
load_at(int dirfd, struct acl *a, struct acl_stamp *stamp, const char **why,
    unsigned *line)
{
	struct buf text;
	int r;

	*why = "it is no file that can be read";
	*line = 0;
	buf_init(&text, ACL_FILE_MAX);
	r = read_text(dirfd, &text, stamp);
	if (r == 0)
		r = acl_parse(a, buf_span(&text), why, line);
	buf_free(&text);
	return r == -1 ? -1 : 0;
}

int
acl_load(const char *dir, struct acl *a, struct acl_stamp *stamp,
    const char **why, unsigned *line)
{
	int dirfd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r, e;

	if (stamp != NULL)
		memset(stamp, 0, sizeof(*stamp));
	if (dirfd == -1)
		return -1;
	r = load_at(dirfd, a, stamp, why, line);
	e = errno;
	close(dirfd);
	errno = e;
	return r;
}

bool
acl_is_same(const char *dir, const struct acl_stamp *then)
{
	char path[1024 + sizeof(ACL_FILE)];
	struct acl_stamp now = { 0 };
	struct stat st;

	/* Not through a link: the folder's owner could lead it anywhere. */
	if (lstat(dir, &st) == -1 || !S_ISDIR(st.st_mode) ||
	    (size_t)snprintf(path, sizeof(path), "%s/" ACL_FILE, dir) >=
	    sizeof(path))
		return false;
	if (lstat(path, &st) == 0)
		stamp_take(&now, &st);
	else if (errno != ENOENT)
		return false;
	return now.ino == then->ino && now.size == then->size &&
	    now.mtime.tv_sec == then->mtime.tv_sec &&
	    now.mtime.tv_nsec == then->mtime.tv_nsec &&
	    now.ctime.tv_sec == then->ctime.tv_sec &&
	    now.ctime.tv_nsec == then->ctime.tv_nsec;
}

static int
replace(int dirfd, const struct acl *a)
{
	struct buf text;
	int r;

	if (a->n == 0)
		return unlinkat(dirfd, ACL_FILE, 0) == -1 && errno != ENOENT ?
		    -1 : file_sync_dir(dirfd);
	buf_init(&text, ACL_FILE_MAX);
	acl_print(a, &text);
	errno = E2BIG;
	r = text.bad ? -1 : file_replace(dirfd, ACL_FILE, text.p, text.len,
	    0600);
	buf_free(&text);
	return r;
}

int
acl_change(const char *dir, int (*change)(void *arg, struct acl *), void *arg)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int lock, r = -1, e;
	const char *why;
	unsigned line;
	struct acl a;

	if (dirfd == -1)
		return -1;
	acl_init(&a);
	if ((lock = folder_lock(dirfd, true)) != -1 &&
	    load_at(dirfd, &a, NULL, &why, &line) == 0 &&
	    change(arg, &a) == 0)
		r = replace(dirfd, &a);
	e = errno;
	acl_free(&a);
	if (lock != -1)
		close(lock);
	close(dirfd);
	errno = e;
	return r;
}
