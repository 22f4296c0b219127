/*
 * Stochastic fair queueing (P. E. McKenney, 1990), by sender.
 */
#include "queue_lanes.h"

#include <stdlib.h>
#include <string.h>

void
lanes_init(struct lanes *l)
{
	memset(l, 0, sizeof(*l));
	list_init(&l->spare);
}

static void
make(struct lanes *l)
{
	if ((l->v = calloc(LANES, sizeof(*l->v))) == NULL)
		return;
	for (unsigned i = 0; i < LANES; i++)
		list_init(&l->v[i]);
}

void
lanes_push(struct index *ix, struct lanes *l, uint32_t id)
{
	if (l->v == NULL)
		make(l);
	list_push(ix, l->v == NULL ? &l->spare :
	    &l->v[index_item(ix, id)->lane % LANES], id);
	l->n++;
}

uint32_t
lanes_pop(struct index *ix, struct lanes *l)
{
	uint32_t id = list_pop(ix, &l->spare);

	for (unsigned i = 0; id == ITEM_NONE && l->v != NULL && i < LANES;
	    i++) {
		id = list_pop(ix, &l->v[l->turn]);
		l->turn = (l->turn + 1) % LANES;
	}
	if (id != ITEM_NONE)
		l->n--;
	if (l->n == 0) {
		free(l->v);
		l->v = NULL;
	}
	return id;
}
