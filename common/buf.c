/*
 * Bounded buffers, spans and cursors.  Trusts nobody's lengths: growth is
 * checked arithmetic and stops at the owner's maximum.
 */
#include "buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST	64	/* first allocation; doubles from here */

void
buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
buf_free(struct buf *b)
{
	size_t max = b->max;

	free(b->p);
	buf_init(b, max);
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_free(b);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->bad = false;
}

static int
buf_fail(struct buf *b, int e)
{
	b->bad = true;
	errno = e;
	return -1;
}

/* One byte more than asked for is kept for the NUL of buf_cstr. */
static int
buf_grow(struct buf *b, size_t n)
{
	size_t need, cap;
	unsigned char *p;

	if (b->bad)
		return -1;
	if (b->max >= SIZE_MAX / 4 || n > b->max || b->len > b->max - n)
		return buf_fail(b, ENOBUFS);
	need = b->len + n + 1;
	if (need <= b->cap)
		return 0;
	for (cap = b->cap ? b->cap : BUF_FIRST; cap < need;)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	if ((p = realloc(b->p, cap)) == NULL)
		return buf_fail(b, ENOMEM);
	b->p = p;
	b->cap = cap;
	return 0;
}

int
buf_add(struct buf *b, const void *data, size_t n)
{
	if (buf_grow(b, n) == -1)
		return -1;
	if (n > 0)
		memcpy(b->p + b->len, data, n);
	b->len += n;
	return 0;
}

int
buf_addc(struct buf *b, unsigned char c)
{
	return buf_add(b, &c, 1);
}

int
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_addspan(struct buf *b, struct span s)
{
	return buf_add(b, s.p, s.len);
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return buf_fail(b, EINVAL);
	if (buf_grow(b, (size_t)n) == -1)
		return -1;
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

unsigned char *
buf_room(struct buf *b, size_t n)
{
	if (buf_grow(b, n) == -1)
		return NULL;
	return b->p + b->len;
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

char *
buf_cstr(struct buf *b)
{
	if (buf_grow(b, 0) == -1)
		return NULL;
	if (b->len > 0 && memchr(b->p, 0, b->len) != NULL)
		return NULL;
	b->p[b->len] = 0;
	return (char *)b->p;
}

struct span
span_str(const char *s)
{
	return (struct span){ (const unsigned char *)s, strlen(s) };
}

int
ascii_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
span_is(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

bool
span_iseq(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
span_isis(struct span a, const char *s)
{
	return span_iseq(a, span_str(s));
}

size_t
span_ascii(struct span s)
{
	uint64_t eight;
	size_t n = 0;

	for (; s.len - n >= sizeof(eight); n += sizeof(eight)) {
		memcpy(&eight, s.p + n, sizeof(eight));
		if ((eight & 0x8080808080808080ULL) != 0)
			break;
	}
	while (n < s.len && s.p[n] < 0x80)
		n++;
	return n;
}

bool
span_isascii(struct span s)
{
	return span_ascii(s) == s.len;
}

bool
span_haschr(struct span s, unsigned char c)
{
	return s.len > 0 && memchr(s.p, c, s.len) != NULL;
}

int
span_cstr(struct span s, char *dst, size_t size)
{
	if (size == 0)
		return -1;
	dst[0] = '\0';
	if (s.len >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (span_haschr(s, 0)) {
		errno = EINVAL;
		return -1;
	}
	if (s.len > 0)
		memcpy(dst, s.p, s.len);
	dst[s.len] = '\0';
	return 0;
}

char *
span_dup(struct span s)
{
	char *p;

	if (span_haschr(s, 0)) {
		errno = EINVAL;
		return NULL;
	}
	if ((p = malloc(s.len + 1)) == NULL)
		return NULL;
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return p;
}

bool
cur_word(struct cur *c, const char *w)
{
	struct span s = span_str(w);

	if (cur_left(c) < s.len ||
	    !span_iseq((struct span){ c->p, s.len }, s))
		return false;
	c->p += s.len;
	return true;
}

struct span
cur_while(struct cur *c, const uint8_t class[256], uint8_t bit)
{
	struct span s = { c->p, 0 };

	while (c->p < c->end && (class[*c->p] & bit) != 0)
		c->p++;
	s.len = (size_t)(c->p - s.p);
	return s;
}

struct span
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

int
cur_num(struct cur *c, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	bool any = false;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
		uint64_t d = (uint64_t)(*c->p - '0');

		if (v > (UINT64_MAX - d) / 10 || v * 10 + d > max)
			return -1;
		v = v * 10 + d;
		any = true;
		c->p++;
	}
	if (!any)
		return -1;
	*out = v;
	return 0;
}

struct span
cur_take(struct cur *c, size_t n)
{
	struct span s = { NULL, 0 };

	if (cur_left(c) < n)
		return s;
	s.p = c->p;
	s.len = n;
	c->p += n;
	return s;
}

struct span
cur_rest(struct cur *c)
{
	return cur_take(c, cur_left(c));
}
