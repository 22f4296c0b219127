/*
 * Bounded bytes: struct buf owns them, struct span borrows them, struct cur
 * reads them.  Everything that holds bytes from a peer is one of the three.
 */
#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {			/* owned, bounded, sticky error */
	unsigned char *p;
	size_t len, cap, max;
	bool bad;
};

struct span {			/* borrowed; says nothing about who owns it */
	const unsigned char *p;
	size_t len;
};

struct cur {			/* a read position that knows its end */
	const unsigned char *p, *end;
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
int	buf_add(struct buf *, const void *, size_t);
int	buf_addc(struct buf *, unsigned char);
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

struct span span_str(const char *);	/* without the NUL */
bool	span_eq(struct span, struct span);
bool	span_is(struct span, const char *);		/* exact */
bool	span_iseq(struct span, struct span);		/* ASCII, no case */
bool	span_isis(struct span, const char *);		/* ASCII, no case */
bool	span_isascii(struct span);	/* every byte below 128 */
size_t	span_ascii(struct span);	/* bytes before the first that is not ASCII */
bool	span_haschr(struct span, unsigned char);
/* Copies into dst of size bytes with a NUL: 0, or -1 (ENAMETOOLONG, or EINVAL
 * when a NUL byte is inside) and dst is "". */
int	span_cstr(struct span, char *dst, size_t size);
/* Duplicates as a malloc'd C string, or NULL (EINVAL for a NUL inside). */
char	*span_dup(struct span);
int	ascii_lower(int);		/* A-Z only, no locale */

/* Parsers live on these: they are small enough to stand where they are called. */
static inline struct span
span_of(const void *p, size_t len)
{
	return (struct span){ p, len };
}

/* The content; valid until the next change. */
static inline struct span
buf_span(const struct buf *b)
{
	return (struct span){ b->p, b->len };
}

/* From the beginning of s. */
static inline void
cur_init(struct cur *c, struct span s)
{
	static const unsigned char none[1];

	c->p = s.len > 0 ? s.p : none;
	c->end = c->p + s.len;
}

/* Is nothing left? */
static inline bool
cur_end(const struct cur *c)
{
	return c->p >= c->end;
}

/* How many bytes are. */
static inline size_t
cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->p);
}

/* 0..255, or -1 at the end. */
static inline int
cur_peek(const struct cur *c)
{
	return c->p < c->end ? *c->p : -1;
}

/* As cur_peek, and moves on. */
static inline int
cur_next(struct cur *c)
{
	return c->p < c->end ? *c->p++ : -1;
}

/* Takes the byte when it stands here. */
static inline bool
cur_ch(struct cur *c, unsigned char ch)
{
	if (c->p >= c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

/* Takes the word when it stands here (ASCII, no case). */
bool	cur_word(struct cur *, const char *);
/* Takes the longest run of bytes whose class has the bit set; may be empty. */
struct span cur_while(struct cur *, const uint8_t class[256], uint8_t bit);
/* Takes everything before c (not c), or all that is left. */
struct span cur_until(struct cur *, unsigned char ch);
/* Takes n bytes, or nothing and an empty span with p NULL if fewer are left. */
struct span cur_take(struct cur *, size_t n);
struct span cur_rest(struct cur *);
/* Decimal digits, at most max: 0, or -1 when there is no digit or the value is
 * larger; the position is then unspecified. */
int	cur_num(struct cur *, uint64_t max, uint64_t *);

#endif
