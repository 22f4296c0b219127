/*
 * One part for recode.c: what its header says, what its body turned out to
 * hold, what is to be done with both.
 */
#ifndef RECODE_PART_H
#define RECODE_PART_H

#include "coder.h"
#include "header.h"
#include "recode.h"

/* Content-Transfer-Encoding: RFC 2045 section 6. */
enum part_label { PART_7BIT, PART_8BIT, PART_BINARY, PART_QP, PART_BASE64,
    PART_UNKNOWN };

struct part {
	bool multipart, message;	/* its body has headers of its own */
	bool digest;			/* multipart/digest: RFC 2046 5.1.5 */
	bool sealed;			/* multipart/signed or /encrypted */
	bool text;
	bool opaque;			/* may not be encoded: RFC 2045 6.4 */
	bool typed, versioned;		/* has Content-Type, MIME-Version */
	bool labelled;			/* has Content-Transfer-Encoding */
	enum part_label label;
};

/* What a body held. */
struct part_facts {
	bool body8, binary, longline, bad_utf8;
	size_t line;			/* bytes of the line so far */
	unsigned utf8_left;		/* bytes that its character still needs */
	uint64_t bytes, special;	/* all; those that cost three in QP */
};

/* What is to be done with a part, for a plan: a coder_mode, and what is above
 * ASCII in it: nothing, UTF-8, or nobody knows. */
#define PART_HOW_MODE	0x3f
#define PART_HOW_8BIT	0x40
#define PART_HOW_UTF8	0x80

/* Reads the header of a part inside a multipart/digest, or not.  boundary: where
 * to add the parameter of a multipart. */
void	part_parse(struct span header, bool in_digest, struct part *,
	    struct buf *boundary);
/* Notes text without line end, and a line end. */
void	part_look(struct part_facts *, struct span);
void	part_look_eol(struct part_facts *);
/* Must the body change, and how?  Adds to the plan's flags.  sealed: it may not. */
unsigned part_decide(const struct part *, const struct part_facts *,
	    bool sealed, enum recode_to, struct recode_plan *);
/* The same by the label alone. */
unsigned part_decide_label(const struct part *, bool sealed, enum recode_to);
/* Adds the header, as how demands; whole: of a message, not of one of its parts. */
void	part_put_header(const struct part *, struct span header, unsigned how,
	    bool whole, enum recode_to, struct buf *out);

#endif
