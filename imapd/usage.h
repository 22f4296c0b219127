/*
 * The quota of the account: who asks, who is refused, and what is noted.
 */
#ifndef USAGE_H
#define USAGE_H

#include "imap.h"

/* What one command adds or takes, as Maildir++ counts. */
struct usage { int64_t bytes, messages; };

/* Finds out what the limits are. */
void	usage_begin(struct imap *);
/* Would so much more fit?  False: the tagged NO is sent.  An account without
 * quota has room for all. */
bool	usage_permits(struct imap *, const struct usage *);
/* Adds message i to what a command takes; costs nothing without a quota. */
void	usage_count(const struct imap *, struct folder *, size_t i,
	    struct usage *);
/* Notes that so much has come (sign 1) or gone (-1). */
void	usage_note(const struct imap *, const struct usage *, int sign);
/* More has changed than is known: the next look counts anew. */
void	usage_forget(const struct imap *);

#endif
