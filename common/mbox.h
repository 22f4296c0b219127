/*
 * mbox files, line by line: where messages begin, and what their Status fields mean; and a message written into one.  No
 * I/O.
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

/* A message on its way into an mbox.  All zeroes is its beginning. */
struct mbox_out {
	size_t from;		/* so much of "From " begins the line, or MBOX_MID_LINE */
	bool open;		/* the last line has no end yet */
};
#define MBOX_MID_LINE	SIZE_MAX
/* Adds the "From " line.  sender "": nobody. */
void	mbox_put_from(struct buf *, const char *sender, time_t arrival);
/* Adds any piece of the message: lines that would begin another are quoted (mboxrd). */
void	mbox_put(struct mbox_out *, struct span, struct buf *);
/* Ends the message, with an empty line behind it. */
void	mbox_put_end(struct mbox_out *, struct buf *);

#endif
