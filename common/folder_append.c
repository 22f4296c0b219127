/*
 * Adding a message: written to tmp/, made durable, then renamed into new/ or cur/ and given its UID
 * under the lock.  A crash before the rename leaves litter in tmp/ alone, which a later append
 * removes; one after it leaves a whole message without a UID, which gets one when next seen.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "folder_uids.h"
#include "limits.h"

#define CHUNK		65536
#define LITTER_AGE	(36 * 3600)	/* seconds; maildir(5) says 36 hours */

struct folder_append {
	struct folder *to;		/* dirfd and keywords only */
	int fd;
	char tmp[FOLDER_PATH_MAX];
	char unique[64];
	struct buf buf;
	uint64_t size, crlf_size;
	bool cr;			/* the last byte was a CR, kept back */
	unsigned char last;		/* byte that was put */
	int failed;			/* errno of the first failure */
};

/* Removes what writers that died have left in tmp/ long ago. */
static void
clean_tmp(int dirfd)
{
	int fd = openat(dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	time_t now = time(NULL);
	struct dirent *d;
	struct stat st;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' &&
		    fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < now - LITTER_AGE &&
		    st.st_ctime < now - LITTER_AGE)
			unlinkat(fd, d->d_name, 0);
	closedir(dir);
}

struct folder_append *
folder_append_begin(const char *dir)
{
	struct folder_append *a = calloc(1, sizeof(*a));
	int e;

	if (a == NULL)
		return NULL;
	a->fd = -1;
	buf_init(&a->buf, CHUNK);
	if ((a->to = folder_target(dir)) == NULL ||
	    folder_fresh_name(a->unique, sizeof(a->unique)) == -1)
		goto fail;
	clean_tmp(a->to->dirfd);
	snprintf(a->tmp, sizeof(a->tmp), "tmp/%s", a->unique);
	a->fd = openat(a->to->dirfd, a->tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (a->fd == -1) {
		a->tmp[0] = '\0';
		goto fail;
	}
	return a;
fail:
	e = errno;
	folder_append_abort(a);
	errno = e;
	return NULL;
}

static void
flush(struct folder_append *a)
{
	if (a->failed == 0 && a->buf.len > 0 &&
	    file_write_all(a->fd, a->buf.p, a->buf.len) == -1)
		a->failed = errno;
	buf_clear(&a->buf);
}

static void
put(struct folder_append *a, const unsigned char *p, size_t n)
{
	if (n > 0)
		a->last = p[n - 1];
	a->size += n;
	a->crlf_size += n;
	while (n > 0) {
		size_t take = CHUNK - a->buf.len;

		if (take > n)
			take = n;
		if (buf_add(&a->buf, p, take) == -1) {
			a->failed = errno;
			return;
		}
		if (a->buf.len == CHUNK)
			flush(a);
		p += take;
		n -= take;
	}
}

/* The end of a line: the CR kept back goes, unless another stands before it ("\r\r\n"), for then what is read
 * out, with CRLF for each LF that has no CR, would not be what was given. */
static void
put_line_end(struct folder_append *a)
{
	if (a->cr && a->last == '\r')
		put(a, (const unsigned char *)"\r\n", 2);
	else {
		put(a, (const unsigned char *)"\n", 1);
		a->crlf_size++;
	}
	a->cr = false;
}

int
folder_append_add(struct folder_append *a, const void *data, size_t n)
{
	const unsigned char *p = data, *end = p + n;

	while (p < end && a->failed == 0) {
		const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));
		const unsigned char *to = lf == NULL ? end : lf;

		if (a->cr && to > p) {
			put(a, (const unsigned char *)"\r", 1);
			a->cr = false;
		}
		if (to > p) {
			a->cr = to[-1] == '\r';
			put(a, p, (size_t)(to - p) - a->cr);
		}
		p = to;
		if (lf != NULL) {
			put_line_end(a);
			p++;
		}
	}
	errno = a->failed;
	return a->failed == 0 ? 0 : -1;
}

static uint32_t
keyword_letters(struct folder *to, const char *const *keywords, size_t n)
{
	uint32_t letters = 0;

	for (size_t i = 0; i < n; i++) {
		int bit = folder_keyword_bit(to, span_str(keywords[i]), true);

		if (bit >= 0)
			letters |= 1U << bit;
	}
	return letters;
}

static int
finish_file(struct folder_append *a, time_t arrival)
{
	if (a->cr)
		put(a, (const unsigned char *)"\r", 1);
	a->cr = false;
	flush(a);
	if (a->failed != 0) {
		errno = a->failed;
		return -1;
	}
	if (arrival != 0) {
		struct timespec ts[2] = { { .tv_sec = arrival },
		    { .tv_sec = arrival } };

		if (futimens(a->fd, ts) == -1)
			return -1;
	}
	return fsync(a->fd);
}

static int
final_path(struct folder_append *a, unsigned flags, uint32_t letters,
    char path[FOLDER_PATH_MAX])
{
	char base[FOLDER_NAME_MAX + 1], name[FOLDER_NAME_MAX + 1];

	snprintf(base, sizeof(base), "%s,S=%llu,W=%llu", a->unique,
	    (unsigned long long)a->size, (unsigned long long)a->crlf_size);
	if (flags == 0 && letters == 0) {
		snprintf(path, FOLDER_PATH_MAX, "new/%s", base);
		return 0;
	}
	if (maildir_name_print(span_str(base), flags, letters, name,
	    sizeof(name)) == -1)
		return -1;
	snprintf(path, FOLDER_PATH_MAX, "cur/%s", name);
	return 0;
}

/* Under the lock: name and UID, both or neither. */
static int
publish(struct folder_append *a, const char *path, uint32_t *validity,
    uint32_t *uid)
{
	struct uids_out o;
	int r, e, dirfd = a->to->dirfd;

	if (uids_begin(&o, dirfd) == -1)
		return -1;
	*validity = o.h.validity;
	if ((r = renameat(dirfd, a->tmp, dirfd, path)) == 0) {
		r = uids_add(&o, span_str(a->unique), uid);
		if (r == 0)
			r = folder_sync_dirs(dirfd, path[0] == 'n',
			    path[0] == 'c');
		if (r == 0)
			r = uids_commit(&o);
		e = errno;
		if (r == -1)
			unlinkat(dirfd, path, 0);
		else
			a->tmp[0] = '\0';
		errno = e;
	}
	uids_abort(&o);
	return r;
}

int
folder_append_commit(struct folder_append *a, unsigned flags,
    const char *const *keywords, size_t nkeywords, time_t arrival,
    uint32_t *validity, uint32_t *uid)
{
	char path[FOLDER_PATH_MAX];
	uint32_t letters;
	int r = -1, e;

	if (finish_file(a, arrival) == 0) {
		letters = keyword_letters(a->to, keywords, nkeywords);
		r = final_path(a, flags, letters, path);
		if (r == 0)
			r = publish(a, path, validity, uid);
	}
	e = errno;
	folder_append_abort(a);
	errno = e;
	return r;
}

void
folder_append_abort(struct folder_append *a)
{
	if (a == NULL)
		return;
	if (a->fd != -1)
		close(a->fd);
	if (a->tmp[0] != '\0')
		unlinkat(a->to->dirfd, a->tmp, 0);
	buf_free(&a->buf);
	folder_close(a->to);
	free(a);
}
