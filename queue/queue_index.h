/*
 * Every message that queue knows, in 62 bytes each: enough to make its file
 * name again, and where it stands: in the heap by the time of its next try, in
 * a list, or being worked on.  What is in the file is never kept here.
 */
#ifndef QUEUE_INDEX_H
#define QUEUE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "spool.h"

#define ITEM_NONE	UINT32_MAX

enum item_where {
	ITEM_IDLE,		/* in no list: only for a moment */
	ITEM_HEAP, ITEM_LIST, ITEM_ACTIVE
};

struct item {
	uint64_t rnd, size;	/* from the name: random part, S= */
	uint32_t arrival, lines;	/* from the name: seconds, W= minus S= */
	uint32_t due;		/* seconds; what the heap is ordered by */
	uint32_t link;		/* position in the heap, or next in the list */
	uint32_t dest;		/* dest_hash of its one destination; 0: not known or several */
	uint16_t host;		/* index of the name's host part */
	uint8_t lane;		/* of its sender: queue_lanes.h */
	uint8_t where : 2;
	bool cur : 1;		/* in cur/, else new/ */
	bool forced : 1;	/* the administrator wants it now */
	bool state : 1;		/* a state file may exist */
	bool asked : 1;		/* deliver-local was asked to give it back */
};

/* The low half of rnd stands beside the item, so that others that came to the
 * same place are passed without a look at them: far apart, and in no cache. */
struct slot { uint32_t item, hash; };	/* item + 1; 0 is empty */

struct index_host { char *name; uint32_t items; };	/* with it in their names; 0: the place is free */

struct item_list { uint32_t head, tail; size_t n; };

struct index {
	struct item *items;
	uint32_t nitems, cap, free;	/* free: head of the unused ones, by link */
	uint32_t *heap, nheap, heap_cap;
	struct slot *slots;	/* by rnd */
	uint32_t nslots;
	struct index_host *hosts;
	uint16_t nhosts;
	size_t count;
};

int	index_init(struct index *);
/* The item of that name, or ITEM_NONE. */
uint32_t index_find(const struct index *, const struct spool_name *);
/* Adds one that is not there; ITEM_NONE with errno: EINVAL when the name cannot be made
 * again from its parts (it is not one of ours), ENOMEM, ENOSPC (too many host names). */
uint32_t index_add(struct index *, const struct spool_name *);
/* Forgets an item that is in no list. */
void	index_remove(struct index *, uint32_t id);
/* Its file name. */
void	index_name(const struct index *, uint32_t id, char out[SPOOL_NAME_MAX]);
struct item *index_item(struct index *, uint32_t id);	/* valid until the next add */

/* The heap: due is set and the item goes in; 0, or -1 no memory. */
int	heap_push(struct index *, uint32_t id, time_t due);
void	heap_remove(struct index *, uint32_t id);
uint32_t heap_first(const struct index *);	/* ITEM_NONE: empty */

void	list_init(struct item_list *);
void	list_push(struct index *, struct item_list *, uint32_t id);
uint32_t list_pop(struct index *, struct item_list *);	/* ITEM_NONE: empty */

#endif
