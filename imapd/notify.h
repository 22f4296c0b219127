/*
 * NOTIFY (RFC 5465): what a client wants to be told of, what it has been told
 * already, and the watch that says when to look again.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <sys/types.h>

#include "fetch.h"
#include "filter.h"
#include "metadata.h"

enum {				/* events: RFC 5465 section 5 */
	EV_NEW = 1, EV_EXPUNGE = 2, EV_FLAG = 4,
	EV_MESSAGE = EV_NEW | EV_EXPUNGE | EV_FLAG,
	EV_NAME = 8, EV_SUBSCRIPTION = 16, EV_METADATA = 32, EV_SERVER = 64
};
struct notify_group {
	struct filter *filter;
	unsigned events;		/* 0: NONE, whatever other groups say */
	struct notify_group *next;
};
enum { WATCH_CUR, WATCH_NEW, WATCH_DIR, WATCH_N };

/* A mailbox, or a subscribed name, that the groups name; and its state as the
 * client knows it. */
struct notify_box {
	char *raw;
	unsigned events;
	bool exists, subscribed;
	bool spent;			/* its state has gone on into another box */
	dev_t dev;			/* of the directory, which keeps them when it is renamed */
	ino_t ino;
	char id[FOLDER_ID_SIZE];	/* its object id, for an inode may be used again; "": unknown */
	int watch[WATCH_N];		/* -1: none */
	bool known, meta_known;		/* status and meta hold */
	bool look, look_meta;		/* they may hold no longer */
	bool unseen_known;
	bool barred;			/* told \NoAccess */
	struct folder_status status;
	size_t own;			/* messages that this session has added since, */
	uint32_t own_next;		/* and the UIDNEXT after them */
	struct buf meta;		/* names of annotations, and what their values hash to */
};
struct notify {
	struct arena arena;		/* of the groups */
	struct notify_group *groups;
	unsigned selected;		/* events of the selected mailbox */
	bool delayed;			/* SELECTED-DELAYED */
	bool implied;			/* by ENABLE METADATA alone: RFC 5464 section 4.1 */
	struct fetch *fetch;		/* what to tell of its new messages, or NULL */
	struct notify_box *box;		/* in order of raw */
	size_t n, cap;
	int fd;				/* watch_many.h; -1: poll */
	int root, chosen[WATCH_N];	/* watched: the mail directory, the selected mailbox */
	bool look_tree, look_selected, look_account;
	bool settling;			/* the tree is changing: look a little later */
	bool account_known;
	struct buf account;		/* as meta, of the account */
	uint64_t quiet_until, looked;	/* clock_mono_ms() */
	const char *own[2];		/* names that a command of this session changes now, */
	const struct meta_entry *own_entries;	/* and annotations */
	char chosen_raw[NAME_RAW_MAX + 1];
};

/* Does the client want these events of the selected mailbox?  All but NEW with
 * attributes, until it has said otherwise. */
bool	notify_wants(const struct imap *, unsigned events);
/* Is it to be told also while no command runs? */
bool	notify_always(const struct imap *);
/* What becomes readable when there may be something to tell; -1: ask again at
 * notify_when, a time of clock_mono_ms() (UINT64_MAX: never). */
int	notify_fd(const struct imap *, uint64_t now);
uint64_t notify_when(const struct imap *, uint64_t now);
/* Tells what there is to tell.  expunge: also EXPUNGE of the selected mailbox.
 * -1: the selected mailbox is lost. */
int	notify_round(struct imap *, bool expunge);
/* Tells of what is not the selected mailbox, at the end of a command. */
void	notify_others(struct imap *);
/* Watches what is not watched yet, or polls. again: try to watch where that failed before. */
void	notify_watch(struct imap *, struct notify *, bool again);
/* cmd_notify.c: what ENABLE METADATA asks for. */
void	notify_metadata(struct imap *);
/* Ends it all.  What was wanted of the selected mailbox is as notify_wants says. */
void	notify_free(struct imap *);
/* "* OK [NOTIFICATIONOVERFLOW]", and NOTIFY NONE: RFC 5465 section 5.8. */
void	notify_overflow(struct imap *);

/* A change that this session makes is not told to it (RFC 5465 section 5); each
 * of these does nothing without NOTIFY.  Names, of which the second may be NULL, after CREATE, DELETE,
 * RENAME and (UN)SUBSCRIBE; */
void	notify_own_names(struct imap *, const char *raw, const char *second);
/* annotations that were set, raw NULL: of the account; */
void	notify_own_metadata(struct imap *, const char *raw,
	    const struct meta_entry *);
/* n messages added to the mailbox raw, with UIDs from first to last. */
void	notify_own_messages(struct imap *, const char *raw, size_t n,
	    uint32_t first, uint32_t last);
/* The selected mailbox is about to be left: what is told of it from now on
 * begins with what the client knows (as_seen), or with what is there now. */
void	notify_leave(struct imap *, bool as_seen);

/* notify_tree.c: names, subscriptions, and which mailboxes are watched.  tell: LIST responses for
 * what is not as it was.  -1: they are too many, or errno. */
int	notify_tree(struct imap *, struct notify *, bool tell);
/* The box of that name, or NULL. */
struct notify_box *notify_find(const struct notify *, const char *raw);
/* notify_look.c: tells \NoAccess when the right to read it has gone, and when it is back. */
bool	notify_may_read(struct imap *, struct notify_box *, struct place *);
/* Looks at what may have changed, and tells it. */
void	notify_look_status(struct imap *, struct notify_box *);
void	notify_look_meta(struct imap *, struct notify_box *, const char *raw);
/* "* STATUS" with what RFC 5465 section 3.1 wants at the beginning. */
void	notify_first_status(struct imap *, struct notify_box *);

#endif
