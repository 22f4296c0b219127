/*
 * Annotations of mailboxes and of the account: RFC 5464, in text files that
 * move with the mailbox they are about.
 */
#ifndef METADATA_H
#define METADATA_H

#include "imap.h"

#define METADATA_FILE	"posthouse.metadata"		/* in a mailbox's directory */
#define METADATA_ACCOUNT "posthouse.metadata-account"	/* in the mail directory */
#define METADATA_USE	"/private/specialuse"		/* RFC 6154 section 4 */

struct meta_entry {
	struct span name;		/* in lower case */
	struct span value;		/* p NULL: none, or to be removed */
	struct meta_entry *next;
};

/* All entries of the file in dir, into the arena; none is no error.  0 or -1. */
int	metadata_load(const char *dir, const char *file, struct arena *,
	    struct meta_entry **);
/* Sets all that are listed, or none: 0, or -1 with errno; E2BIG: too many entries. */
int	metadata_change(const char *dir, const char *file, struct arena *,
	    const struct meta_entry *changes);
/* The entry of that name, or NULL. */
const struct meta_entry *metadata_find(const struct meta_entry *, struct span name);

/* cmd_metadata.c: entry names as in "(" entry *(SP entry) ")" or alone; the
 * values of the list are unset. */
bool	parse_metadata_entries(struct args *, struct meta_entry **);
/* "* METADATA name (...)" with each of them.  0 or -1. */
int	metadata_out(struct imap *, const char *raw, const struct meta_entry *);
/* Is the value of specialuse one or more attributes that a mailbox can have? */
bool	metadata_is_use(struct span value);
/* RENAME of INBOX keeps its annotations and gives them to the new mailbox. */
void	metadata_copy(struct arena *, const char *from, const char *to);

#endif
