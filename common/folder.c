/*
 * One folder, open: its messages by index.  See folder.h for the contract; the parts are in
 * folder_list.c (directories), folder_uids.c (UIDs), folder_scan.c (changes), folder_change.c (flags,
 * removal), folder_copy.c, folder_append.c, folder_tree.c and folder_keywords.c.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder_impl.h"
#include "lines.h"
#include "watch.h"

#define READ_CHUNK	65536
#ifndef O_NOATIME
#define O_NOATIME	0
#endif
#define LEARNED_MIN	16	/* sizes and dates that are not worth a new cache */
#define LEARNED_PART	64	/* nor is less than this part of all: it is written whole */

static struct folder *
open_once(const char *dir, bool read_only)
{
	struct folder *f = calloc(1, sizeof(*f));
	int e;

	if (f == NULL)
		return NULL;
	f->watch = -1;
	f->read_only = read_only;
	f->dirty = true;		/* nothing is known: list */
	f->doubt = SIZE_MAX;
	buf_init(&f->names, FOLDER_NAMES_MAX);
	buf_init(&f->pending_names, FOLDER_UIDS_MAX);
	f->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd == -1 || (f->dir = strdup(dir)) == NULL)
		goto fail;
	f->local = watch_is_local(f->dirfd);
	(void)folder_cache_load(f);
	if (folder_keywords_load(f) == -1 || folder_refresh(f, NULL) == -1 ||
	    folder_keywords_load(f) == -1)	/* some may have been taken over */
		goto fail;
	return f;
fail:
	e = errno;
	folder_close(f);
	errno = e;
	return NULL;
}

/* ESTALE: the list was read, and then another took its place, with another UIDVALIDITY. */
struct folder *
folder_open(const char *dir, bool read_only)
{
	struct folder *f = open_once(dir, read_only);

	return f == NULL && errno == ESTALE ? open_once(dir, read_only) : f;
}

/* Sizes and dates that cost a look at each file are kept for the next who opens it. */
static void
keep_learned(struct folder *f)
{
	if (f->learned >= LEARNED_MIN &&
	    f->learned >= f->nmsgs / LEARNED_PART && !f->dirty &&
	    folder_dirs_changed(f) == 0)
		folder_cache_save(f);
}

void
folder_close(struct folder *f)
{
	if (f == NULL)
		return;
	keep_learned(f);
	if (f->dirfd != -1)
		close(f->dirfd);
	if (f->watch != -1)
		close(f->watch);
	folder_keywords_free(f);
	folder_blob_close(f);
	folder_cache_drop(f);
	buf_free(&f->pending_names);
	free(f->pending);
	free(f->recent);
	free(f->own);
	free(f->dir);
	free(f);
}

int
folder_moved(struct folder *f, const char *dir)
{
	struct stat there, st;
	char *copy;

	if (stat(dir, &there) == -1 || fstat(f->dirfd, &st) == -1)
		return -1;
	if (there.st_ino != st.st_ino || there.st_dev != st.st_dev) {
		errno = ENOENT;
		return -1;
	}
	if (strcmp(dir, f->dir) == 0)
		return 0;
	if ((copy = strdup(dir)) == NULL)
		return -1;
	free(f->dir);
	f->dir = copy;
	return 0;
}

bool
folder_deleted(const struct folder *f)
{
	struct stat st;

	return fstatat(f->dirfd, "cur", &st, 0) == -1 && errno == ENOENT;
}

int
folder_watch(struct folder *f)
{
	if (f->watch == -1) {
		f->watch = watch_open(f->dirfd, f->dir);
		/* What happened before the watch began is not told by it. */
		f->dirty = f->dirty || (f->watch != -1 &&
		    folder_dirs_changed(f) != 0);
	}
	return f->watch;
}

size_t
folder_count(const struct folder *f)
{
	return f->count;
}

uint32_t
folder_uidvalidity(const struct folder *f)
{
	return f->validity;
}

