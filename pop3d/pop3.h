/*
 * One POP3 session (RFC 1939): what the process before login and the one after it have in common.
 */
#ifndef POP3_H
#define POP3_H

#include <stdbool.h>
#include <stdint.h>

#include "chain.h"
#include "limits.h"
#include "log.h"
#include "netio.h"
#include "reply.h"
#include "request.h"

/* RFC 1939 section 3; UPDATE is what QUIT does in TRANSACTION. */
enum pop3_state {
	STATE_AUTHORIZATION = 1,
	STATE_TRANSACTION = 2
};

struct maildrop;

/* A message that is open: send.h. */
struct source {
	size_t number;			/* 0: none */
	int fd;
	uint64_t left;			/* bytes not yet read */
	size_t have;			/* read ahead already: one alone can have any */
};

struct pop3 {
	struct control *control;
	struct conn *conn;
	struct netin in;
	struct netout out;
	enum pop3_state state;
	const char *verb;		/* of the command under way, for the log */
	struct buf user;		/* what USER said */
	bool utf8;			/* what UTF8 asked for: RFC 6856 */
	bool done;
	int exit_code;
	unsigned errors;
	struct maildrop *drop;		/* STATE_TRANSACTION */
	const char *account;		/* who, for the log */
	unsigned retrieved, deleted;
	size_t last;			/* message of the last RETR */
	struct source ahead;		/* the next one, perhaps */
};

struct command {
	const char *verb;
	unsigned states;
	unsigned min, max;		/* numbers as arguments */
	bool raw;			/* none: the handler looks at the request itself */
	void (*run)(struct pop3 *, const struct request *,
	    const uint64_t *number, unsigned n);
};

/* command.c */
extern const struct command commands[];
extern const size_t ncommands;
/* Looks the verb up, checks state and arguments, runs it or replies why not. */
void	command_run(struct pop3 *, struct span line);

/* reply.c */
void	reply(struct pop3 *, enum reply_id);
/* The same with ": text" behind it; NULL: nothing. */
void	reply_text(struct pop3 *, enum reply_id, const char *text);
void	pop3_log(const struct pop3 *, struct log *, const char *event);

/* pop3.c */
void	pop3_init(struct pop3 *, struct control *, struct conn *, enum pop3_state);
void	pop3_free(struct pop3 *);
/* The client's next line: true, or it has had its error reply, or the session is done. */
bool	pop3_line(struct pop3 *, size_t max, struct span *line);
/* Reads and does commands until the session is done; then the exit code. */
int	pop3_run(struct pop3 *);

/* login.c */
/* The first byte for the mailbox process, before what was read beyond the login. */
#define LOGIN_ASCII	'a'
#define LOGIN_UTF8	'u'
int	login_session(struct control *, struct conn *);
void	do_user(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_pass(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_apop(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_auth(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_stls(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_utf8(struct pop3 *, const struct request *, const uint64_t *, unsigned);
/* Whether a secret may be sent here: nobody on the way can listen. */
bool	login_offered(const struct pop3 *);

/* mailbox.c */
int	mailbox_session(struct control *, struct conn *, struct account *,
	    int first);
void	do_stat(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_list(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_uidl(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_retr(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_top(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_dele(struct pop3 *, const struct request *, const uint64_t *, unsigned);
void	do_rset(struct pop3 *, const struct request *, const uint64_t *, unsigned);
/* QUIT in TRANSACTION: removes what was marked. */
void	mailbox_update(struct pop3 *);

extern const struct sandbox_role pop3d_session_role, pop3d_mailbox_role;

#endif
