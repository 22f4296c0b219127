/*
 * Bounded buffers.  Trusts nobody's lengths: growth is checked arithmetic and
 * stops at the owner's maximum.
 */
#include "buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fmt.h"

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

/* libc's own stands alone in a piece of code that each process of a login would
 * have mapped for it. */
void
buf_zero(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		buf_zero(b->p, b->cap);
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
	size_t room = b->bad ? 0 : b->cap - b->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vprint(room > 0 ? (char *)b->p + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return buf_fail(b, EINVAL);
	if ((size_t)n < room) {
		b->len += (size_t)n;
		return 0;
	}
	if (buf_grow(b, (size_t)n) == -1)
		return -1;
	va_start(ap, fmt);
	fmt_vprint((char *)b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

/* The first time, as much as is asked for: pages of more would be touched for nothing. */
unsigned char *
buf_room(struct buf *b, size_t n)
{
	if (b->p == NULL && n >= BUF_FIRST && n <= b->max &&
	    (b->p = malloc(n + 1)) != NULL)
		b->cap = n + 1;
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
