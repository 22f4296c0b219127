/*
 * One connection to an SMTP server, from the greeting to QUIT (RFC 5321).
 */
#ifndef REMOTE_SMTP_H
#define REMOTE_SMTP_H

#include "netio.h"
#include "remote.h"
#include "remote_reply.h"
#include "tls.h"

/* What a reply may be waited for, as parts of the setting reply-timeout, which
 * stands for the 5 minutes that RFC 5321 section 4.5.3.2 gives most commands. */
enum smtp_wait { SMTP_WAIT_COMMAND, SMTP_WAIT_DATA, SMTP_WAIT_DOT,
    SMTP_WAIT_QUIT };

struct smtp {
	int fd;				/* -1: no connection */
	struct tls_client *tls;
	struct tls_facts facts;
	struct netin in;
	struct netout out;
	uint64_t deadline;		/* of the reply that is read now */
	unsigned reply_timeout;
	struct ehlo ehlo;
	struct reply reply;		/* the last one */
	bool dirty;			/* a transaction may be open: RSET first */
	bool impostor;			/* SCRAM: it does not know the password */
	bool lmtp;			/* RFC 2033: a reply for each recipient */
	bool closing;			/* 421, or the connection broke */
	bool is_self;			/* the server gave our own name */
	bool no_chunking;		/* offered, and not understood; outlives the connection */
	bool no_pipelining;		/* offered, and commands were lost; likewise */
	unsigned messages;		/* transactions done */
	struct relay relay;
};

struct smtp_wishes {
	const char *own, *helo;		/* the host's name; the one we give */
	struct span qid;		/* for the log */
	const struct route *route;
	bool no_tls;			/* the handshake failed before */
};

void	smtp_init(struct smtp *);
/*
 * Takes over the connected socket and brings it to where MAIL may be sent.
 * READY; PLAIN: the TLS handshake failed, and the policy allows another try
 * without; FAILED: this server will not do, why is in the verdict.  Except when
 * READY the connection is closed.
 */
enum smtp_start { SMTP_READY, SMTP_PLAIN, SMTP_FAILED };
enum smtp_start smtp_start(struct smtp *, int fd, const char *host,
	    const char *address, unsigned reply_timeout,
	    const struct smtp_wishes *, struct verdict *);
/*
 * Sends what is waiting and reads one reply into s->reply; its text lines but
 * the first go to each (NULL: none).  0, or -1: no usable reply, the connection
 * is closing and why is in the verdict.
 */
int	smtp_reply(struct smtp *, enum smtp_wait, const char *command,
	    struct ehlo *each, struct verdict *);
/* The verdict that s->reply means: 4yz defers, 5yz fails, else the other side
 * broke the protocol. */
void	smtp_verdict(const struct smtp *, const char *command,
	    struct verdict *);
/* Has the server had as many transactions as it wants (RFC 9422 section 4.2)? */
bool	smtp_is_full(const struct smtp *);
/* QUIT if the connection still works, and closes it. */
void	smtp_end(struct smtp *);

#endif
