/*
 * Code points and their form in UTF-8 (RFC 3629).
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdint.h>

#include "buf.h"

/* Appends a code point, which is a Unicode scalar value. */
void	utf8_put(struct buf *out, uint32_t c);
/* Takes the next code point of text that is known to be well-formed and is not at its end. */
uint32_t utf8_get(struct cur *);

#endif
