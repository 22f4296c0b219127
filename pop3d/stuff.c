/*
 * Byte-stuffing (RFC 1939 section 3) and line ends in one pass over large blocks (common/lines).  A line end that is
 * CRLF already stays; a NUL, at which many clients stop reading, goes out as 0x80.
 */
#include "stuff.h"

#include <string.h>

#include "lines.h"

void
stuff_init(struct stuff *s)
{
	memset(s, 0, sizeof(*s));
	s->start = s->blank = true;
	s->last = '\n';
}

void
stuff_limit(struct stuff *s, uint64_t lines)
{
	s->limited = s->header = true;
	s->lines = lines;
}

static void
replace_nul(unsigned char *p, size_t n)
{
	unsigned char *nul;

	while (n > 0 && (nul = memchr(p, 0, n)) != NULL) {
		*nul++ = 0x80;
		n -= (size_t)(nul - p);
		p = nul;
	}
}

/* A line has ended: whether TOP wants more. */
static void
count_line(struct stuff *s)
{
	if (s->header) {
		if (s->blank)
			s->header = false;
	} else if (s->lines > 0) {
		s->lines--;
	}
	s->done = !s->header && s->lines == 0;
	s->blank = true;
}

/* n bytes without a line end. */
static unsigned char *
put_piece(struct stuff *s, const unsigned char *p, size_t n,
    unsigned char *out)
{
	if (n == 0)
		return out;
	if (s->start && *p == '.')
		*out++ = '.';
	memcpy(out, p, n);
	replace_nul(out, n);
	s->start = false;
	s->blank = s->blank && n == 1 && *p == '\r';
	s->last = p[n - 1];
	return out + n;
}

/* A line at a time, for TOP counts them. */
static size_t
add_lines(struct stuff *s, const unsigned char *in, size_t n,
    unsigned char *out)
{
	const unsigned char *p = in, *end = in + n, *lf;
	unsigned char *o = out;

	while (p < end && !s->done) {
		lf = memchr(p, '\n', (size_t)(end - p));
		o = put_piece(s, p, (size_t)((lf == NULL ? end : lf) - p), o);
		if (lf == NULL)
			break;
		if (s->start || s->last != '\r')
			*o++ = '\r';
		*o++ = '\n';
		s->start = true;
		s->last = '\n';
		count_line(s);
		p = lf + 1;
	}
	return (size_t)(o - out);
}

size_t
stuff_add(struct stuff *s, const unsigned char *in, size_t n,
    unsigned char *out)
{
	size_t made;

	if (s->limited)
		return add_lines(s, in, n, out);
	if (n == 0)
		return 0;
	made = lines_convert(in, n, s->last, true, out);
	s->last = in[n - 1];
	s->start = s->last == '\n';
	return made;
}

size_t
stuff_end(struct stuff *s, unsigned char *out)
{
	static const char with_line[] = "\r\n.\r\n";
	size_t skip = s->start ? 2 : 0, n = sizeof(with_line) - 1 - skip;

	memcpy(out, with_line + skip, n);
	return n;
}
