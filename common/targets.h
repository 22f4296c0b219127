/*
 * Lists of delivery targets, in sendmail's syntax: the value of an alias, a
 * .forward file, a file named by :include:.  A pure parser over memory.
 *
 *	address  <address>  local-part  (comment)  "quoted local"@domain
 *	\local-part		that mailbox itself: no alias, no .forward
 *	|command  "|command"  |"command"	a program, given to sh -c
 *	/path  "/path"		a file; a Maildir where it ends in "/"
 *	:include:/path  ":include:/path"	a file with more targets
 *
 * Targets are separated by commas; in files also by line ends, and a line that
 * begins with "#" is a comment.
 */
#ifndef TARGETS_H
#define TARGETS_H

#include "addr.h"

enum target_kind {
	TARGET_ADDRESS, TARGET_MAILBOX, TARGET_PROGRAM, TARGET_FILE,
	TARGET_INCLUDE
};
#define TARGET_TEXT_MAX	1024	/* a command or path */

struct target_item {
	enum target_kind kind;
	struct addr addr;		/* of ADDRESS and MAILBOX */
	char text[TARGET_TEXT_MAX];	/* the command or path, unquoted; of an
					 * address, as it stands */
	unsigned line;			/* in the list, from 1 */
};

struct targets {
	struct cur cur;
	const char *domain;		/* for names without one */
	unsigned line;
	bool lines;			/* line ends separate */
};
/* domain is borrowed. */
void	targets_init(struct targets *, struct span text, const char *domain,
	    bool lines);
/*
 * The next one: 1; 0 at the end; -1 when it is broken: then *wrong says what
 * and how to mend it, item->text and line where, and the next call goes on
 * behind it.
 */
int	targets_next(struct targets *, struct target_item *,
	    const char **wrong);
bool	target_same(const struct target_item *, const struct target_item *);
/* The same for the same target, and hardly ever for two; not for strangers to choose by.
 * target_key writes it as 16 hexadecimal digits. */
uint64_t target_hash(const struct target_item *);
void	target_key(const struct target_item *, char out[17]);

#endif
