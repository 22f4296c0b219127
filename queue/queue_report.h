/*
 * What a sender is told: which report is due, who writes it, and what then
 * becomes of the recipients.
 */
#ifndef QUEUE_REPORT_H
#define QUEUE_REPORT_H

#include "queue_jobs.h"

struct sched;

/* What has been tried long enough fails now. */
void	report_expire(struct sched *, struct message *);
/* Is some report due that was not asked for in this round? */
bool	report_is_due(const struct sched *, const struct message *);
/*
 * Hands the next report that is due to the bounce process; each kind once in a
 * round.  true: its answer is to come.
 */
bool	report_next(struct sched *, struct message *);
/* The answer.  done: the report is in the spool, durable, or none was due. */
void	report_answer(struct sched *, struct message *, enum report,
	    bool done);
/* The recipient is done, and its sender wants to be told (RFC 3461 section 4.1). */
void	report_owe(struct rcpt *, const struct answer *);

#endif
