/*
 * posthouse user: what its commands have in common.
 */
#ifndef ADMIN_USER_H
#define ADMIN_USER_H

#include "admin.h"
#include "control.h"

struct user {
	struct control control;
	char address[ADDR_MAX + 8];	/* canonical, lower case */
	int lock;			/* no other edit goes on */
	bool asked;			/* secret was read */
	char secret[ADMIN_SECRET_MAX];
};

/* No exit code: a command needs a secret.  It has done nothing yet, and is run again with the secret, for nobody
 * shall wait for the lock while a person types. */
#define USER_ASK	(-1)

/* admin_user.c */
int	user_usage(void);		/* EX_USAGE */
/* Takes the address in the form in which it is looked up.  EX_OK, or an exit code and told why. */
int	user_address(struct user *, const char *arg);
/* The same, and the account must exist. */
int	user_find(struct user *, const char *arg, struct account *);

/* admin_list.c: each is one command */
int	user_list(struct user *, int argc, char *argv[]);
int	user_show(struct user *, int argc, char *argv[]);

/* admin_passwd.c: the first two are commands */
int	user_passwd(struct user *, int argc, char *argv[]);
int	user_app_password(struct user *, int argc, char *argv[]);
/* Stores u->secret as the main password.  An exit code. */
int	user_set_password(struct user *);
/* Prints what is known of the account's secrets, and never a secret. */
void	user_print_passwords(const struct user *);

/* admin_mailbox.c: told why where they fail */
/* Makes the Maildir with the folders that mail programs expect, as its owner.  0 or -1. */
int	mailbox_make(const struct account *);
/* Gives the Maildir another name beside it, which goes to to.  1, 0 there was none, or -1. */
int	mailbox_aside(const char *maildir, char *to, size_t size);
/* Removes a Maildir that mailbox_aside has renamed, for good.  0 or -1. */
int	mailbox_purge(const char *maildir);

#endif
