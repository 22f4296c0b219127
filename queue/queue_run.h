/*
 * The scheduler: one process, one poll loop.  What its parts share.
 *
 *	queue_run.c	the loop: trigger, workers, time
 *	queue_work.c	from a name to jobs
 *	queue_done.c	from answers to what stays on disk
 *	queue_scan.c	what the directories hold
 */
#ifndef QUEUE_RUN_H
#define QUEUE_RUN_H

#include <dirent.h>

#include "queue_jobs.h"
#include "queue_sent.h"
#include "queue_trigger.h"

enum scan_phase { SCAN_NONE, SCAN_CUR, SCAN_STATE, SCAN_NEW, SCAN_TMP };

struct scan {
	enum scan_phase phase;
	DIR *dir;
	bool full;		/* all phases, else new/ alone */
	bool again;		/* asked for meanwhile */
	bool young;		/* something in new/ is too young to be taken */
	time_t next_new, next_full;
	time_t since, before;	/* real time: when this full scan and the one before began */
};

struct sched {
	struct control *c;
	struct dirs dirs;
	struct trigger trigger;
	int alive;		/* its end: stop */
	bool once;		/* one pass, then exit */
	bool stopping;
	bool broken;		/* the control directory cannot be used now */
	bool lost;		/* a worker is gone */
	time_t now, start;
	uint64_t refreshed;	/* the second of the last look at the control files */
	struct index ix;
	struct dests dests;
	struct worker workers[WORKERS];
	struct jobs jobs;
	struct item_list fresh;	/* to be looked at now */
	struct lanes lanes;	/* the same, by sender, when they are many */
	bool due_first;		/* in this round what is due goes before what is new */
	struct message *dirty;	/* their state is to be written in this round */
	struct scan scan;
	bool scanned;		/* all directories, once */
	struct sent_log sent;
};

/* Opens the spool's directories: 0, or -1 with errno. */
int	dirs_open(struct dirs *, const char *spool);

/* The loop.  Returns the exit code. */
int	sched_run(struct sched *);
int	sched_init(struct sched *);
/* Reads the control files again where they changed.  true: they were. */
bool	sched_refresh(struct sched *);

/* Looks at one message: jobs are sent, or it waits, or it is gone. */
void	work_item(struct sched *, uint32_t id);
/* deliver-local's answer about a file that we could not read; frees the message. */
void	work_back(struct sched *, struct message *, const struct answer *);
/* Reads who the sender is, for the item's lane. */
void	work_lane(struct sched *, uint32_t id);
/* Is there room for one more? */
bool	work_room(const struct sched *);
/* The same for jobs to other hosts. */
bool	work_remote_room(const struct sched *);
/* When this recipient is due again by itself. */
time_t	rcpt_next(const struct sched *, const struct message *,
	    const struct rcpt *);
/* The message's file is moved to hold/, with a reason in the log. */
void	work_hold(struct sched *, const char *name, bool cur, const char *why);

/* What an answer makes of a recipient. */
void	done_rcpt(struct sched *, struct message *, struct rcpt *,
	    const struct answer *);
/* One answer line. */
void	done_answer(struct sched *, struct answer *);
/* Every recipient has its answer, or nothing was sent. */
void	done_message(struct sched *, struct message *);
/* The same for one that is held, whose recipients are done or left as they are: 0, or -1. */
int	done_held(struct sched *, struct message *);
/* Writes the state with the envelope, durably, before the file loses it: 0 or -1. */
int	done_note(struct sched *, struct message *);
/* Writes the states that have changed in this round. */
void	done_flush(struct sched *);

/* Starts a scan, goes on with it for a while, says when the next one is due. */
void	scan_start(struct sched *, bool full);
void	scan_step(struct sched *);
bool	scan_running(const struct sched *);

#endif
