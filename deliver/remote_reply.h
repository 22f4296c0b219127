/*
 * Replies of an SMTP server (RFC 5321 section 4.2) and what its EHLO reply
 * offers.  Over lines without CRLF; no I/O.
 */
#ifndef REMOTE_REPLY_H
#define REMOTE_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define REPLY_TEXT_MAX	7900	/* kept of one reply; the rest is "..." */

struct reply {
	unsigned code;		/* 0: none yet */
	unsigned lines;
	char dsn[12];		/* of the first line that has one; "": none */
	bool cut;		/* text ends with "..." */
	struct buf text;	/* "550 5.1.1 first line / second line" */
};

/* After BAD the connection cannot be used: it is not known where the next reply begins. */
enum reply_state { REPLY_MORE, REPLY_DONE, REPLY_BAD };

void	reply_init(struct reply *);
void	reply_clear(struct reply *);
void	reply_free(struct reply *);
/* One more line; text is what follows the code, borrowed from line. */
enum reply_state reply_line(struct reply *, struct span line,
	    struct span *text);
/* RFC 3463 section 2: class "." subject "." detail at the front of s, length or 0. */
size_t	dsn_length(struct span s);

/* What the server offers. */
struct ehlo {
	bool pipelining, size, body8, smtputf8, starttls, dsn, chunking;
	bool auth_plain, auth_login, auth_scram;
	uint64_t size_max;	/* 0: no limit told */
	uint64_t mail_max, rcpt_max;	/* LIMITS (RFC 9422); 0: none told */
};
/* One line of the EHLO reply but the first; unknown keywords are nothing. */
void	ehlo_line(struct ehlo *, struct span text);

#endif
