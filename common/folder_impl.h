/*
 * The inside of the folder modules (folder*.c); nobody else includes it.
 */
#ifndef FOLDER_IMPL_H
#define FOLDER_IMPL_H

#include <sys/types.h>

#include "folder.h"
#include "uidlist.h"

#define FOLDER_UIDS	"posthouse.uids"
#define FOLDER_KEYWORDS	"posthouse.keywords"
#define FOLDER_LOCK	"posthouse.lock"
#define FOLDER_VALIDITY	"posthouse.uidvalidity"	/* in the root: the last one given */

#define FOLDER_LETTERS	26		/* keywords that fit into file names */
#define FOLDER_KEYWORDS_MAX 64		/* all: the others stand in the uid list alone */
#define FOLDER_NAME_MAX	255
#define FOLDER_PATH_MAX	(FOLDER_NAME_MAX + 8)	/* "cur/" and a name */
#define FOLDER_LOCK_MS	30000		/* then the holder is taken for stuck: EAGAIN */
#define FOLDER_UIDS_MAX	(1U << 30)	/* bytes of a uid list */
#define FOLDER_NAMES_MAX 0xffff0000U	/* bytes of all names: offsets are 32 bits */

/* States of a message between two refreshes. */
#define MSG_NEW		1u	/* the file lies in new/ */
#define MSG_MISSED	2u	/* not in the last listing */
#define MSG_GONE	4u	/* gone, not yet told */
#define MSG_CHANGED	8u	/* flags differ from what was told last */
#define MSG_RECENT	16u	/* this handle gave it its UID */
#define MSG_LOGGED	32u	/* gone, and the list says so */

/* What the uid list says of a message. */
struct known {
	uint64_t modseq;	/* 0: nothing */
	uint64_t high;		/* its keywords that are no letters */
	uint32_t marks;		/* MSG_MARKS at that mod-sequence */
	uint32_t saved;		/* seconds; 0: when it arrived */
};
#define MSG_MARKS(flags, letters) ((letters) | (uint32_t)(flags) << FOLDER_LETTERS)

struct msg {
	struct known known;
	uint64_t wsize;		/* 1 + the size with CRLF, 0: not asked for yet */
	int64_t date;		/* INT64_MIN: not asked for yet */
	uint32_t uid;
	uint32_t name;		/* offset into names; NUL-terminated there */
	uint32_t letters;	/* keyword letters in the name */
	uint8_t len, unique, base;	/* lengths in name: all, unique part, up to ":2," */
	uint8_t flags;		/* MAIL_* in the name */
	uint8_t state;		/* MSG_* */
};

/* A line of the uid list whose file has not been seen (yet). */
struct pending {
	struct known known;
	uint32_t uid;
	uint32_t name;		/* offset into pending_names */
	uint8_t len;
};

/* What is known of a file: when it differs, read it again. */
struct stamp {
	ino_t ino;
	off_t size;
};

struct listing;
struct entry;
struct batch;

struct folder {
	char *dir;
	int dirfd;
	int watch;		/* inotify, or -1 */
	bool read_only, local;
	bool dirty;		/* the last listing left something in doubt */
	bool news;		/* something is there to be told */
	bool watch_tried;
	uint64_t *own;		/* changes of our own that the watch has still to tell */
	size_t own_at, own_end;
	struct msg *msgs;	/* by UID; those at and after count are not told yet */
	size_t count, nmsgs, cap;
	struct buf names;
	size_t names_listed;	/* its length after the last listing */
	/* uid list */
	struct uidlist_header head;	/* as read */
	uint32_t validity, uidnext;
	uint32_t assumed;	/* a UIDVALIDITY of our own: the list cannot be written */
	uint64_t highest;	/* mod-sequence */
	size_t doubt;		/* no message before this one has marks that the list does not know */
	struct batch *batch;	/* between folder_store_begin and folder_store_end */
	uint32_t line_uid;	/* UID of the last line read: they rise */
	ino_t uids_ino;
	off_t uids_at;		/* read up to here */
	size_t lines, bytes;	/* read so far, about messages that are there or stale */
	size_t past;		/* bytes about expunged ones */
	struct pending *pending;
	size_t npending, pending_cap;
	size_t unfound;			/* how often a line went there */
	struct buf pending_names;
	/* directories as they were before the last listing */
	struct timespec cur_mtime, new_mtime, listed;
	/* keywords */
	char *keywords[FOLDER_KEYWORDS_MAX];
	size_t nkeywords;
	struct stamp keywords_stamp;
};

