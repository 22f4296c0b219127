/*
 * Mailbox names: as the client writes them ("A/B", modified UTF-7) and as
 * Maildir++ has them ("A.B" after the leading dot; "" is INBOX).
 */
#ifndef NAME_H
#define NAME_H

#include <stdbool.h>

#include "buf.h"

#define NAME_USERS	"user"	/* the namespace of other accounts: their addresses have dots */
#define NAME_RAW_MAX 240	/* as common/folder: NAME_MAX less the dot, and room */

/* utf8: the client's form is UTF-8 (RFC 9755 section 3), not modified UTF-7. */

/* Converts into raw (NAME_RAW_MAX + 1 bytes).  NULL, or why it is refused. */
const char *name_to_raw(struct span wire, bool utf8,
	    char raw[NAME_RAW_MAX + 1]);
/* For CREATE and RENAME: also drops one final "/", and refuses wildcards. */
const char *name_for_new(struct span wire, bool utf8,
	    char raw[NAME_RAW_MAX + 1]);
/* Appends the client's form.  -1: this name cannot be shown in IMAP. */
int	name_from_raw(const char *raw, bool utf8, struct buf *wire);

#endif
