/*
 * The tree of names that LIST and LSUB show.
 */
#ifndef LIST_H
#define LIST_H

#include "imap.h"

struct list_name {
	const char *raw;		/* "" is INBOX */
	struct span wire;
	bool exists, subscribed;
	bool children;			/* existing ones */
	bool subscribed_below;
	struct span use;		/* "\Sent" and so on; len 0: none */
};
struct list_tree {
	struct list_name *names;	/* parents right before their children */
	size_t n, cap;
	struct arena *arena;
	bool utf8;			/* the form of wire */
};

/*
 * Fills t with the mailboxes, the subscribed names where wanted, and all their
 * ancestors.  0, or -1 with errno.  Lives in the arena.
 */
int	list_load(struct imap *, struct list_tree *t, bool subscriptions);
/* Special uses (RFC 6154): what was asked for in CREATE or SETMETADATA; and of
 * the rest those that the usual names stand for. */
void	list_special_use(struct imap *, struct list_tree *);

/* cmd_list.c: one LIST response that was not asked for, with OLDNAME (RFC 5465 section
 * 5.4) where old is not empty. */
void	list_tell(struct imap *, const struct list_name *, struct span old);
/* One that says alone whether the mailbox may be read: RFC 5465 section 5.9. */
void	list_tell_access(struct imap *, const char *raw, bool access);

#endif
