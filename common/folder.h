/*
 * One Maildir folder as a list of messages with lasting UIDs: what imapd and pop3d work
 * on.  Text is truth (posthouse.uids, posthouse.keywords in the folder), any binary
 * file is a cache that may be deleted at any time.  Many processes and foreign
 * programs may change the folder meanwhile; fcntl locks are held for milliseconds.
 *
 * Messages are addressed by index 0..count-1 in order of UID; indices stay the
 * same until folder_refresh.  Nothing here knows IMAP.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "maildir.h"

struct folder;

/*
 * The system calls that these functions need besides the basic set, for a role's table
 * (needs <sys/syscall.h>).
 */
#define FOLDER_SYSCALLS \
	SYS_openat, SYS_getdents64, SYS_renameat, SYS_renameat2, \
	SYS_unlinkat, SYS_linkat, SYS_mkdirat, SYS_fsync, SYS_fdatasync, \
	SYS_ftruncate, SYS_fstatfs, SYS_utimensat, SYS_inotify_init1, \
	SYS_inotify_add_watch, SYS_clock_nanosleep, SYS_nanosleep, \
	SYS_fchmod, SYS_sync_file_range, SYS_pwrite64, SYS_statx, SYS_sysinfo	/* qsort(3) asks it */

/* The setting spool-sync directory: directories are synced too when messages are added. */
void	folder_setup(bool sync_directory);

/*
 * Opens the folder whose cur, new and tmp stand in dir, taking up new files (files in
 * new/ stay there until their flags first change).  UIDVALIDITY and UIDs
 * are durable before this returns.  NULL with errno: ENOENT, EACCES, ...
 */
struct folder *folder_open(const char *dir, bool read_only);
void	folder_close(struct folder *);
/* Is it there, under that name?  0, and from now on that is its name; or -1. */
int	folder_moved(struct folder *, const char *dir);
/* Whether somebody has deleted it, under whatever name. */
bool	folder_deleted(const struct folder *);

size_t	folder_count(const struct folder *);
uint32_t folder_uidvalidity(const struct folder *);
uint32_t folder_uidnext(const struct folder *);
uint32_t folder_uid(const struct folder *, size_t i);
/* Index of the first message with a UID >= uid (count if none). */
size_t	folder_lower(const struct folder *, uint32_t uid);
unsigned folder_flags(const struct folder *, size_t i);		/* MAIL_* */
uint64_t folder_keywords(const struct folder *, size_t i);	/* bit k: keyword k */
bool	folder_recent(const struct folder *, size_t i);	/* first seen by this session */
/* How many are that; the first without \Seen (count if none).  Both without looking at all messages, mostly. */
size_t	folder_recent_count(const struct folder *);
size_t	folder_first_unseen(const struct folder *);
/* Octets with CRLF line ends (RFC822.SIZE), from the name, the cache or by reading once. */
int	folder_size(struct folder *, size_t i, uint64_t *);
/* Arrival: the file's mtime (INTERNALDATE). */
int	folder_date(struct folder *, size_t i, time_t *);
/* The unique part of the name: what POP3 UIDL and object ids are made of. Valid until refresh. */
struct span folder_unique(const struct folder *, size_t i);
/* Opens the message for reading; -1 ENOENT when it has vanished. */
int	folder_open_message(struct folder *, size_t i);
/* The same, and its size as it is stored; folder_date is known then. */
int	folder_open_sized(struct folder *, size_t i, size_t *size);

/* When it came into this folder (SAVEDATE). */
int	folder_save_date(struct folder *, size_t i, time_t *);

/* Mod-sequences: of a message (never 0), and the highest of all changes up to the last refresh or
 * change by this handle, expunges included.  They survive crashes and restores. */
uint64_t folder_modseq(const struct folder *, size_t i);
uint64_t folder_highest_modseq(const struct folder *);
/* Calls each with the UIDs (in no order, maybe twice) of messages expunged after mod-sequence since; where that
 * is too long ago, with all UIDs that no message has.  0, or -1 also when each said so. */
