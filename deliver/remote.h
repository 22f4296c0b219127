/*
 * deliver-remote: what its parts share.  The manager reads jobs and hands each
 * to a worker; a worker is one process with at most one connection.
 *
 *	manager  remote_manager.c   never waits for the network
 *	worker   remote_worker.c    one destination, one job at a time
 */
#ifndef REMOTE_H
#define REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"
#include "buf.h"
#include "control.h"
#include "ex.h"
#include "job.h"
#include "sandbox.h"
#include "spool.h"

#define VERDICT_TEXT_MAX 8192	/* the other side's words; longer ones are cut */
#define RELAY_MAX	(ADDR_DOMAIN_MAX + 64)

struct remote_rcpt {
	char id[24];		/* the queue's name for this recipient in this job */
	char index[JOB_INDEX_MAX];	/* "3", "3.1": job.h */
	char *address;		/* local@domain, checked */
	bool answered;
};

/* A job whose parts have all been checked. */
struct remote_job {
	char *line;		/* as it came, with its newline, for the worker */
	size_t line_len;
	bool cur;		/* where the message is: cur or new */
	char domain[ADDR_DOMAIN_MAX + 1];	/* destination, lower case */
	struct spool_name name;
	struct remote_rcpt *rcpts;
	size_t nrcpts;
	struct remote_job *next;
};
/* Takes a copy of the line (without newline).  NULL: malformed (EINVAL), or no memory. */
struct remote_job *remote_job_parse(struct span line);
void	remote_job_free(struct remote_job *);

/* What became of a recipient: class, enhanced status code, and one line without control bytes. */
struct verdict {
	enum proc_class class;
	char dsn[12];
	bool passed;		/* done, and the next host reports: RFC 3461 */
	char text[VERDICT_TEXT_MAX];
};
void	verdict_clear(struct verdict *);	/* but for the bytes of text that nobody reads */
void	verdict_set(struct verdict *, enum proc_class, const char *dsn,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Who answered: a connection for the log, "" for none. */
struct relay {
	char text[RELAY_MAX];	/* host[192.0.2.1]:25 */
	char host[ADDR_DOMAIN_MAX + 4];
	char tls[16];
};

/* Answers for one recipient, unless it has an answer: logs, and adds the answer line to out. */
void	remote_answer(struct remote_job *, size_t rcpt, const struct relay *,
	    const struct verdict *, struct buf *out);
/* The text of an answer: "[host] " and the verdict's words. */
void	remote_answer_text(const struct relay *, const struct verdict *,
	    struct buf *out);
/* The same for every recipient that has no answer yet. */
void	remote_answer_all(struct remote_job *, const struct relay *,
	    const struct verdict *, struct buf *out);

/*
 * What a worker tells the manager behind the answers of a job: "." for the end,
 * or, when no connection could be made and nothing was answered,
 * ".dead DSN HOST RELAY TEXT" (HOST and RELAY "-" for none).
 */
void	dead_print(struct buf *out, const struct relay *,
	    const struct verdict *);
bool	dead_parse(struct span line, struct relay *, struct verdict *);

/* Spool directories, open for reading. */
struct dirs { int new, cur; };

/* Reads jobs on fd 0 and answers on fd 1 until the end of fd 0.  Exit code. */
int	manager_run(struct control *, const struct dirs *);
/* A worker process, already forked: jobs for one route on fd in until its end, answers on fd
 * out.  Returns the exit code. */
int	worker_run(struct control *, const struct dirs *,
	    const struct route *, int in, int out);

/* Lines of our own pipes: what has come in so far. */
struct lines {
	struct buf buf;
	size_t used;		/* bytes that earlier lines took */
};
void	lines_init(struct lines *);
/* Reads once: 1, 0 at the end, -1 (errno; ENOBUFS: a line over JOB_LINE_MAX). */
int	lines_read(struct lines *, int fd);
/* The next whole line without its newline, valid until the next lines_read. */
bool	lines_next(struct lines *, struct span *);

/* Confines the manager (as send-user where root), then each worker further. 0 or -1. */
int	remote_confine_manager(const struct control *);
/* Its change is as that of a control file. */
#define REMOTE_RESOLV_CONF	"/etc/resolv.conf"
int	remote_confine_worker(const struct control *);

#endif
