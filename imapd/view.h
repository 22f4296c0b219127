/*
 * What the client believes the selected mailbox to be: the one place where
 * sequence numbers exist.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "folder.h"
#include "name.h"
#include "place.h"
#include "seqset.h"

struct imap;
struct context;

/* A message that is gone but may not be told yet (RFC 3501 section 7.4.1). */
struct view_gone {
	size_t pos;		/* its sequence number less one */
	uint32_t uid;
};
struct view {
	struct folder *folder;	/* NULL: nothing is selected */
	char raw[NAME_RAW_MAX + 1];
	bool read_only;		/* opened so, or no right to change anything */
	struct place place;	/* what it is and may be; none for what is only looked at */
	size_t told;		/* EXISTS as the client has it */
	size_t recent;
	struct view_gone *gone;	/* in order of pos once settled */
	size_t ngone, nsettled, cap;
	size_t keywords;	/* how many FLAGS has told */
	uint32_t own_first, own_last;	/* UIDs that this session has added just now */
	struct context *contexts;	/* context.h */
	struct seqset saved;	/* UIDs: "$" (RFC 5182); r is our own memory */
};

/* Takes over an open folder. */
void	view_open(struct view *, struct folder *, const char *raw,
	    bool read_only);
void	view_close(struct view *);
/* Looks whether the account's rights on the selected mailbox are what they were, and tells of another
 * PERMANENTFLAGS.  -1: it may not be read any more. */
int	view_rights(struct imap *);
/* May it be changed so (all of these rights), as far as was seen last? */
bool	view_may(const struct view *, unsigned rights);
/* Why not, for people. */
const char *view_why(const struct view *);
/* follow.c: looks for its name, which another session may have changed; before
 * view->raw is used. */
void	view_follow(struct imap *);
/* Sequence number of message i of the folder. */
uint32_t view_seq(const struct view *, size_t i);
/*
 * Looks at the folder and tells the client what changed; messages that went
 * only when expunge.  Where it is not allowed their numbers stay taken.  uid: with UIDs in FETCH.
 * -1: the folder is lost.
 */
int	view_sync(struct imap *, bool expunge, bool uid);
/*
 * Calls each for the messages of a set in order of UID.  uid: the set is of
 * UIDs.  Sequence numbers beyond the mailbox are refused (-1, nothing was
 * called); numbers of messages that are gone count in *gone (may be NULL).
 * each returns -1 to stop.
 */
int	view_each(struct imap *, struct seqset *, bool uid, size_t *gone,
	    int (*each)(void *arg, size_t i), void *arg);
/* The same, and counts them. */
int	view_count(struct imap *, struct seqset *, bool uid, size_t *gone,
	    uint64_t *n);
/* Keeps a copy of the UIDs as "$"; they are resolved. */
void	view_save(struct view *, const struct seqset *);
/* FLAGS again when a keyword has come that the client does not know. */
void	view_tell_keywords(struct imap *);

#endif
