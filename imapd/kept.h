/*
 * The fields of a header that are searched most, as the text that a search looks at: decoded, UTF-8, not folded.
 * Packed: of each field, in the order of the header, which one it is (one byte), its length (two), the text.
 */
#ifndef KEPT_H
#define KEPT_H

#include "buf.h"

#define KEPT_FORMAT	1	/* another when the fields, or what becomes of their text, change */

/* The number of a field that is kept, or -1. */
int	kept_field(struct span name);
/* Appends one; -1 when it is too large or out is full. */
int	kept_add(struct buf *out, int field, struct span text);
/* Takes the next one.  False: these are no packed fields.  Trusts nothing. */
bool	kept_next(struct span *rest, int *field, struct span *text);
/* Is it one parenthesized list as a response has it, and nothing else? */
bool	kept_is_list(struct span);

#endif
