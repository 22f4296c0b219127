/*
 * Blocks that are handed out from front to back and released together.  The
 * maximum makes a client's most costly command a known amount of memory.
 */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

#include "ex.h"
#include "log.h"

#define BLOCK	2000		/* most commands need one */

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	max_align_t bytes[];
};

void
arena_init(struct arena *a, size_t max)
{
	a->head = NULL;
	a->total = 0;
	a->max = max;
}

void
arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	a->head = NULL;
	a->total = 0;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	size_t size;
	unsigned char *p;

	if (n > a->max - a->total)
		return NULL;
	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) *
	    sizeof(max_align_t);
	if (n > a->max - a->total)
		return NULL;
	if (b == NULL || n > b->size - b->used) {
		size = n > BLOCK ? n : BLOCK;
		if ((b = calloc(1, sizeof(*b) + size)) == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
		b->size = size;
		b->next = a->head;
		a->head = b;
	}
	p = (unsigned char *)b->bytes + b->used;
	b->used += n;
	a->total += n;
	return p;
}

struct span
arena_copy(struct arena *a, struct span s)
{
	unsigned char *p = arena_alloc(a, s.len + 1);

	if (p == NULL)
		return span_of(NULL, 0);
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	return span_of(p, s.len);
}
