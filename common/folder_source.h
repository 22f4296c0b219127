/*
 * The keywords of a Maildir that is only read, whoever keeps it: us, Dovecot or Courier.
 */
#ifndef FOLDER_SOURCE_H
#define FOLDER_SOURCE_H

#include "buf.h"
#include "maildir.h"

#define FOLDER_SOURCE_MAX	64	/* keywords */

struct source_owner;
struct folder_source {
	struct buf text, names;
	char *name[FOLDER_SOURCE_MAX];		/* NULL: none */
	struct source_owner *owners;		/* messages that have keywords not in their names */
	size_t nowners;
};

/* Reads what the Maildir open at dirfd has: 0, also when that is nothing; -1 no memory. */
int	folder_source_open(struct folder_source *, int dirfd);
void	folder_source_free(struct folder_source *);
/* The keywords of a message: how many; they live as long as the source. */
size_t	folder_source_of(const struct folder_source *,
	    const struct maildir_name *, const char *out[FOLDER_SOURCE_MAX]);

/* May it be a keyword? */
bool	folder_source_ok(const char *name);

#endif
