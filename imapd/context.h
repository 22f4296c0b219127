/*
 * Searches whose result the client is kept told about: RFC 5267 section 4.3.
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include "fetch.h"
#include "search.h"

/*
 * The search that has just run will be updated: its tag, program and the UIDs that
 * matched are kept.  -1: there are too many (the caller says NOUPDATE).
 */
int	context_add(const struct search_cmd *);
/* Does one of them want attributes of new messages? */
bool	context_fetches(const struct imap *);
/* Adds to f the attributes that are wanted of the new message i. */
void	context_attributes(struct imap *, size_t i, struct arena *,
	    struct fetch *f);
/* Is a search with this tag being updated? */
bool	context_has(const struct imap *, struct span tag);
void	context_cancel(struct imap *, struct span tag);
/* All of them: the mailbox is no longer selected. */
void	context_clear(struct view *);
/* REMOVEFROM for messages that have gone, while their numbers are valid. */
void	context_gone(struct imap *);
/* ADDTO and REMOVEFROM for messages that came or changed. */
void	context_changed(struct imap *);

#endif
