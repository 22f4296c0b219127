/*
 * The base subject, by which messages are sorted and threads gathered.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdbool.h>

#include "buf.h"

/*
 * RFC 5256 section 2.1, steps 2 to 7, of a subject whose encoded-words are decoded
 * and whose white space is single spaces: the base subject is a part of it.
 * *reply: what was taken off says that it answers or forwards.
 */
struct span subject_base(struct span subject, bool *reply);

#endif
