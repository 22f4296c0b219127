/*
 * What has changed when: mod-sequences (RFC 7162).  A change of flags is a rename, then a line in the uid list;
 * whoever finds a name whose flags the list does not know (another program's change, or ours cut short)
 * gives it a new mod-sequence.  So none is lost, whoever dies when.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder_uids.h"
#include "log.h"

#define BATCH	1000		/* changes under one lock: about ten milliseconds */
#define BACK	65536		/* bytes read at once, from the end back */

struct batch {
	struct uids_out o;
	uint32_t i[BATCH];	/* messages that were changed */
	size_t n;
};

static int
by_change(const void *pa, const void *pb, void *arg)
{
	const struct msg *msgs = arg;
	const struct msg *a = &msgs[*(const uint32_t *)pa];
	const struct msg *b = &msgs[*(const uint32_t *)pb];

	if (a->known.modseq != b->known.modseq)
		return a->known.modseq < b->known.modseq ? -1 : 1;
	if (a->known.marks != b->known.marks)
		return a->known.marks < b->known.marks ? -1 : 1;
	if (a->known.high != b->known.high)
		return a->known.high < b->known.high ? -1 : 1;
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

void
folder_log_sort(struct folder *f, uint32_t *i, size_t n)
{
	size_t k = 1;

	while (k < n && by_change(&i[k - 1], &i[k], f->msgs) <= 0)
		k++;
	if (k < n)			/* mostly it is in order */
		qsort_r(i, n, sizeof(*i), by_change, f->msgs);
}

size_t
folder_log_run(const struct folder *f, const uint32_t *i, size_t n,
    uint32_t *uids)
{
	const struct known *first = &msg_at(f, i[0])->known;
	size_t k = 0;

	for (; k < n; k++) {
		const struct known *next = &msg_at(f, i[k])->known;

		if (next->modseq != first->modseq ||
		    next->marks != first->marks || next->high != first->high)
			break;
		uids[k] = msg_at(f, i[k])->uid;
	}
	return k;
}

/* Lines for n messages, all of this mod-sequence. */
static int
print_marks(struct folder *f, struct uids_out *o, uint32_t *i, size_t n)
{
	uint32_t *uids = reallocarray(NULL, n, sizeof(*uids));
	int r = uids == NULL ? -1 : 0;

	for (size_t k = 0, run; r == 0 && k < n; k += run) {
		const struct known *w = &msg_at(f, i[k])->known;

		run = folder_log_run(f, i + k, n - k, uids);
		r = uidlist_print_flags(&o->text, w->modseq,
		    w->marks >> FOLDER_LETTERS,
		    (w->marks & ((1U << FOLDER_LETTERS) - 1)) | w->high,
		    uids, run);
	}
	free(uids);
	return r;
}

int
folder_log_marks(struct folder *f, struct uids_out *o, size_t from)
{
	uint32_t *i = reallocarray(NULL, f->nmsgs - from, sizeof(*i));
	size_t n = 0;
	int r;

	if (i == NULL)
		return -1;
	for (size_t k = from; k < f->nmsgs; k++) {
		struct msg *m = msg_at(f, k);
		uint32_t marks = MSG_MARKS(m->flags, m->letters);

		if ((m->state & MSG_GONE) != 0 ||
		    (m->known.modseq != 0 && m->known.marks == marks))
			continue;
		m->known.modseq = uids_modseq(o);
		m->known.marks = marks;
		i[n++] = (uint32_t)k;
	}
	folder_log_sort(f, i, n);
	r = n == 0 ? 0 : print_marks(f, o, i, n);
	free(i);
	return r;
}

void
folder_log_undo(struct folder *f, const struct uids_out *o)
{
	for (size_t i = 0; o->modseq != 0 && i < f->nmsgs; i++)
		if (msg_at(f, i)->known.modseq == o->modseq)
			msg_at(f, i)->known.modseq = 0;
	f->doubt = 0;
}

int
folder_log_commit(struct folder *f, struct uids_out *o, bool durable)
{
	off_t end = o->end;

	int r;

	if (folder_compact_due(f) && (r = folder_compact(f, o)) != 1)
		return r;
	if (uids_commit(o, durable) == -1)
		return -1;
	f->uids_at = o->end;
	f->bytes += (size_t)(o->end - end);
	f->lines++;
	if (o->highest > f->highest)
		f->highest = o->highest;
	return 0;
}

int
folder_store_begin(struct folder *f)
{
	int e;

	if (f->batch != NULL)
		return 0;
	if (f->read_only || f->assumed != 0) {
		errno = EROFS;
		return -1;
	}
	if (!f->dirty)			/* what lists it makes a watch */
		folder_watch_if_large(f);
	if ((f->batch = calloc(1, sizeof(*f->batch))) == NULL)
		return -1;
	if (uids_begin(&f->batch->o, f->dirfd, f) == 0) {
		if (folder_uids_catch_up(f) == 0)
			return 0;
		e = errno;
		uids_abort(&f->batch->o);
		errno = e;
	}
	free(f->batch);
	f->batch = NULL;
	return -1;
}

int
folder_store_end(struct folder *f)
{
	struct batch *b = f->batch;
	int r, e;

	if (b == NULL)
		return 0;
	f->batch = NULL;
	folder_log_sort(f, b->i, b->n);
	r = b->n == 0 ? 0 : print_marks(f, &b->o, b->i, b->n);
	if (r == 0 && b->n > 0)
		r = folder_log_commit(f, &b->o, false);
	e = errno;
	if (r == -1)			/* a change that is not written down is told as another's */
		folder_log_undo(f, &b->o);
	uids_abort(&b->o);
	free(b);
	errno = e;
	return r;
}

int
folder_log_change(struct folder *f, size_t i, uint64_t high)
{
	struct batch *b = f->batch;
	struct msg *m = msg_at(f, i);
	uint64_t modseq = uids_modseq(&b->o);

	m->known.marks = MSG_MARKS(m->flags, m->letters);
	m->known.high = high;
	if (m->known.modseq != modseq) {
		m->known.modseq = modseq;
		b->i[b->n++] = (uint32_t)i;
	}
	return b->n < BATCH || (folder_store_end(f) == 0 &&
	    folder_store_begin(f) == 0) ? 0 : -1;
}

void
folder_log_gone(struct folder *f)
{
	struct uids_out o;
	uint32_t *uids;
	size_t n = 0;

	if (f->assumed != 0 || uids_begin(&o, f->dirfd, f) == -1)
		return;
	uids = folder_uids_catch_up(f) == -1 ? NULL :
	    reallocarray(NULL, f->nmsgs, sizeof(*uids));
	for (size_t i = f->touched_from; uids != NULL && i < f->touched_to &&
	    i < f->nmsgs; i++)
		if ((msg_at(f, i)->state & (MSG_GONE | MSG_LOGGED)) == MSG_GONE)
			uids[n++] = msg_at(f, i)->uid;
	/* No sync: should it be lost, the files are gone all the same. */
	if (n > 0 && uidlist_print_gone(&o.text, uids_modseq(&o), uids, n) == 0)
		(void)folder_log_commit(f, &o, false);
	uids_abort(&o);
	free(uids);
}

/* The UIDs that no message has, where what was expunged is not all remembered. */
static int
tell_gaps(const struct folder *f, int (*each)(void *, uint32_t, uint32_t),
    void *arg)
{
	uint32_t next = 1;

	for (size_t i = 0; i <= f->nmsgs; i++) {
		uint32_t uid = i < f->nmsgs ? msg_at(f, i)->uid : f->uidnext;

		if (uid > next && each(arg, next, uid - 1) == -1)
			return -1;
		next = uid + 1;
	}
	return 0;
}

/* Whether text, which may begin inside a line, reaches back to before the changes since. */
static bool
reaches(struct span text, uint64_t since)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur c;

	cur_init(&c, text);
	cur_until(&c, '\n');
	cur_ch(&c, '\n');
	while ((kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL)
		if (kind == UIDLIST_FLAGS || kind == UIDLIST_GONE)
			return line.modseq <= since;
	return false;
}

/* The end of the list, from a change at or before since on. */
static int
read_back(const struct folder *f, uint64_t since, struct buf *text)
{
	off_t end = f->uids_at, from = end;
	int r = 0, fd = openat(f->dirfd, FOLDER_UIDS,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return -1;
	for (off_t back = BACK; r == 0 && from > 0; back *= 8) {
		from = end > back ? end - back : 0;
		buf_clear(text);
		if (buf_room(text, (size_t)(end - from)) == NULL ||
		    (n = pread(fd, text->p, (size_t)(end - from), from)) == -1)
			r = -1;
		else if ((text->len = (size_t)n) > 0 &&
		    reaches(buf_span(text), since))
			break;
	}
	close(fd);
	return r;
}

static int
tell_line(const struct uidlist_line *line,
    int (*each)(void *, uint32_t, uint32_t), void *arg)
{
	uint32_t lo, hi;
	struct cur c;

	cur_init(&c, line->set);
	while (!cur_end(&c) && uidlist_set_next(&c, &lo, &hi))
		if (each(arg, lo, hi) == -1)
			return -1;
	return 0;
}

int
folder_vanished(struct folder *f, uint64_t since,
    int (*each)(void *arg, uint32_t lo, uint32_t hi), void *arg)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct buf text;
	struct cur c;
	int r;

	if (since < f->head.floor || f->assumed != 0)
		return tell_gaps(f, each, arg);
	buf_init(&text, FOLDER_UIDS_MAX);
	r = read_back(f, since, &text);
	cur_init(&c, buf_span(&text));
	while (r == 0 && (kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL)
		if (kind == UIDLIST_GONE && line.modseq > since)
			r = tell_line(&line, each, arg);
	buf_free(&text);
	for (size_t i = 0; r == 0 && i < f->npending; i++)
		r = each(arg, f->pending[i].uid, f->pending[i].uid);
	return r;
}
