/*
 * The lines of users and passwords (posthouse-users(5)): parser and printer of
 * each.  What a secret means is secret.h's.
 */
#ifndef USERLINE_H
#define USERLINE_H

#include <netinet/in.h>

#include <stdbool.h>
#include <time.h>

#include "buf.h"

/* What a login is for; bits. */
enum { FOR_IMAP = 1, FOR_POP3 = 2, FOR_SMTP = 4, FOR_ALL = 7 };

/* Who knows the account's secret. */
enum user_password {
	PASSWORD_FILE,		/* passwords; or the checkpassword program where that has no line */
	PASSWORD_SYSTEM,	/* shadow(5), of the owner */
	PASSWORD_PROGRAM	/* the checkpassword program */
};

/*
 * One line of users: address:maildir:owner:quota:options.  All spans are
 * borrowed from what was parsed.  Fields that others understand are as written.
 */
struct user_line {
	struct span address, maildir, owner, quota;
	unsigned protocols;	/* FOR_ALL where the line names none */
	struct span clients;	/* networks with commas between; len 0: everywhere */
	bool disabled;
	struct span reason;	/* what a disabled user is told; len 0: nothing special */
	enum user_password password;
};
/* key and value as table.h gives them.  NULL, or what is wrong and how to mend it. */
const char *user_line_parse(struct span key, struct span value,
	    struct user_line *);
/* Appends the line without its LF.  0, or -1: a field holds what would end it
 * (EINVAL), or out is full. */
int	user_line_print(struct buf *out, const struct user_line *);
/* May the account be used from there? */
bool	user_line_client(const struct user_line *, const struct in6_addr *);

/* One line of passwords: address:secret:label:protocols:expires. */
struct password_line {
	struct span address;
	struct span secret;	/* for secret.h */
	struct span label;	/* len 0: the account's main password */
	unsigned protocols;	/* FOR_ALL where the line names none */
	time_t expires;		/* the first second when it is not good any more; 0: never */
};
const char *password_line_parse(struct span key, struct span value,
	    struct password_line *);
int	password_line_print(struct buf *out, const struct password_line *);

/* "imap,smtp" to bits; -1: no such protocol, or none at all.  And back. */
int	protocols_parse(struct span, unsigned *);
int	protocols_print(struct buf *out, unsigned);

#endif
