/*
 * How many messages one command may deal with: RFC 9738.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include "imap.h"

/* The setting; 0: as many as there are. */
uint32_t limit_messages(const struct imap *);
/*
 * view_each for the highest messages of the set, from the highest on, where there are more than
 * limit_messages.  *lowest: the lowest UID of them; 0: there were not more.
 */
int	limit_each(struct imap *, struct seqset *, bool uid, size_t *gone,
	    int (*each)(void *arg, size_t i), void *arg, uint32_t *lowest);
/* The code for the tagged reply, or an untagged NO where that has another one; nothing where lowest is 0. */
void	limit_tell(struct imap *, uint32_t lowest);
/* NO: there are more, so nothing was done.  lowest 0: unknown. */
void	limit_refuse(struct imap *, uint32_t lowest);

#endif
