/*
 * STATUS items, for STATUS and for LIST ... RETURN (STATUS ...).
 */
#ifndef STATUS_H
#define STATUS_H

#include "imap.h"

enum {				/* items */
	ST_MESSAGES = 1, ST_RECENT = 2, ST_UIDNEXT = 4, ST_UIDVALIDITY = 8,
	ST_UNSEEN = 16, ST_SIZE = 32, ST_DELETED = 64, ST_APPENDLIMIT = 128,
	ST_DELETED_STORAGE = 256, ST_MODSEQ = 512, ST_MAILBOXID = 1024
};

/* "(" items ")": RFC 3501 section 6.3.10, as bits for status_out. */
bool	parse_status_items(struct args *, unsigned *items);
/* Sends "* STATUS name (...)".  0, or -1 with errno and nothing sent. */
int	status_out(struct imap *, const char *raw, unsigned items);
/* The same of what is known already: not SIZE and DELETED-STORAGE. */
void	status_tell(struct imap *, const char *raw, unsigned items,
	    const struct folder_status *);

#endif
