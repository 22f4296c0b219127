/*
 * Lists of other POP3 servers: which message had which UIDL there.
 */
#ifndef UIDL_IMPORT_H
#define UIDL_IMPORT_H

#include "buf.h"

/* Told once for each message: unique is the unique part of its name, uidl may be sent as it stands. */
typedef void uidl_each(void *arg, struct span unique, struct span uidl);

/*
 * The text of dovecot-uidlist, version 1 or 3.  What the list itself names (P) counts, else format, the
 * server's pop3_uidl_format.  0, or -1: no such list.
 */
int	uidl_import_dovecot(struct span text, struct span format, uidl_each *,
	    void *arg);
/* The text of courierpop3dsizelist, versions 1 to 3 and without one.  0, or -1: no such list. */
int	uidl_import_courier(struct span text, uidl_each *, void *arg);

#endif
