/*
 * The log: one event in one line of at most LOG_LINE_MAX bytes, written by one
 * write(2) to fd 2, or sent to syslog(3) where fd 2 is the client's socket.
 * The only place where a peer's bytes reach the log, and the only escaper.
 *
 *	PROG[PID]: EVENT key=value key=value ... text=free text
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define LOG_LINE_MAX	512	/* with the newline: what POSIX promises as PIPE_BUF */

/*
 * Says who logs.  stamp adds the time, syslog sends to syslog(3).  When fd 0
 * and fd 2 are one socket (inetd), syslog is used whatever the caller says.
 * prog must live as long as the process.  Call again after fork for the pid.
 */
void	log_init(const char *prog, bool stamp, bool syslog);
void	log_forked(void);		/* the pid has changed */

/*
 * A line is built on the stack and written by log_end:
 *
 *	struct log l;
 *	log_begin(&l, "queued");
 *	log_str(&l, "sid", sid);
 *	log_end(&l);
 *
 * Keys come from the closed list in posthouse-log(5); sid or qid is first.
 * A value's bytes outside '!'..'~', space, '%' are written %XX.  log_addr
 * puts angle brackets around an address.  log_text may come last only, and is
 * what is cut when the line is too long.  NULL values are skipped.
 */
struct log {
	char line[LOG_LINE_MAX];
	size_t len;
};

void	log_begin(struct log *, const char *event);
void	log_str(struct log *, const char *key, const char *);
void	log_span(struct log *, const char *key, struct span);
void	log_num(struct log *, const char *key, uint64_t);
void	log_addr(struct log *, const char *key, struct span);
void	log_text(struct log *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	log_textspan(struct log *, struct span);
void	log_end(struct log *);

/* One-line forms for events without an id: "warn text=..." and "die text=...".
 * errno, when not 0 on entry of log_warn_errno, is named in errno=. */
void	log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_warn_errno(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));
/* Logs "die" and exits with code; flushes nothing, runs no atexit handler. */
void	log_die(int code, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3), noreturn));
void	log_die_errno(int code, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3), noreturn));

#endif
