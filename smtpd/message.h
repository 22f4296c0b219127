/*
 * One message on its way from DATA or BDAT into the spool.
 */
#ifndef SMTPD_MESSAGE_H
#define SMTPD_MESSAGE_H

#include "recode.h"
#include "smtpd.h"

struct message {
	struct session *s;
	struct spool_writer writer;
	struct data data;
	/* BDAT */
	bool refused;		/* and told so */
	struct recode *recode;	/* BINARYMIME: before data; else NULL */
	struct recode_plan plan;
	uint64_t wire;		/* octets of all chunks */
};

/* Envelope and Received into the spool; dots: DATA.  0, or -1: nothing is there
 * and message_failed says why.  message_free in both cases. */
int	message_begin(struct message *, struct session *, bool dots);
void	message_free(struct message *);
/* What was put into writer.buf goes into the spool, or is dropped when the message has failed. */
void	message_write(struct message *);
/* It cannot be accepted any more, and the reply that says so. */
bool	message_failed(const struct message *, enum reply_id *);
/* Content complete: makes it durable and answers. */
void	message_commit(struct message *);
/* The reply to the data; LMTP wants one for each recipient that was accepted. */
void	message_answer(struct session *, enum reply_id, const char *arg);

#endif
