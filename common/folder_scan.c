/*
 * What changed in a folder: listing, matching with what is known, telling the caller.  A message counts as
 * vanished only when two listings in a row do not show it, for a listing may miss a name
 * that is being changed.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "folder_uids.h"
#include "watch.h"

#define SCAN_TRIES	6		/* listings of a folder that others keep changing */
#define YOUNG_LOCAL_MS	50		/* a clock tick and more */
#define YOUNG_MS	2100		/* file systems with seconds, FAT with two */

struct span
msg_name(const struct folder *f, const struct msg *m)
{
	size_t at = m->name;

	if (at + m->len < f->map.names_len) {
		folder_cache_check(f, f->map.names + at, m->len);
		return span_of(f->map.names + at, m->len);
	}
	at -= f->map.names_len;
	if (m->name < f->map.names_len || at + m->len > f->names.len)
		return span_of("", 0);	/* cannot be, but for a mapping that somebody changes */
	return span_of(f->names.p + at, m->len);
}

struct span
msg_unique(const struct folder *f, const struct msg *m)
{
	struct span name = msg_name(f, m);

	return span_of(name.p, m->unique < name.len ? m->unique : name.len);
}

struct span
msg_base(const struct folder *f, const struct msg *m)
{
	struct span name = msg_name(f, m);

	return span_of(name.p, m->base < name.len ? m->base : name.len);
}

void
msg_touch(struct folder *f, const struct msg *m)
{
	size_t i = (size_t)(m - f->msgs);

	f->news = true;
	if (f->touched_from == f->touched_to)
		f->touched_from = f->touched_to = i;
	if (i < f->touched_from)
		f->touched_from = i;
	if (i >= f->touched_to)
		f->touched_to = i + 1;
}

void
msg_doubt(struct folder *f, const struct msg *m)
{
	size_t i = (size_t)(m - f->msgs);

	if (i < f->doubt && (m->known.modseq == 0 ||
	    m->known.marks != MSG_MARKS(m->flags, m->letters)))
		f->doubt = i;
}

static void
msg_take_name(struct folder *f, struct msg *m, const struct maildir_name *n,
    bool in_new)
{
	m->unique = (uint8_t)n->unique.len;
	m->base = (uint8_t)n->base.len;
	m->state &= (uint8_t)~MSG_NEW;
	if (in_new)
		m->state |= MSG_NEW;
	f->counts.known = 0;
	if ((n->flags & MAIL_SEEN) == 0 &&
	    (size_t)(m - f->msgs) < f->first_unseen)
		f->first_unseen = (size_t)(m - f->msgs);
	if (m->flags != n->flags || m->letters != n->letters) {
		m->state |= MSG_CHANGED;
		msg_touch(f, m);
	}
	m->flags = (uint8_t)n->flags;
	m->letters = n->letters;
	msg_doubt(f, m);
}

