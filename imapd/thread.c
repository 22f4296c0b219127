/*
 * THREAD: RFC 5256 section 3.  Links are indices into one array, so that a tree
 * as deep as the mailbox is large needs no recursion.  Message IDs come from
 * strangers: the hash is seeded, and looking for loops has a budget.
 */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "facts.h"

#define STEPS_MAX	50000000	/* up the tree, while linking */

struct thread_id {
	struct span id;			/* p NULL: free */
	uint32_t node;
	uint32_t hash;
};

static uint32_t
add_node(struct thread_set *t, const struct thread_node *node)
{
	struct thread_node *p;
	uint32_t cap = t->cap == 0 ? 64 : t->cap * 2;

	if (t->n == t->cap) {
		if ((p = arena_alloc(t->arena, cap * sizeof(*p))) == NULL) {
			t->full = true;
			return 0;
		}
		if (t->n > 0)
			memcpy(p, t->p, t->n * sizeof(*p));
		t->p = p;
		t->cap = cap;
	}
	t->p[t->n] = *node;
	t->p[t->n].parent = t->p[t->n].child = t->p[t->n].next = THREAD_NONE;
	return t->n++;
}

void
thread_init(struct thread_set *t, struct arena *arena)
{
	memset(t, 0, sizeof(*t));
	t->arena = arena;
	random_bytes(t->seed, sizeof(t->seed));
	(void)add_node(t, &(struct thread_node){ 0 });
}

/* Four bytes at a time, so that each one's part of the product depends on the secret factor: of eight, the highest bit's
 * would not, and Message IDs that collide whatever the secret is could be made. */
static uint32_t
hash(const struct thread_set *t, struct span s)
{
	uint64_t h = t->seed[0] ^ s.len, odd = t->seed[1] | 1;
	uint32_t w = 0;

	for (; s.len >= sizeof(w); s.p += sizeof(w), s.len -= sizeof(w)) {
		memcpy(&w, s.p, sizeof(w));
		h = (h ^ w) * odd;
		h ^= h >> 32;
	}
	if (s.len > 0)
		memcpy(&w, s.p, s.len);
	h = (h ^ w) * odd;
	return (uint32_t)(h ^ h >> 32);
}

/* Of id, or the free one where it belongs. */
static struct thread_id *
find_slot(struct thread_set *t, struct span id)
{
	uint32_t h = hash(t, id), mask = t->ids_cap - 1, at = h & mask;

	while (t->ids[at].id.p != NULL && (t->ids[at].hash != h ||
	    !span_eq(t->ids[at].id, id)))
		at = (at + 1) & mask;
	t->ids[at].hash = h;
	return &t->ids[at];
}

/* Twice as many places; what was there is placed anew. */
static int
grow_ids(struct thread_set *t)
{
	struct thread_id *old = t->ids;
	uint32_t n = t->ids_cap, cap = n == 0 ? 128 : n * 2;

	if ((t->ids = arena_alloc(t->arena, cap * sizeof(*old))) == NULL) {
		t->ids = old;
		t->full = true;
		return -1;
	}
	t->ids_cap = cap;
	for (uint32_t i = 0, at; i < n; i++) {
		if (old[i].id.p == NULL)
			continue;
		for (at = old[i].hash; t->ids[at & (cap - 1)].id.p != NULL;)
			at++;
		t->ids[at & (cap - 1)] = old[i];
	}
	return 0;
}

/* The node of that Message ID; a new one is a dummy.  0: no memory. */
static uint32_t
intern(struct thread_set *t, struct span id)
{
	struct thread_id *slot;

	if (t->nids * 2 >= t->ids_cap && grow_ids(t) == -1)
		return 0;
	slot = find_slot(t, id);
	if (slot->id.p == NULL) {
		id = arena_copy(t->arena, id);
		slot->node = add_node(t, &(struct thread_node){ 0 });
		t->full = t->full || id.p == NULL;
		if (t->full)
			return 0;
		slot->id = id;
		t->nids++;
	}
	return slot->node;
}

/* At the front. */
static void
link_child(struct thread_set *t, uint32_t parent, uint32_t child)
{
	uint32_t next = t->p[parent].child;

	t->p[child].parent = parent;
	t->p[child].prev = THREAD_NONE;
	t->p[child].next = next;
	if (next != THREAD_NONE)
		t->p[next].prev = child;
	t->p[parent].child = child;
}

static void
unlink_child(struct thread_set *t, uint32_t child)
{
	struct thread_node *c = &t->p[child];

	if (c->parent == THREAD_NONE)
		return;
	if (c->prev != THREAD_NONE)
		t->p[c->prev].next = c->next;
	else
		t->p[c->parent].child = c->next;
	if (c->next != THREAD_NONE)
		t->p[c->next].prev = c->prev;
	c->parent = c->next = THREAD_NONE;
}

/* Would child be its own ancestor?  When the budget is spent: it might. */
static bool
makes_loop(struct thread_set *t, uint32_t parent, uint32_t child)
{
	if (parent == child)
		return true;
	if (t->p[child].child == THREAD_NONE)
		return false;
	for (uint32_t i = parent; i != THREAD_NONE; i = t->p[i].parent)
		if (i == child || ++t->steps > STEPS_MAX)
			return true;
	return false;
}

