/*
 * i;unicode-casemap (RFC 5051): text as it is compared and searched, without
 * regard to case and to how a letter with its marks was typed.
 */
#ifndef CASEMAP_H
#define CASEMAP_H

#include "buf.h"

/* No text grows by more than this when it is folded: U+FDFA, three bytes, is a
 * phrase of 18 letters. */
#define CASEMAP_GROWTH	12

/*
 * Appends text, which is UTF-8, in titlecase and decomposed (RFC 5051 section 2): two
 * texts are equal when these are, and order and substring are those of the
 * bytes.  A byte that belongs to no well-formed sequence is taken over as it
 * stands.  0, or -1 when out is full.
 */
int	casemap_fold(struct span text, struct buf *out);

#endif
