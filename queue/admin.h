/*
 * admin: what the command posthouse(1) does in C.
 */
#ifndef ADMIN_H
#define ADMIN_H

#include "control.h"
#include "rcpt.h"

#define ADMIN_SECRET_MAX 1024	/* more than any person or generator uses */

/* Errors and warnings found so far, each told on standard error. */
struct admin_check {
	struct control control;
	unsigned errors;
};

/* Each is one command: argv[0] is its name.  They return an exit code. */
int	admin_acl(const char *dir, int argc, char *argv[]);
int	admin_check(const char *dir, int argc, char *argv[]);
int	admin_hash(const char *dir, int argc, char *argv[]);
int	admin_import(const char *dir, int argc, char *argv[]);
int	admin_maildir(const char *dir, int argc, char *argv[]);
int	admin_queue(const char *dir, int argc, char *argv[]);
int	admin_rcpt(const char *dir, int argc, char *argv[]);
int	admin_user(const char *dir, int argc, char *argv[]);

/* "dir/file:line: text" on standard error; an error counts against the check. */
void	check_error(struct admin_check *, const char *file, unsigned line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void	check_warning(struct admin_check *, const char *file, unsigned line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Runs the lines of CONTROL/expect; returns how many there are. */
unsigned check_expect(struct admin_check *);
/* What the files say beyond each line's form: aliases, postmasters. */
void	check_sense(struct admin_check *);
void	check_readable(struct admin_check *);
/* admin_places.c: the spool and the mail directory; who may change the control files. */
void	check_places(struct admin_check *);
void	check_writable(struct admin_check *, const char *file);
/* admin_tls.c: certificates and keys. */
void	check_tls(struct admin_check *);
/* A file that every account of the system can read is no secret: what it is. */
void	check_secret(struct admin_check *, const char *file, const char *what);
/* admin_acl.c: the lists of the shared folders. */
void	check_shared(struct admin_check *);

/* "mailbox A", "alias A, B", "remote" or "unknown": as expect writes it. */
void	decision_print(const struct rcpt_decision *, struct buf *out);
/* "mx:", "host:25" and so on, as expect writes it. */
void	route_print(const struct route *, struct buf *out);

/* A secret: asked for twice on a terminal, else the first line of standard
 * input.  0, or -1 and told why.  The caller wipes it. */
int	secret_read(char out[ADMIN_SECRET_MAX]);

#endif
