/*
 * What a search reads of a message, decoded: for search_text.c and search_grams.c, which must see the same.
 */
#ifndef SEARCH_TEXT_H
#define SEARCH_TEXT_H

#include "search.h"

struct part_text {
	struct span bytes;		/* transfer encoding undone; maybe in r->work */
	struct span charset;		/* in name */
	unsigned char name[64];
};

/* Makes r->work, r->text and r->folded ready. */
void	text_begin(struct search_run *r);
/* The body of a header field as it is read, in r->text; false: it cannot be decoded. */
bool	text_of_field(struct search_run *r, struct span body);
/* Are the part's bytes for a person to read? */
bool	text_is(const struct mime_part *);
void	text_of_part(struct search_run *r, const struct mime_part *,
	    struct part_text *);
/* Are ASCII bytes in this charset just these characters, and nothing else?  Then
 * ASCII is found, and missed in text that is all ASCII, without conversion. */
bool	text_keeps_ascii(struct span charset);

/* Caches the fields of a header that are searched most. */
void	text_keep_fields(struct search_run *r, struct span header);

#endif
