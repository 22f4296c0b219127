/*
 * Mailbox names: modified UTF-7 (RFC 3501 section 5.1.3) and what a name is
 * called on disk.
 */
#ifndef UTF7_H
#define UTF7_H

#include <stdbool.h>

#include "buf.h"

/* Modified UTF-7 to UTF-8.  Strict: 0, or -1 when it is not the one right
 * encoding of its text. */
int	utf7_decode(struct span, struct buf *out);
/* UTF-8 to modified UTF-7.  0, or -1 (not UTF-8). */
int	utf7_encode(struct span, struct buf *out);
/* A name from elsewhere: as it is where it is modified UTF-7, else made that from UTF-8.  0, or -1 (neither). */
int	utf7_take(struct span, struct buf *out);

#endif
