/*
 * Lines of a control file, and an index over keyed files ("key: rest") so that
 * a look-up in 1,000,000 lines takes microseconds.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

struct control;
struct table_slot;

/* How a keyed file is written. */
struct table_format {
	unsigned char sep;	/* between key and value: ':' , or ' ' for white space */
	bool continued;		/* an indented line continues the one before */
	bool unique;		/* a second line with the same key is an error */
	/* Looks at each line and reports what is wrong by control_error; may be NULL. */
	void (*check)(struct control *, const char *file, unsigned line,
	    struct span key, struct span value);
};

/* Keys are matched without case (ASCII).  Spans point into text. */
struct table {
	struct buf text;
	struct table_slot *slots;	/* by hash of the key, then position */
	size_t nslots;			/* entries */
	struct table_format format;
};

/* The first line with that key: its value (after the separator, trimmed) and
 * line number.  value and line may be NULL. */
bool	table_find(const struct table *, struct span key, struct span *value,
	    unsigned *line);
/* All lines with that key, in order: call with *at = 0 first. */
bool	table_next(const struct table *, struct span key, size_t *at,
	    struct span *value, unsigned *line);
/* The entry at position i < nslots, in no useful order: to walk all of them. */
void	table_at(const struct table *, size_t i, struct span *key,
	    struct span *value, unsigned *line);
/* The hash of a key, in any case. */
uint32_t table_hash(struct span key);
/* Takes the key at the front of a line, and leaves the cursor at its separator. */
struct span table_key(const struct table *, struct cur *);
/* Indexes text, which t takes over (also on failure).  Errors of the lines go to control_error
 * with the name file.  0, or -1: no memory. */
int	table_build(struct table *, struct control *, const char *file,
	    struct buf *text, const struct table_format *);
void	table_free(struct table *);	/* safe on all zeroes */

/* Reads a control file line by line; start with the text in cur, line 0. */
struct control_lines {
	struct control *c;
	const char *file;
	struct cur cur;
	unsigned line;			/* number of the line given last */
	bool indented;			/* it began with white space */
	unsigned last;			/* the last line that was neither empty nor a comment */
	bool follows;			/* such a line stands directly before it */
};
void	control_lines_init(struct control_lines *, struct control *,
	    const char *file, struct span text);
/* The next line that is neither empty nor a comment, white space trimmed at both ends.  A line
 * with control bytes or over CONTROL_LINE_MAX is reported and skipped. */
bool	control_lines_next(struct control_lines *, struct span *out);

/* Without spaces and tabs at both ends. */
struct span span_trim(struct span);
/* Takes the next word, ended by white space; len 0: none is left. */
struct span cur_nextword(struct cur *);

#endif
