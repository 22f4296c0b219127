/*
 * deliver-local: what its parts share.  The master (root) loads the control
 * files; the worker, a confined child, delivers.  When the control files have
 * changed the worker ends and the master starts another, for account names
 * can only be looked up outside the sandbox.
 */
#ifndef LOCAL_H
#define LOCAL_H

#include "control.h"
#include "job.h"
#include "sandbox.h"
#include "spool.h"

#define LOCAL_EXIT_RELOAD 40	/* worker to master: load the control files again */

/* An open Maildir: its new/ and, once needed, its tmp/. */
struct mailbox {
	char dir[512];
	uint32_t hash;		/* of dir */
	struct ids owner;
	int new, tmp;		/* tmp -1: not opened yet */
	bool forward;		/* the owner's file of forwards is there */
	dev_t dev;		/* of new/ */
	ino_t ino;
	uid_t uid;
	uint64_t since;		/* when it was last looked up, ms */
};

/*
 * The mailbox of an account, from the cache if it was opened within the last
 * second; made when it is missing.  NULL with errno.  Valid until the next call
 * that is not for one of the same job (mailbox_keep).
 */
struct mailbox *mailbox_open(const struct control *, const struct account *);
/* Forgets what is cached of it: its directory has gone. */
void	mailbox_drop(struct mailbox *);
/* tmp/ of the mailbox; -1 with errno. */
int	mailbox_tmp(struct mailbox *);

/* What became of one recipient. */
struct outcome {
	enum proc_class class;
	char dsn[12];
	char text[256];		/* for the sender of the message, among others */
	char note[256];		/* for the log instead of text, if not "" */
};
void	outcome_set(struct outcome *, enum proc_class, const char *dsn,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* From errno of a failed delivery step. */
void	outcome_errno(struct outcome *, int e, const char *what);
/* The same of a path, which is the log's alone. */
void	outcome_path(struct outcome *, int e, const char *path);
/* Says for the log what the sender is not to know: paths, what is in a user's
 * file of forwards. */
void	outcome_note(struct outcome *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* One job of the worker; dirs: new/ and cur/ of the spool. */
struct delivery {
	const struct control *c;
	int full;		/* the spool's full/, or -1 */
	unsigned marked;	/* mailboxes marked as full */
	int dir;		/* where the file is: new/ or cur/ */
	bool cur;
	bool take;		/* nobody else needs the file, and the state has its envelope */
	int given;		/* the file, open already; 0: not */
	uint64_t behind;	/* message_open: bytes behind the content */
	struct spool_name name;
};
enum found {
	FOUND_NOTHING,		/* out is set */
	FOUND_MAILBOX,		/* account is set */
	FOUND_FORWARD,		/* a mailbox whose owner has a file of forwards */
	FOUND_LIST		/* an alias that is expanded here */
};
struct target {			/* one recipient of a job */
	struct job_rcpt rcpt;
	struct account account;
	bool folder;		/* account.maildir is a folder of the Maildir */
	struct outcome out;
	char file[SPOOL_NAME_MAX + JOB_INDEX_MAX];	/* name in the Maildir */
	enum found found;
	bool todo;		/* no outcome yet */
	bool passed;		/* another process answers */
};
/* Quotas (local_quota.c).  quota_admit: may a message of that size go into the mailbox (t->file
 * is its name there; a delivery that was cut off may)?  If not, the outcome is set and the mailbox
 * marked full.  quota_took: it has gone there. */
bool	quota_admit(struct delivery *, struct target *, struct mailbox *,
	    uint64_t size);
void	quota_took(struct delivery *, struct target *, struct mailbox *,
	    uint64_t size);
/* Looks again at every mailbox that is marked; removes the marks of those that
 * have room.  How many are left, 0 without full/. */
unsigned quota_look(const struct control *, int full);

/* What the recipient's address is; mailboxes are opened. */
enum found target_find(const struct control *, struct target *);
/* The address as it is looked up: false when it is none. */
bool	target_address(const struct target *, struct addr *);
/* Logs what became of it. */
void	target_log(const struct delivery *, const struct target *);

/* The sole recipient: the file itself goes into the Maildir. */
void	deliver_move(struct delivery *, struct target *);
/* Several: a clean copy for each owner and file system, or the file itself, and links. */
void	deliver_copies(struct delivery *, struct target *, size_t n);
/* Opens the spool file and checks that it is one: a whole regular file with one name; or, to
 * take it, with more.  fd or -1 with *o set. */
int	message_open(struct delivery *, struct outcome *o);
/* The spool file is not one. */
void	message_wrong(struct outcome *);
/* Reads and parses the envelope; what was read is in head, which is made here. 0
 * or -1. */
int	message_head(int fd, const struct spool_name *, struct buf *head,
	    struct envelope *);
/* The open spool file has become somebody's mail, but not everybody's: puts a copy with
 * its envelope in its place.  0 or -1. */
int	message_take_back(const struct delivery *, int fd);
/* It was given to its owner, and nothing more: queue's again, or *o says why not. */
void	message_back(struct delivery *, struct outcome *);
/* Gives an open file to its owner: mode 0600, and the time of arrival. */
int	message_give(int fd, const struct ids *, time_t arrival);

struct worker {
	struct control *c;
	int new, cur;		/* of the spool */
	int full;		/* of the spool, or -1 */
	int requests;		/* pipe to the master: what needs a process of its own */
	int rest;		/* a file: input that a worker leaves to the next */
};
/* Reads jobs on fd 0, answers on fd 1.  0 at the end of input, or
 * LOCAL_EXIT_RELOAD, or another exit code. */
int	worker_run(struct worker *);
/* The master; spool is its directory.  Returns the exit code. */
int	master_run(struct control *, int spool);
/* Gives up root's powers but those that the worker, or the master, needs.  0 or -1. */
int	local_drop_powers(bool master);
/* Confines the worker.  0 or -1. */
int	local_confine(const struct control *);
/* Is the mail directory another than at local_confine?  Looks once a second. */
bool	local_mail_changed(const struct control *);

#endif
