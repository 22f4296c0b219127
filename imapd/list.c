/*
 * Collecting names: directories, subscriptions and the ancestors of both, once
 * each.
 */
#include "list.h"

#include <stdlib.h>
#include <string.h>

#include "metadata.h"
#include "reach.h"
#include "subs.h"

#define SUBS_MAX	(16 * 1048576)

static bool
in_inbox(const char *raw)
{
	return raw[0] == '\0' || strncmp(raw, "INBOX.", 6) == 0;
}

/* "/" sorts before all else, so that children follow their parent; INBOX and
 * what is below it come first. */
static int
name_cmp(const void *a, const void *b)
{
	const struct list_name *p = a, *q = b;
	const char *x = p->raw, *y = q->raw;
	size_t i;

	if (in_inbox(x) != in_inbox(y))
		return in_inbox(x) ? -1 : 1;
	for (i = 0; x[i] == y[i] && x[i] != '\0'; i++)
		;
	if (x[i] == '\0' || y[i] == '\0')
		return (x[i] != '\0') - (y[i] != '\0');
	if (x[i] == '.' || y[i] == '.')
		return (x[i] != '.') - (y[i] != '.');
	return (unsigned char)x[i] < (unsigned char)y[i] ? -1 : 1;
}

static int
push(struct list_tree *t, struct span raw, bool exists, bool subscribed)
{
	struct list_name *p;
	struct span copy;
	struct buf wire;

	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 32 : t->cap * 2;
		p = arena_alloc(t->arena, t->cap * sizeof(*p));
		if (p == NULL)
			return -1;
		if (t->n > 0)
			memcpy(p, t->names, t->n * sizeof(*p));
		t->names = p;
	}
	copy = arena_copy(t->arena, raw);
	if (copy.p == NULL)
		return -1;
	buf_init(&wire, 4 * NAME_RAW_MAX);
	p = &t->names[t->n];
	*p = (struct list_name){ .raw = (const char *)copy.p,
	    .exists = exists, .subscribed = subscribed };
	/* A name that has no form in IMAP is not shown. */
	if (name_from_raw(p->raw, t->utf8, &wire) == 0) {
		p->wire = arena_copy(t->arena, buf_span(&wire));
		if (p->wire.p != NULL)
			t->n++;
	}
	buf_free(&wire);
	return 0;
}

static int
each_folder(void *arg, const char *raw)
{
	if (raw[0] == '\0')
		return 0;		/* INBOX is there already */
	return push(arg, span_str(raw), true, false);
}

static int
add_subscriptions(struct imap *im, struct list_tree *t)
{
	struct buf names;
	struct span s;
	struct cur c;
	int r;

	buf_init(&names, SUBS_MAX);
	r = subs_load(im->root, &names);
	cur_init(&c, buf_span(&names));
	while (r == 0 && !cur_end(&c)) {
		s = cur_until(&c, 0);
		(void)cur_ch(&c, 0);
		if (s.len <= NAME_RAW_MAX)
			r = push(t, s, false, true);
	}
	buf_free(&names);
	return r;
}

/* Of others: RFC 4314 section 4, what may be looked up. */
static int
add_granted(struct list_tree *t)
{
	for (size_t i = 0; i < reach_count(); i++)
		if (reach_rights(reach_at(i)) & ACL_LOOKUP &&
		    push(t, span_str(reach_at(i)->raw), true, false) == -1)
			return -1;
	return 0;
}

static int
add_ancestors(struct list_tree *t)
{
	size_t n = t->n;

	for (size_t k = 0; k < n; k++) {
		struct span raw = span_str(t->names[k].raw);

		for (size_t i = raw.len; i > 0; i--)
			if (raw.p[i - 1] == '.' && push(t,
			    span_of(raw.p, i - 1), false, false) == -1)
				return -1;
	}
	return 0;
}

static void
merge(struct list_tree *t)
{
	size_t n = 0;

	if (t->n > 1)
		qsort(t->names, t->n, sizeof(*t->names), name_cmp);
	for (size_t i = 0; i < t->n; i++) {
		struct list_name *p = &t->names[i];

		if (n > 0 && strcmp(t->names[n - 1].raw, p->raw) == 0) {
			t->names[n - 1].exists |= p->exists;
			t->names[n - 1].subscribed |= p->subscribed;
		} else {
			t->names[n++] = *p;
		}
	}
	t->n = n;
}

static bool
is_child(const struct list_name *p, const struct list_name *of)
{
	size_t n = strlen(of->raw);

	if (n == 0)		/* "INBOX.x" is below INBOX */
		return strncmp(p->raw, "INBOX.", 6) == 0;
	return strncmp(p->raw, of->raw, n) == 0 && p->raw[n] == '.';
}

/* From the last to the first, a name's nearest ancestors stand before it. */
static void
mark_parents(struct list_tree *t)
{
	for (size_t i = t->n; i > 0; i--) {
		struct list_name *p = &t->names[i - 1];

		for (size_t k = i; k < t->n && is_child(&t->names[k], p); k++) {
			const struct list_name *c = &t->names[k];

			p->children |= c->exists || c->children;
			p->subscribed_below |= c->subscribed ||
			    c->subscribed_below;
			if (p->children && p->subscribed_below)
				break;
		}
	}
}

int
list_load(struct imap *im, struct list_tree *t, bool subscriptions)
{
	memset(t, 0, sizeof(*t));
	t->arena = &im->arena;
	t->utf8 = utf8_names(im);
	if (push(t, span_str(""), true, false) == -1 ||
	    folder_list(im->root, each_folder, t) == -1 ||
	    add_granted(t) == -1 || (subscriptions && add_subscriptions(im, t) == -1) ||
	    add_ancestors(t) == -1)
		return -1;
	merge(t);
	mark_parents(t);
	return 0;
}

/* What the mailbox itself says. */
static struct span
asked_use(struct imap *im, const struct list_name *p)
{
	struct span use = span_of(NULL, 0);
	const struct meta_entry *e;
	struct meta_entry *all;
	struct place place;

	if (!p->exists || place_find(im, p->raw, &place) == -1 || !place.own ||
	    metadata_load(place.dir, METADATA_FILE, &im->arena, &all) == -1)
		return use;
	e = metadata_find(all, span_str(METADATA_USE));
	if (e != NULL && metadata_is_use(e->value))
		use = e->value;
	return use;
}

static bool
is_taken(const struct list_tree *t, struct span use)
{
	struct span one;
	struct cur c;

	for (size_t i = 0; i < t->n; i++) {
		cur_init(&c, t->names[i].use);
		do {
			one = cur_until(&c, ' ');
			if (span_iseq(one, use))
				return true;
		} while (cur_ch(&c, ' '));
	}
	return false;
}

void
list_special_use(struct imap *im, struct list_tree *t)
{
	static const struct { const char *name, *use; } uses[] = {
		{ "Archive", "\\Archive" }, { "Drafts", "\\Drafts" },
		{ "Junk", "\\Junk" }, { "Sent", "\\Sent" },
		{ "Trash", "\\Trash" },
	};

	for (size_t i = 0; i < t->n; i++)
		t->names[i].use = asked_use(im, &t->names[i]);
	for (size_t i = 0; i < t->n; i++) {
		struct list_name *p = &t->names[i];

		for (size_t k = 0; k < sizeof(uses) / sizeof(uses[0]); k++)
			if (p->exists && p->use.len == 0 &&
			    strcmp(p->raw, uses[k].name) == 0 &&
			    !is_taken(t, span_str(uses[k].use)))
				p->use = span_str(uses[k].use);
	}
}
