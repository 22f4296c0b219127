/*
 * Line ends of messages in bulk: counted, and made CRLF.  Stored text has LF, CRLF or both; `before` is always the
 * byte before the first one, '\n' at the beginning of a message.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>

#include "buf.h"

struct lines {
	size_t lf;		/* line ends */
	size_t bare;		/* of them, those without a CR */
};

/* Adds the line ends of s. */
void	lines_count(struct span s, unsigned char before, struct lines *);
/* s begins with a line: the offset of the first line in it that begins with "--", s.len if none.  Adds
 * the line ends before it. */
size_t	lines_find_dashes(struct span s, struct lines *);
/* At most this many bytes come out for n bytes in. */
#define LINES_ROOM(n)	(2 * (n) + 1)
/* Converts n bytes: a bare LF becomes CRLF, a NUL, which neither protocol may carry, 0x80; stuff: a dot before a dot that
 * begins a line (RFC 1939 section 3).  Returns how many bytes came out; the pieces of a message give the same as the whole. */
size_t	lines_convert(const unsigned char *in, size_t n, unsigned char before,
	    bool stuff, unsigned char *out);

#endif
