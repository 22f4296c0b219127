/*
 * mbox files, line by line: where messages begin, and what their Status fields mean.  Parser only; no I/O.
 */
#ifndef MBOX_H
#define MBOX_H

#include <stdbool.h>
#include <time.h>

#include "buf.h"

struct mbox {
	bool inside;		/* of a line that did not end yet */
	bool filled;		/* the line before was not empty */
	bool header;
	bool held;		/* an empty line that may belong to the next "From " */
	bool empty_first;	/* with MBOX_LINE: the one held comes before it */
	unsigned flags;		/* MAIL_*, from Status and X-Status */
	char keywords[512];	/* of X-Keywords and X-Mozilla-Keys, each with a space behind */
	time_t arrival;		/* of the "From " line; 0: it tells none */
};

enum mbox_result {
	MBOX_FROM,		/* a message begins: end the one before, call mbox_begin */
	MBOX_LINE,		/* text of the message, in *line */
	MBOX_NOTHING		/* to be left out */
};

/*
 * All zeroes is the start of a file.  Takes a line with its line end, or a piece of a longer one.  *line is then what belongs to the message: with one
 * ">" less before "From " (mboxrd).
 */
enum mbox_result mbox_line(struct mbox *, struct span *line);
/* After MBOX_FROM: forgets the message before. */
void	mbox_begin(struct mbox *, struct span from);

#endif
