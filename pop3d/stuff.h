/*
 * A message as POP3 sends it: CRLF line ends, a dot before a dot that begins a line, the final dot.
 */
#ifndef STUFF_H
#define STUFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stuff {
	bool start;		/* at the beginning of a line */
	unsigned char last;	/* byte taken before */
	/* TOP: */
	bool limited, header;
	bool blank;		/* nothing in this line so far */
	uint64_t lines;		/* of the body, still to come */
	bool done;		/* no more is wanted */
};

void	stuff_init(struct stuff *);
/* Header and lines of the body only: TOP. */
void	stuff_limit(struct stuff *, uint64_t lines);
/* At most this many bytes come out for n bytes in. */
#define STUFF_ROOM(n)	(2 * (n) + 8)	/* stuff_end too */
/* Converts n bytes to out; returns how many came out.  Any pieces give the same whole. */
size_t	stuff_add(struct stuff *, const unsigned char *in, size_t n,
	    unsigned char *out);
/* The line end that may lack, and the final dot. */
size_t	stuff_end(struct stuff *, unsigned char *out);

#endif
