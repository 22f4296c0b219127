/*
 * The fields of a header that clients ask for by name, as they stand in the message, packed for the folder's cache: so that a
 * list of messages is shown without opening any.  Which fields these are is one table.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include "fetch.h"

#define FIELDS_FORMAT	1	/* another when the table or the packing changes */
#define FIELDS_MAX	16384	/* bytes of one message: with more, it is read each time */

/* A bit for each field that the section names.  0: there is one among them that is not kept, or the section is not
 * HEADER.FIELDS of the message itself. */
uint64_t fields_wanted(const struct section *);
/* Packs what is kept of a header.  0, or -1: it is too much. */
int	fields_pack(struct span header, struct buf *out);
/* Appends those that are wanted, and the empty line; out NULL: only looks.  False: these are no packed fields.  Trusts nothing. */
bool	fields_pick(struct span packed, uint64_t wanted, struct buf *out);

#endif
