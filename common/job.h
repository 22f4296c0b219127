/*
 * The lines between queue and its workers (deliver-local, deliver-remote).
 *
 * A job, fields separated by tabs:
 *
 *	NAME DIR MODE ID:INDEX:ADDRESS ID:INDEX:ADDRESS ...
 *
 * NAME is the spool file's name, DIR "new" or "cur", MODE "move", "take",
 * "copy" or "back" for deliver-local and the destination domain for deliver-remote.  ID is
 * the queue's own token (digits), INDEX the recipient's position in the envelope
 * ("3", "3.1" for the first of several targets of the alias that is 3, "3.0" for the
 * only one).  ADDRESS has
 * control bytes, space and "%" as %XX.
 *
 * An answer, one line for each ID, separated by single spaces:
 *
 *	ID CLASS DSN TEXT
 *
 * CLASS is done, passed, expanded, defer or fail; DSN an enhanced status code;
 * TEXT the rest of the line, free of control bytes.  passed is done, and the next
 * host has undertaken to report (RFC 3461), so that queue need not; expanded is
 * done, and what was reported as delivered is now reported so.
 */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>

#include "buf.h"
#include "ex.h"
#include "limits.h"

#define JOB_LINE_MAX	4194304	/* 10,000 recipients of full length */
#define JOB_INDEX_MAX	24	/* "100000.10000" and the NUL */
#define JOB_TEXT_MAX	8192	/* bytes of an answer's text: a long reply kept whole */

struct job {
	struct span name;	/* not yet validated: spool_name_parse */
	bool cur;		/* DIR */
	struct span mode;
	struct cur rest;	/* for job_next */
};
struct job_rcpt {
	struct span id, index;	/* borrowed from the line; digits, and dots in index */
	char address[ADDR_MAX + 1];
};

/* Takes the head of a line (without its LF) apart: 0, or -1 EINVAL. */
int	job_parse(struct span line, struct job *);
/* The next recipient: 1, 0 at the end, -1 EINVAL. */
int	job_next(struct job *, struct job_rcpt *);

/* Adds a job line in three steps; refuses (EINVAL, and out is bad) what the
 * parser would not read back. */
int	job_print(struct buf *out, const char *name, bool cur,
	    const char *mode);
int	job_print_rcpt(struct buf *out, uint64_t id, const char *index,
	    const char *address);
int	job_print_end(struct buf *out);

enum answer_how {		/* it is done */
	ANSWER_HERE,
	ANSWER_PASSED,
	ANSWER_EXPANDED
};

struct answer {
	uint64_t id;
	enum proc_class class;
	enum answer_how how;
	struct span dsn, text;	/* borrowed from the line */
};
/* line without its LF.  0, or -1 EINVAL. */
int	answer_parse(struct span line, struct answer *);
/* Adds an answer line; control bytes in text become spaces, and it is cut at
 * JOB_TEXT_MAX. */
int	answer_print(struct buf *out, struct span id, enum proc_class,
	    const char *dsn, struct span text);
/* The same of what is done, and how. */
int	answer_print_done(struct buf *out, struct span id, enum answer_how,
	    const char *dsn, struct span text);

/*
 * What deliver-remote notes in a file of sent/ (posthouse-spool(5)) before it answers that
 * a recipient is done, so that no crash sends it again:
 *
 *	NAME INDEX ADDRESS ANSWER	separated by tabs; ANSWER with the id 0
 */
#define SENT_LINE_MAX	(SPOOL_NAME_MAX + JOB_INDEX_MAX + ADDR_MAX + JOB_TEXT_MAX + 64)

struct sent {
	struct span name, index, address;	/* borrowed; name as in struct job */
	struct answer answer;
};
/* line without its LF; NUL bytes before it are passed over, for the front of the file is
 * given back to the disk.  0, or -1 EINVAL. */
int	sent_parse(struct span line, struct sent *);
/* Adds a line; refuses (EINVAL, and out is bad) what the parser would not take. */
int	sent_print(struct buf *out, const char *name, const char *index,
	    const char *address, bool passed, const char *dsn,
	    struct span text);

#endif
