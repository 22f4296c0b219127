/*
 * Addresses without a domain in a header field.
 */
#ifndef QUALIFY_H
#define QUALIFY_H

#include "header.h"

/* Does the field hold addresses of people: From, Sender, Reply-To, To, Cc, Bcc, and the same behind "Resent-"? */
bool	qualify_is_for(struct span name);
/*
 * Appends the field as it stands, with "@domain" behind each local part that has none (RFC 6409 section 8.2).  A field of
 * which not every address can be read is appended unchanged.  0, or -1: out is full.
 */
int	qualify_field(const struct header_field *, const char *domain,
	    struct buf *out);

#endif
