/*
 * Threads: RFC 5256 section 3, over facts of messages; no I/O.
 */
#ifndef THREAD_H
#define THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"

#define THREAD_NONE	UINT32_MAX

/* A message, or (number 0) one that is only referred to. */
struct thread_node {
	uint32_t number;		/* what the client calls it */
	uint32_t order;			/* place in the mailbox, breaks ties */
	int64_t date;
	bool reply;
	struct span subject;		/* folded base subject */
	uint32_t parent, child, next;	/* indices, or THREAD_NONE */
	uint32_t prev;			/* while messages are added */
};
struct thread_set {
	struct arena *arena;		/* of all that lives here */
	struct thread_node *p;		/* p[0] is the root of all threads */
	uint32_t n, cap;
	bool full;			/* the arena is at its limit */
	struct thread_id *ids;		/* by hash; value is a node */
	uint32_t nids, ids_cap;
	uint64_t seed[2], steps;
};

void	thread_init(struct thread_set *, struct arena *);
/*
 * Adds a message, in order of the mailbox: id and refs as in struct facts.
 * The node's subject must live as long as the set.
 */
void	thread_add(struct thread_set *, const struct thread_node *,
	    struct span id, struct span refs);
/* After the last message: the tree below p[0] is what is to be told, sorted.
 * -1: too much memory. */
int	thread_by_references(struct thread_set *);
int	thread_by_subject(struct thread_set *);

#endif
