/*
 * What a listing leaves to be written down: UIDs for files that have none, mod-sequences for what other programs
 * have changed, and which messages are gone though nobody saw them go.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "folder_uids.h"

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

/* Messages that this session is the first to see (RFC 3501 section 2.3.2). */
static int
add_recent(struct folder *f, uint32_t lo, uint32_t hi)
{
	struct uid_range *r;

	if (f->nrecent > 0 && f->recent[f->nrecent - 1].hi + 1 == lo) {
		f->recent[f->nrecent - 1].hi = hi;
		return 0;
	}
	r = reallocarray(f->recent, f->nrecent + 1, sizeof(*r));
	if (r == NULL)
		return -1;
	f->recent = r;
	f->recent[f->nrecent++] = (struct uid_range){ lo, hi };
	return 0;
}

static int
assign_sorted(struct folder *f, struct listing *l, struct uids_out *o,
    struct entry **e, size_t n)
{
	uint32_t first = o->h.next;

	qsort_r(e, n, sizeof(struct entry *), by_arrival, l);
	for (size_t i = 0; i < n; i++) {
		struct span u = span_of(listing_name(l, e[i]), e[i]->unique);
		uint32_t uid;

		if (uids_add(o, u, &uid) == -1 ||
		    folder_add_msg(f, uid, l, e[i]) == -1)
			return -1;
	}
	f->uidnext = o->h.next;
	return f->read_only ? 0 : add_recent(f, first, f->uidnext - 1);
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

static int
assign_commit(struct folder *f, struct uids_out *o, size_t nmsgs)
{
	if (folder_log_commit(f, o, f->nmsgs > nmsgs) == -1)
		return -1;
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
		f->counts.known = 0;
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

/*
 * Lines whose files are not there: someone removed them while no program of ours was looking.  A listing may miss
 * a name that is just being changed, so it takes two.  Only where listings can be trusted.
 */
static int
bury_pending(struct folder *f, struct listing *l, struct uids_out *o)
{
	struct listing again;
	uint32_t *uids;
	size_t n = 0, gone = 0;

	if (f->npending == 0 || l->partial || !f->local)
		return 0;
	if ((uids = reallocarray(NULL, f->npending, sizeof(*uids))) == NULL ||
	    listing_read(f, &again) == -1) {
		free(uids);
		return -1;
	}
	for (size_t i = 0; i < f->npending; i++) {
		struct pending *p = &f->pending[i];

		if (listing_find(&again, span_of(f->pending_names.p + p->name,
		    p->len)) != NULL)
			f->pending[n++] = *p;
		else
			uids[gone++] = p->uid;
	}
	f->dirty = f->dirty || n > 0;
	f->npending = n;
	listing_free(&again);
	n = gone == 0 ? 0 : (size_t)uidlist_print_gone(&o->text,
	    uids_modseq(o), uids, gone);
	free(uids);
	return n == 0 ? 0 : -1;
}

/* UIDs that cannot be written down: in a UIDVALIDITY of this session's own, so that no client
 * believes them longer. */
static int
assume(struct folder *f, struct listing *l)
{
	struct uids_out o = { .lock = -1, .fd = -1,
	    .h = { .validity = f->validity, .next = f->uidnext } };
	int r;

	if (listing_unknown(l) == 0 && f->validity != 0)
		return 0;
	if (f->assumed == 0) {
		f->assumed = (uint32_t)clock_now();
		if (f->assumed <= f->validity)
			f->assumed = f->validity + 1;
		if (o.h.next == 0)
			o.h.next = f->uidnext = 1;
	}
	f->validity = f->assumed;
	buf_init(&o.text, FOLDER_UIDS_MAX);
	r = assign_rest(f, l, &o);
	uids_abort(&o);
	return r;
}

/* Moves f->doubt to the first message that really is in doubt. */
static bool
in_doubt(struct folder *f)
{
	for (; f->doubt < f->nmsgs; f->doubt++) {
		const struct msg *m = msg_at(f, f->doubt);

		if ((m->state & MSG_GONE) == 0 && (m->known.modseq == 0 ||
		    m->known.marks != MSG_MARKS(m->flags, m->letters)))
			return true;
	}
	f->doubt = SIZE_MAX;
	return false;
}

static int
assign(struct folder *f, struct listing *l, struct uids_out *o)
{
	size_t nmsgs;
	uint32_t uidnext;
	int r;

	r = catch_up(f, l);
	nmsgs = f->nmsgs;
	uidnext = f->uidnext;
	if (r == 0)
		r = assign_rest(f, l, o);
	if (r == 0)
		r = bury_pending(f, l, o);
	if (r == 0 && in_doubt(f))
		r = folder_log_marks(f, o, f->doubt);
	if (r == 0)
		r = assign_commit(f, o, nmsgs);
	if (r == -1) {			/* UIDs that are not durable do not exist */
		f->nmsgs = nmsgs;
		f->counts.known = 0;
		f->uidnext = uidnext;
		f->dirty = true;
		folder_log_undo(f, o);
		uids_abort(o);
	} else
		f->doubt = SIZE_MAX;
	return r;
}

int
folder_uids_settle(struct folder *f, struct listing *l)
{
	struct uids_out o;

	if (f->assumed != 0)
		return assume(f, l);
	if (f->uids_ino != 0 && listing_unknown(l) == 0 && !in_doubt(f) &&
	    (f->npending == 0 || l->partial || !f->local))
		return 0;
	if (uids_begin(&o, f->dirfd, f) == 0)
		return assign(f, l, &o);
	if (errno == EROFS || errno == EACCES || errno == EPERM)
		return assume(f, l);
	return -1;
}