uint32_t
folder_uidnext(const struct folder *f)
{
	return f->uidnext;
}

uint32_t
folder_uid(const struct folder *f, size_t i)
{
	return i < f->count ? msg_at(f, i)->uid : 0;
}

static size_t
lower(const struct folder *f, size_t n, uint32_t uid)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (msg_at(f, mid)->uid < uid)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

size_t
folder_lower(const struct folder *f, uint32_t uid)
{
	return lower(f, f->count, uid);
}

size_t
folder_lower_all(const struct folder *f, uint32_t uid)
{
	return lower(f, f->nmsgs, uid);
}

unsigned
folder_flags(const struct folder *f, size_t i)
{
	return i < f->count ? msg_at(f, i)->flags : 0;
}

uint64_t
folder_keywords(const struct folder *f, size_t i)
{
	return i < f->count ? msg_at(f, i)->letters | msg_at(f, i)->known.high : 0;
}

bool
folder_recent(const struct folder *f, size_t i)
{
	for (size_t k = 0; i < f->count && k < f->nrecent; k++)
		if (msg_at(f, i)->uid >= f->recent[k].lo &&
		    msg_at(f, i)->uid <= f->recent[k].hi)
			return true;
	return false;
}

size_t
folder_recent_count(const struct folder *f)
{
	size_t n = 0;

	for (size_t k = 0; k < f->nrecent; k++)
		n += folder_lower(f, f->recent[k].hi + 1) -
		    folder_lower(f, f->recent[k].lo);
	return n;
}

size_t
folder_first_unseen(const struct folder *f)
{
	size_t i = f->first_unseen;

	while (i < f->count && (msg_at(f, i)->flags & MAIL_SEEN) != 0)
		i++;
	return i < f->count ? i : f->count;
}

uint64_t
folder_modseq(const struct folder *f, size_t i)
{
	uint64_t m = i < f->count ? msg_at(f, i)->known.modseq : 0;

	if (m == 0)			/* it cannot be written down */
		m = f->highest;
	return m == 0 ? 1 : m;
}

uint64_t
folder_highest_modseq(const struct folder *f)
{
	return f->highest == 0 ? 1 : f->highest;
}

struct span
folder_unique(const struct folder *f, size_t i)
{
	if (i >= f->count)
		return span_of("", 0);
	return msg_unique(f, msg_at(f, i));
}

int
msg_path(const struct folder *f, const struct msg *m,
    char out[FOLDER_PATH_MAX])
{
	struct span name = msg_name(f, m);

	/* A listing gives no such name; a cache that somebody made could. */
	if (name.len == 0 || name.p[0] == '.' || span_haschr(name, '/') ||
	    span_haschr(name, '\0')) {
		errno = ENOENT;
		return -1;
	}
	if (name.len > FOLDER_NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(out, (m->state & MSG_NEW) != 0 ? "new/" : "cur/", 4);
	memcpy(out + 4, name.p, name.len);
	out[4 + name.len] = '\0';
	return 0;
}

/* Tries op on the message's file; where the file is not there under its name, finds out its new name
 * and tries again. */
int
msg_try(struct folder *f, size_t i,
    int (*op)(struct folder *, const char *path, void *arg), void *arg)
{
	char path[FOLDER_PATH_MAX];
	int r;

	if (i >= f->count || (msg_at(f, i)->state & MSG_GONE) != 0) {
		errno = ENOENT;
		return -1;
	}
	for (int tries = 0;; tries++) {
		if (msg_path(f, msg_at(f, i), path) == -1)
			return -1;
		r = op(f, path, arg);
		if (r != -1 || errno != ENOENT || tries == MSG_TRIES)
			return r;
		f->dirty = true;
		if (folder_scan(f, false) == -1)
			return -1;
		if ((msg_at(f, i)->state & MSG_GONE) != 0) {
			errno = ENOENT;
			return -1;
		}
	}
}

/* The first reading of a message would write to its inode.  Only its owner may ask for that not to be. */
static int
op_open(struct folder *f, const char *path, void *arg)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd;

	(void)arg;
	fd = openat(f->dirfd, path, flags | (f->not_owner ? 0 : O_NOATIME));
	if (fd == -1 && errno == EPERM && !f->not_owner) {
		f->not_owner = true;
		fd = openat(f->dirfd, path, flags);
	}
	return fd;
}

