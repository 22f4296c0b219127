/*
 * The index of messages: a slab of items, a hash to find them by name, a heap
 * to find the next due.  Written for a million deferred messages: no pointer
 * per message, no allocation per message, nothing that could be read from the
 * file again.  Keys are random numbers that our own sessions chose, so that
 * nobody outside can make them collide.
 */
#include "queue_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fmt.h"

#define ITEMS_FIRST	256
#define SLOTS_FIRST	1024	/* power of two */
#define HOSTS_MAX	1000	/* host names in one spool: this machine's, over the years */

int
index_init(struct index *ix)
{
	memset(ix, 0, sizeof(*ix));
	ix->free = ITEM_NONE;
	ix->nslots = SLOTS_FIRST;
	ix->slots = calloc(ix->nslots, sizeof(*ix->slots));
	ix->hosts = calloc(HOSTS_MAX, sizeof(*ix->hosts));
	return ix->slots == NULL || ix->hosts == NULL ? -1 : 0;
}

struct item *
index_item(struct index *ix, uint32_t id)
{
	return &ix->items[id];
}

/* QID.HOST,S=n,W=n taken apart as far as struct spool_name has not done it. */
struct parts { uint64_t rnd; struct span host; };

static void
name_parts(const struct spool_name *n, struct parts *p)
{
	struct cur c;

	p->rnd = 0;
	for (size_t i = n->qid_len - 16; i < n->qid_len; i++) {
		unsigned ch = (unsigned char)n->text[i];

		p->rnd = p->rnd << 4 | (ch <= '9' ? ch - '0' : ch - 'a' + 10);
	}
	cur_init(&c, span_str(n->text + n->qid_len + 1));
	p->host = cur_until(&c, ',');
}

static bool
item_is(const struct index *ix, const struct item *it,
    const struct spool_name *n, const struct parts *p)
{
	return it->rnd == p->rnd && (time_t)it->arrival == n->arrival &&
	    it->size == n->size && it->lines == n->wsize - n->size &&
	    span_is(p->host, ix->hosts[it->host].name);
}

uint32_t
index_find(const struct index *ix, const struct spool_name *n)
{
	uint32_t mask = ix->nslots - 1;
	struct parts p;

	name_parts(n, &p);
	for (uint32_t i = (uint32_t)p.rnd & mask; ix->slots[i].item != 0;
	    i = (i + 1) & mask)
		if (ix->slots[i].hash == (uint32_t)p.rnd &&
		    item_is(ix, &ix->items[ix->slots[i].item - 1], n, &p))
			return ix->slots[i].item - 1;
	return ITEM_NONE;
}

static void
slot_put(struct index *ix, struct slot slot)
{
	uint32_t mask = ix->nslots - 1, i = slot.hash & mask;

	while (ix->slots[i].item != 0)
		i = (i + 1) & mask;
	ix->slots[i] = slot;
}

/* Keeps at least a third of the slots empty. */
static int
slots_grow(struct index *ix)
{
	struct slot *old = ix->slots;
	uint32_t n = ix->nslots;

	if (ix->count + 1 < (size_t)n / 3 * 2)
		return 0;
	if (n > UINT32_MAX / 4 ||
	    (ix->slots = calloc((size_t)n * 2, sizeof(*old))) == NULL) {
		ix->slots = old;
		errno = ENOMEM;
		return -1;
	}
	ix->nslots = n * 2;
	for (uint32_t i = 0; i < n; i++)
		if (old[i].item != 0)
			slot_put(ix, old[i]);
	free(old);
	return 0;
}

/* Linear probing without tombstones: the run behind the gap moves up. */
static void
slot_remove(struct index *ix, uint32_t id)
{
	uint32_t mask = ix->nslots - 1;
	uint32_t i = (uint32_t)ix->items[id].rnd & mask;

	while (ix->slots[i].item != id + 1)
		i = (i + 1) & mask;
	for (uint32_t j = (i + 1) & mask; ix->slots[j].item != 0;
	    j = (j + 1) & mask)
		if (((j - ix->slots[j].hash) & mask) >= ((j - i) & mask)) {
			ix->slots[i] = ix->slots[j];
			i = j;
		}
	ix->slots[i].item = 0;
}

/* A place whose name is in no item any more is given to another: whoever may write to
 * the trigger could fill them with names of messages that are not there. */
static int
host_find(struct index *ix, struct span host, uint16_t *at)
{
	char *name;

	*at = HOSTS_MAX;
	for (uint16_t i = 0; i < ix->nhosts; i++) {
		if (span_is(host, ix->hosts[i].name)) {
			*at = i;
			return 0;
		}
		if (ix->hosts[i].items == 0)
			*at = i;
	}
	if (*at == HOSTS_MAX && ix->nhosts == HOSTS_MAX) {
		errno = ENOSPC;
		return -1;
	}
	if ((name = span_dup(host)) == NULL)
		return -1;
	if (*at == HOSTS_MAX)
		*at = ix->nhosts++;
	free(ix->hosts[*at].name);
	ix->hosts[*at].name = name;
	return 0;
}

