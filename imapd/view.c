/*
 * Sequence numbers and untagged updates.  The folder's indices follow the disk;
 * the client's numbers follow what it was told.  The two differ only by the
 * messages that went while no EXPUNGE could be sent, and these are kept in a
 * short list, so that a session over 100,000 messages holds no map of them.
 */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "ex.h"
#include "limits.h"
#include "log.h"
#include "notify.h"

void
view_open(struct view *v, struct folder *f, const char *raw, bool read_only)
{
	memset(v, 0, sizeof(*v));
	v->folder = f;
	(void)span_cstr(span_str(raw), v->raw, sizeof(v->raw));
	v->read_only = read_only;
	v->told = folder_count(f);
	v->keywords = folder_keyword_count(f);
	v->recent = folder_recent_count(f);
}

void
view_close(struct view *v)
{
	if (v->folder != NULL)
		folder_close(v->folder);
	free(v->gone);
	free(v->saved.r);
	context_clear(v);
	memset(v, 0, sizeof(*v));
}

bool
view_may(const struct view *v, unsigned rights)
{
	return !v->read_only && (v->place.rights & rights) == rights;
}

const char *
view_why(const struct view *v)
{
	return v->read_only ? "The mailbox is read-only" :
	    "You have not the right to do that here";
}

/* RFC 4314 section 5.1.1. */
int
view_rights(struct imap *im)
{
	struct view *v = &im->view;
	struct place now;

	if (v->folder == NULL || v->place.own || v->place.root == NULL)
		return 0;
	if (place_find(im, v->place.raw, &now) == -1 || now.own ||
	    !(now.rights & ACL_READ)) {
		errno = EACCES;
		return -1;
	}
	if (now.rights == v->place.rights)
		return 0;
	v->place = now;
	if (!(now.rights & PLACE_WRITES))
		v->read_only = true;
	(void)netout_adds(&im->out, "* OK [PERMANENTFLAGS (");
	out_permanent_flags(im);
	(void)netout_adds(&im->out, ")] Your rights have changed\r\n");
	return 0;
}

/* Position of index i among n gone ones in order: each at or before it moves it
 * by one. */
static size_t
position(const struct view *v, size_t i, size_t n)
{
	size_t lo = 0, hi = n, mid;

	/* gone[k].pos - k is how many living messages stand before it */
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v->gone[mid].pos - mid <= i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return i + lo;
}

uint32_t
view_seq(const struct view *v, size_t i)
{
	return (uint32_t)position(v, i, v->nsettled) + 1;
}

static int
gone_cmp(const void *a, const void *b)
{
	const struct view_gone *x = a, *y = b;

	return x->pos < y->pos ? -1 : x->pos > y->pos;
}

static void
settle(struct view *v)
{
	if (v->nsettled == v->ngone)
		return;
	qsort(v->gone, v->ngone, sizeof(*v->gone), gone_cmp);
	v->nsettled = v->ngone;
}

struct sync {
	struct imap *im;
	bool expunge, uid;
	size_t arrived;
};