/* Steps 1.A and 1.B. */
void
thread_add(struct thread_set *t, const struct thread_node *node,
    struct span id, struct span refs)
{
	uint32_t self = 0, last = THREAD_NONE, next;
	struct span ref;

	if (id.len > 0) {
		self = intern(t, id);
		if (self != 0 && t->p[self].number != 0)
			self = 0;	/* the ID is another message's */
	}
	if (self == 0)
		self = add_node(t, node);
	if (t->full)
		return;
	t->p[self].number = node->number;
	t->p[self].order = node->order;
	t->p[self].date = node->date;
	t->p[self].reply = node->reply;
	t->p[self].subject = node->subject;
	for (; facts_reference(&refs, &ref); last = next) {
		if ((next = intern(t, ref)) == 0)
			return;
		if (last != THREAD_NONE && t->p[next].parent == THREAD_NONE &&
		    !makes_loop(t, last, next))
			link_child(t, last, next);
	}
	unlink_child(t, self);
	if (last != THREAD_NONE && !makes_loop(t, last, self))
		link_child(t, last, self);
}

/* Step 2: what has no parent is a child of the root. */
static void
gather(struct thread_set *t)
{
	for (uint32_t i = t->n - 1; i > 0; i--)
		if (t->p[i].parent == THREAD_NONE)
			link_child(t, 0, i);
}

/* Where a walk that sees children before their parents begins. */
static uint32_t
deepest(const struct thread_set *t, uint32_t i)
{
	while (t->p[i].child != THREAD_NONE)
		i = t->p[i].child;
	return i;
}

/* Puts the children of dummy i, whose place is *at, there instead of it. */
static void
splice(struct thread_set *t, uint32_t i, uint32_t *at)
{
	uint32_t c, last = THREAD_NONE;

	for (c = t->p[i].child; c != THREAD_NONE; c = t->p[c].next) {
		t->p[c].parent = t->p[i].parent;
		last = c;
	}
	if (last == THREAD_NONE) {
		*at = t->p[i].next;
	} else {
		t->p[last].next = t->p[i].next;
		*at = t->p[i].child;
	}
	t->p[i].child = THREAD_NONE;
}

static bool
stays(const struct thread_set *t, uint32_t i)
{
	uint32_t c = t->p[i].child;

	if (t->p[i].number != 0)
		return true;
	return t->p[i].parent == 0 && c != THREAD_NONE &&
	    t->p[c].next != THREAD_NONE;
}

/* Step 3, for the children of i, whose own children have been looked at. */
static void
prune_children(struct thread_set *t, uint32_t i)
{
	uint32_t *at = &t->p[i].child;

	while (*at != THREAD_NONE)
		if (stays(t, *at))
			at = &t->p[*at].next;
		else
			splice(t, *at, at);
}

static const struct thread_node *sorted;	/* for qsort(3) */

/* A dummy stands where its first child would. */
static const struct thread_node *
standing(uint32_t i)
{
	const struct thread_node *n = &sorted[i];

	return n->number != 0 || n->child == THREAD_NONE ? n :
	    &sorted[n->child];
}

