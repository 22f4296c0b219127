/*
 * Names of messages in POP3 (RFC 1939 section 7, UIDL) and how other servers make them.
 */
#ifndef UIDL_H
#define UIDL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define UIDL_MAX	70	/* bytes, 0x21 to 0x7e */

/* May it be sent as it stands? */
bool	uidl_ok(struct span);

/* What a format is filled with. */
struct uidl_parts {
	uint32_t uid, validity;
	struct span file;		/* up to ":2," */
	struct span guid;
};
/*
 * Dovecot's pop3_uidl_format: "%08Xu%08Xv".  A conversion is %, a width that may begin with 0, X for
 * hexadecimal, and u (UID), v (UIDVALIDITY), f (file) or g (GUID).  At least one of u, f, g must occur.
 */
bool	uidl_format_ok(struct span);
/* Appends the format, filled.  0, or -1: out is full or it is no format. */
int	uidl_format(struct span format, const struct uidl_parts *,
	    struct buf *out);

#endif
