/*
 * Bytes that somebody else owns, and reading positions in them that know their end.  See buf.h.
 */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {			/* borrowed; says nothing about who owns it */
	const unsigned char *p;
	size_t len;
};

struct cur {			/* a read position that knows its end */
	const unsigned char *p, *end;
};

bool	span_eq(struct span, struct span);
bool	span_is(struct span, const char *);		/* exact */
bool	span_iseq(struct span, struct span);		/* ASCII, no case */
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

/* Without the NUL. */
static inline struct span
span_str(const char *s)
{
	return span_of(s, strlen(s));
}

/* ASCII, no case. */
static inline bool
span_isis(struct span a, const char *s)
{
	return a.len == strlen(s) && span_iseq(a, span_str(s));
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
static inline struct span
cur_while(struct cur *c, const uint8_t class[256], uint8_t bit)
{
	const unsigned char *start = c->p, *p = start;

	while (p < c->end && (class[*p] & bit) != 0)
		p++;
	c->p = p;
	return span_of(start, (size_t)(p - start));
}

/* Takes everything before c (not c), or all that is left. */
static inline struct span
cur_until(struct cur *c, unsigned char ch)
{
	const unsigned char *q = NULL;
	struct span s = { c->p, cur_left(c) };

	if (s.len > 0)
		q = memchr(c->p, ch, s.len);
	if (q != NULL)
		s.len = (size_t)(q - c->p);
	c->p += s.len;
	return s;
}

/* Takes n bytes, or nothing and an empty span with p NULL if fewer are left. */
struct span cur_take(struct cur *, size_t n);
struct span cur_rest(struct cur *);
/* Decimal digits, at most max: 0, or -1 when there is no digit or the value is
 * larger; the position is then unspecified. */
int	cur_num(struct cur *, uint64_t max, uint64_t *);

#endif
