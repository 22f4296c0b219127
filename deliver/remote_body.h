/*
 * Message content from the spool's form (LF) into SMTP's (CRLF, stuffed dots, no
 * line of more than SMTP_TEXT_MAX octets): RFC 5321 sections 2.3.8, 4.5.2,
 * 4.5.3.1.6.  Over memory; no I/O.
 */
#ifndef REMOTE_BODY_H
#define REMOTE_BODY_H

#include <stdbool.h>

#include "buf.h"

struct body {
	bool midline;		/* the last byte was not a line's end */
	bool cr;		/* the last byte was CR, not yet written */
	size_t column;		/* octets of this line so far, stuffed dot apart */
	bool chunk;		/* for BDAT: no dots (RFC 3030 section 2) */
};

/* Writes at most BODY_ROOM(in.len) bytes to out; returns how many. */
#define BODY_ROOM(n)	(2 * (n) + 8)
size_t	body_convert(struct body *, struct span in, unsigned char *out);
/* Ends the last line if need be, and adds the final dot (not for BDAT): at most
 * BODY_END bytes. */
#define BODY_END	8
size_t	body_end(struct body *, unsigned char *out);

/* What content holds that a server may not take. */
struct body_facts {
	bool is8bit;		/* bytes above 127 */
	bool longline;		/* a line over SMTP_TEXT_MAX */
	size_t line;		/* bytes of the line so far */
};
void	body_look(struct body_facts *, struct span);

#endif
