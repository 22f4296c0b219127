/*
 * bounce: tells a sender what became of a message, posthouse-bounce(8).
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#include <stdbool.h>
#include <time.h>

#include "control.h"
#include "job.h"
#include "spool.h"

#define BOUNCE_RETURN_MAX	1048576	/* of a message that is sent back whole */
#define BOUNCE_HEADER_MAX	65536	/* of a header that is sent back */
#define BOUNCE_LINES_MAX	134217728 /* state lines: 10,000 of full length */
#define BOUNCE_TOLD_MAX		50	/* recipients described in words; the
					 * machine-readable part has all */
#define BOUNCE_WORDS_MAX	JOB_TEXT_MAX /* bytes shown of one answer: all that is kept */
#define BOUNCE_FIELD_MAX	1000	/* bytes shown of one header field */

enum bounce_kind {
	BOUNCE_FAILED,
	BOUNCE_DELAYED,		/* a warning */
	BOUNCE_DONE		/* as NOTIFY=SUCCESS asked: RFC 3461 section 4.1 */
};

/* One recipient that the report is about: from a state line. */
struct bounce_rcpt {
	struct span address;		/* the final recipient */
	const struct envelope_rcpt *original;
	struct span index;
	bool by_alias;			/* address is an alias's target */
	const char *action;		/* RFC 3464 section 2.3.3 */
	uint64_t attempts;
	time_t last;			/* of the last attempt; 0: none */
	time_t until;			/* when it will be given up */
	char dsn[16];			/* "5.1.1" */
	struct span host;		/* who said it; len 0: we did */
	struct span text;		/* its words, without the host */
	struct span answer;		/* all of these */
	struct span tried;		/* lines of earlier attempts */
};

struct bounce {
	struct control control;
	struct spool spool;
	struct spool_name name;		/* of the message */
	struct buf lines, message;	/* fd 3, fd 0 */
	bool whole;			/* message is all of it */
	struct envelope env;
	struct span content;		/* message without the envelope fields */
	struct bounce_rcpt *rcpts;
	size_t nrcpts;
	enum bounce_kind kind;
	bool undeliverable;		/* no sender: goes to the postmaster */
	bool utf8;			/* RFC 6533 forms */
	char to[ADDR_MAX + 8];
	time_t now;
};

/* The last step before anything of the message is read: 0, or -1. */
int	bounce_confine(const struct control *);
/* Takes the state lines apart: 0, or -1 EINVAL, ENOMEM. */
int	bounce_parse_rcpts(struct bounce *);
/* "[mx.example.net] " or "[192.0.2.1] " before the words of another host, or
 * nothing (len 0). */
void	bounce_take_host(struct cur *, struct span *host);
/* The lines of earlier attempts, of which there may be none: 0, or -1. */
int	bounce_take_tried(struct cur *, struct span *lines);
/* Keeps the recipients that the sender (or postmaster) is to be told of and
 * sets to.  Whether any is left. */
bool	bounce_select(struct bounce *);

/* Appends the part for people: UTF-8, lines of at most 76 bytes where words allow. */
void	bounce_text(const struct bounce *, struct buf *out);
/* Appends one recipient's attempts, for people. */
void	bounce_attempts(const struct bounce_rcpt *, struct buf *out);
/* Appends the message/delivery-status part: RFC 3464, RFC 6533. */
void	bounce_status(const struct bounce *, struct buf *out);
/* The report's Message-ID, without brackets. */
#define BOUNCE_ID_SIZE	(ADDR_DOMAIN_MAX + 64)
void	bounce_id(const struct bounce *, const char *qid, char out[BOUNCE_ID_SIZE]);
/* Appends the whole spool file: envelope, header, three parts.  0 or -1. */
int	bounce_print(struct bounce *, const char *qid, struct buf *out);

/*
 * Appends first and then text, broken at spaces into lines of 76 bytes; the
 * second line and those behind it begin with indent.  Several spaces become
 * one.  Ends with a line end.
 */
void	bounce_wrap(struct buf *out, const char *first, const char *indent,
	    struct span text);
/* Why it failed and what the sender can do: clauses of a sentence. */
struct bounce_reason { const char *why, *what; };
const struct bounce_reason *bounce_reason(const struct bounce_rcpt *);
/* Is this another server's SMTP reply, and not what we found out ourselves? */
bool	bounce_is_reply(struct span text);
/* Appends text as UTF-8 without control bytes; ascii: with "?" for all else. */
void	bounce_clean(struct buf *out, struct span text, bool ascii);

#endif
