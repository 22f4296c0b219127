/*
 * A spool file as it is sent: its envelope, and its content behind it.
 */
#ifndef REMOTE_MAIL_H
#define REMOTE_MAIL_H

#include "netio.h"
#include "remote.h"
#include "remote_body.h"

struct mail {
	int fd;
	struct envelope env;
	struct buf head;	/* the front of the file, envelope and more */
	uint64_t size;		/* of the file, as its name says */
	uint64_t wire_size;	/* of the content with CRLF, about */
	bool is8bit;		/* content has bytes above 127 */
};
/* Opens and reads the front.  0, or -1 and the verdict; close it in both cases. */
int	mail_open(struct mail *, const struct dirs *, const struct remote_job *,
	    struct verdict *);
void	mail_close(struct mail *);
/* Adds the content and the final dot to out.  0; -1 with errno 0: out has failed; else the file
 * could not be read whole and no final dot was sent: the connection must be closed. */
int	mail_send(struct mail *, struct netout *);

#endif
