/*
 * The text of posthouse.uids (posthouse-maildir(5)): which file of a folder has which UID, and what has
 * changed when.  Parser and printer only; no I/O.
 *
 *	posthouse-uids 1 UIDVALIDITY UIDNEXT [FLOOR [ID]]
 *	UID UNIQUE		a message, UIDs rising
 *	-SET [MODSEQ]		expunged: the name, should it come back, gets a new UID
 *	f MODSEQ FLAGS SET	at that mod-sequence these messages got these flags
 *	s SECONDS SET		when these were saved here (RFC 8514)
 *	n UIDNEXT MODSEQ	neither is lower than this
 */
#ifndef UIDLIST_H
#define UIDLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define UIDLIST_ID_MAX	40		/* bytes of a folder's object id */
#define UIDLIST_KEYWORDS 64		/* keywords of a folder: bits */
#define MODSEQ_MAX	INT64_MAX	/* RFC 7162 section 3.1: 63 bits */

struct uidlist_header {
	uint32_t validity, next;
	uint64_t floor;		/* what was expunged at or before it is not all known */
	char id[UIDLIST_ID_MAX + 1];	/* "": none */
};

struct uidlist_line {
	uint32_t uid;		/* a message; next */
	struct span unique;	/* in the text given */
	struct span set;	/* for uidlist_set_next; well-formed */
	uint64_t modseq;	/* 0: not told */
	unsigned flags;		/* MAIL_* */
	uint64_t keywords;
	uint32_t saved;		/* seconds since 1970 */
};

enum uidlist_kind {
	UIDLIST_END,
	UIDLIST_MESSAGE,	/* uid, unique */
	UIDLIST_GONE,		/* set, modseq */
	UIDLIST_FLAGS,		/* set, modseq, flags, keywords */
	UIDLIST_SAVED,		/* set, saved */
	UIDLIST_NEXT,		/* uid, modseq */
	UIDLIST_OTHER,		/* a line of a kind to come: skipped, or comment */
	UIDLIST_BAD,		/* damaged: skipped, the next line may be whole */
	UIDLIST_PARTIAL		/* no line end: a writer died here; not taken */
};

/* The first line: 0, or -1 EINVAL (not our file) or EPROTO (a later version). */
int	uidlist_header_parse(struct cur *, struct uidlist_header *);
/* The next line; sets of *line what its kind has. */
enum uidlist_kind uidlist_next(struct cur *, struct uidlist_line *);
/* The next range of a set: lo <= hi. */
bool	uidlist_set_next(struct cur *set, uint32_t *lo, uint32_t *hi);
/* What stands before the first ',' or ':' may be a unique name: no control byte, no '/', no leading '.'. */
bool	uidlist_unique_ok(struct span);
bool	uidlist_id_ok(struct span);	/* RFC 8474 section 7, objectid */

/* Printers refuse (-1, EINVAL) what the parser would not read back.  Those that take n UIDs want them
 * rising; they make ranges, and as many lines as it takes. */
int	uidlist_print_header(struct buf *, const struct uidlist_header *);
int	uidlist_print_message(struct buf *, uint32_t uid, struct span unique);
int	uidlist_print_gone(struct buf *, uint64_t modseq, const uint32_t *uids,
	    size_t n);
int	uidlist_print_flags(struct buf *, uint64_t modseq, unsigned flags,
	    uint64_t keywords, const uint32_t *uids, size_t n);
int	uidlist_print_saved(struct buf *, uint32_t saved, const uint32_t *uids,
	    size_t n);
int	uidlist_print_next(struct buf *, uint32_t next, uint64_t modseq);

#endif
