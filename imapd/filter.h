/*
 * Which mailboxes a command means, by kind or by name: RFC 5465 section 6, as RFC
 * 7377 section 4 has it.
 */
#ifndef FILTER_H
#define FILTER_H

#include "list.h"

enum filter_kind {
	FILTER_SELECTED, FILTER_INBOXES, FILTER_PERSONAL, FILTER_SUBSCRIBED,
	FILTER_SUBTREE, FILTER_SUBTREE_ONE, FILTER_MAILBOXES
};
struct filter {
	enum filter_kind kind;
	const char **raw;	/* names of SUBTREE, SUBTREE-ONE, MAILBOXES */
	size_t n, cap;
	struct filter *next;
};

/*
 * filter-mailboxes *(SP filter-mailboxes), up to what follows.  Names that no
 * mailbox can have are left out: what does not exist is ignored (RFC 5465
 * section 6).  In the arena; NULL: a->why.
 */
struct filter *filter_parse(struct args *);
/* One filter-mailboxes. */
struct filter *filter_parse_one(struct args *);
/* Does one of them name this mailbox?  FILTER_SELECTED names none here. */
bool	filter_matches(const struct filter *, const struct list_name *);
/* The same, whether it exists or not. */
bool	filter_names(const struct filter *, const char *raw, bool subscribed);
bool	filter_has(const struct filter *, enum filter_kind);

#endif