static int
items_grow(struct index *ix)
{
	uint32_t cap = ix->cap == 0 ? ITEMS_FIRST : ix->cap + ix->cap / 2;
	struct item *p;

	if (ix->nitems < ix->cap)
		return 0;
	if (ix->cap > UINT32_MAX / 2 ||
	    (p = reallocarray(ix->items, cap, sizeof(*p))) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	ix->items = p;
	ix->cap = cap;
	return 0;
}

static uint32_t
item_new(struct index *ix)
{
	uint32_t id = ix->free;

	if (id != ITEM_NONE) {
		ix->free = ix->items[id].link;
		return id;
	}
	return items_grow(ix) == -1 ? ITEM_NONE : ix->nitems++;
}

uint32_t
index_add(struct index *ix, const struct spool_name *n)
{
	char name[SPOOL_NAME_MAX];
	struct parts p;
	struct item it;
	uint32_t id;

	memset(&it, 0, sizeof(it));
	name_parts(n, &p);
	it.rnd = p.rnd;
	it.size = n->size;
	it.arrival = (uint32_t)n->arrival;
	it.lines = (uint32_t)(n->wsize - n->size);
	if (host_find(ix, p.host, &it.host) == -1 || slots_grow(ix) == -1 ||
	    (id = item_new(ix)) == ITEM_NONE)
		return ITEM_NONE;
	ix->items[id] = it;
	index_name(ix, id, name);
	if (strcmp(name, n->text) != 0) {	/* leading zeros and the like */
		ix->items[id].link = ix->free;
		ix->free = id;
		errno = EINVAL;
		return ITEM_NONE;
	}
	slot_put(ix, (struct slot){ id + 1, (uint32_t)p.rnd });
	ix->hosts[it.host].items++;
	ix->count++;
	return id;
}

void
index_remove(struct index *ix, uint32_t id)
{
	slot_remove(ix, id);
	ix->hosts[ix->items[id].host].items--;
	ix->items[id].where = ITEM_IDLE;
	ix->items[id].link = ix->free;
	ix->free = id;
	ix->count--;
}

void
index_name(const struct index *ix, uint32_t id, char out[SPOOL_NAME_MAX])
{
	const struct item *it = &ix->items[id];

	fmt_print(out, SPOOL_NAME_MAX, "%lu.%016llx.%s,S=%llu,W=%llu",
	    (unsigned long)it->arrival, (unsigned long long)it->rnd,
	    ix->hosts[it->host].name, (unsigned long long)it->size,
	    (unsigned long long)(it->size + it->lines));
}

static void
heap_set(struct index *ix, uint32_t at, uint32_t id)
{
	ix->heap[at] = id;
	ix->items[id].link = at;
}

/* Moves the item from at towards the root and then towards the leaves. */
static void
heap_sift(struct index *ix, uint32_t at)
{
	uint32_t id = ix->heap[at], due = ix->items[id].due;

	while (at > 0 && ix->items[ix->heap[(at - 1) / 2]].due > due) {
		heap_set(ix, at, ix->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= ix->nheap)
			break;
		if (child + 1 < ix->nheap && ix->items[ix->heap[child + 1]].due
		    < ix->items[ix->heap[child]].due)
			child++;
		if (ix->items[ix->heap[child]].due >= due)
			break;
		heap_set(ix, at, ix->heap[child]);
		at = child;
	}
	heap_set(ix, at, id);
}

int
heap_push(struct index *ix, uint32_t id, time_t due)
{
	uint32_t cap = ix->heap_cap == 0 ? ITEMS_FIRST :
	    ix->heap_cap + ix->heap_cap / 2;
	uint32_t *p;

	if (ix->nheap == ix->heap_cap) {
		if ((p = reallocarray(ix->heap, cap, sizeof(*p))) == NULL)
			return -1;
		ix->heap = p;
		ix->heap_cap = cap;
	}
	ix->items[id].due = due < 0 ? 0 : due > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)due;
	ix->items[id].where = ITEM_HEAP;
	heap_set(ix, ix->nheap, id);
	ix->nheap++;
	heap_sift(ix, ix->nheap - 1);
	return 0;
}

void
heap_remove(struct index *ix, uint32_t id)
{
	uint32_t at = ix->items[id].link;

	ix->items[id].where = ITEM_IDLE;
	ix->nheap--;
	if (at == ix->nheap)
		return;
	heap_set(ix, at, ix->heap[ix->nheap]);
	heap_sift(ix, at);
}

uint32_t
heap_first(const struct index *ix)
{
	return ix->nheap == 0 ? ITEM_NONE : ix->heap[0];
}

void
list_init(struct item_list *l)
{
	l->head = l->tail = ITEM_NONE;
	l->n = 0;
}

void
list_push(struct index *ix, struct item_list *l, uint32_t id)
{
	ix->items[id].where = ITEM_LIST;
	ix->items[id].link = ITEM_NONE;
	if (l->tail == ITEM_NONE)
		l->head = id;
	else
		ix->items[l->tail].link = id;
	l->tail = id;
	l->n++;
}

uint32_t
list_pop(struct index *ix, struct item_list *l)
{
	uint32_t id = l->head;

	if (id == ITEM_NONE)
		return id;
	l->head = ix->items[id].link;
	if (l->head == ITEM_NONE)
		l->tail = ITEM_NONE;
	l->n--;
	ix->items[id].where = ITEM_IDLE;
	return id;
}
