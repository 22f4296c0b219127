/*
 * The tree of mailboxes as NOTIFY has told it, held against what there is now.  A
 * mailbox is the same under another name when its directory is; that an inode was
 * given to another directory meanwhile, its object id tells.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "ex.h"
#include "limits.h"
#include "log.h"
#include "notify.h"

struct tree {
	struct imap *im;
	struct notify *n;
	struct list_tree now;
	struct notify_box *old, *new;
	size_t nold, nnew;
	bool uses;			/* special uses are known */
	struct rename { const char *from, *to; } *renames;
	size_t nrenames;
};

/* What is wanted of a mailbox; NONE of one group takes away what others say. */
static unsigned
wanted(const struct notify *n, const char *raw, bool subscribed)
{
	unsigned events = 0;

	for (const struct notify_group *g = n->groups; g != NULL; g = g->next) {
		if (!filter_names(g->filter, raw, subscribed))
			continue;
		if (g->events == 0)
			return 0;
		events |= g->events & ~(unsigned)EV_SERVER;
	}
	return events;
}

static bool
wants_server(const struct notify *n)
{
	for (const struct notify_group *g = n->groups; g != NULL; g = g->next)
		if (g->events & EV_SERVER)
			return true;
	return false;
}

static void
identify(const struct imap *im, struct notify_box *b)
{
	struct place place;
	struct stat st;

	if (!b->exists || place_find(im, b->raw, &place) == -1 ||
	    stat(place.dir, &st) == -1) {
		b->exists = false;
		return;
	}
	b->dev = st.st_dev;
	b->ino = st.st_ino;
	if (folder_peek_id(place.dir, b->id) == -1)
		b->id[0] = '\0';
}

static int
box_cmp(const void *a, const void *b)
{
	const struct notify_box *x = a, *y = b;

	return strcmp(x->raw, y->raw);
}

