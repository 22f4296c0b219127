/*
 * Accounts: lines of users taken apart, and accounts of the system.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "addr.h"
#include "quota.h"
#include "settings.h"
#include "userline.h"

struct control;

/* One line of users: address:maildir:owner:quota:options (posthouse-users(5)).
 * maildir is absolute, or below the setting mail-directory; where the field is
 * empty it is DOMAIN/LOCALPART there.  owner is NAME, UID or UID.GID. */
struct account {
	char address[ADDR_MAX + 1];
	char maildir[512];		/* absolute, without final slash */
	char home[256];			/* of an account of the system, else "" */
	struct ids owner;		/* (uid_t)-1 when not root */
	struct quota quota;		/* 0: no limit */
	struct user_line line;		/* as written; valid until users is loaded anew */
	bool missing;			/* told to a mailbox process: maildir is not there */
};
/* From users, or an account of the system.  0, or -1: not there (ENOENT) or a
 * broken line (EINVAL). */
int	account_find(const struct control *, const char *address,
	    struct account *);
/* The owner's file of forwards: ~/.forward, or MAILDIR.forward (PARENT/.forward
 * where the Maildir is called Maildir).  0, or -1: too long. */
int	account_forward(const struct account *, char *out, size_t size);
/* Is the mail directory there, or the Maildir elsewhere?  It is never made: perhaps its
 * file system is not mounted, and what came into another would be missed later. */
bool	account_has_place(const struct control *, const struct account *);
/* Makes the Maildir, if it has a place.  0 or -1. */
int	account_make(const struct control *, const struct account *);
/* May accounts of the system have addresses in that domain? */
bool	system_is_domain(const struct control *, const char *domain);
/* Reports what is wrong with one line of users: a table_format.check. */
void	account_check(struct control *, const char *file, unsigned line,
	    struct span key, struct span value);

#endif
