/*
 * Adding lines to a uid list, under the folder's lock.  What a writer that died left half is cut; a
 * list that is not one is put aside, and a new UIDVALIDITY tells clients to forget what they know.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "folder_import.h"
#include "folder_uids.h"
#include "log.h"

#define TAIL	65536		/* bytes at the end that surely hold a whole line */
#define NEXT_EVERY 4096		/* bytes after which a line tells where UIDs and mod-sequences stand */
#define UIDS_ROOM (1u << 24)	/* UIDs that must be left, or those of the files in the folder might not fit */
#define NEAR	(2 * NEXT_EVERY)	/* so many have one, mostly; TAIL is a multiple */

/* Another host may have made it a moment ago, and this one still remember that there was none: then that one is taken.
 * afresh: in place of one that was damaged.  What another server knew long ago is then worth nothing, for its
 * UIDs after the last it knew are given out. */
static int
uids_create(int dirfd, bool afresh)
{
	struct uidlist_header h = { .next = 1 };
	struct buf b;
	int r;

	buf_init(&b, FOLDER_UIDS_MAX);
	r = afresh ? 0 : folder_import(dirfd, &b);
	if (r == 0)
		r = folder_new_validity(dirfd, &h.validity);
	random_hex64(h.id);
	if (r == 0)
		r = uidlist_print_header(&b, &h);
	if (r != -1)
		r = file_create(dirfd, FOLDER_UIDS, b.p, b.len, 0600);
	buf_free(&b);
	return r == -1 && errno == EEXIST ? 0 : r;
}

/* The bytes from..end of fd into b. */
static int
read_part(int fd, off_t from, off_t end, struct buf *b)
{
	while (from < end) {
		size_t want = (size_t)(end - from);
		unsigned char *p = buf_room(b, want);
		ssize_t r;

		if (p == NULL)
			return -1;
		if ((r = pread(fd, p, want, from)) == -1 && errno == EINTR)
			continue;
		if (r <= 0) {
			errno = r == 0 ? ESTALE : errno;
			return -1;
		}
		b->len += (size_t)r;
		from += r;
	}
	return 0;
}

/* Cuts what follows the last line end. */
static int
cut_half_line(struct uids_out *o, const struct buf *tail)
{
	const unsigned char *lf = memrchr(tail->p, '\n', tail->len);
	size_t whole = lf == NULL ? 0 : (size_t)(lf - tail->p) + 1;

	if (whole == tail->len)
		return 0;
	if (lf == NULL) {		/* a line of TAIL bytes is none of ours */
		errno = EINVAL;
		return -1;
	}
	o->end -= (off_t)(tail->len - whole);
	return ftruncate(o->fd, o->end);
}

/* Raises h.next and highest to what the lines in tail tell; inside: it begins within a line.  Whether
 * that is all there is to know. */
static bool
find_next(struct uids_out *o, const struct buf *tail, bool inside)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	bool all = !inside;
	struct cur c;

	cur_init(&c, buf_span(tail));
	if (inside) {
		cur_until(&c, '\n');
		cur_ch(&c, '\n');
	}
	while ((kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL) {
		uint32_t next = kind == UIDLIST_MESSAGE ? line.uid + 1 :
		    kind == UIDLIST_NEXT ? line.uid : 0;

		if (next > o->h.next)
			o->h.next = next;
		if ((kind == UIDLIST_GONE || kind == UIDLIST_FLAGS ||
		    kind == UIDLIST_NEXT) && line.modseq > o->highest)
			o->highest = line.modseq;
		all = all || kind == UIDLIST_NEXT;
	}
	return all;
}

static int
read_header(struct uids_out *o)
{
	unsigned char head[128];
	struct cur c;
	ssize_t r = pread(o->fd, head, sizeof(head), 0);

	if (r == -1)
		return -1;
	cur_init(&c, span_of(head, (size_t)r));
	if (uidlist_header_parse(&c, &o->h) == -1)
		return -1;
	o->highest = o->h.floor;
	return 0;
}

/* Where UIDs and mod-sequences stand: near the end, as uids_commit sees to; or, where a writer died
 * before it could, somewhere before it. */
static int
read_tail(struct uids_out *o)
{
	struct buf tail;
	int r;

	for (off_t size = NEAR;; size *= TAIL / NEAR) {
		off_t from = size > TAIL || size > o->end ? 0 : o->end - size;

		buf_init(&tail, FOLDER_UIDS_MAX);
		r = read_part(o->fd, from, o->end, &tail);
		if (r == 0 && (from == 0 || size == TAIL ||
		    span_haschr(buf_span(&tail), '\n')))
			r = cut_half_line(o, &tail);
		if (r == -1 || find_next(o, &tail, from > 0))
			break;
		buf_free(&tail);
	}
	buf_free(&tail);
	return r;
}

