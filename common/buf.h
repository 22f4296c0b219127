/*
 * Bounded bytes: struct buf owns them, struct span borrows them, struct cur
 * reads them (span.h).  Everything that holds bytes from a peer is one of the three.
 */
#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "span.h"

struct buf {			/* owned, bounded, sticky error */
	unsigned char *p;
	size_t len, cap, max;
	bool bad;
};

/*
 * A buf never holds more than max bytes.  The first failure (max reached,
 * length overflow, no memory; errno ENOBUFS or ENOMEM) sets bad; from then on
 * every add fails and the content must not be used.  So a caller may add many
 * times and look at bad once.
 */
void	buf_init(struct buf *, size_t max);
void	buf_free(struct buf *);		/* releases; safe to init again */
void	buf_wipe(struct buf *);		/* zeroes all memory, then releases */
void	buf_clear(struct buf *);	/* len 0, bad off, memory kept */
/* explicit_bzero(3): what was a secret is gone, whatever the compiler thinks of it. */
void	buf_zero(void *, size_t);
int	buf_add(struct buf *, const void *, size_t);
int	buf_adds(struct buf *, const char *);
int	buf_addspan(struct buf *, struct span);
int	buf_addf(struct buf *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* Makes room for n more bytes; returns where they go, or NULL and bad.  The
 * caller adds what it wrote to len.  Valid until the next call. */
unsigned char *buf_room(struct buf *, size_t n);
/* Drops n (at most len) bytes from the front. */
void	buf_drop(struct buf *, size_t n);
/* The only door to C strings: NUL-terminated content, valid until the next
 * change, or NULL if bad or a NUL byte is inside. */
char	*buf_cstr(struct buf *);

/* As buf_add with one byte. */
static inline int
buf_addc(struct buf *b, unsigned char c)
{
	if (b->bad || b->cap - b->len < 2)	/* one is for the NUL */
		return buf_add(b, &c, 1);
	b->p[b->len++] = c;
	return 0;
}

/* The content; valid until the next change. */
static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){ b->p, b->len };
}

#endif
