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
};
struct list_tree {
	struct list_name *names;	/* parents right before their children */
	size_t n, cap;
	struct arena *arena;
};

/*
 * Fills t with the mailboxes, the subscribed names where wanted, and all their
 * ancestors.  0, or -1 with errno.  Lives in the arena.
 */
int	list_load(struct imap *, struct list_tree *t, bool subscriptions);
/* "\Sent" and so on (RFC 6154), or NULL. */
const char *list_special_use(const struct list_name *);

#endif
