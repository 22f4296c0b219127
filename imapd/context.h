/*
 * Searches whose result the client is kept told about: RFC 5267 section 4.3.
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include "search.h"

/*
 * The search that has just run, with its tag, program and the UIDs that matched,
 * will be updated.  text: the program as it stands in the command.  mailbox: its
 * name is told with the results.
 * -1: there are too many (the caller says NOUPDATE).
 */
int	context_add(struct imap *, struct span text,
	    const struct seqset *uids, bool mailbox);
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
