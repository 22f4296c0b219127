/*
 * Memory that lives as long as one command: what the parser makes of it.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

#include "buf.h"

struct arena_block;
struct arena {
	struct arena_block *head;
	size_t total, max;
};

void	arena_init(struct arena *, size_t max);
/* Releases everything that was given out. */
void	arena_free(struct arena *);
/* n zeroed bytes, or NULL when max is reached.  Out of memory ends the
 * process: no code goes on after it. */
void	*arena_alloc(struct arena *, size_t n);
/* A copy of the bytes, NUL-terminated behind its length; p NULL at the limit. */
struct span arena_copy(struct arena *, struct span);

#endif
