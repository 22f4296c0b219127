/*
 * Messages that wait for the same thing, fair among senders: each sender's go
 * into one of 64 lanes, and the lanes take turns.  A mailing of 100,000 delays
 * another sender's single message by one turn, unless chance (a new one at each start) has
 * put both into the same lane.
 */
#ifndef QUEUE_LANES_H
#define QUEUE_LANES_H

#include "queue_index.h"

#define LANES	64

struct lanes {
	struct item_list *v;	/* LANES of them, while any waits */
	struct item_list spare;	/* all in one, where there was no memory for those */
	unsigned turn;
	size_t n;
};

void	lanes_init(struct lanes *);
/* At the end of the lane that the item names. */
void	lanes_push(struct index *, struct lanes *, uint32_t id);
uint32_t lanes_pop(struct index *, struct lanes *);	/* ITEM_NONE: empty */

#endif
