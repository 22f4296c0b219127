/*
 * Spans and cursors.  Trusts nobody's lengths: nothing moves beyond the end.
 */
#include "span.h"

#include <errno.h>
#include <stdlib.h>

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
		if (a.p[i] != b.p[i] &&
		    ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
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

int
cur_num(struct cur *c, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	bool any = false;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
		uint64_t d = (uint64_t)(*c->p - '0');

		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, d, &v) || v > max)
			return -1;
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
