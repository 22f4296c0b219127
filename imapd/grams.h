/*
 * Which sequences of three bytes stand in some texts: a set that says of a needle that it cannot be there, or that it
 * may.  So a search need not read most messages.  It is never wrong when it says no.
 */
#ifndef GRAMS_H
#define GRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "limits.h"

#define GRAMS_FORMAT	1	/* another when the sets, or the texts that are in them, change */
#define GRAMS_LOG_MIN	6	/* bits of a packed set: 2 to the power of this, */
#define GRAMS_LOG_MAX	IMAP_GRAMS_LOG	/* and this at most */
#define GRAMS_WORDS	(1u << GRAMS_LOG_MAX >> 6)
#define GRAMS_MAX	(2 * (GRAMS_WORDS * 8 + 1))	/* bytes of the two sets of a message */
#define GRAMS_LEN	3	/* no needle that is shorter can be told of */

struct grams {
	uint64_t map[GRAMS_WORDS];
};

void	grams_clear(struct grams *);
/* Adds what stands in a text, ASCII letters in any case alike. */
void	grams_add(struct grams *, struct span text);
/* Appends the set, as small as serves; changes it.  0, or -1 when out is full. */
int	grams_pack(struct grams *, struct buf *out);
/* Takes the next packed set.  False: there is none.  Trusts nothing. */
bool	grams_next(struct span *rest, struct span *set);
/* May one of the texts hold the needle, folded as for find_folded?  set is from grams_next. */
bool	grams_may_hold(struct span set, struct span needle);

#endif
