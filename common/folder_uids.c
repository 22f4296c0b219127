/*
 * The uid list of an open folder: reading what was added to it, matching its lines with the files that are
 * there, and giving UIDs to files that have none.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "folder_uids.h"
#include "log.h"

#define STALE_MIN	256	/* stale lines that are not worth a new list */

/* From the start again: the list is another file than the one read so far. */
static int
begin_again(struct folder *f, struct cur *c, ino_t ino)
{
	struct uidlist_header h;

	if (uidlist_header_parse(c, &h) == -1)
		return -1;
	if (f->validity != 0 && h.validity != f->validity) {
		errno = ESTALE;
		return -1;
	}
	f->validity = h.validity;
	if (h.next > f->uidnext)
		f->uidnext = h.next;
	f->uids_ino = ino;
	f->line_uid = 0;
	f->lines = 0;
	f->npending = 0;
	buf_clear(&f->pending_names);
	return 0;
}

/* Reads fd from f->uids_at, whole lines only, and moves uids_at behind them. */
static int
load_tail(struct folder *f, int fd, struct buf *text)
{
	struct stat st;
	struct cur c;
	size_t skip = 0;
	const unsigned char *lf;

	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_ino == f->uids_ino && st.st_size == f->uids_at)
		return 0;
	if (st.st_ino != f->uids_ino || st.st_size < f->uids_at)
		f->uids_at = 0;
	buf_clear(text);
	if (lseek(fd, f->uids_at, SEEK_SET) == -1 ||
	    file_read_all(fd, text) == -1)
		return -1;
	lf = text->len == 0 ? NULL : memrchr(text->p, '\n', text->len);
	text->len = lf == NULL ? 0 : (size_t)(lf - text->p) + 1;
	if (f->uids_at == 0) {
		cur_init(&c, buf_span(text));
		if (begin_again(f, &c, st.st_ino) == -1)
			goto no_list;
		skip = text->len - cur_left(&c);
	}
	f->uids_at += (off_t)text->len;
	buf_drop(text, skip);
	return text->len > 0;
no_list:				/* uids_begin makes another */
	buf_clear(text);
	return errno == EINVAL && f->validity == 0 ? 0 : -1;
}

/* Nothing new is the usual case, and needs no lock.  What is new may not be durable before its writer
 * lets go of the lock, so it is read under it. */