/* folder_lock.c */
/* Opens and locks posthouse.lock in dirfd: its fd (closing it unlocks), or -1. */
int	folder_lock(int dirfd, bool exclusive);
/* A UIDVALIDITY larger than any given before in this account. dirfd's lock is held. */
int	folder_new_validity(int dirfd, uint32_t *);

/* Reads one of our text files whole.  A link, FIFO or device in its place is ENOENT, and never waited for. */
int	folder_read_text(int dirfd, const char *name, struct buf *);

/* fsync of new/ and cur/ where the setting asks for it. 0 or -1. */
int	folder_sync_dirs(int dirfd, bool in_new, bool in_cur);

/* folder_scan.c */
/* Finds out what changed; take_up: gives UIDs to new files.  0 or -1. */
int	folder_scan(struct folder *, bool take_up);
/* Matches the messages with a fresh listing and takes over its names.  Returns how many are missing
 * for the first time, or -1. */
long	folder_apply(struct folder *, struct listing *);
int	folder_add_msg(struct folder *, uint32_t uid, struct listing *, struct entry *,
	    unsigned state);
/* As folder_lower, over messages not told yet too. */
size_t	folder_lower_all(const struct folder *, uint32_t uid);
struct span msg_name(const struct folder *, const struct msg *);
struct span msg_unique(const struct folder *, const struct msg *);
/* "cur/NAME" or "new/NAME". 0 or -1. */
int	msg_path(const struct folder *, const struct msg *, char out[FOLDER_PATH_MAX]);
/* Notes that the file is now called name, in cur. */
int	msg_renamed(struct folder *, struct msg *, struct span name);

/* Notes whether the list knows the marks that m has now. */
void	msg_doubt(struct folder *, const struct msg *);

/* Notes that the file is now called name there; a change of flags is news. 0 or -1. */
int	msg_moved(struct folder *, struct msg *, struct span name, bool in_new);

/* folder_events.c */
/* Notes a change made by us at path, for the watch will tell it too. */
void	folder_own(struct folder *, const char *path, bool came);
void	folder_own_forget(struct folder *);
/* Before changes: watches a folder that is expensive to list. */
void	folder_watch_if_large(struct folder *);
/* Applies what the watch tells, and new lines.  1 done, 0 a listing is needed, -1. */
int	folder_follow(struct folder *, struct listing *, const struct buf *text);

/* folder.c, folder_change.c */
#define MSG_TRIES	10	/* new names looked up for one change */
/* Tries op (0 or a result; -1 ENOENT: not there) on the file of message i, following renames. */
int	msg_try(struct folder *, size_t i,
	    int (*op)(struct folder *, const char *path, void *arg), void *arg);
void	msg_gone(struct folder *, size_t i);

/* folder_log.c */
/* Says in the list which messages marked MSG_GONE were seen to be gone.  Best effort. */
void	folder_log_gone(struct folder *);

/* folder_ids.c */
#define FOLDER_EMAIL_ID	24	/* hexadecimal digits */
/* The id of the message whose base this is: its field E=, or made of its unique part. */
void	folder_id_of(struct span base, size_t unique,
	    char out[FOLDER_EMAIL_ID + 1]);

/* folder_copy.c */
/* A folder to add to: dirfd and keywords only.  NULL with errno. */
struct folder *folder_target(const char *dir);
/* A new unique name, without sizes: its length, or -1. */
int	folder_fresh_name(char *out, size_t);

/* folder_keywords.c */
int	folder_keywords_load(struct folder *);
void	folder_keywords_free(struct folder *);

#endif
