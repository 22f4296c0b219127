/*
 * Sets of sequence numbers or UIDs, always kept as ranges.
 */
#ifndef SEQSET_H
#define SEQSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

#define SEQ_STAR 0	/* "*" in a range that is not yet resolved */

struct seq_range { uint32_t lo, hi; };
struct seqset {
	struct seq_range *r;
	size_t n, cap;
	bool saved;		/* "$": the saved result (RFC 5182) */
};

/* Adds a range as given.  0, or -1 when the arena is at its limit. */
int	seqset_add_range(struct seqset *, struct arena *, uint32_t, uint32_t);
/* Adds a number that is larger than all before: joins the last range. */
int	seqset_append(struct seqset *, struct arena *, uint32_t);
/* "*" becomes star; then the ranges are in order and do not touch. */
void	seqset_resolve(struct seqset *, uint32_t star);
bool	seqset_has(const struct seqset *, uint32_t);	/* resolved */
uint64_t seqset_count(const struct seqset *);		/* resolved */
/* n members, the first of which has at smaller ones (resolved). 0 or -1. */
int	seqset_slice(const struct seqset *, struct arena *, uint64_t at,
	    uint64_t n, struct seqset *out);
/* "1:3,5": 0, or -1 when b is full. */
int	seqset_print(const struct seqset *, struct buf *b);

#endif
