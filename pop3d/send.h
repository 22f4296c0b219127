/*
 * Sending a message: RETR and TOP.
 */
#ifndef SEND_H
#define SEND_H

#include "pop3.h"
#include "stuff.h"

/* Of a maildrop's message: 0, or -1 with errno. */
int	source_open(struct source *, struct maildrop *, size_t number);
/* Reads what the first write will need. */
void	source_ahead(struct source *);
void	source_close(struct source *);
/*
 * Sends a message through s, which the caller has made, behind the line ok.  A session without UTF8 gets
 * a header of UTF-8 in the form of RFC 6858.  Replies when it cannot be read; false then.
 */
bool	send_message(struct pop3 *, struct source *, struct stuff *s,
	    const char *ok);

#endif
