/*
 * What deliver-local does in a process of its own for one recipient: forwards,
 * programs, files, lists.
 *
 *	local_forward.c	the targets one after the other, and what became of all
 *	local_list.c	the targets: from aliases, .forward and included files
 *	local_journal.c	what is done already, on disk
 *	local_child.c	the new message for other addresses
 *	local_user.c	what is done as the owner: reading, programs
 *	local_append.c	files
 */
#ifndef LOCAL_FORWARD_H
#define LOCAL_FORWARD_H

#include <sys/stat.h>

#include "local.h"
#include "targets.h"

/* Who a target belongs to, and what his programs find in their environment. */
struct person {
	struct ids ids;		/* uid -1: as we are */
	char home[512];
	char user[ADDR_LOCAL_MAX + 1];
	bool programs;		/* may run programs and write files */
};

struct journal {
	int fd;			/* locked; -1: none */
	char name[SPOOL_NAME_MAX + JOB_INDEX_MAX];
	struct buf text;	/* as it was */
};

struct forward {
	const struct control *c;
	int spool;		/* the directory */
	struct delivery d;
	struct target t;	/* the recipient */
	struct addr addr;
	struct person who;
	bool move;
	bool list;		/* an alias, else a .forward */
	char sender[ADDR_MAX + 8];	/* of what goes on */
	struct envelope env;
	struct buf head;	/* what was read for the envelope */
	int from;		/* the spool file, open */
	unsigned included;	/* files */
	size_t included_size;	/* of them all */
	struct target_item *items;
	uint64_t *hashes;	/* of the items */
	size_t nitems, cap;
	struct journal journal;
};

/* Works on one job line, which has one recipient, and answers on fd 1. */
void	forward_run(const struct control *, int spool, struct span line);
/* Removes journals whose message has gone. */
void	forward_clean(int spool);

/*
 * Fills f->items.  false: f->t.out says why not; a list that is broken is not
 * worked on at all.
 */
bool	list_make(struct forward *);

/* 0, or -1 with errno: EWOULDBLOCK, another process has it. */
int	journal_open(struct journal *, int spool, const struct spool_name *,
	    struct span index);
/* What became of the target of that key: true and *o. */
bool	journal_find(const struct journal *, const char *key, struct outcome *o);
/* Notes it, durably: 0 or -1. */
int	journal_note(struct journal *, const char *key, const struct outcome *);
/* The message for other addresses that was made: true, with its name. */
bool	journal_child(const struct journal *, struct spool_name *);
int	journal_note_child(struct journal *, const struct spool_name *);
void	journal_remove(struct journal *, int spool);

/* Has the message for other addresses a sender of its own? */
bool	child_is_new(const struct forward *);
/* A new message to the addresses among the items, exactly once. */
void	child_send(struct forward *, struct outcome *);

/* Opens the spool's message behind its envelope, with Return-Path and
 * Delivered-To before it, as a file of no name: fd or -1. */
int	message_clean(struct forward *);

/* Reads a small file as that person: 0, or -1 with errno.  seen: what lstat(2) said of the path, and
 * ESTALE if it leads to another file by now; NULL: any. */
int	user_read(const struct person *, const char *path,
	    const struct stat *seen, struct buf *);
/*
 * The result line of a program, "CLASS DSN text": true if it is one of that class, and what it says
 * is in the outcome.  Our own code has its note in a second line.
 */
bool	outcome_parse(struct outcome *, enum proc_class, struct span said);
void	outcome_parse_note(struct outcome *, struct span said);
void	outcome_print(const struct outcome *, struct buf *out);
/* The last line of what a program said that is not empty, for people. */
struct span outcome_last_line(struct span said);
/* Runs the command: posthouse-deliver-local(8). */
void	user_program(struct forward *, const char *command, struct outcome *);
/* Calls that in a child as that person, with the message open at fd; what it
 * sets is what is given back. */
void	user_call(struct forward *, void (*call)(struct forward *,
	    const char *path, int fd, struct outcome *), const struct person *,
	    const char *path, struct outcome *);
/* Adds the message to a file, or a Maildir if the path ends in "/". */
void	user_file(struct forward *, const char *path, struct outcome *);

#endif
