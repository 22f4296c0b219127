/*
 * The UIDs and keywords that Dovecot or Courier gave to a folder's messages, in our own words: so that clients download
 * nothing again.  Parsers of text; folder_import alone does I/O.  Inside the folder modules only.
 */
#ifndef FOLDER_IMPORT_H
#define FOLDER_IMPORT_H

#include "buf.h"

#define IMPORT_MAX	(1U << 30)	/* bytes of a file to be taken over */

/* dovecot-uidlist (versions 1 to 3) or courierimapuiddb: adds the text of a posthouse.uids.  id: of the folder.
 * 0, or -1: not such a list. */
int	import_uids(struct span text, const char *id, struct buf *out);
/* dovecot-keywords: adds the text of a posthouse.keywords. 0 or -1. */
int	import_dovecot_keywords(struct span text, struct buf *out);
/* What folder_courier_keywords gives: adds the text of a posthouse.keywords to names and lines of flags to uids, which
 * holds the list already.  0 or -1. */
int	import_courier_keywords(struct span text, struct buf *names,
	    struct buf *uids);

/* folder_courier.c: the text of courierimapkeywords/:list as it will be when Courier has taken in what was changed
 * lately. 0 or -1. */
int	folder_courier_keywords(int dirfd, struct buf *out);

/* Looks for them in the folder, writes posthouse.keywords and adds the text of posthouse.uids.  1, 0: there is nothing
 * to take over, -1.  The lock is held. */
int	folder_import(int dirfd, struct buf *uids);

#endif
