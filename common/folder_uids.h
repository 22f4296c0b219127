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
	uint64_t highest;		/* mod-sequence in the list */
	uint64_t modseq;		/* that of the changes to come, 0: none yet */
	struct buf text;		/* lines to come */
	struct uids_added *added;	/* messages of uids_add_message */
	size_t nadded, added_cap;
};
struct uids_added {
	uint64_t keywords;
	uint32_t uid;
	uint8_t flags;
	bool saved_now;
};
/* Locks the list and makes it ready: made if there is none, half lines cut.  known (may be NULL): an
 * open folder, which may have read it to its end already.  0 or -1. */
int	uids_begin(struct uids_out *, int dirfd, const struct folder *known);
int	uids_add(struct uids_out *, struct span unique, uint32_t *uid);
/* The same for a message that comes with flags.  saved_now: its date says another time. */
int	uids_add_message(struct uids_out *, struct span unique, unsigned flags,
	    uint64_t keywords, bool saved_now, uint32_t *uid);
/* The mod-sequence of what is being added: one for all. */
uint64_t uids_modseq(struct uids_out *);
/* Writes the lines and unlocks; durable: on disk when it returns.  0, or -1 and nothing was added. */
int	uids_commit(struct uids_out *, bool durable);
void	uids_abort(struct uids_out *);	/* unlocks; after commit too */

/* folder_uids.c */
/* Reads what is new in the uid list (all, the first time or after it was replaced) into text.
 * locked: the caller has the lock.  1: something, 0: nothing new, -1. */
int	folder_uids_load(struct folder *, struct buf *text, bool locked);
/* Matches lines with a listing: new messages are added to msgs.  0 or -1. */
int	folder_uids_match(struct folder *, struct listing *, const struct buf *text);
/* Tries again the lines whose files had not been there. 0 or -1. */
int	folder_pending_match(struct folder *, struct listing *);
/* The lock is held, and lines that others have added must be known before ours follow, though
 * nothing is listed: their files come with the next listing.  0 or -1. */
int	folder_uids_catch_up(struct folder *);

/* folder_assign.c */
/* After a listing was matched: gives UIDs to files that have none and mod-sequences to what has changed, where
 * there is any of it; may list again.  0 or -1. */
int	folder_uids_settle(struct folder *, struct listing *);

/* folder_compact.c */
/* Whether a new list would be much smaller. */
bool	folder_compact_due(const struct folder *);
/* Writes the list anew, in place of adding to it, and unlocks. 0 or -1; or 1: nothing may be put in its place, so add to
 * it. */
int	folder_compact(struct folder *, struct uids_out *);

/* folder_log.c */
/* Writes the lines, or a new list where that is due, and unlocks.  The list was read to its end. */
int	folder_log_commit(struct folder *, struct uids_out *, bool durable);
/* The lines were not written: forgets what they said. */
void	folder_log_undo(struct folder *, const struct uids_out *);
/* Notes a change of message i within a batch, whose lock it may let go and take again.  0 or -1. */
int	folder_log_change(struct folder *, size_t i, uint64_t high);
/* A new mod-sequence for the messages from index from on whose marks the list does not know. */
int	folder_log_marks(struct folder *, struct uids_out *, size_t from);
/* Orders indices of messages by mod-sequence, marks, other keywords and UID. */
void	folder_log_sort(struct folder *, uint32_t *i, size_t n);
/* The length of the run of equals at the start of such an order; their UIDs. */
size_t	folder_log_run(const struct folder *, const uint32_t *i, size_t n,
	    uint32_t *uids);

#endif
