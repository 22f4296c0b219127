/*
 * What the worker of deliver-local asks its master for: a process for one recipient.
 * Lines on a pipe, each in one write:
 *
 *	OWNER TAB JOB
 *
 * OWNER says whose places the process takes, JOB is a job line of that recipient alone.
 */
#ifndef LOCAL_REQUEST_H
#define LOCAL_REQUEST_H

#include "job.h"
#include "spool.h"

#define OWNER_KEY_SIZE	17

/* Adds a request: 0, or -1 and out is bad. */
int	request_print(struct buf *out, const char owner[OWNER_KEY_SIZE],
	    const struct spool_name *, bool cur, bool move,
	    const struct job_rcpt *);
/* The job of a line (without its LF), and its owner: "" where that is none. */
struct span request_job(struct span line, char owner[OWNER_KEY_SIZE]);
/* The queue's word for the recipient of a job; len 0: there is none. */
struct span request_id(struct span job);
/* Gives each whole line of b to serve, without its LF.  Those for which it says false stay, in
 * their order, and so does the beginning of a line. */
void	requests_serve(struct buf *b, bool (*serve)(void *arg, struct span line),
	    void *arg);

#endif