/* The boxes of what there is.  0; -1: too many. */
static int
collect(struct tree *t)
{
	struct notify_box *b;

	t->new = calloc(t->now.n + 1, sizeof(*t->new));
	if (t->new == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	for (size_t i = 0; i < t->now.n; i++) {
		const struct list_name *p = &t->now.names[i];
		unsigned events = wanted(t->n, p->raw, p->subscribed);

		if (events == 0 || (!p->exists && !p->subscribed))
			continue;
		if (t->nnew == IMAP_NOTIFY_MAX)
			return -1;
		b = &t->new[t->nnew++];
		*b = (struct notify_box){ .raw = strdup(p->raw),
		    .events = events, .exists = p->exists,
		    .subscribed = p->subscribed };
		if (b->raw == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
		for (int k = 0; k < WATCH_N; k++)
			b->watch[k] = -1;
		buf_init(&b->meta, IMAP_NOTIFY_META_MAX);
		identify(t->im, b);
	}
	qsort(t->new, t->nnew, sizeof(*t->new), box_cmp);
	return 0;
}

/* Moves what is known of a mailbox to its new box. */
static void
carry(struct notify_box *old, struct notify_box *new)
{
	struct notify_box b = *old;

	b.raw = new->raw;
	b.events = new->events;
	b.exists = new->exists;
	b.subscribed = new->subscribed;
	b.dev = new->dev;
	b.ino = new->ino;
	memcpy(b.id, new->id, sizeof(b.id));
	b.look = b.look_meta = true;
	*new = b;
	old->spent = new->spent = true;
	buf_init(&old->meta, 0);
}

static bool
same_directory(const struct notify_box *a, const struct notify_box *b)
{
	return a->exists && b->exists && a->ino == b->ino && a->dev == b->dev;
}

static bool
same_mailbox(const struct notify_box *old, const struct notify_box *new)
{
	return same_directory(old, new) && (old->id[0] == '\0' ||
	    strcmp(old->id, new->id) == 0);
}

static struct notify_box *
find(struct notify_box *box, size_t n, const char *raw)
{
	struct notify_box key = { .raw = (char *)(uintptr_t)raw };

	return n == 0 ? NULL : bsearch(&key, box, n, sizeof(*box), box_cmp);
}

static bool
is_own(const struct notify *n, const char *raw)
{
	for (int k = 0; k < 2; k++) {
		size_t len = n->own[k] == NULL ? 0 : strlen(n->own[k]);
		size_t mine = strlen(raw);

		/* itself, what is below it, and the names above it */
		if (n->own[k] != NULL && ((strncmp(raw, n->own[k], len) == 0 &&
		    (raw[len] == '\0' || raw[len] == '.')) ||
		    (strncmp(raw, n->own[k], mine) == 0 &&
		    n->own[k][mine] == '.')))
			return true;
	}
	return false;
}

static struct span
wire_of(struct tree *t, const char *raw)
{
	struct span s;
	struct buf b;

	buf_init(&b, 4 * NAME_RAW_MAX);
	(void)name_from_raw(raw, utf8_names(t->im), &b);
	s = arena_copy(&t->im->arena, buf_span(&b));
	buf_free(&b);
	return s;
}

/* One LIST response: the name as it is now, whatever has happened to it. */
static void
tell(struct tree *t, const char *raw, const char *was)
{
	struct list_name gone = { .raw = raw }, *p = NULL;
	struct span old = span_of(NULL, 0);

	if (is_own(t->n, raw))
		return;
	if (!t->uses)
		list_special_use(t->im, &t->now);
	t->uses = true;
	for (size_t i = 0; i < t->now.n && p == NULL; i++)
		if (strcmp(t->now.names[i].raw, raw) == 0)
			p = &t->now.names[i];
	if (p == NULL) {
		p = &gone;
		gone.wire = wire_of(t, raw);
	}
	if (was != NULL)
		old = wire_of(t, was);
	if (p->wire.len > 0)
		list_tell(t->im, p, old);
}

/* RFC 5465 section 5.4: its parent is affected too, be it a mailbox or not. */
static void
tell_with_parent(struct tree *t, const char *raw)
{
	char parent[NAME_RAW_MAX + 1];
	char *dot;

	tell(t, raw, NULL);
	(void)span_cstr(span_str(raw), parent, sizeof(parent));
	if ((dot = strrchr(parent, '.')) == NULL)
		return;
	*dot = '\0';
	if (strcmp(parent, "INBOX") == 0)
		parent[0] = '\0';
	if (wanted(t->n, parent, false) & EV_NAME)
		tell(t, parent, NULL);
}

/* A child that went along with its parent is not told: RFC 5465 section 5.4. */
static bool
went_along(const struct tree *t, const char *from, const char *to)
{
	for (size_t i = 0; i < t->nrenames; i++) {
		size_t f = strlen(t->renames[i].from);
		size_t o = strlen(t->renames[i].to);

		if (strncmp(from, t->renames[i].from, f) == 0 &&
		    from[f] == '.' && strncmp(to, t->renames[i].to, o) == 0 &&
		    to[o] == '.' && strcmp(from + f, to + o) == 0)
			return true;
	}
	return false;
}

/* In order of name, parents come before their children. */
static void
renamed(struct tree *t, struct notify_box *old, struct notify_box *new)
{
	bool both = (old->events & new->events & EV_NAME) != 0;

	carry(old, new);
	for (int k = 0; k < WATCH_N; k++)
		new->watch[k] = -1;	/* a foreign rename may go through a copy */
	if (!both)
		return;
	if (!went_along(t, old->raw, new->raw))
		tell(t, new->raw, old->raw);
	t->renames[t->nrenames++] = (struct rename){ old->raw, new->raw };
}

/* It is there and was not, under this name. */
static void
appeared(struct tree *t, struct notify_box *new)
{
	const struct notify_box *same = find(t->old, t->nold, new->raw);

	for (size_t i = 0; i < t->nold; i++) {
		struct notify_box *old = &t->old[i];

		if (!old->spent && same_mailbox(old, new)) {
			renamed(t, old, new);
			return;
		}
	}
	/* Named because it is subscribed to now: it may be an old one. */
	if (wanted(t->n, new->raw, false) == 0)
		return;
	new->known = new->meta_known = new->look = new->look_meta = true;
	new->unseen_known = true;
	new->status.uidnext = 1;	/* all that is in it is new */
	if (same != NULL && same->known)
		new->status = same->status;	/* made again */
	if (new->events & EV_NAME)
		tell_with_parent(t, new->raw);
}

static void
disappeared(struct tree *t, const struct notify_box *old)
{
	for (size_t i = 0; i < t->now.n; i++)
		if (t->now.names[i].exists &&
		    strcmp(t->now.names[i].raw, old->raw) == 0)
			return;		/* it is not named any more, that is all */
	if (old->events & EV_NAME)
		tell_with_parent(t, old->raw);
}

static void
match_subscriptions(struct tree *t)
{
	const struct notify_box *x;

	for (size_t i = 0; i < t->nnew; i++) {
		const struct notify_box *b = &t->new[i];

		x = find(t->old, t->nold, b->raw);
		if (b->subscribed != (x != NULL && x->subscribed) &&
		    b->events & EV_SUBSCRIPTION)
			tell(t, b->raw, NULL);
	}
	for (size_t i = 0; i < t->nold; i++) {
		const struct notify_box *b = &t->old[i];

		x = find(t->new, t->nnew, b->raw);
		if (x == NULL && b->subscribed && b->events & EV_SUBSCRIPTION)
			tell(t, b->raw, NULL);
	}
}

static void
match(struct tree *t)
{
	struct notify_box *old;

	for (size_t i = 0; i < t->nnew; i++) {
		struct notify_box *new = &t->new[i];

		old = find(t->old, t->nold, new->raw);
		if (old != NULL && same_mailbox(old, new))
			carry(old, new);
	}
	match_subscriptions(t);
	for (size_t i = 0; i < t->nnew; i++)
		if (t->new[i].exists && !t->new[i].spent)
			appeared(t, &t->new[i]);
	for (size_t i = 0; i < t->nold; i++)
		if (t->old[i].exists && !t->old[i].spent)
			disappeared(t, &t->old[i]);
}

static void
free_boxes(struct notify_box *box, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(box[i].raw);
		buf_free(&box[i].meta);
	}
	free(box);
}

/* Too many: what there was stays. */
static int
compare(struct tree *t, bool tell_it)
{
	struct imap *im = t->im;

	if (list_load(im, &t->now, true) == -1)
		return -1;
	if (collect(t) == -1) {
		errno = EMFILE;
		return -1;
	}
	t->renames = calloc(t->nnew + 1, sizeof(*t->renames));
	if (t->renames == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	if (tell_it)
		match(t);
	for (size_t i = 0; i < t->nnew; i++)
		t->new[i].spent = false;
	return 0;
}

int
notify_tree(struct imap *im, struct notify *n, bool tell_it)
{
	struct arena kept = im->arena;
	struct tree t = { .im = im, .n = n, .old = n->box, .nold = n->n };
	int r;

	view_follow(im);
	arena_init(&im->arena, kept.max);
	if ((r = compare(&t, tell_it)) == 0) {
		n->box = t.new;
		n->n = t.nnew;
		free_boxes(t.old, t.nold);
		notify_watch(im, n, !tell_it);
		n->look_account = n->look_account || (!tell_it &&
		    wants_server(n));
	} else {
		free_boxes(t.new, t.nnew);
	}
	free(t.renames);
	arena_free(&im->arena);
	im->arena = kept;
	return r;
}
