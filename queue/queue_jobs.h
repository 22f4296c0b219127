/*
 * Jobs under way and the pipes to the workers.
 */
#ifndef QUEUE_JOBS_H
#define QUEUE_JOBS_H

#include "job.h"
#include "queue_dest.h"
#include "queue_message.h"

enum worker_kind { WORKER_LOCAL, WORKER_REMOTE, WORKER_BOUNCE, WORKERS };

/* What a sender is told, in this order. */
enum report { REPORT_FAILED, REPORT_DONE, REPORT_DELAYED, REPORTS };

struct worker {
	int out, in;		/* not blocking */
	struct buf outbuf, inbuf;
	unsigned inflight;	/* jobs */
};
int	worker_init(struct worker *, int out, int in);
/* Writes what the pipe takes of outbuf: 0, or -1 (the worker is gone). */
int	worker_flush(struct worker *);
/*
 * Reads what is there and calls each for every whole line (without LF).
 * 1, 0 at the end of the pipe, -1 with errno.
 */
int	worker_read(struct worker *, void (*each)(void *arg, struct span line),
	    void *arg);

struct job_entry {
	uint64_t serial;	/* 0: free */
	enum worker_kind kind;
	struct message *m;
	struct dest *dest;	/* remote */
	unsigned outstanding;	/* answers */
	bool reached;		/* some answer was not about the way there */
	bool move;		/* deliver-local takes the file itself */
	bool back;		/* it gives the file back to us */
	enum report report;	/* bounce */
};
struct jobs {
	struct job_entry *v;
	unsigned max, used;
	uint64_t next;
};
int	jobs_init(struct jobs *, unsigned max);
/* NULL when max are under way. */
struct job_entry *job_new(struct jobs *, enum worker_kind, struct message *);
void	job_free(struct jobs *, struct job_entry *);
/* The token for recipient k of a job, and back; NULL: no such job. */
uint64_t job_id(const struct job_entry *, size_t k);
/* Is a job under way that is older than the serial? */
bool	jobs_before(const struct jobs *, uint64_t serial);
struct job_entry *job_find(const struct jobs *, uint64_t id, size_t *k);

#endif
