/*
 * The manager's books: destinations with jobs that wait, and workers.
 */
#ifndef REMOTE_MANAGER_H
#define REMOTE_MANAGER_H

#include <sys/types.h>

#include "remote.h"

#define DEST_KEY_MAX	(3 * ADDR_DOMAIN_MAX + 400)
#define DEST_BUCKETS	1024
#define UNPROVEN_MAX	2	/* workers of one destination that have not yet got through */

/* One place to connect to: a smarthost, or the MX hosts of one domain. */
struct dest {
	char key[DEST_KEY_MAX];
	struct route route;
	struct remote_job *first, **last;	/* waiting */
	unsigned workers;	/* all of them */
	unsigned unproven;	/* of them, those without an answer yet */
	unsigned limit;		/* learnt: connections that this place takes */
	struct dest *hash_next;
	struct dest *next, *prev;	/* in the order of turns */
};

struct worker_proc {
	pid_t pid;
	int in, out;		/* its input, -1 when closed; its answers */
	struct dest *dest;
	struct remote_job *job;	/* being done; NULL: idle */
	size_t written;		/* bytes of job->line that it has been given */
	struct lines lines;	/* its answers so far */
	uint64_t idle_since;	/* clock_mono_ms */
	bool proven;
	unsigned generation;	/* of the control files that it was forked with */
	struct worker_proc *next;
};

struct manager {
	struct control *control;
	const struct dirs *dirs;
	unsigned generation;
	bool broken;		/* control files cannot be read: everything waits */
	struct dest *buckets[DEST_BUCKETS];
	struct dest *turns;	/* circular: whose turn is next */
	struct worker_proc *workers;
	unsigned nworkers;
	size_t njobs;		/* waiting or being done */
	struct buf out;		/* answers for queue */
	struct lines in;
	bool in_closed;
	bool deaf;		/* queue does not read any more */
};

/* remote_dest.c */
struct dest *dest_get(struct manager *, const struct remote_job *);
void	dest_add(struct dest *, struct remote_job *);
void	dest_add_first(struct dest *, struct remote_job *);
struct remote_job *dest_take(struct dest *);
/* Forgets a destination without jobs and workers. */
void	dest_release(struct manager *, struct dest *);

/* remote_proc.c */
/* Forks a worker for d: 0, or -1. */
int	proc_start(struct manager *, struct dest *);
/* Hands it the job; what does not fit its pipe is written when it can be. */
void	proc_give(struct worker_proc *, struct remote_job *);
int	proc_write(struct worker_proc *);
/* Lets it end: QUIT, and no more jobs. */
void	proc_finish(struct worker_proc *);
/* Forgets it and waits for it: the wait(2) status. */
int	proc_reap(struct manager *, struct worker_proc *);

#endif
