/*
 * sendmail(1): a message from a local program into the spool.
 */
#ifndef SENDMAIL_H
#define SENDMAIL_H

#include "control.h"
#include "header.h"
#include "spool.h"

struct sendmail {
	/* options */
	const char *control_dir;
	const char *queue_arg;		/* of -q */
	const char *full_name;		/* -F; NULL: from the password file */
	const char *sender_arg;		/* -f, -r; NULL: login@domain */
	const char *notify, *ret;	/* -N, -R; NULL: not given */
	const char *envid;		/* -V */
	bool extract;			/* -t */
	bool dots;			/* -i: a lone dot does not end the input */
	bool verbose;			/* -v */
	bool body8;			/* -B 8BITMIME */
	bool verify;			/* -bv: ask only where the recipients go */
	/* who calls */
	char login[64];
	unsigned long uid;
	char gecos[256];
	/* what becomes of it */
	struct control control;
	struct envelope envelope;
	struct addr sender;
	struct buf message;		/* as read, LF line ends */
	size_t header_len;		/* of message, up to and with the empty line */
	struct buf header;		/* kept and added fields */
};

/* The fields of the message that decide what must be added. */
struct sendmail_seen {
	bool from, date, message_id;
	bool resent, resent_from, resent_date, resent_message_id;
};

/* Every function here that finds the message or the command line wrong says so
 * on standard error and exits with a code of sysexits(3). */

/* All of standard input, line ends made LF, ended by a lone dot if asked. */
void	sendmail_read(struct sendmail *);
/* A recipient from the command line or a field: qualified, parsed, added once.
 * code is for the exit when it is none. */
void	sendmail_add_rcpt(struct sendmail *, struct span text, int code);
/* All recipients of one argument: an address, or several as in a field. */
void	sendmail_argument(struct sendmail *, struct span);
/* Qualifies an address without domain and parses it. false: it is none. */
bool	sendmail_address(const struct sendmail *, struct span text,
	    struct addr *);
/* -bv: prints where each recipient goes.  The exit code. */
int	sendmail_verify(struct sendmail *, int n, char *rcpts[]);
/* Recipients from the fields for -t. */
void	sendmail_extract(struct sendmail *);
/* The fields that go out, into header: what is missing; then those that stay.
 * 0, or -1: too long or no memory. */
int	sendmail_header(struct sendmail *, const char *qid);
/* Writes the spool file.  The queue id is valid until the end. */
const char *sendmail_submit(struct sendmail *);

#endif
