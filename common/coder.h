/*
 * The lines of one body in another form: quoted-printable, base64 (RFC 2045
 * sections 6.7, 6.8), or cleaned.  For recode.c; no structure is known here.
 */
#ifndef CODER_H
#define CODER_H

#include <stdbool.h>

#include "buf.h"

enum coder_mode {
	CODER_KEEP,		/* as it is */
	CODER_QP, CODER_BASE64,
	CODER_REQP, CODER_REBASE64,	/* encoded already: shorter lines only */
	CODER_SCRUB		/* nobody's text: "?" for bytes that cannot pass */
};

struct coder {
	enum coder_mode mode;
	struct buf *out;
	unsigned char held[57];	/* base64: a line's worth; REQP: "=", "=X" */
	size_t nheld;
	size_t col;		/* bytes in the line that is being written */
	size_t from;		/* of "From" that this line begins with */
	int space;		/* QP: white space that may stand before a line end; or -1 */
	bool eol;		/* BASE64: a line end that may belong to a boundary */
};

void	coder_begin(struct coder *, enum coder_mode, struct buf *out);
/* Text without its line end, in pieces of any size; then its end.  Errors are
 * in out->bad. */
void	coder_text(struct coder *, struct span);
void	coder_eol(struct coder *);
/* Behind the last line.  boundary: a boundary comes next, and owns the line end
 * before it (RFC 2046 section 5.1.1). */
void	coder_end(struct coder *, bool boundary);

#endif
