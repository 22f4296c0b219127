/*
 * Whole-file reading and durable writing.  Trusts the kernel's return values
 * and nothing else: every write, fsync and close is checked.
 */
#include "file.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#define FILE_CHUNK	65536	/* bytes asked for in one read */
#define FILE_FEW	2048	/* of what has no size: a pipe most often holds a line */
#define FILE_NAME_MAX	255

int
file_write_all(int fd, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == 0)
			errno = EIO;
		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int
file_copy_from(int from, off_t offset, uint64_t left, int to)
{
	unsigned char chunk[FILE_CHUNK];

	while (left > 0) {
		ssize_t n = pread(from, chunk, left < sizeof(chunk) ?
		    (size_t)left : sizeof(chunk), offset);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EBADMSG;
		if (n <= 0 || file_write_all(to, chunk, (size_t)n) == -1)
			return -1;
		offset += n;
		left -= (uint64_t)n;
	}
	return 0;
}

/* How much to ask for: what the file's size says is left, and one byte more so
 * that its end is seen; few where the size tells nothing. */
static size_t
read_size(int fd, const struct buf *b)
{
	struct stat st;
	size_t want = FILE_FEW, room = b->max - b->len;

	if (file_stat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size >= 0)
		want = (size_t)st.st_size + 1;
	return want < room ? want : room;
}

int
file_read_all(int fd, struct buf *b)
{
	size_t want = read_size(fd, b);

	for (;;) {
		unsigned char c, *p;
		ssize_t r;

		if (b->len >= b->max) {		/* full: only the end may follow */
			r = read(fd, &c, 1);
			if (r == 1)
				errno = EFBIG;
			return r == 0 ? 0 : -1;
		}
		if (want == 0 || want > b->max - b->len)
			want = b->max - b->len;
		if ((p = buf_room(b, want)) == NULL)
			return -1;
		r = read(fd, p, want);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return r == 0 ? 0 : -1;
		b->len += (size_t)r;
		/* Mostly the end: no more room than there is for that. */
		want = b->cap > b->len + 1 ? b->cap - b->len - 1 : FILE_CHUNK;
	}
}

int
file_open(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd == -1 || (file_stat(fd, &st) == 0 && !S_ISFIFO(st.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int
file_read(int dirfd, const char *path, struct buf *b)
{
	int fd = file_open(dirfd, path), r, e;

	if (fd == -1)
		return -1;
	r = file_read_all(fd, b);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

int
file_sync_dir(int dirfd)
{
	if (fsync(dirfd) == -1 && errno != EINVAL && errno != EROFS)
		return -1;
	return 0;
}

static int
write_temporary(int dirfd, const char *tmp, const void *data, size_t n,
    mode_t mode)
{
	int fd, e;

	fd = openat(dirfd, tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd == -1)
		return -1;
	if (fchmod(fd, mode) == -1 || file_write_all(fd, data, n) == -1 ||
	    fsync(fd) == -1) {
		e = errno;
		close(fd);
		unlinkat(dirfd, tmp, 0);
		errno = e;
		return -1;
	}
	return close(fd);
}

/* The directory that holds path, for its fsync; -1 with errno. */
static int
open_parent(int dirfd, const char *path)
{
	char dir[FILE_NAME_MAX * 4];
	const char *slash = NULL;

	for (const char *s = path; *s != '\0'; s++)
		if (*s == '/')
			slash = s;
	if (slash == NULL)
		snprintf(dir, sizeof(dir), ".");
	else
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1),
		    path);
	return openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Where the file system has no links, the name goes over what is there. */
static int
give_name(int dirfd, const char *tmp, const char *path, bool fresh)
{
	int e;

	if (fresh && linkat(dirfd, tmp, dirfd, path, 0) == 0)
		return unlinkat(dirfd, tmp, 0);
	if ((!fresh || errno != EEXIST) &&
	    renameat(dirfd, tmp, dirfd, path) == 0)
		return 0;
	e = errno;
	unlinkat(dirfd, tmp, 0);
	errno = e;
	return -1;
}

static int
write_whole(int dirfd, const char *path, const void *data, size_t n,
    mode_t mode, bool fresh)
{
	char tmp[FILE_NAME_MAX * 4 + 32], rnd[17];
	int dir, r, e;

	random_hex64(rnd);
	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp%s", path, rnd) >=
	    sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((dir = open_parent(dirfd, path)) == -1)
		return -1;
	r = write_temporary(dirfd, tmp, data, n, mode);
	if (r == 0)
		r = give_name(dirfd, tmp, path, fresh);
	if (r == 0)
		r = file_sync_dir(dir);
	e = errno;
	close(dir);
	errno = e;
	return r;
}

int
file_replace(int dirfd, const char *path, const void *data, size_t n,
    mode_t mode)
{
	return write_whole(dirfd, path, data, n, mode, false);
}

int
file_create(int dirfd, const char *path, const void *data, size_t n,
    mode_t mode)
{
	return write_whole(dirfd, path, data, n, mode, true);
}

int
file_stat(int fd, struct stat *st)
{
#if defined(__linux__) && defined(__LP64__) && \
    (defined(__x86_64__) || defined(__aarch64__))
	return (int)syscall(SYS_fstat, fd, st);
#else
	return fstat(fd, st);
#endif
}

int
file_stat_now(int fd, struct stat *st)
{
#ifdef AT_STATX_FORCE_SYNC
	struct statx sx;

	/* What fstat(2) remembers it asks again after this. */
	(void)statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE,
	    &sx);
#endif
	return file_stat(fd, st);
}

int
file_nonblock(int fd, int on)
{
	int fl = fcntl(fd, F_GETFL);

	if (fl == -1)
		return -1;
	fl = on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, fl) == -1 ? -1 : 0;
}

int
file_give_back(int fd, uint64_t n)
{
#ifdef FALLOC_FL_PUNCH_HOLE
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	    (off_t)n);
#else
	(void)fd;
	(void)n;
	errno = EOPNOTSUPP;
	return -1;
#endif
}

int
file_seek_data(int fd)
{
#ifdef SEEK_DATA
	if (lseek(fd, 0, SEEK_DATA) != -1)
		return 0;
	if (errno == ENXIO)		/* nothing but what was given back */
		return lseek(fd, 0, SEEK_END) == -1 ? -1 : 0;
#endif
	return lseek(fd, 0, SEEK_SET) == -1 ? -1 : 0;
}

#ifdef __linux__
int
file_tee(int from, int back, int to, size_t n)
{
	(void)back;
	return tee(from, to, n, SPLICE_F_NONBLOCK) == (ssize_t)n ? 0 : -1;
}
#else
int
file_tee(int from, int back, int to, size_t n)
{
	char some[PIPE_BUF];

	if (n > sizeof(some) || read(from, some, n) != (ssize_t)n)
		return -1;
	return file_write_all(back, some, n) == -1 ? -1 :
	    file_write_all(to, some, n);
}
#endif
