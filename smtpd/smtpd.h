/*
 * One SMTP session.  The listener and the chain of processes are chain.c's.
 */
#ifndef SMTPD_H
#define SMTPD_H

#include <stdbool.h>
#include <stdint.h>

#include "chain.h"
#include "data.h"
#include "netio.h"
#include "reply.h"
#include "spool.h"

enum variant { SMTP, SUBMISSION, LMTP };	/* conn->variant */

/* Where a session stands; bits, for the command table. */
enum state {
	STATE_START = 1,	/* no EHLO yet */
	STATE_READY = 2,	/* no transaction */
	STATE_MAIL = 4,		/* a sender, no recipient */
	STATE_RCPT = 8,		/* at least one recipient */
	STATE_BDAT = 16		/* the first chunk was there, LAST was not */
};

/* What MAIL began; only transaction_reset ends it. */
struct transaction {
	struct envelope envelope;
	unsigned accepted, refused;	/* recipients, as RCPT named them */
	bool binary;		/* BODY=BINARYMIME: BDAT alone may follow */
	bool overflow;		/* "too many recipients" was logged */
	const char *rcpt;	/* which is being answered, for the log; or NULL */
	struct message *message;	/* in STATE_BDAT; else NULL */
};

struct session {
	const struct control *control;
	struct conn *conn;
	const struct spool *spool;	/* NULL: mail cannot be taken */
	struct resolver *resolver;	/* NULL: domains are not looked up */
	struct netin in;
	struct netout out;
	enum state state;
	bool esmtp;
	char helo[SMTP_HELO_MAX + 1];
	char user[ADDR_MAX + 1];	/* logged in as; "" is not */
	bool xclient;			/* may say for whom it speaks, and has said: */
	char told_helo[SMTP_HELO_MAX + 1];	/* in place of what EHLO says; or "" */
	struct transaction tx;
	const char *verb;		/* of the command being done, for the log */
	unsigned errors, rejects, messages;
	unsigned idle;			/* commands that moved no mail */
	bool early;			/* the client spoke before its turn */
	bool done;
	int exit_code;
};

/* session.c */
void	session_init(struct session *, const struct control *, struct conn *,
	    const struct spool *);
void	session_free(struct session *);
/* Greets, serves commands until the end, says goodbye.  The exit code. */
int	session_run(struct session *);
/* The client has sent more than it may before this reply: notes it, and where
 * the setting early-talkers says so refuses it.  false: refused. */
bool	session_early(struct session *);
/* Forgets the transaction: MAIL, its recipients, everything that they set. */
void	transaction_reset(struct session *);
/* Sends one reply and does what its flags say; arg fills the '%' (printable). */
void	reply(struct session *, enum reply_id, const char *arg);
/* One line before the last of a reply. */
void	reply_more(struct session *, enum reply_id, const char *arg);
/* An end of input that is no line: replies where one is due and ends. */
void	session_end(struct session *, enum netin_result);
/* Takes "key=value" pairs of a log line that every event of a session has. */
struct log;
void	session_log(const struct session *, struct log *, const char *event);

/* command.c */
#define VERB_LAST	1u		/* of a pipelined group: RFC 2920 section 3.1 */
#define VERB_IDLE	2u		/* moves no mail: command-limit counts it */
struct command {
	const char *verb;
	unsigned states;		/* where it is legal */
	enum reply_id otherwise;	/* the reply elsewhere */
	unsigned variants;		/* 1 << enum variant */
	void (*run)(struct session *, struct cur *arg);
	const char *syntax, *about;	/* HELP verb; NULL: no such topic */
	unsigned flags;			/* VERB_... */
};
extern const struct command commands[];
extern const size_t ncommands;
/* Parses and carries out one command line. */
void	command_run(struct session *, struct span line);
const struct command *command_find(struct span verb);
/* Why the verb being done is refused in this state. */
enum reply_id command_refusal(const struct session *);

/* info.c */
void	do_vrfy(struct session *, struct cur *);
void	do_expn(struct session *, struct cur *);
void	do_help(struct session *, struct cur *);

/* A name for EHLO: what RFC 5321 allows, and some that it does not. */
bool	is_helo(struct span);

/* xclient.c */
void	do_xclient(struct session *, struct cur *);

/* mail.c: MAIL and RCPT */
void	do_mail(struct session *, struct cur *);
void	do_rcpt(struct session *, struct cur *);

/* message.c: from DATA to the queue */
void	do_data(struct session *, struct cur *);
/* bdat.c */
void	do_bdat(struct session *, struct cur *);
/* Throws away what BDAT has given so far; NULL is nothing. */
void	message_drop(struct message *);

/* sasl.c */
void	do_auth(struct session *, struct cur *);
/* AUTH may be used now: submission, an auth process, and a safe channel. */
bool	auth_offered(const struct session *);
/* "AUTH" and the mechanisms, for EHLO; false: there is none. */
bool	auth_ehlo(const struct session *, char *out, size_t size);

/* sandbox_table.c */
extern const struct sandbox_role smtpd_role;

#endif
