/*
 * SEARCH FUZZY: RFC 6203.  How near a text comes to what was asked for.
 */
#ifndef FUZZY_H
#define FUZZY_H

#include "buf.h"

/* Takes the combining marks (U+0300 to U+036F) out of folded text, in place,
 * and lower-cases its ASCII: what fuzzy_score is given. */
void	fuzzy_strip(struct buf *);
/*
 * 1 to 100, or 0: text does not match.  100 is the needle as it stands; else
 * every word of the needle must be there, in any order, and scores less where
 * it is a part of a word, and less again with a letter or two wrong.
 */
unsigned fuzzy_score(struct span text, struct span needle);

#endif
