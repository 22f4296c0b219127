/*
 * Finding text without regard to the case of ASCII letters; what else is to be
 * alike, casemap_fold has made alike in both.
 */
#ifndef FIND_H
#define FIND_H

#include <stdbool.h>

#include "buf.h"

/* Each byte, letters A to Z in lower case. */
extern const unsigned char find_lower[256];
/* Lower-cases in place: what a needle must be. */
void	find_fold(unsigned char *, size_t);
/* Does text hold needle, which is folded?  An empty one is everywhere. */
bool	find_folded(struct span text, struct span needle);

#endif
