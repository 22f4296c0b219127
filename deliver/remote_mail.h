/*
 * A spool file as it is sent: its envelope, and its content behind it.
 */
#ifndef REMOTE_MAIL_H
#define REMOTE_MAIL_H

#include "netio.h"
#include "recode.h"
#include "remote.h"
#include "remote_body.h"

struct mail {
	int fd;
	struct envelope env;
	struct buf head;	/* the front of the file, envelope and more */
	uint64_t size;		/* of the file, as its name says */
	uint64_t wire_size;	/* of the content with CRLF, about */
	struct body_facts facts;	/* of the content */
	/* mail_fit: */
	bool recode;		/* the content goes out converted */
	enum recode_to to;
	struct recode_plan plan;
	uint64_t sent_size;	/* wire_size of what goes out */
};
/* Opens and reads the front.  0, or -1 and the verdict; close it in both cases. */
int	mail_open(struct mail *, const struct dirs *, const struct remote_job *,
	    struct verdict *);
void	mail_close(struct mail *);
/* The content as far as it was read: all of the header but of a huge one. */
struct span mail_front(const struct mail *);
/*
 * Decides how the content goes to a server that takes 8-bit text or not
 * (8BITMIME).  0; -1 and the verdict when it cannot.  May be called again.
 */
int	mail_fit(struct mail *, bool body8, struct verdict *);
/* Has the message, or what stands around its parts, a header with bytes above
 * 127?  1, 0, or -1 and the verdict. */
int	mail_header8(struct mail *, struct verdict *);
/* Adds the content and the final dot to out.  0; -1 with errno 0: out has failed; else the file
 * could not be read whole and no final dot was sent: the connection must be closed. */
int	mail_send(struct mail *, struct netout *);
/* The content as one chunk for BDAT.  0, or -1: errno. */
int	mail_chunk(struct mail *, struct buf *out);

#endif
