/*
 * Line ends in bulk.  Whole folders go through here, so it looks at 16 or 64 bytes at a time and not at lines: the
 * counting with vectors that every compiler of ours can do without, the conversion and the search with SSE2 where there
 * is any, else byte by byte.  Trusts no length and no content.
 */
#include "lines.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define VECTOR	16
#define ROUNDS	128		/* vectors between two sums: a lane counts to 255 */
#define BLOCK	64		/* a bit for each byte */

typedef uint8_t vector __attribute__((vector_size(VECTOR)));

static vector
load(const unsigned char *p)
{
	vector v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static size_t
lanes(vector v)
{
	size_t n = 0;
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	for (size_t i = 0; i < 2; i++) {
		uint64_t pairs = (half[i] & 0x00ff00ff00ff00ffULL) +
		    (half[i] >> 8 & 0x00ff00ff00ff00ffULL);

		n += (size_t)((pairs * 0x0001000100010001ULL) >> 48);
	}
	return n;
}

static void
count_byte(const unsigned char *p, unsigned char before, struct lines *l)
{
	l->lf += *p == '\n';
	l->bare += *p == '\n' && before != '\r';
}

/* n vectors from p, whose p[-1] can be read too. */
static void
count_vectors(const unsigned char *p, size_t n, struct lines *l)
{
	vector lf = { 0 }, crlf = { 0 };

	for (; n > 0; n--, p += VECTOR) {
		vector is = (vector)(load(p) == '\n');

		lf -= is;
		crlf -= is & (vector)(load(p - 1) == '\r');
	}
	l->lf += lanes(lf);
	l->bare += lanes(lf) - lanes(crlf);
}

void
lines_count(struct span s, unsigned char before, struct lines *l)
{
	size_t i = 0, n;

	if (s.len > 0)
		count_byte(s.p + i++, before, l);
	for (; (n = (s.len - i) / VECTOR) > 0; i += n * VECTOR) {
		n = n < ROUNDS ? n : ROUNDS;
		count_vectors(s.p + i, n, l);
	}
	for (; i < s.len; i++)
		count_byte(s.p + i, s.p[i - 1], l);
}

/* Where the line ends of a vector are: a bit each. */
static uint64_t
vector_ends(const unsigned char *p)
{
#ifdef __SSE2__
	return (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(
	    _mm_loadu_si128((const void *)p), _mm_set1_epi8('\n')));
#else
	uint64_t ends = 0;

	for (unsigned i = 0; i < VECTOR; i++)
		ends |= (uint64_t)(p[i] == '\n') << i;
	return ends;
#endif
}

static uint64_t
block_ends(const unsigned char *p)
{
	return vector_ends(p) | vector_ends(p + VECTOR) << VECTOR |
	    vector_ends(p + 2 * VECTOR) << 2 * VECTOR |
	    vector_ends(p + 3 * VECTOR) << 3 * VECTOR;
}

static bool
begins_with_dashes(struct span s, size_t at)
{
	return s.len - at >= 2 && s.p[at] == '-' && s.p[at + 1] == '-';
}

size_t
lines_find_dashes(struct span s, struct lines *l)
{
	size_t i = 1, at;

	if (s.len == 0 || begins_with_dashes(s, 0))
		return 0;
	count_byte(s.p, '\n', l);
	if (s.p[0] == '\n' && begins_with_dashes(s, i))
		return i;
	for (; s.len - i >= BLOCK; i += BLOCK)
		for (uint64_t e = block_ends(s.p + i); e != 0; e &= e - 1) {
			at = i + (size_t)__builtin_ctzll(e);
			count_byte(s.p + at, s.p[at - 1], l);
			if (begins_with_dashes(s, at + 1))
				return at + 1;
		}
	for (; i < s.len; i++) {
		count_byte(s.p + i, s.p[i - 1], l);
		if (s.p[i] == '\n' && begins_with_dashes(s, i + 1))
			return i + 1;
	}
	return i;
}

struct convert {
	const unsigned char *in;
	size_t n, i;			/* taken so far */
	unsigned char *out;
	unsigned char before;
	bool stuff;
};

/* What stands at i, which may be anything. */
static void
convert_byte(struct convert *c)
{
	unsigned char ch = c->in[c->i];
	unsigned char last = c->i == 0 ? c->before : c->in[c->i - 1];

	if ((ch == '\n' && last != '\r') ||
	    (ch == '.' && last == '\n' && c->stuff))
		*c->out++ = ch == '\n' ? '\r' : '.';
	*c->out++ = ch == 0 ? 0x80 : ch;
	c->i++;
}

/* And a dot behind it, which may begin a line. */
static void
convert_two(struct convert *c)
{
	convert_byte(c);
	if (c->i < c->n && c->in[c->i] == '.')
		convert_byte(c);
}

#ifdef __SSE2__
/* Whole vectors, each up to its first line end or NUL.  What was copied too much is written again, and there is room for
 * it, for as much is still to be taken. */
static void
convert_vectors(struct convert *c)
{
	const __m128i lf = _mm_set1_epi8('\n'), nul = _mm_setzero_si128();

	while (c->n - c->i > VECTOR) {
		const unsigned char *in = c->in + c->i;
		size_t left = c->n - c->i, run;
		unsigned odd = 0;

		for (run = 0; odd == 0 && left - run > VECTOR; run += VECTOR) {
			__m128i v = _mm_loadu_si128((const void *)(in + run));

			_mm_storeu_si128((void *)(c->out + run), v);
			odd = (unsigned)_mm_movemask_epi8(_mm_or_si128(
			    _mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, nul)));
		}
		if (odd != 0)
			run = run - VECTOR + (size_t)__builtin_ctz(odd);
		c->i += run;
		c->out += run;
		if (odd != 0)
			convert_two(c);
	}
}
#endif

size_t
lines_convert(const unsigned char *in, size_t n, unsigned char before,
    bool stuff, unsigned char *out)
{
	struct convert c = { in, n, 0, out, before, stuff };

	if (n > 0)
		convert_two(&c);	/* the only one whose last is not in */
#ifdef __SSE2__
	convert_vectors(&c);
#endif
	while (c.i < n)
		convert_byte(&c);
	return (size_t)(c.out - out);
}