static int
open_list(struct uids_out *o, const struct folder *known)
{
	struct stat st;

	/* A FIFO in its place must not block us, nor may it be taken for a list. */
	o->fd = openat(o->dirfd, FOLDER_UIDS,
	    O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (o->fd == -1 || (known != NULL && known->local ?
	    fstat(o->fd, &st) : file_stat_now(o->fd, &st)) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	o->ino = st.st_ino;
	o->end = st.st_size;
	if (known != NULL && known->uids_ino == o->ino &&
	    known->uids_at == o->end) {
		o->h = known->head;
		o->h.next = known->uidnext;
		o->highest = known->highest;
	} else if (read_header(o) == -1 || read_tail(o) == -1)
		return -1;
	if (o->h.next <= UINT32_MAX - UIDS_ROOM)
		return 0;
	errno = EINVAL;			/* some line is wrong: nobody had so many messages */
	return -1;
}

/* Not a uid list, though nothing of ours leaves it half: keep it for the administrator to look at. */
static int
put_aside(struct uids_out *o)
{
	log_warn("%s is damaged: put aside as %s.bad, all UIDs are new",
	    FOLDER_UIDS, FOLDER_UIDS);
	return renameat(o->dirfd, FOLDER_UIDS, o->dirfd, FOLDER_UIDS ".bad");
}

int
uids_begin(struct uids_out *o, int dirfd, const struct folder *known)
{
	bool afresh = false;
	int e;

	memset(o, 0, sizeof(*o));
	o->dirfd = dirfd;
	o->fd = -1;
	buf_init(&o->text, FOLDER_UIDS_MAX);
	if ((o->lock = folder_lock(dirfd, true)) == -1)
		return -1;
	for (int tries = 0; tries < 3; tries++) {
		if (open_list(o, known) == 0)
			return 0;
		e = errno;
		if (o->fd != -1)
			close(o->fd);
		o->fd = -1;
		errno = e;
		if (e != ENOENT && (e != EINVAL || put_aside(o) == -1))
			break;
		afresh = afresh || e == EINVAL;
		if (uids_create(dirfd, afresh) == -1)
			break;
	}
	uids_abort(o);
	return -1;
}

int
uids_add(struct uids_out *o, struct span unique, uint32_t *uid)
{
	if (o->h.next == UINT32_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	if (uidlist_print_message(&o->text, o->h.next, unique) == -1)
		return -1;
	*uid = o->h.next++;
	return 0;
}

int
uids_add_message(struct uids_out *o, struct span unique, unsigned flags,
    uint64_t keywords, bool saved_now, uint32_t *uid)
{
	if (o->nadded == o->added_cap) {
		size_t cap = o->added_cap == 0 ? 16 : o->added_cap * 2;
		struct uids_added *a = reallocarray(o->added, cap, sizeof(*a));

		if (a == NULL)
			return -1;
		o->added = a;
		o->added_cap = cap;
	}
	if (uids_add(o, unique, uid) == -1)
		return -1;
	o->added[o->nadded++] = (struct uids_added){ keywords, *uid,
	    (uint8_t)flags, saved_now };
	return 0;
}

static int
by_marks(const void *pa, const void *pb)
{
	const struct uids_added *a = pa, *b = pb;

	if (a->flags != b->flags)
		return a->flags < b->flags ? -1 : 1;
	if (a->keywords != b->keywords)
		return a->keywords < b->keywords ? -1 : 1;
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

/* Flags and save dates of what uids_add_message has added. */
static int
print_added(struct uids_out *o)
{
	uint32_t *uids = reallocarray(NULL, o->nadded, sizeof(*uids));
	struct uids_added *a = o->added;
	size_t n = 0;
	int r = uids == NULL ? -1 : 0;

	for (size_t i = 0; r == 0 && i < o->nadded; i++)
		if (a[i].saved_now)
			uids[n++] = a[i].uid;
	if (r == 0)
		r = uidlist_print_saved(&o->text, (uint32_t)clock_now(), uids,
		    n);
	qsort(a, o->nadded, sizeof(*a), by_marks);
	for (size_t i = 0; r == 0 && i < o->nadded; i += n) {
		for (n = 0; i + n < o->nadded && a[i + n].flags == a[i].flags &&
		    a[i + n].keywords == a[i].keywords; n++)
			uids[n] = a[i + n].uid;
		r = uidlist_print_flags(&o->text, uids_modseq(o), a[i].flags,
		    a[i].keywords, uids, n);
	}
	free(uids);
	return r;
}

/* Seconds make mod-sequences rise also over a crash that loses the last lines, and over a restore from
 * a backup: what a client has seen is never given out again for something else. */
uint64_t
uids_modseq(struct uids_out *o)
{
	uint64_t now = (uint64_t)clock_now() * 1000;

	if (o->modseq == 0)
		o->modseq = now > o->highest && now < MODSEQ_MAX ? now :
		    o->highest + 1;
	return o->modseq;
}

int
uids_commit(struct uids_out *o, bool durable)
{
	int r = 0, e;

	if (o->nadded > 0 && print_added(o) == -1) {
		uids_abort(o);
		return -1;
	}
	if (o->modseq > o->highest)
		o->highest = o->modseq;
	if (o->end / NEXT_EVERY !=
	    (o->end + (off_t)o->text.len) / NEXT_EVERY)
		r = uidlist_print_next(&o->text, o->h.next, o->highest);
	if (o->text.bad || r == -1) {
		uids_abort(o);
		return -1;
	}
	if (o->text.len > 0) {
		r = file_write_all(o->fd, o->text.p, o->text.len);
		if (r == 0 && durable)
			r = fdatasync(o->fd);
		e = errno;
		if (r == -1 && ftruncate(o->fd, o->end) == -1)
			log_warn_errno("%s: cutting back", FOLDER_UIDS);
		errno = e;
		if (r == 0)
			o->end += (off_t)o->text.len;
	}
	uids_abort(o);
	return r;
}

void
uids_abort(struct uids_out *o)
{
	int e = errno;

	buf_free(&o->text);
	free(o->added);
	o->added = NULL;
	o->nadded = o->added_cap = 0;
	if (o->fd != -1)
		close(o->fd);
	if (o->lock != -1)
		close(o->lock);
	o->fd = o->lock = -1;
	errno = e;
}
