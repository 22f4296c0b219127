/*
 * The text of posthouse.uids (posthouse-maildir(5)): which file of a folder has which UID.
 * Parser and printer only; no I/O.
 *
 *	posthouse-uids 1 UIDVALIDITY UIDNEXT
 *	UID UNIQUE		a message, UIDs rising
 *	-UID or -UID:UID	expunged: the name, should it come back, gets a new UID
 */
#ifndef UIDLIST_H
#define UIDLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct uidlist_header {
	uint32_t validity, next;
};

struct uidlist_line {
	uint32_t uid;		/* the message; the first of a range */
	uint32_t last;		/* the last of a range */
	struct span unique;	/* in the text given */
};

enum uidlist_kind {
	UIDLIST_END,
	UIDLIST_MESSAGE,
	UIDLIST_GONE,
	UIDLIST_OTHER,		/* a line of a kind to come: skipped, or comment */
	UIDLIST_BAD,		/* damaged: skipped, the next line may be whole */
	UIDLIST_PARTIAL		/* no line end: a writer died here; not taken */
};

/* The first line: 0, or -1 EINVAL (not our file) or EPROTO (a later version). */
int	uidlist_header_parse(struct cur *, struct uidlist_header *);
/* The next line.  *line is set for MESSAGE and GONE. */
enum uidlist_kind uidlist_next(struct cur *, struct uidlist_line *);
/* What stands before the first ',' or ':' may be a unique name: no control byte, no '/', no leading '.'. */
bool	uidlist_unique_ok(struct span);

/* Printers refuse (-1, EINVAL) what the parser would not read back. */
int	uidlist_print_header(struct buf *, const struct uidlist_header *);
int	uidlist_print_message(struct buf *, uint32_t uid, struct span unique);
int	uidlist_print_gone(struct buf *, uint32_t uid, uint32_t last);

#endif
