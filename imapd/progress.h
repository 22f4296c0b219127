/*
 * INPROGRESS: RFC 9585.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "imap.h"

/* A command begins. */
void	progress_begin(struct imap *);
/*
 * done of goal (0: unknown) are dealt with.  Where the command has run for IMAP_PROGRESS
 * seconds since this was told last, tells it, unless that could wait for the client.  Cheap: for every message.
 */
void	progress(struct imap *, uint64_t done, uint64_t goal);

#endif
