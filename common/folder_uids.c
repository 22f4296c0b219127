/*
 * The uid list of an open folder: reading what was added to it and matching its lines with the files that
 * are there.
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
	f->head = h;
	f->validity = h.validity;
	if (h.floor > f->highest)
		f->highest = h.floor;
	if (h.next > f->uidnext)
		f->uidnext = h.next;
	f->uids_ino = ino;
	f->line_uid = 0;
	f->lines = f->bytes = f->past = 0;
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

	if ((f->local ? fstat(fd, &st) : file_stat_now(fd, &st)) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {	/* uids_begin puts it aside */
		errno = EINVAL;
		return f->validity == 0 ? 0 : -1;
	}
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
	fd = openat(f->dirfd, FOLDER_UIDS,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
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
	memset(p, 0, sizeof(*p));
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
take_line(struct folder *f, struct listing *l, struct entry *e, uint32_t uid,
    const struct known *known)
{
	struct msg *m;

	if (e->msg > 0) {
		m = msg_at(f, e->msg - 1);
		if (m->uid >= uid)
			return 0;
		m->state |= MSG_GONE;
		msg_touch(f, m);
		e->msg = 0;
	}
	if (f->nmsgs > 0 && msg_at(f, f->nmsgs - 1)->uid >= uid)
		return 0;
	if (folder_add_msg(f, uid, l, e) == -1)
		return -1;
	m = msg_at(f, f->nmsgs - 1);
	if (known != NULL)
		m->known = *known;
	msg_doubt(f, m);
	return 0;
}

/* Someone saw these vanish.  Where the file is there nevertheless it is taken for a new one. */
static void
take_gone(struct folder *f, struct listing *l, uint32_t first, uint32_t last)
{
	size_t n = 0;

	for (size_t i = folder_lower_all(f, first);
	    i < f->nmsgs && msg_at(f, i)->uid <= last; i++) {
		struct entry *e = listing_find(l, msg_unique(f, msg_at(f, i)));

		if (l->partial && (msg_at(f, i)->state & MSG_GONE) == 0)
			f->dirty = true;	/* is its file there? list */
		msg_at(f, i)->state |= MSG_GONE | MSG_LOGGED;
		msg_touch(f, msg_at(f, i));
		if (e != NULL && e->msg == i + 1)
			e->msg = 0;
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
	return take_line(f, l, e, line->uid, NULL);
}

static size_t
pending_lower(const struct folder *f, uint32_t uid)
{
	size_t lo = 0, hi = f->npending;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->pending[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
know(struct known *k, const struct uidlist_line *line, enum uidlist_kind kind)
{
	if (kind == UIDLIST_SAVED) {
		k->saved = line->saved;
		return;
	}
	k->modseq = line->modseq;
	k->marks = MSG_MARKS(line->flags, (uint32_t)line->keywords);
	k->high = line->keywords >> FOLDER_LETTERS << FOLDER_LETTERS;
}

/* A line of marks or of a save date: for messages whose files are there, and for those that may come. */
static void
take_known(struct folder *f, const struct uidlist_line *line,
    enum uidlist_kind kind)
{
	uint32_t lo, hi;
	struct cur c;

	cur_init(&c, line->set);
	while (!cur_end(&c) && uidlist_set_next(&c, &lo, &hi)) {
		for (size_t i = pending_lower(f, lo); i < f->npending &&
		    f->pending[i].uid <= hi; i++)
			know(&f->pending[i].known, line, kind);
		for (size_t i = folder_lower_all(f, lo); i < f->nmsgs &&
		    msg_at(f, i)->uid <= hi; i++) {
			struct msg *m = msg_at(f, i);
			uint64_t high = m->known.high;

			know(&m->known, line, kind);
			if (m->known.high != high && i < f->count) {
				m->state |= MSG_CHANGED;
				msg_touch(f, m);
			}
			msg_doubt(f, m);
		}
	}
}

static void
take_all_gone(struct folder *f, struct listing *l,
    const struct uidlist_line *line)
{
	uint32_t lo, hi;
	struct cur c;

	cur_init(&c, line->set);
	while (!cur_end(&c) && uidlist_set_next(&c, &lo, &hi))
		take_gone(f, l, lo, hi);
}

static int
take_any(struct folder *f, struct listing *l, const struct uidlist_line *line,
    enum uidlist_kind kind)
{
	if (kind == UIDLIST_MESSAGE)
		return take_message(f, l, line);
	if (kind == UIDLIST_GONE)
		take_all_gone(f, l, line);
	else if (kind == UIDLIST_FLAGS || kind == UIDLIST_SAVED)
		take_known(f, line, kind);
	else if (kind == UIDLIST_NEXT && line->uid > f->uidnext)
		f->uidnext = line->uid;
	if (kind != UIDLIST_SAVED && kind < UIDLIST_OTHER &&
	    line->modseq > f->highest)
		f->highest = line->modseq;
	return 0;
}

int
folder_uids_match(struct folder *f, struct listing *l, const struct buf *text)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur c;
	size_t left;
	int r = 0;

	cur_init(&c, buf_span(text));
	for (left = cur_left(&c); r == 0 &&
	    (kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL; left = cur_left(&c)) {
		r = take_any(f, l, &line, kind);
		f->lines += kind != UIDLIST_GONE;
		*(kind == UIDLIST_GONE ? &f->past : &f->bytes) +=
		    left - cur_left(&c);
	}
	return r;
}

int
folder_uids_catch_up(struct folder *f)
{
	struct listing none = { 0 };
	struct buf text;
	int r;

	buf_init(&text, FOLDER_UIDS_MAX);
	r = folder_uids_load(f, &text, true);
	if (r == 1)
		r = folder_uids_match(f, &none, &text);
	buf_free(&text);
	return r == -1 ? -1 : 0;
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
		else if (take_line(f, l, e, p->uid, &p->known) == -1)
			return -1;
	}
	f->npending = n;
	return 0;
}