int
folder_uids_load(struct folder *f, struct buf *text, bool locked)
{
	struct stat st;
	int fd, lock = -1, r, e;

	if (!locked) {
		if (fstatat(f->dirfd, FOLDER_UIDS, &st, 0) == -1)
			return errno == ENOENT && f->uids_ino == 0 ? 0 : -1;
		if (st.st_ino == f->uids_ino && st.st_size == f->uids_at)
			return 0;
		lock = folder_lock(f->dirfd, false);
		if (lock == -1 && errno != EACCES && errno != EROFS &&
		    errno != EPERM)
			return -1;
	}
	fd = openat(f->dirfd, FOLDER_UIDS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	r = fd == -1 ? -1 : load_tail(f, fd, text);
	e = errno;
	if (fd != -1)
		close(fd);
	if (lock != -1)
		close(lock);
	errno = e;
	return r;
}

static int
pending_add(struct folder *f, uint32_t uid, struct span unique)
{
	struct pending *p;

	if (f->npending == f->pending_cap) {
		size_t cap = f->pending_cap == 0 ? 32 : f->pending_cap * 2;

		p = reallocarray(f->pending, cap, sizeof(*p));
		if (p == NULL)
			return -1;
		f->pending = p;
		f->pending_cap = cap;
	}
	p = &f->pending[f->npending];
	p->uid = uid;
	p->name = (uint32_t)f->pending_names.len;
	p->len = (uint8_t)unique.len;
	if (buf_addspan(&f->pending_names, unique) == -1)
		return -1;
	f->npending++;
	f->unfound++;
	return 0;
}

/*
 * A line that names a file which is there.  A later line for the same file is right: the message
 * of the earlier one is gone.  A UID below one that this handle knows already came too late to be
 * put in; the file counts as new and gets another.
 */
static int
take_line(struct folder *f, struct listing *l, struct entry *e, uint32_t uid)
{
	if (e->msg > 0) {
		struct msg *m = &f->msgs[e->msg - 1];

		if (m->uid >= uid)
			return 0;
		m->state |= MSG_GONE;
		f->news = true;
		e->msg = 0;
	}
	if (f->nmsgs > 0 && f->msgs[f->nmsgs - 1].uid >= uid)
		return 0;
	return folder_add_msg(f, uid, l, e, 0);
}

/* Someone saw these vanish.  Where the file is there nevertheless it is taken for a new one. */
static void
take_gone(struct folder *f, struct listing *l, uint32_t first, uint32_t last)
{
	size_t n = 0;

	for (size_t i = folder_lower_all(f, first);
	    i < f->nmsgs && f->msgs[i].uid <= last; i++) {
		struct entry *e = listing_find(l, msg_unique(f, &f->msgs[i]));

		f->msgs[i].state |= MSG_GONE;
		f->news = true;
		if (e != NULL && e->msg == i + 1)
			e->msg = 0;
		if (l->partial)
			f->dirty = true;	/* is its file there? list */
	}
	for (size_t i = 0; i < f->npending; i++)
		if (f->pending[i].uid < first || f->pending[i].uid > last)
			f->pending[n++] = f->pending[i];
	f->npending = n;
}

static int
take_message(struct folder *f, struct listing *l, const struct uidlist_line *line)
{
	struct entry *e;

	if (line->uid <= f->line_uid)
		return 0;		/* damaged: UIDs rise */
	f->line_uid = line->uid;
	if (line->uid >= f->uidnext)
		f->uidnext = line->uid + 1;
	if ((e = listing_find(l, line->unique)) == NULL)
		return pending_add(f, line->uid, line->unique);
	return take_line(f, l, e, line->uid);
}

int
folder_uids_match(struct folder *f, struct listing *l, const struct buf *text)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur c;
	int r = 0;

	cur_init(&c, buf_span(text));
	while (r == 0 && (kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL) {
		f->lines++;
		if (kind == UIDLIST_MESSAGE)
			r = take_message(f, l, &line);
		else if (kind == UIDLIST_GONE)
			take_gone(f, l, line.uid, line.last);
	}
	return r;
}

int
folder_pending_match(struct folder *f, struct listing *l)
{
	size_t n = 0;

	for (size_t i = 0; i < f->npending; i++) {
		struct pending *p = &f->pending[i];
		struct entry *e = listing_find(l,
		    span_of(f->pending_names.p + p->name, p->len));

		if (e == NULL)
			f->pending[n++] = *p;
		else if (take_line(f, l, e, p->uid) == -1)
			return -1;
	}
	f->npending = n;
	return 0;
}

/* By the seconds at the start of the name, then by name: the order of arrival as far as it can be known. */
static int
by_arrival(const void *pa, const void *pb, void *arg)
{
	const struct listing *l = arg;
	const struct entry *a = *(const struct entry *const *)pa;
	const struct entry *b = *(const struct entry *const *)pb;
	uint64_t na = 0, nb = 0;
	struct cur c;

	cur_init(&c, span_str(listing_name(l, a)));
	(void)cur_num(&c, UINT64_MAX, &na);
	cur_init(&c, span_str(listing_name(l, b)));
	(void)cur_num(&c, UINT64_MAX, &nb);
	if (na != nb)
		return na < nb ? -1 : 1;
	return strcmp(listing_name(l, a), listing_name(l, b));
}

static int
assign_sorted(struct folder *f, struct listing *l, struct uids_out *o,
    struct entry **e, size_t n)
{
	unsigned state = f->read_only ? 0 : MSG_RECENT;

	qsort_r(e, n, sizeof(struct entry *), by_arrival, l);
	for (size_t i = 0; i < n; i++) {
		struct span u = span_of(listing_name(l, e[i]), e[i]->unique);
		uint32_t uid;

		if (uids_add(o, u, &uid) == -1 ||
		    folder_add_msg(f, uid, l, e[i], state) == -1)
			return -1;
	}
	f->uidnext = o->h.next;
	return 0;
}

/* Gives a UID to every file that has none yet; the lines wait in o. */
static int
assign_rest(struct folder *f, struct listing *l, struct uids_out *o)
{
	struct entry **e;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < l->n; i++)
		n += l->e[i].msg == 0 && !l->e[i].dup;
	if (n == 0)
		return 0;
	if ((e = reallocarray(NULL, n, sizeof(struct entry *))) == NULL)
		return -1;
	n = 0;
	for (size_t i = 0; i < l->n; i++)
		if (l->e[i].msg == 0 && !l->e[i].dup)
			e[n++] = &l->e[i];
	r = assign_sorted(f, l, o, e, n);
	free(e);
	return r;
}

