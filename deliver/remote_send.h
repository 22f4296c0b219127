/*
 * One mail transaction over an open connection (RFC 5321 section 3.3).
 */
#ifndef REMOTE_SEND_H
#define REMOTE_SEND_H

#include "remote_mail.h"
#include "remote_smtp.h"

/*
 * Sends the message to the recipients of the job that have no answer yet, and
 * answers each.  SEND_AGAIN: some have no answer, and a new connection may be
 * tried for them: this one, used before, turned out to be closed before
 * anything was accepted; or it has taken all it wants (LIMITS); or its CHUNKING
 * is a lie, which s->no_chunking then knows.  SEND_ELSEWHERE: likewise, but this
 * server will not do for now, why is in the verdict, and none of the content has gone
 * to it: another may take it (RFC 5321 section 5.1).
 */
enum send_result { SEND_DONE, SEND_AGAIN, SEND_ELSEWHERE };
enum send_result smtp_send(struct smtp *, struct mail *, struct remote_job *,
	    struct buf *answers, struct verdict *);

#endif
