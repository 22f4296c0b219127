/*
 * Following a folder by what its watch tells, instead of listing it: what we did ourselves is known and
 * skipped, a few changes of others are applied one by one, and for many the folder is listed.  Where there was no watch,
 * but only new/ has changed, that alone is listed, so that a new message costs the same however many there are.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder_uids.h"
#include "watch.h"
#include "watch_names.h"

#define WATCH_WORTH	256	/* messages from which listing costs more than a watch */
#define OWN_MAX		16384	/* changes of our own not read back yet: as many as inotify(7) keeps */
#define OWN_FIRST	256
#define FOREIGN_MAX	32	/* changes of others; each is looked up among all messages */
#define FEW		16	/* of so many messages one that is new pays for no more */
#define GARBAGE		65536	/* bytes of old names above which listing tidies up */

/* What another program did. */
struct foreign {
	bool in_new, came;
	char name[FOLDER_NAME_MAX + 1];
};

struct events {
	struct folder *f;
	struct foreign *list;
	size_t n;
	bool many;
};

static uint64_t
event_hash(bool in_new, bool came, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ (in_new ? 2 : 0) ^ (came ? 1 : 0);

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	return h;
}

static bool
own_grow(struct folder *f)
{
	size_t cap = f->own_cap == 0 ? OWN_FIRST : f->own_cap * 2;
	uint64_t *p = cap > OWN_MAX ? NULL :
	    reallocarray(f->own, cap, sizeof(*p));

	if (p == NULL)
		return false;
	f->own = p;
	f->own_cap = cap;
	return true;
}

void
folder_own(struct folder *f, const char *path, bool came)
{
	if (f->watch == -1 || f->dirty)
		return;
	/* Making and reading that many notices costs more than a listing, before which the watch tells again. */
	if ((f->nmsgs >= WATCH_WORTH &&
	    f->own_end - f->own_at > f->nmsgs / 2) ||
	    (f->own_end == f->own_cap && !own_grow(f))) {
		folder_own_forget(f);
		folder_watch_quiet(f, true);
		f->dirty = true;
		return;
	}
	f->own[f->own_end++] = event_hash(path[0] == 'n', came, path + 4);
}

void
folder_own_forget(struct folder *f)
{
	f->own_at = f->own_end = 0;
	if (f->own_cap > OWN_FIRST) {
		free(f->own);
		f->own = NULL;
		f->own_cap = 0;
	}
}

void
folder_watch_if_large(struct folder *f)
{
	if (f->watch == -1 && !f->watch_tried && f->local &&
	    f->nmsgs >= WATCH_WORTH)
		(void)folder_watch(f);
	f->watch_tried = true;
}

void
folder_watch_quiet(struct folder *f, bool quiet)
{
	if (watch_quiet(f->watch, f->dirfd, f->dir, quiet) == -1) {
		close(f->watch);
		f->watch = -1;
		f->watch_tried = false;
	}
	f->quiet = quiet && f->watch != -1;
}

/* Our own changes come back in the order in which we made them. */
static void
on_event(void *arg, bool in_new, bool came, const char *name)
{
	struct events *ev = arg;
	struct folder *f = ev->f;
	struct foreign *x;

	if (f->own_at < f->own_end &&
	    f->own[f->own_at] == event_hash(in_new, came, name)) {
		if (++f->own_at == f->own_end)
			folder_own_forget(f);
		return;
	}
	if (name[0] == '.' || ev->many)
		return;
	if (ev->n == FOREIGN_MAX || (ev->list == NULL && (ev->list =
	    calloc(FOREIGN_MAX, sizeof(*ev->list))) == NULL)) {
		ev->many = true;
		return;
	}
	x = &ev->list[ev->n++];
	x->in_new = in_new;
	x->came = came;
	if (strlcpy(x->name, name, sizeof(x->name)) >= sizeof(x->name))
		ev->many = true;
}

static void
left(struct folder *f, struct listing *l, const struct foreign *x,
    struct msg *m)
{
	struct span name = span_str(x->name);

	if (m != NULL) {
		if (!span_eq(msg_name(f, m), name) ||
		    x->in_new != ((m->state & MSG_NEW) != 0))
			return;
		m->state |= MSG_MISSED;
		msg_touch(f, m);
		return;
	}
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(listing_name(l, &l->e[i]), x->name) == 0 &&
		    l->e[i].in_new == x->in_new)
			l->e[i].dup = true;	/* came and went */
}

/* One change.  false: it takes a listing to tell what happened. */
static bool
apply_event(struct folder *f, struct listing *l, const struct foreign *x)
{
	struct maildir_name n;
	struct msg *m;

	maildir_name_parse(span_str(x->name), &n);
	if (!uidlist_unique_ok(n.unique))
		return true;
	m = folder_find(f, n.unique);
	if (!x->came) {
		left(f, l, x, m);
		return true;
	}
	if (m == NULL)
		return listing_add(l, x->name, x->in_new) == 0;
	if (span_eq(msg_name(f, m), span_str(x->name)) &&
	    x->in_new == ((m->state & MSG_NEW) != 0)) {
		m->state &= (uint8_t)~MSG_MISSED;
		return true;
	}
	if ((m->state & MSG_GONE) != 0 || (m->state & MSG_MISSED) == 0)
		return false;		/* back from the dead, or two of one name */
	m->state &= (uint8_t)~MSG_MISSED;
	return msg_moved(f, m, span_str(x->name), x->in_new) == 0;
}

