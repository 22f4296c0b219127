/*
 * A header with UTF-8 in it for programs that know ASCII alone (RFC 6858).
 */
#ifndef DOWNGRADE_H
#define DOWNGRADE_H

#include <stdbool.h>

#include "buf.h"

/* Has this header bytes above 127, and is it UTF-8?  What is in another charset is older than both and
 * stays as it is: no rule tells what it means. */
bool	downgrade_needed(struct span header);
/*
 * Appends the header without the empty line behind it, each field that is not ASCII replaced as RFC 6858
 * section 2 says or left out.  Line ends of new fields are LF.  0, or -1: out is full.
 */
int	downgrade_header(struct span header, struct buf *out);

#endif