static int
by_date(const void *a, const void *b)
{
	const struct thread_node *x = standing(*(const uint32_t *)a);
	const struct thread_node *y = standing(*(const uint32_t *)b);

	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void
relink(struct thread_set *t, uint32_t parent, const uint32_t *list, size_t n)
{
	t->p[parent].child = THREAD_NONE;
	while (n > 0)
		link_child(t, parent, list[--n]);
}

static void
sort_children(struct thread_set *t, uint32_t i, uint32_t *list)
{
	size_t n = 0;

	for (uint32_t c = t->p[i].child; c != THREAD_NONE; c = t->p[c].next)
		list[n++] = c;
	if (n < 2)
		return;
	sorted = t->p;
	qsort(list, n, sizeof(*list), by_date);
	relink(t, i, list, n);
}

/* Calls each for every node that has children, children first, the root last. */
static void
walk_up(struct thread_set *t, uint32_t *list,
    void (*each)(struct thread_set *, uint32_t, uint32_t *))
{
	uint32_t i = deepest(t, 0), up;

	while (i != 0) {
		up = t->p[i].parent;
		if (t->p[i].next != THREAD_NONE) {
			i = deepest(t, t->p[i].next);
			continue;
		}
		each(t, up, list);
		i = up;
	}
}

static void
prune_each(struct thread_set *t, uint32_t i, uint32_t *list)
{
	(void)list;
	prune_children(t, i);
}

/* The message whose subject a thread has: RFC 5256, step 5.B.i. */
static const struct thread_node *
subject_node(const struct thread_set *t, uint32_t i)
{
	return t->p[i].number != 0 || t->p[i].child == THREAD_NONE ? &t->p[i] :
	    &t->p[t->p[i].child];
}

/* Step 5.B.iv: does i represent its subject better than old? */
static bool
better(const struct thread_set *t, uint32_t old, uint32_t i)
{
	if (t->p[old].number == 0)
		return false;
	return t->p[i].number == 0 ||
	    (t->p[old].reply && !t->p[i].reply);
}

/* Moves all children of from to the end of those of to. */
static void
move_children(struct thread_set *t, uint32_t from, uint32_t to)
{
	uint32_t c, *at = &t->p[to].child;

	while (*at != THREAD_NONE)
		at = &t->p[*at].next;
	*at = t->p[from].child;
	for (c = *at; c != THREAD_NONE; c = t->p[c].next)
		t->p[c].parent = to;
	t->p[from].child = THREAD_NONE;
}

/* Step 5.C.iv: i joins the thread of slot's node; both are off the root's list.
 * The node that now stands for the subject. */
static uint32_t
merge(struct thread_set *t, uint32_t old, uint32_t i)
{
	bool old_dummy = t->p[old].number == 0, dummy = t->p[i].number == 0;
	uint32_t new;

	if (old_dummy && dummy) {
		move_children(t, i, old);
		return old;
	}
	if (old_dummy || (!dummy && t->p[i].reply && !t->p[old].reply)) {
		link_child(t, old, i);
		return old;
	}
	if ((new = add_node(t, &(struct thread_node){ 0 })) == 0)
		return old;
	link_child(t, new, i);
	link_child(t, new, old);
	return new;
}

/* Step 5.  list: room for all children of the root. */
static int
join_subjects(struct thread_set *t, uint32_t *list)
{
	struct thread_id *slot;
	uint32_t n = 0, kept = 0, cap = 128;

	for (uint32_t c = t->p[0].child; c != THREAD_NONE; c = t->p[c].next)
		list[n++] = c;
	while (cap < 2 * n)
		cap *= 2;
	if ((t->ids = arena_alloc(t->arena, cap * sizeof(*t->ids))) == NULL)
		return -1;
	t->ids_cap = cap;
	for (uint32_t i = 0; i < n; i++) {
		struct span subject = subject_node(t, list[i])->subject;

		if (subject.len == 0)
			continue;
		slot = find_slot(t, subject);
		if (slot->id.p == NULL || better(t, slot->node, list[i])) {
			slot->id = subject;
			slot->node = list[i];
		}
	}
	for (uint32_t i = 0; i < n; i++)
		t->p[list[i]].parent = t->p[list[i]].next = THREAD_NONE;
	for (uint32_t i = 0; i < n; i++) {
		struct span subject = subject_node(t, list[i])->subject;

		slot = subject.len == 0 ? NULL : find_slot(t, subject);
		if (slot != NULL && slot->node != list[i])
			slot->node = merge(t, slot->node, list[i]);
	}
	/* Those that were merged have a parent or lost their children; a new
	 * dummy stands where the first of its messages stood. */
	for (uint32_t i = 0; i < n; i++) {
		uint32_t c = list[i];

		while (t->p[c].parent != THREAD_NONE && t->p[c].parent != 0)
			c = t->p[c].parent;
		if (t->p[c].parent == THREAD_NONE &&
		    (t->p[c].number != 0 || t->p[c].child != THREAD_NONE)) {
			t->p[c].parent = 0;
			list[kept++] = c;
		}
	}
	relink(t, 0, list, kept);
	return t->full ? -1 : 0;
}

int
thread_by_references(struct thread_set *t)
{
	uint32_t *list;

	/* Room for the dummies of step 5 as well. */
	if (t->full || (list = arena_alloc(t->arena, 2 * t->n *
	    sizeof(*list))) == NULL)
		return -1;
	gather(t);
	walk_up(t, list, prune_each);
	/* Step 4 needs the children of dummies sorted, which step 6 does. */
	walk_up(t, list, sort_children);
	if (join_subjects(t, list) == -1)
		return -1;
	walk_up(t, list, sort_children);
	return 0;
}

static int
by_subject(const void *a, const void *b)
{
	const struct thread_node *x = &sorted[*(const uint32_t *)a];
	const struct thread_node *y = &sorted[*(const uint32_t *)b];
	size_t n = x->subject.len < y->subject.len ? x->subject.len :
	    y->subject.len;
	int r = n == 0 ? 0 : memcmp(x->subject.p, y->subject.p, n);

	if (r != 0)
		return r;
	if (x->subject.len != y->subject.len)
		return x->subject.len < y->subject.len ? -1 : 1;
	return by_date(a, b);
}

/* ORDEREDSUBJECT: the first of a subject is the parent of all others. */
int
thread_by_subject(struct thread_set *t)
{
	uint32_t *list, n = 0, first = 0;

	if (t->full || (list = arena_alloc(t->arena, t->n *
	    sizeof(*list))) == NULL)
		return -1;
	for (uint32_t i = 1; i < t->n; i++)
		list[n++] = i;
	sorted = t->p;
	qsort(list, n, sizeof(*list), by_subject);
	for (uint32_t i = 0; i < n; i++)
		if (i == 0 || !span_eq(t->p[list[i]].subject,
		    t->p[first].subject)) {
			first = list[i];
			link_child(t, 0, first);
		} else {
			link_child(t, first, list[i]);
		}
	walk_up(t, list, sort_children);
	return 0;
}