/* Is one of those that left not there under the name that it had? */
static bool
look_for_missed(struct folder *f)
{
	char path[FOLDER_PATH_MAX];
	struct stat st;
	bool any = false;

	for (size_t i = f->touched_from; i < f->touched_to && i < f->nmsgs; i++) {
		struct msg *m = msg_at(f, i);

		if ((m->state & MSG_MISSED) == 0 || (m->state & MSG_GONE) != 0)
			continue;
		if (msg_path(f, m, path) == 0 && fstatat(f->dirfd, path, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
			any = true;
		else
			m->state &= (uint8_t)~MSG_MISSED;
	}
	return any;
}

/* They have really gone. */
static void
settle_missed(struct folder *f)
{
	for (size_t i = f->touched_from; i < f->touched_to && i < f->nmsgs; i++)
		if ((msg_at(f, i)->state & (MSG_MISSED | MSG_GONE)) ==
		    MSG_MISSED) {
			msg_at(f, i)->state &= (uint8_t)~MSG_MISSED;
			msg_gone(f, i);
		}
}

/* All that the watch has to tell by now.  false: it takes a listing. */
static bool
take_events(struct events *ev, struct listing *l)
{
	struct folder *f = ev->f;
	size_t i = ev->n;
	/* One of our own that it has not told by now was none, and must not stand for a later one of another's. */
	bool ok = watch_names(f->watch, on_event, ev) == 0 && !ev->many &&
	    f->own_at == f->own_end;

	for (; ok && i < ev->n; i++)
		ok = apply_event(f, l, &ev->list[i]);
	return ok;
}

/*
 * A rename is two notices, and what has been read may end between them (inotify(7)).  Looking for the old name waits
 * for the rename: whoever is not found then, and of whom nothing more is told, is gone.
 */
static bool
take_all_events(struct events *ev, struct listing *l)
{
	bool missing;
	size_t n;

	do {
		n = ev->n;
		if (!take_events(ev, l))
			return false;
		missing = ev->n > 0 && look_for_missed(ev->f);
	} while (missing && ev->n > n);
	if (missing)
		settle_missed(ev->f);
	return true;
}

/* A line about messages that are gone, of which one is here all the same. */
static bool
living(const struct folder *f, const struct uidlist_line *line)
{
	uint32_t lo, hi;
	struct cur c;

	cur_init(&c, line->set);
	while (!cur_end(&c) && uidlist_set_next(&c, &lo, &hi))
		for (size_t i = folder_lower_all(f, lo); i < f->nmsgs &&
		    msg_at(f, i)->uid <= hi; i++)
			if ((msg_at(f, i)->state & MSG_GONE) == 0)
				return true;
	return false;
}

/*
 * Lines that the changed files alone do not explain: a message was moved away and back, and has another UID now.  It takes
 * a listing, before any line is taken: a UID that comes after a higher one is too late.
 */
static bool
unexplained(struct folder *f, const struct listing *l, const struct buf *text)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur c;

	cur_init(&c, buf_span(text));
	while ((kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL) {
		if (kind == UIDLIST_GONE && living(f, &line))
			return true;
		if (kind == UIDLIST_MESSAGE &&
		    listing_find(l, line.unique) == NULL &&
		    folder_find(f, line.unique) != NULL)
			return true;
	}
	return false;
}

/* New files, and lines that others have added: as after a listing, with only these files in it. */
int
folder_take_up(struct folder *f, struct listing *l, struct buf *text)
{
	if (l->n == 0 && text->len == 0 && f->doubt == SIZE_MAX)
		return 0;
	if (listing_hash(l) == -1)
		return -1;
	if (l->duplicates || unexplained(f, l, text))
		return 1;
	if (folder_pending_match(f, l) == -1 ||
	    folder_uids_match(f, l, text) == -1)
		return -1;
	buf_clear(text);		/* taken: not again with the listing */
	return f->dirty ? 1 : folder_uids_settle(f, l);
}

bool
folder_has_few_new(const struct folder *f)
{
	return f->map.file != NULL && f->counts.known != 0 &&
	    f->counts.in_new <= f->map.nfile / FEW && f->npending == 0;
}

/* Leaves in the listing what belongs to no message.  Whether all else is as it was. */
static bool
leave_unknown(struct folder *f, struct listing *l)
{
	size_t n = 0, known = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct entry *e = &l->e[i];
		struct span name = span_of(l->names.p + e->name, e->len);
		struct msg *m = folder_find(f, span_of(name.p, e->unique));

		if (m == NULL)
			l->e[n++] = *e;
		else if ((m->state & (MSG_NEW | MSG_MISSED | MSG_GONE)) ==
		    MSG_NEW && span_eq(msg_name(f, m), name))
			known++;
		else
			return false;
	}
	l->n = n;
	return known == f->counts.in_new;
}

int
folder_take_new(struct folder *f, struct listing *l, struct buf *text)
{
	int r;

	if (listing_read_new(f, l) == -1)
		return -1;
	if (!leave_unknown(f, l))
		return 0;
	r = folder_take_up(f, l, text);
	/* Until then each opening finds them so again. */
	if (f->nmsgs > f->map.nfile + f->map.nfile / FEW)
		f->save = true;
	return r == -1 ? -1 : !r;
}

int
folder_follow(struct folder *f, struct listing *l, struct buf *text)
{
	struct events ev = { .f = f };
	bool ok;
	int r = 0;

	buf_init(&l->names, FOLDER_NAMES_MAX);
	l->partial = true;
	ok = take_all_events(&ev, l);
	free(ev.list);
	if (ok && (r = folder_take_up(f, l, text)) != 0)
		return r == 1 ? 0 : -1;
	if (!ok || f->names.len > 2 * f->names_listed + GARBAGE)
		f->dirty = true;
	return ok ? 1 : 0;
}
