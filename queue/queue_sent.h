/*
 * What was sent to other hosts before a crash: spool/sent (posthouse-spool(5)).
 * Each run of deliver-remote has one file there; whoever may still write to it
 * holds a lock on it.
 */
#ifndef QUEUE_SENT_H
#define QUEUE_SENT_H

#include "job.h"
#include "queue_message.h"
#include "settings.h"

struct sched;
struct old_sent;			/* a file of an earlier run */

struct sent_log {
	int fd;				/* of this run; -1: none could be made */
	char name[48];
	bool ready;			/* no process of an earlier run can send any more */
	uint64_t next_look;		/* clock_mono_ms, until ready */
	struct old_sent *old;		/* whose lines are not all settled */
	bool used;			/* something may be noted in it */
	uint64_t mark_serial, mark_size;	/* sent_trim */
};

/* For the supervisor: makes and locks this run's file; *append is for deliver-remote's
 * descriptor 5, *look for its 6, and fd is the scheduler's.  0, or -1. */
int	sent_create(struct sent_log *, const struct settings *, int *append,
	    int *look);

/* Until ready: looks whether the earlier runs have ended, and reads what they left.  Then:
 * sees that what they left gets settled. */
void	sent_step(struct sched *);
/* Marks those recipients of m as done that an earlier run has sent to.  Whether any was. */
bool	sent_mark(struct sched *, struct message *m);
/* Has an earlier run noted something about it that is not settled? */
bool	sent_concerns(const struct sched *, const struct spool_name *);
/* Gives the disk back what no crash can need any more. */
void	sent_trim(struct sched *);

#endif
