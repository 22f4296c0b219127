/*
 * Looks whether a Maildir++ and the store's text files in it are sound, and mends what can be mended without a choice:
 * what posthouse maildir check and repair do.  Nothing that a person wrote is ever removed.
 */
#ifndef FOLDER_CHECK_H
#define FOLDER_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "quota.h"
#include "settings.h"

struct folder_finding {
	const char *file;	/* its path */
	unsigned line;		/* 0: the file as a whole */
	const char *what;	/* what is wrong, */
	const char *mend;	/* and what mends it, as a command */
	bool by_hand;		/* a person must do that */
};

struct folder_check {
	bool repair;		/* mend; otherwise nothing is changed */
	struct ids owner;	/* whose it should be; uid -1: not looked at */
	struct quota quota;	/* its limits; none: those that maildirsize tells */
	void (*tell)(void *arg, const struct folder_finding *);
	void *arg;
	size_t findings, by_hand;	/* how many were told */
	bool failed;			/* to mend one of them */
};

/*
 * Who owns it: the root, its folders, their directories and files.  As root, mends that.  A link is not followed, a
 * file of another owner that has a second name is not given away.  0, or -1 with errno: the root cannot be read.
 */
int	folder_check_owner(struct folder_check *, const char *root);
/*
 * All else, best as the owner: modes, names of messages, text files, quota; when mending, caches are removed too.
 * A folder is locked while it is mended; programs may use it meanwhile.  0, or -1 with errno: it could not be done
 * to its end.
 */
int	folder_check(struct folder_check *, const char *root);

#endif