/* Writes the list anew without stale lines, in place of adding to it. The lock is held. */
static int
compact(struct folder *f, struct uids_out *o)
{
	struct uidlist_header h = { f->validity, f->uidnext };
	struct stat st;
	struct buf b;
	size_t lines = 0;
	int r;

	buf_init(&b, FOLDER_UIDS_MAX);
	r = uidlist_print_header(&b, &h);
	for (size_t i = 0; r == 0 && i < f->nmsgs; i++)
		if ((f->msgs[i].state & MSG_GONE) == 0) {
			r = uidlist_print_message(&b, f->msgs[i].uid,
			    msg_unique(f, &f->msgs[i]));
			lines++;
		}
	if (r == 0)
		r = file_replace(f->dirfd, FOLDER_UIDS, b.p, b.len, 0600);
	if (r == 0 && fstatat(f->dirfd, FOLDER_UIDS, &st, 0) == 0) {
		f->uids_ino = st.st_ino;
		f->uids_at = (off_t)b.len;
		f->lines = lines;
		f->npending = 0;
		buf_clear(&f->pending_names);
	}
	buf_free(&b);
	uids_abort(o);
	return r;
}

static int
assign_commit(struct folder *f, struct uids_out *o, size_t nmsgs)
{
	if (f->lines > f->nmsgs * 2 + STALE_MIN)
		return compact(f, o);
	if (uids_commit(o) == -1)
		return -1;
	f->uids_at = o->end;
	f->line_uid = f->uidnext - 1;
	f->lines += f->nmsgs - nmsgs;
	return 0;
}

/* The lines added since, under the lock.  When one names a file that the listing lacks, the file came after it:
 * list again, so that its UID is taken in order.  Nobody can add lines meanwhile. */
static int
catch_up(struct folder *f, struct listing *l)
{
	size_t npending = f->npending, nmsgs = f->nmsgs, lines = f->lines;
	size_t unfound = f->unfound;
	uint32_t line_uid = f->line_uid;
	ino_t ino = f->uids_ino;
	struct buf text;
	long once;
	int r;

	buf_init(&text, FOLDER_UIDS_MAX);
	r = folder_uids_load(f, &text, true);
	if (r == 1)
		r = folder_uids_match(f, l, &text);
	if (r == 0 && f->unfound != unfound) {
		bool same = f->uids_ino == ino;

		f->npending = same ? npending : 0;
		f->nmsgs = nmsgs;
		f->lines = same ? lines : 0;
		f->line_uid = same ? line_uid : 0;
		listing_free(l);
		r = listing_read(f, l);
		if (r == 0 && (once = folder_apply(f, l)) != 0) {
			f->dirty = true;
			r = once == -1 ? -1 : 0;
		}
		if (r == 0)
			r = folder_pending_match(f, l);
		if (r == 0)
			r = folder_uids_match(f, l, &text);
	}
	buf_free(&text);
	return r;
}

int
folder_uids_assign(struct folder *f, struct listing *l)
{
	struct uids_out o;
	size_t nmsgs;
	uint32_t uidnext;
	int r;

	if (uids_begin(&o, f->dirfd) == -1)
		return -1;
	r = catch_up(f, l);
	nmsgs = f->nmsgs;
	uidnext = f->uidnext;
	if (r == 0)
		r = assign_rest(f, l, &o);
	if (r == 0)
		r = assign_commit(f, &o, nmsgs);
	if (r == -1) {			/* UIDs that are not durable do not exist */
		f->nmsgs = nmsgs;
		f->uidnext = uidnext;
		f->dirty = true;
		uids_abort(&o);
	}
	return r;
}

void
folder_uids_gone(struct folder *f)
{
	struct uids_out o;
	uint32_t first = 0, last = 0;

	if (f->read_only || uids_begin(&o, f->dirfd) == -1)
		return;
	for (size_t i = 0; i < f->nmsgs; i++) {
		uint32_t uid = f->msgs[i].uid;

		if ((f->msgs[i].state & MSG_GONE) == 0)
			continue;
		if (first != 0 && uid == last + 1) {
			last = uid;
			continue;
		}
		if (first != 0)
			(void)uidlist_print_gone(&o.text, first, last);
		first = last = uid;
	}
	if (first != 0)
		(void)uidlist_print_gone(&o.text, first, last);
	/* No fsync: should it be lost, the files are gone all the same. */
	if (file_write_all(o.fd, o.text.p, o.text.len) == -1 &&
	    ftruncate(o.fd, o.end) == -1)
		log_warn_errno("%s: cutting back", FOLDER_UIDS);
	uids_abort(&o);
}