static void
sync_vanished(void *arg, size_t i, uint32_t uid)
{
	struct sync *s = arg;
	struct view *v = &s->im->view;
	struct view_gone *p;

	if (v->ngone == v->cap) {
		v->cap = v->cap == 0 ? 16 : v->cap * 2;
		p = reallocarray(v->gone, v->cap, sizeof(*p));
		if (p == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
		v->gone = p;
	}
	/* Told from the last to the first: only the settled ones count. */
	v->gone[v->ngone++] = (struct view_gone){
		position(v, i, v->nsettled), uid };
}

/* RFC 7162 section 3.2.10: UIDs instead of numbers, for QRESYNC and UIDONLY. */
static void
tell_vanished(struct netout *o, const struct view *v)
{
	const char *sep = "* VANISHED ";
	size_t k, end;

	for (k = 0; k < v->ngone; k = end) {
		for (end = k + 1; end < v->ngone && v->gone[end].uid ==
		    v->gone[end - 1].uid + 1; end++)
			;
		(void)netout_addf(o, "%s%u", sep, v->gone[k].uid);
		if (end > k + 1)
			(void)netout_addf(o, ":%u", v->gone[end - 1].uid);
		sep = ",";
	}
	(void)netout_adds(o, "\r\n");
}

static void
tell_gone(struct imap *im)
{
	struct view *v = &im->view;

	if (v->ngone > 0 && im->enabled & (EN_QRESYNC | EN_UIDONLY))
		tell_vanished(&im->out, v);
	else
		for (size_t k = v->ngone; k > 0; k--)
			(void)netout_addf(&im->out, "* %zu EXPUNGE\r\n",
			    v->gone[k - 1].pos + 1);
	v->told -= v->ngone;
	free(v->gone);
	v->gone = NULL;
	v->ngone = v->nsettled = v->cap = 0;
}

/* All that went is known: told where that is allowed, and before any number
 * that comes after it. */
static void
end_of_vanished(struct sync *s)
{
	settle(&s->im->view);
	context_gone(s->im);
	if (s->expunge)
		tell_gone(s->im);
}

static void
sync_flags(void *arg, size_t i)
{
	struct sync *s = arg;

	end_of_vanished(s);
	view_tell_keywords(s->im);
	out_message_flags(s->im, i, s->uid);
}

static void
sync_arrived(void *arg, size_t n)
{
	((struct sync *)arg)->arrived = n;
}

static void
tell_exists(struct imap *im)
{
	struct view *v = &im->view;
	size_t n = folder_count(v->folder), recent;

	if (n + v->ngone == v->told)
		return;
	v->told = n + v->ngone;
	recent = folder_recent_count(v->folder);
	(void)netout_addf(&im->out, "* %zu EXISTS\r\n", v->told);
	if (recent != v->recent && !(im->enabled & EN_REV2))
		(void)netout_addf(&im->out, "* %zu RECENT\r\n", recent);
	v->recent = recent;
}

/* One FETCH for all that NOTIFY and the searches that are kept up to date want of
 * a new message: RFC 5465 section 5.2. */
static void
tell_attributes(struct imap *im, const struct fetch *wanted, size_t i)
{
	struct arena arena;
	struct fetch f = { 0 };

	arena_init(&arena, IMAP_COMMAND_MAX);
	if (wanted != NULL)
		fetch_merge(&arena, &f, wanted);
	context_attributes(im, i, &arena, &f);
	if (f.n > 0)
		fetch_new(im, &f, i, 1);
	arena_free(&arena);
}

static void
tell_new(struct sync *s)
{
	struct imap *im = s->im;
	const struct fetch *wanted = im->notify != NULL ? im->notify->fetch :
	    NULL;
	size_t from = folder_count(im->view.folder) - s->arrived;

	if (!context_fetches(im)) {
		if (wanted != NULL && s->arrived > 0)
			fetch_new(im, wanted, from, s->arrived);
	} else {
		for (size_t k = 0; k < s->arrived; k++)
			tell_attributes(im, wanted, from + k);
	}
	im->view.own_first = im->view.own_last = 0;
}

int
view_sync(struct imap *im, bool expunge, bool uid)
{
	struct sync s = { .im = im, .expunge = expunge, .uid = uid ||
	    (im->notify != NULL && !im->notify->implied) };
	struct folder_changes changes = {
		.vanished = sync_vanished, .arrived = sync_arrived, .arg = &s,
		.flags = notify_wants(im, EV_FLAG) ? sync_flags : NULL
	};

	/* RFC 5465 section 3.1: without SELECTED the mailbox stays as it was told. */
	if (im->view.folder == NULL || (!notify_wants(im, EV_NEW) &&
	    !(im->command != NULL && im->command->flags & C_TELLS)))
		return 0;
	if (view_rights(im) == -1)
		return -1;
	if (expunge)
		tell_gone(im);
	/* Again, for what was found may have come behind the end of the right. */
	if (folder_refresh(im->view.folder, &changes) == -1 ||
	    view_rights(im) == -1)
		return -1;
	end_of_vanished(&s);
	tell_exists(im);
	tell_new(&s);
	context_changed(im);
	return 0;
}

void
view_tell_keywords(struct imap *im)
{
	size_t n = folder_keyword_count(im->view.folder);

	if (n == im->view.keywords)
		return;
	im->view.keywords = n;
	(void)netout_adds(&im->out, "* FLAGS (");
	out_all_flags(im);
	(void)netout_adds(&im->out, ")\r\n");
}

void
view_save(struct view *v, const struct seqset *uids)
{
	struct seq_range *r = NULL;

	if (uids->n > 0) {
		if ((r = calloc(uids->n, sizeof(*r))) == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
		memcpy(r, uids->r, uids->n * sizeof(*r));
	}
	free(v->saved.r);
	v->saved = (struct seqset){ .r = r, .n = uids->n, .cap = uids->n };
}

/* Index of the sequence number, or (size_t)-1 when its message is gone. */
static size_t
index_of(const struct view *v, uint32_t seq)
{
	size_t pos = seq - 1, lo = 0, hi = v->nsettled, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v->gone[mid].pos < pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < v->nsettled && v->gone[lo].pos == pos)
		return SIZE_MAX;
	return pos - lo;
}

static int
each_seq(const struct view *v, const struct seq_range *r, size_t *gone,
    int (*each)(void *, size_t), void *arg)
{
	for (uint64_t seq = r->lo; seq <= r->hi; seq++) {
		size_t i = index_of(v, (uint32_t)seq);

		if (i == SIZE_MAX && gone != NULL)
			(*gone)++;
		if (i != SIZE_MAX && each(arg, i) == -1)
			return 1;
	}
	return 0;
}

static int
each_uid(const struct view *v, const struct seq_range *r,
    int (*each)(void *, size_t), void *arg)
{
	size_t n = folder_count(v->folder);

	for (size_t i = folder_lower(v->folder, r->lo);
	    i < n && folder_uid(v->folder, i) <= r->hi; i++)
		if (each(arg, i) == -1)
			return 1;
	return 0;
}

/*
 * RFC 3501 section 9, seq-number: a number beyond the mailbox is an error.  "*" in an
 * empty mailbox is nothing, as clients that send 1:* at once expect.
 */
static bool
resolve(const struct view *v, struct seqset *set, bool uid)
{
	size_t n = folder_count(v->folder);
	uint32_t star = uid ? n == 0 ? 0 : folder_uid(v->folder, n - 1) :
	    (uint32_t)v->told;

	for (size_t k = 0; k < set->n; k++) {
		struct seq_range *r = &set->r[k];
		bool has_star = r->lo == SEQ_STAR || r->hi == SEQ_STAR;

		if (uid || (r->lo <= v->told && r->hi <= v->told))
			continue;
		if (!has_star)
			return false;
		*r = (struct seq_range){ SEQ_STAR, SEQ_STAR };
	}
	if (star == 0)
		set->n = 0;
	else
		seqset_resolve(set, star);
	return true;
}

int
view_each(struct imap *im, struct seqset *set, bool uid, size_t *gone,
    int (*each)(void *, size_t), void *arg)
{
	const struct view *v = &im->view;
	int r = 0;

	if (set->saved) {
		*set = v->saved;	/* borrowed, and never changed */
		uid = true;
	} else if (!resolve(v, set, uid)) {
		return -1;
	}
	for (size_t k = 0; k < set->n && r == 0; k++)
		r = uid ? each_uid(v, &set->r[k], each, arg) :
		    each_seq(v, &set->r[k], gone, each, arg);
	return 0;
}

static int
count_one(void *arg, size_t i)
{
	(void)i;
	++*(uint64_t *)arg;
	return 0;
}

int
view_count(struct imap *im, struct seqset *set, bool uid, size_t *gone,
    uint64_t *n)
{
	*n = 0;
	return view_each(im, set, uid, gone, count_one, n);
}