static int
name_add(struct folder *f, struct span name, uint32_t *at)
{
	size_t end = f->map.names_len + f->names.len;

	if (name.len > FOLDER_NAME_MAX || end > FOLDER_NAMES_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	*at = (uint32_t)end;
	return buf_addspan(&f->names, name) == -1 ? -1 :
	    buf_addc(&f->names, 0);
}

int
msg_moved(struct folder *f, struct msg *m, struct span name, bool in_new)
{
	struct maildir_name n;

	if (name_add(f, name, &m->name) == -1)
		return -1;
	m->len = (uint8_t)name.len;
	maildir_name_parse(name, &n);
	msg_take_name(f, m, &n, in_new);
	return 0;
}

int
msg_renamed(struct folder *f, struct msg *m, struct span name)
{
	uint8_t told = m->state & MSG_CHANGED;
	bool news = f->news;

	if (msg_moved(f, m, name, false) == -1)
		return -1;
	m->state = (uint8_t)((m->state & ~MSG_CHANGED) | told);
	f->news = news;
	return 0;
}

int
folder_add_msg(struct folder *f, uint32_t uid, struct listing *l,
    struct entry *e)
{
	struct folder_counts c = f->counts;
	struct maildir_name n;
	struct msg *m;

	if (f->nmsgs == f->cap && folder_grow(f) == -1)
		return -1;
	m = msg_at(f, f->nmsgs);
	memset(m, 0, sizeof(*m));
	m->uid = uid;
	m->date = INT64_MIN;
	m->name = e->name;
	m->len = e->len;
	if (!l->lent) {			/* names of its own: into ours */
		if (name_add(f, span_of(l->names.p + e->name, e->len),
		    &m->name) == -1)
			return -1;
	}
	maildir_name_parse(span_of(l->names.p + e->name, e->len), &n);
	msg_take_name(f, m, &n, e->in_new);
	m->state &= MSG_NEW;
	c.unseen += (m->flags & MAIL_SEEN) == 0;
	c.deleted += (m->flags & MAIL_DELETED) != 0;
	c.in_new += e->in_new;
	c.names += (uint64_t)e->len + 1;
	f->counts = c;			/* what is known of the others holds */
	if (f->first_unseen == f->nmsgs && (m->flags & MAIL_SEEN) != 0)
		f->first_unseen++;
	e->msg = (uint32_t)++f->nmsgs;
	f->news = true;
	return 0;
}

/* A message that this listing does not show keeps its name, in the new arena. */
static int
keep_missing(struct folder *f, struct listing *l, struct msg *m, long *once)
{
	size_t at = l->names.len;

	if (buf_addspan(&l->names, msg_name(f, m)) == -1 ||
	    buf_addc(&l->names, 0) == -1)
		return -1;
	m->name = (uint32_t)at;
	if ((m->state & MSG_GONE) != 0)
		return 0;
	if ((m->state & MSG_MISSED) != 0) {
		m->state |= MSG_GONE;
		msg_touch(f, m);
	} else
		++*once;
	m->state |= MSG_MISSED;
	return 0;
}

static void
apply_found(struct folder *f, struct listing *l, struct msg *m,
    struct entry *e)
{
	struct maildir_name n;
	bool same = e->in_new == ((m->state & MSG_NEW) != 0) &&
	    span_eq(span_of(l->names.p + e->name, e->len), msg_name(f, m));

	m->name = e->name;
	m->len = e->len;
	m->state &= (uint8_t)~MSG_MISSED;
	if (same)
		return;
	maildir_name_parse(span_of(l->names.p + e->name, e->len), &n);
	msg_take_name(f, m, &n, e->in_new);
}

long
folder_apply(struct folder *f, struct listing *l)
{
	long once = 0;

	for (size_t i = 0; i < f->nmsgs; i++) {
		struct msg *m = msg_at(f, i);
		struct entry *e = NULL;

		if ((m->state & MSG_GONE) == 0)
			e = listing_find(l, msg_unique(f, m));
		if (e != NULL && e->msg == 0) {
			apply_found(f, l, m, e);
			e->msg = (uint32_t)(i + 1);
		} else if (keep_missing(f, l, m, &once) == -1)
			return -1;
	}
	buf_free(&f->names);
	f->map.names_len = 0;		/* the mapped ones are used no more */
	f->names = l->names;
	f->names_listed = f->names.len;
	l->lent = true;
	return once;
}

static long
ms_since(const struct timespec *then, const struct timespec *now)
{
	return (long)(now->tv_sec - then->tv_sec) * 1000 +
	    (now->tv_nsec - then->tv_nsec) / 1000000;
}

/* Whether a change after the listing could bear this same time. */
static bool
too_young(const struct folder *f, const struct timespec *mtime)
{
	long ms = f->local && mtime->tv_nsec != 0 ? YOUNG_LOCAL_MS : YOUNG_MS;

	return ms_since(mtime, &f->listed) < ms;
}

static bool
time_eq(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
folder_settled(const struct folder *f)
{
	return !too_young(f, &f->cur_mtime) && !too_young(f, &f->new_mtime);
}

#define IN_CUR	1
#define IN_NEW	2

int
folder_dirs_changed(struct folder *f)
{
	struct stat c, n;
	int r = 0;

	if (fstatat(f->dirfd, "cur", &c, 0) == -1 ||
	    fstatat(f->dirfd, "new", &n, 0) == -1)
		return -1;
	if (!time_eq(&c.st_mtim, &f->cur_mtime) || too_young(f, &f->cur_mtime))
		r |= IN_CUR;
	if (!time_eq(&n.st_mtim, &f->new_mtime) || too_young(f, &f->new_mtime))
		r |= IN_NEW;
	return r;
}

/* LIST: the directories may have changed since the last listing; ARRIVED: new/ alone has, and little is in it; TEXT: they
 * have not, but the uid list has; or 0, or -1. */
#define LIST	1
#define TEXT	2
#define ARRIVED	3

static int
what_changed(struct folder *f)
{
	struct stat u;
	int r;

	if (f->dirty || f->watch != -1)
		return LIST;
	if ((r = folder_dirs_changed(f)) != 0)
		return r == IN_NEW && folder_has_few_new(f) ? ARRIVED :
		    r == -1 ? -1 : LIST;
	/* A keyword without a letter changes no name. */
	return fstatat(f->dirfd, FOLDER_UIDS, &u, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (u.st_ino != f->uids_ino || u.st_size != f->uids_at) ? TEXT : 0;
}

/* Lists until no message is in doubt. */
static int
list_settled(struct folder *f, struct listing *l)
{
	for (int i = 1;; i++) {
		long once;

		if (listing_read(f, l) == -1)
			return -1;
		if ((once = folder_apply(f, l)) == -1)
			return -1;
		f->dirty = once > 0 || l->duplicates;
		if (!f->dirty || i == SCAN_TRIES)
			return 0;
		if (once == 0 && i >= 3) {	/* links to one file stay two */
			f->dirty = false;
			return 0;
		}
		if (i == 2 && l->duplicates && !f->read_only)
			listing_part_doubles(f, l);
		listing_free(l);
	}
}

static int
scan_listing(struct folder *f, struct listing *l, const struct buf *text,
    bool take_up)
{
	if (f->quiet)
		folder_watch_quiet(f, false);
	if (f->watch != -1)		/* what it has told so far the listing tells too */
		(void)watch_drain(f->watch);
	folder_own_forget(f);
	f->save = true;
	if (f->count > 0)		/* it changes while it is open */
		folder_watch_if_large(f);
	if (list_settled(f, l) == -1)
		return -1;
	if (!take_up) {
		f->dirty = true;	/* the next refresh takes up what is new */
		return 0;
	}
	if (folder_pending_match(f, l) == -1 ||
	    folder_uids_match(f, l, text) == -1)
		return -1;
	return folder_uids_settle(f, l);
}

int
folder_scan(struct folder *f, bool take_up)
{
	struct listing l;
	struct buf text;
	int what, r, e;

	if ((what = what_changed(f)) <= 0)
		return what;
	memset(&l, 0, sizeof(l));
	buf_init(&text, FOLDER_UIDS_MAX);
	/* Lines first, files after: every file with a line is then in the listing, if it is there at all. */
	r = take_up ? folder_uids_load(f, &text, false) : 0;
	if (r != -1 && folder_keywords_load(f) == -1)
		r = -1;
	if (r != -1 && f->watch != -1 && !f->dirty) {
		r = folder_follow(f, &l, &text);
	} else if (r != -1 && what == TEXT && take_up) {
		buf_init(&l.names, FOLDER_NAMES_MAX);
		l.partial = true;
		if ((r = folder_take_up(f, &l, &text)) != -1)
			r = !r;
	} else if (r != -1 && what == ARRIVED && take_up) {
		r = folder_take_new(f, &l, &text);
	} else if (r != -1)
		r = 0;
	if (r == 0 && l.partial) {
		f->dirty = true;
		listing_free(&l);
	}
	if (r == 0)
		r = scan_listing(f, &l, &text, take_up);
	if (r == -1)
		f->dirty = true;
	e = errno;
	buf_free(&text);
	listing_free(&l);
	errno = e;
	return r == -1 ? -1 : 0;
}

/* Takes the vanished out of msgs. */
static void
drop_gone(struct folder *f)
{
	size_t n = f->touched_from, told = 0, first;

	while (n < f->nmsgs && (msg_at(f, n)->state & MSG_GONE) == 0)
		n++;
	first = n;
	told = n < f->count ? n : f->count;
	f->counts.known = 0;
	if (f->first_unseen > n)
		f->first_unseen = n;
	for (size_t i = first; i < f->nmsgs; i++) {
		if ((msg_at(f, i)->state & MSG_GONE) != 0)
			continue;
		told += i < f->count;
		f->msgs[n++] = *msg_at(f, i);
	}
	f->nmsgs = n;
	f->count = told;
	if (f->doubt != SIZE_MAX)
		f->doubt = 0;
}

static bool
tell_vanished(struct folder *f, const struct folder_changes *c)
{
	bool any = false;

	for (size_t i = f->touched_from; i < f->touched_to && !any; i++)
		any = (msg_at(f, i)->state & MSG_GONE) != 0;
	if (!any)
		return false;
	folder_log_gone(f);		/* may learn of more */
	for (size_t i = f->touched_to; i-- > f->touched_from;) {
		if ((msg_at(f, i)->state & MSG_GONE) == 0)
			continue;
		if (i < f->count && c != NULL && c->vanished != NULL)
			c->vanished(c->arg, i, msg_at(f, i)->uid);
	}
	return true;
}

static void
tell(struct folder *f, const struct folder_changes *c)
{
	size_t arrived, to;

	if (!f->news)
		return;
	f->news = false;
	if (f->touched_to > f->nmsgs)	/* UIDs that could not be written down */
		f->touched_to = f->nmsgs;
	if (tell_vanished(f, c))
		drop_gone(f);
	arrived = f->nmsgs - f->count;
	to = f->touched_to < f->count ? f->touched_to : f->count;
	for (size_t i = f->touched_from; i < to; i++) {
		if ((msg_at(f, i)->state & MSG_CHANGED) == 0)
			continue;
		msg_at(f, i)->state &= (uint8_t)~MSG_CHANGED;
		if (c != NULL && c->flags != NULL)
			c->flags(c->arg, i);
	}
	f->touched_from = f->touched_to = 0;
	f->count = f->nmsgs;
	if (arrived > 0 && c != NULL && c->arrived != NULL)
		c->arrived(c->arg, arrived);
}

int
folder_refresh(struct folder *f, const struct folder_changes *c)
{
	if (folder_scan(f, true) == -1)
		return -1;
	tell(f, c);
	if (f->save)
		folder_cache_save(f);
	return 0;
}
