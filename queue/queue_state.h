/*
 * State files (posthouse-spool(5)): one line for each recipient that is not
 * done, tab-separated:
 *
 *	index attempts last-attempt address answer
 *
 * behind it what earlier attempts were answered, as far as it is kept,
 *
 *	"tried" attempt time answer
 *
 * and, once the sender has been told of the delay, before them "warned TIME".
 * An answer that begins with "5" failed for good: it waits for its bounce.  One
 * that begins with "2" is done, and its sender wants to be told (RFC 3461): behind
 * the code stand "delivered", "relayed" or "expanded", and then the answer.
 */
#ifndef QUEUE_STATE_H
#define QUEUE_STATE_H

#include <time.h>

#include "job.h"

enum rcpt_status {
	RCPT_TODO,		/* to be tried */
	RCPT_SENT,		/* a worker has it */
	RCPT_DONE,
	RCPT_DEFERRED,
	RCPT_FAILED,		/* for good; the bounce is not yet written */
	RCPT_REPORT,		/* done; the report of it is not yet written */
	RCPT_TOLD		/* failed or done, and the report is written */
};

/* An earlier attempt. */
struct tried {
	unsigned attempt;	/* from 1 */
	time_t when;
	char *answer;		/* as in struct rcpt, cut at TRIED_TEXT_MAX */
};

struct rcpt {
	char index[JOB_INDEX_MAX];
	char *addr;
	unsigned attempts;
	time_t last;		/* of the last attempt; 0: none */
	char *answer;		/* "4.4.1 text", NULL: none */
	struct tried *tried;	/* the first one and the latest; at most TRIED_MAX */
	size_t ntried;
	/* not in the file */
	enum rcpt_status status;
	bool remote;
	uint64_t job;		/* when sent: which */
};

struct rcpts {
	struct rcpt *v;
	size_t n, cap;
	time_t warned;		/* 0: not */
};

void	rcpts_free(struct rcpts *);	/* and init */
size_t	rcpts_count(const struct rcpts *, enum rcpt_status);
/* Is all done but the report? */
bool	rcpt_is_reported(const struct rcpt *);
/* Adds one to be tried; copies.  NULL: no memory. */
struct rcpt *rcpts_add(struct rcpts *, const char *index, const char *addr);
int	rcpt_set_answer(struct rcpt *, const char *dsn, struct span text);
/* Keeps the last attempt as an earlier one, before the next is noted; where
 * there is no room, the second of all goes.  0, or -1 no memory. */
int	rcpt_keep_attempt(struct rcpt *);
/* Copies attempts, their answers, and the last one's, to a recipient that has
 * none.  0, or -1 no memory. */
int	rcpt_copy_attempts(struct rcpt *to, const struct rcpt *from);

/* 0, or -1 EINVAL: not a whole state file (treat it as missing), ENOMEM. */
int	state_parse(struct span, struct rcpts *);
/* Prints every recipient that is neither done nor told. */
int	state_print(const struct rcpts *, struct buf *out);
/* One recipient's lines. */
int	state_print_rcpt(const struct rcpt *, struct buf *out);

#endif
