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
#define CLEAN_EVERY	3600	/* seconds between looks into the same tmp/ */

struct folder_append {
	struct folder *to;		/* dirfd and keywords only */
	int fd;
	char tmp[FOLDER_PATH_MAX];	/* "": no file is there */
	char path[FOLDER_PATH_MAX];	/* its name to be */
	bool published;			/* it has that name */
	uint64_t keywords;
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
	static ino_t cleaned;
	static time_t when;
	time_t now = time(NULL);
	struct dirent *d;
	struct stat st;
	DIR *dir;
	int fd;

	if (fstatat(dirfd, "tmp", &st, 0) == -1 || (st.st_ino == cleaned &&
	    now < when + CLEAN_EVERY && now >= when))
		return;
	cleaned = st.st_ino;
	when = now;
	fd = openat(dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
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

/* The bytes are on their way to the disk when this returns. */
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
	return 0;
}

/* A keyword that finds no room is left out. */
static uint64_t
keyword_bits(const struct folder_message *m)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < m->nkeywords; i++) {
		int bit = folder_keyword_bit(m->to->to,
		    span_str(m->keywords[i]), true);

		if (bit >= 0)
			bits |= (uint64_t)1 << bit;
	}
	return bits;
}

static int
final_path(struct folder_append *a, const struct folder_message *m)
{
	char base[FOLDER_NAME_MAX + 1], name[FOLDER_NAME_MAX + 1];

	a->keywords = keyword_bits(m);
	snprintf(base, sizeof(base), "%s,S=%llu,W=%llu", a->unique,
	    (unsigned long long)a->size, (unsigned long long)a->crlf_size);
	if (m->flags == 0 && a->keywords == 0) {
		snprintf(a->path, sizeof(a->path), "new/%s", base);
		return 0;
	}
	if (maildir_name_print(span_str(base), m->flags, (uint32_t)a->keywords &
	    ((1U << FOLDER_LETTERS) - 1), name, sizeof(name)) == -1)
		return -1;
	snprintf(a->path, sizeof(a->path), "cur/%s", name);
	return 0;
}

/* Content and names for all, durably. */
static int
finish_all(struct folder_message *m, size_t n)
{
	int *fd, r;

	for (size_t i = 0; i < n; i++)
		if (finish_file(m[i].to, m[i].arrival) == -1 ||
		    final_path(m[i].to, &m[i]) == -1)
			return -1;
	if ((fd = reallocarray(NULL, n, sizeof(*fd))) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		fd[i] = m[i].to->fd;
	r = file_sync_all(fd, n);
	free(fd);
	return r;
}

static int
publish_one(struct folder_message *m, struct uids_out *o)
{
	struct folder_append *a = m->to;

	if (renameat(a->to->dirfd, a->tmp, a->to->dirfd, a->path) == -1)
		return -1;
	a->tmp[0] = '\0';
	a->published = true;
	return uids_add_message(o, span_str(a->unique), m->flags, a->keywords,
	    m->arrival != 0, &m->uid);
}

/* Under the lock: names and UIDs, all or none. */
static int
publish(struct folder_message *m, size_t n, uint32_t *validity)
{
	int r = 0, e, dirfd = m[0].to->to->dirfd;
	bool in_new = false, in_cur = false;
	struct uids_out o;

	if (uids_begin(&o, dirfd, NULL) == -1)
		return -1;
	*validity = o.h.validity;
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = publish_one(&m[i], &o);
		in_new = in_new || m[i].to->path[0] == 'n';
		in_cur = in_cur || m[i].to->path[0] == 'c';
	}
	if (r == 0)
		r = folder_sync_dirs(dirfd, in_new, in_cur);
	if (r == 0)
		r = uids_commit(&o, true);
	e = errno;
	for (size_t i = 0; r == -1 && i < n; i++)
		if (m[i].to->published)
			unlinkat(dirfd, m[i].to->path, 0);
	uids_abort(&o);
	errno = e;
	return r;
}

int
folder_append_commit_many(struct folder_message *m, size_t n,
    uint32_t *validity)
{
	int r = -1, e;

	if (finish_all(m, n) == 0)
		r = publish(m, n, validity);
	e = errno;
	for (size_t i = 0; i < n; i++) {
		folder_append_abort(m[i].to);
		m[i].to = NULL;
	}
	errno = e;
	return r;
}

int
folder_append_commit(struct folder_append *a, unsigned flags,
    const char *const *keywords, size_t nkeywords, time_t arrival,
    uint32_t *validity, uint32_t *uid)
{
	struct folder_message m = { a, flags, keywords, nkeywords, arrival, 0 };
	int r = folder_append_commit_many(&m, 1, validity);

	*uid = m.uid;
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
