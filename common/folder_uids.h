/*
 * The uid list of a folder: inside the folder modules only.
 */
#ifndef FOLDER_UIDS_H
#define FOLDER_UIDS_H

#include "folder_list.h"
#include "uidlist.h"

/* uids_out.c: adding lines to the uid list of a folder that need not be open */
struct uids_out {
	int dirfd, lock, fd;
	ino_t ino;
	off_t end;			/* where the file ends, all lines whole */
	struct uidlist_header h;	/* next: the true one */
	struct buf text;		/* lines to come */
};
/* Locks the list and makes it ready: made if there is none, half lines cut.  0 or -1. */
int	uids_begin(struct uids_out *, int dirfd);
int	uids_add(struct uids_out *, struct span unique, uint32_t *uid);
/* Writes the lines, durably, and unlocks. 0, or -1 and nothing was added. */
int	uids_commit(struct uids_out *);
void	uids_abort(struct uids_out *);	/* unlocks; after commit too */

/* folder_uids.c */
/* Reads what is new in the uid list (all, the first time or after it was replaced) into text.
 * locked: the caller has the lock.  1: something, 0: nothing new, -1. */
int	folder_uids_load(struct folder *, struct buf *text, bool locked);
/* Matches lines with a listing: new messages are added to msgs.  0 or -1. */
int	folder_uids_match(struct folder *, struct listing *, const struct buf *text);
/* Tries again the lines whose files had not been there. 0 or -1. */
int	folder_pending_match(struct folder *, struct listing *);
/* Gives UIDs to all files of the listing that have none; may list again.  0 or -1. */
int	folder_uids_assign(struct folder *, struct listing *);
/* Notes durably enough that messages marked MSG_GONE were seen to be gone. Best effort. */
void	folder_uids_gone(struct folder *);

#endif
