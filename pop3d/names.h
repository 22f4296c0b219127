/*
 * A text file beside the maildrop that says something about some of its messages: lines "VALUE UNIQUE" below
 * a first line "TITLE 1".  Only the POP3 session that has the maildrop's lock writes it.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

struct name_line;

struct names {
	const char *file;
	const char *title;
	struct buf text;		/* whole lines, without the title */
	struct name_line *lines;	/* sorted by unique, then position */
	size_t n;
	size_t kept;			/* bytes of the file up to its last line end */
};

/* file and title must live as long as n. */
void	names_init(struct names *, const char *file, const char *title);
void	names_free(struct names *);
/* Adds a line to text; it is found only after names_index.  -1 EINVAL: what the reader would not take. */
int	names_add(struct names *, struct span value, struct span unique);
/* Makes what is in text findable: 0, or -1 no memory. */
int	names_index(struct names *);
/* Reads and indexes: 1, 0 there is no such file, -1 with errno (EPROTO: a later version). */
int	names_read(struct names *, int dirfd);
/* The first line for that message: true, and its value (which may be NULL). */
bool	names_find(const struct names *, struct span unique, struct span *value);
/* Durably replaces the file by text.  0 or -1. */
int	names_write(const struct names *, int dirfd);
/* Durably adds the lines of more to the file behind what was read from it.  0 or -1. */
int	names_append(const struct names *, int dirfd, const struct names *more);

#endif