int
folder_open_sized(struct folder *f, size_t i, size_t *size)
{
	struct stat st;
	int fd = msg_try(f, i, op_open, NULL);

	if (fd == -1)
		return -1;
	/* A FIFO or device in a Maildir must not block or feed us. */
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size < 0) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	if (msg_at(f, i)->date == INT64_MIN) {
		msg_at(f, i)->date = st.st_mtime;
		f->learned++;
	}
	*size = (size_t)st.st_size;
	return fd;
}

int
folder_open_message(struct folder *f, size_t i)
{
	size_t size;

	return folder_open_sized(f, i, &size);
}

/* Octets of what fd holds when every line ends in CRLF. */
static int
count_size(int fd, uint64_t *size)
{
	static unsigned char chunk[READ_CHUNK];
	unsigned char before = '\n';
	struct lines l = { 0 };
	uint64_t n = 0;
	ssize_t r;

	while ((r = read(fd, chunk, sizeof(chunk))) > 0) {
		lines_count(span_of(chunk, (size_t)r), before, &l);
		n += (uint64_t)r;
		before = chunk[r - 1];
	}
	*size = n + l.bare;
	return r == 0 ? 0 : -1;
}

int
folder_size(struct folder *f, size_t i, uint64_t *size)
{
	struct maildir_name n;
	struct msg *m;
	int fd, r;

	if (i >= f->count) {
		errno = ENOENT;
		return -1;
	}
	m = msg_at(f, i);
	if (m->wsize > 0) {
		*size = m->wsize - 1;
		return 0;
	}
	maildir_name_parse(msg_name(f, m), &n);
	if (n.wsize > 0) {
		*size = n.wsize;
		return 0;
	}
	if ((fd = folder_open_message(f, i)) == -1)
		return -1;
	r = count_size(fd, size);
	close(fd);
	if (r == 0) {
		m->wsize = *size + 1;
		f->learned++;
	}
	return r;
}

static int
op_stat(struct folder *f, const char *path, void *arg)
{
	return fstatat(f->dirfd, path, arg, AT_SYMLINK_NOFOLLOW);
}

int
folder_date(struct folder *f, size_t i, time_t *date)
{
	struct stat st;

	if (i < f->count && msg_at(f, i)->date != INT64_MIN) {
		*date = (time_t)msg_at(f, i)->date;
		return 0;
	}
	if (msg_try(f, i, op_stat, &st) == -1)
		return -1;
	*date = st.st_mtime;
	msg_at(f, i)->date = st.st_mtime;
	f->learned++;
	return 0;
}

int
folder_save_date(struct folder *f, size_t i, time_t *date)
{
	if (i >= f->count || msg_at(f, i)->known.saved == 0)
		return folder_date(f, i, date);
	*date = (time_t)msg_at(f, i)->known.saved;
	return 0;
}

int
folder_status(const char *dir, struct folder_status *s)
{
	struct folder *f = folder_open(dir, true);

	if (f == NULL)
		return -1;
	memset(s, 0, sizeof(*s));
	s->messages = f->count;
	s->uidnext = f->uidnext;
	s->uidvalidity = f->validity;
	s->highest_modseq = folder_highest_modseq(f);
	folder_id(f, s->id);
	if (!f->counts.known)
		folder_count_all(f);
	s->unseen = (size_t)f->counts.unseen;
	s->deleted = (size_t)f->counts.deleted;
	s->recent = (size_t)f->counts.in_new;
	folder_close(f);
	return 0;
}
