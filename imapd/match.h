/*
 * LIST patterns.
 */
#ifndef MATCH_H
#define MATCH_H

#include <stdbool.h>

#include "buf.h"

/* RFC 3501 section 6.3.8: "*" is anything, "%" anything without "/".  Time is
 * bounded by the product of the lengths. */
bool	list_match(struct span pattern, struct span name);

#endif