int	folder_vanished(struct folder *, uint64_t since,
	    int (*each)(void *arg, uint32_t lo, uint32_t hi), void *arg);

/* Object ids (RFC 8474): of the folder, also after renames, and of a message, also after copy and move. */
#define FOLDER_ID_SIZE	48
void	folder_id(const struct folder *, char out[FOLDER_ID_SIZE]);
/* The folder's without opening it.  -1: nobody has opened it yet. */
int	folder_peek_id(const char *dir, char out[FOLDER_ID_SIZE]);
int	folder_email_id(const struct folder *, size_t i,
	    char out[FOLDER_ID_SIZE]);
/* The digits of an id that is made of text alone. */
#define FOLDER_EMAIL_ID	24	/* hexadecimal digits */
void	folder_id_make(struct span text, char out[FOLDER_EMAIL_ID + 1]);

/* Keywords: number of names, a name, and the bit for a name (made if create; -1 EINVAL bad name, ENOSPC
 * when the folder has 64). */
size_t	folder_keyword_count(const struct folder *);
const char *folder_keyword_name(const struct folder *, size_t k);
int	folder_keyword_bit(struct folder *, struct span name, bool create);

/* Sets flags and keywords of one message to these values (a rename; from new/ to cur/ at the first
 * change).  Retries where another process renamed it meanwhile.  0, or -1 ENOENT: it is gone. */
int	folder_set(struct folder *, size_t i, unsigned flags, uint64_t keywords);
/* The same, unless the message has a mod-sequence above unchanged_since (RFC 7162 section 3.1.3): then 1, and
 * nothing was done. */
int	folder_set_unchanged(struct folder *, size_t i, unsigned flags,
	    uint64_t keywords, uint64_t unchanged_since);
/* Around many changes: one lock, one mod-sequence, one line in the list.  begin learns what other sessions
 * have done.  end: -1 when the changes could not be written down. */
int	folder_store_begin(struct folder *);
int	folder_store_end(struct folder *);
/* Unlinks the message; the index stays until folder_refresh. 0 also when it was gone. */
int	folder_remove(struct folder *, size_t i);

/* What changed on disk since the last refresh (or open), told in this order: vanished messages with
 * their index at the time of the call, from the last to the first; then changed flags; then how many
 * are new at the end.  NULL callbacks are skipped.  Cheap when nothing changed.  0 or -1. */
struct folder_changes {
	void (*vanished)(void *arg, size_t i, uint32_t uid);
	void (*flags)(void *arg, size_t i);
	void (*arrived)(void *arg, size_t n);
	void *arg;
};
int	folder_refresh(struct folder *, const struct folder_changes *);
/* An inotify descriptor that becomes readable when the folder may have changed, or -1: poll
 * every poll-seconds instead.  folder_refresh drains it. */
int	folder_watch(struct folder *);

/*
 * A cache of what a program has made of message i: any bytes, at most FOLDER_BLOB_MAX, of one of a few kinds, in a format
 * that the program gives a number.  get: p is NULL when there is nothing; valid until the next call of
 * these.  It is checked against accidents, not against an owner of the mailbox who wants to fool his own program: never
 * trust its lengths.  put: best effort; flush writes what has gathered.
 */
#define FOLDER_BLOB_MAX	65536
enum {
	FOLDER_BLOB_ENVELOPE, FOLDER_BLOB_STRUCTURE, FOLDER_BLOB_SEARCH,
	FOLDER_BLOB_FACTS, FOLDER_BLOB_GRAMS, FOLDER_BLOB_FIELDS,
	FOLDER_BLOB_KINDS
};
struct span folder_blob_get(struct folder *, size_t i, unsigned kind,
	    uint32_t format);
void	folder_blob_put(struct folder *, size_t i, unsigned kind,
	    uint32_t format, const void *, size_t);
void	folder_blob_flush(struct folder *);

#include "folder_add.h"

#endif
