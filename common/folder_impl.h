/*
 * The inside of the folder modules (folder*.c); nobody else includes it.
 */
#ifndef FOLDER_IMPL_H
#define FOLDER_IMPL_H

#include <sys/types.h>

#include "folder.h"
#include "folder_msg.h"
#include "uidlist.h"

#define FOLDER_UIDS	"posthouse.uids"
#define FOLDER_KEYWORDS	"posthouse.keywords"
#define FOLDER_LOCK	"posthouse.lock"
#define FOLDER_CACHE	"posthouse.cache"
#define FOLDER_VALIDITY	"posthouse.uidvalidity"	/* in the root: the last one given */

#define CACHE_BLOCK	4096u		/* bytes under one checksum; the header is the first */

#define FOLDER_LETTERS	26		/* keywords that fit into file names */
#define FOLDER_KEYWORDS_MAX 64		/* all: the others stand in the uid list alone */
#define FOLDER_NAME_MAX	255
#define FOLDER_PATH_MAX	(FOLDER_NAME_MAX + 8)	/* "cur/" and a name */
#define FOLDER_LOCK_MS	30000		/* then the holder is taken for stuck: EAGAIN */
#define FOLDER_UIDS_MAX	(1U << 30)	/* bytes of a uid list */
#define FOLDER_NAMES_MAX 0xffff0000U	/* bytes of all names: offsets are 32 bits */

/* What is known of a file: when it differs, read it again. */
struct stamp {
	ino_t ino;
	off_t size;
};

struct uid_range {
	uint32_t lo, hi;
};

struct blobs;
struct listing;
struct entry;
struct batch;

struct folder {
	char *dir;
	int dirfd;
	int watch;		/* inotify, or -1 */
	bool read_only, local;
	bool not_owner;		/* of some message */
	void (*on_copy)(void *arg, size_t done, size_t n);
	void *on_copy_arg;
	bool dirty;		/* the last listing left something in doubt */
	bool news;		/* something is there to be told, */
	size_t touched_from, touched_to; /* and of known messages it concerns some of these */
	bool watch_tried;
	bool quiet;		/* the watch tells nothing until the next listing */
	uint64_t *own;		/* changes of our own that the watch has still to tell */
	size_t own_at, own_end, own_cap;
	struct msg *msgs;	/* by UID; those at and after count are not told yet */
	size_t count, nmsgs, cap;
	struct cache_map map;
	struct buf names;		/* those that are not in map.names, which come first */
	struct uid_range *recent;	/* UIDs that this handle has given */
	size_t nrecent;
	size_t first_unseen;		/* no message before it is unseen */
	struct folder_counts counts;
	struct blobs *blobs;
	bool save;			/* much was found out that the cache does not tell */
	size_t learned;			/* sizes and dates, from the files themselves */
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

#include "folder_scan.h"

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
