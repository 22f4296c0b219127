/*
 * A message for a road that is too narrow for it: binary parts become base64,
 * 8-bit text becomes quoted-printable (RFC 2045 section 6), and so do lines over
 * SMTP_TEXT_MAX.  Streaming: bytes are pushed in as they come, the result goes
 * to a function; no more than one header is held.
 */
#ifndef RECODE_H
#define RECODE_H

#include <stdbool.h>

#include "buf.h"

/* What the next hop takes: RFC 5321 alone, or RFC 6152 as well. */
enum recode_to { RECODE_7BIT, RECODE_8BIT };

/* How lines end in what comes in: LF (the spool; CRLF is taken too), or CRLF
 * alone, so that a CR or LF by itself is data (RFC 3030 section 3). */
enum recode_form { RECODE_LF, RECODE_CRLF };

/*
 * SURVEY writes nothing and fills the plan; PLANNED, over the same bytes again,
 * does what it says.  So a label in front of a part can tell how the part
 * will be.  ONCE is for what comes only once: a part is encoded when its own
 * label says that it must be (BODY=BINARYMIME), and what is wrong with the
 * others is told in the plan's flags.
 */
enum recode_pass { RECODE_SURVEY, RECODE_PLANNED, RECODE_ONCE };

struct recode_plan {
	unsigned char *how;	/* for each header in order: recode.c */
	size_t n, cap;
	bool needed;		/* something must change */
	bool prohibited;	/* something cannot pass and must not change: within
				 * multipart/signed, message/partial (RFC 2480, 2046),
				 * or a control byte in a header */
	bool header8;		/* bytes above 127 in any header: they stay */
	bool body8;		/* and in any body */
	bool binary;		/* NUL, or CR or LF outside a line end */
	bool longline;		/* a line over SMTP_TEXT_MAX */
};
/* Frees what SURVEY has put there; a plan begins as { 0 }. */
void	recode_plan_free(struct recode_plan *);

struct recode;
/* Takes the result, lines ending in LF: 0, or -1 and errno, which ends it all. */
typedef int recode_out(void *arg, struct span);
/* out may be NULL for SURVEY.  NULL: no memory. */
struct recode *recode_new(enum recode_pass, enum recode_to, enum recode_form,
	    struct recode_plan *, recode_out *out, void *arg);
/* The next bytes: 0, or -1: out failed (its errno), or ENOBUFS: a header is over
 * HEADER_MAX, or there is no memory. */
int	recode_add(struct recode *, struct span);
/* After the last byte: 0 or -1, as above. */
int	recode_end(struct recode *);
void	recode_free(struct recode *);

#endif
