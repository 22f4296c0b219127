/*
 * Sending a message: RETR and TOP.
 */
#ifndef SEND_H
#define SEND_H

#include "pop3.h"
#include "stuff.h"

/*
 * Sends what fd holds through s, which the caller has made, behind the line ok.  A session without UTF8 gets
 * a header of UTF-8 in the form of RFC 6858.  Replies when it cannot be read; false then.
 */
bool	send_message(struct pop3 *, int fd, struct stuff *s, const char *ok);

#endif
