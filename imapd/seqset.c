/*
 * Ranges in an array from the command's arena.  A set of 100,000 single
 * numbers costs 800 KB and one sort, never a bit or a look-up per message.
 */
#include "seqset.h"

#include <stdlib.h>
#include <string.h>

int
seqset_add_range(struct seqset *s, struct arena *a, uint32_t lo, uint32_t hi)
{
	struct seq_range *r;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap == 0 ? 4 : s->cap * 2;
		if ((r = arena_alloc(a, cap * sizeof(*r))) == NULL)
			return -1;
		if (s->n > 0)
			memcpy(r, s->r, s->n * sizeof(*r));
		s->r = r;
		s->cap = cap;
	}
	s->r[s->n++] = (struct seq_range){ lo, hi };
	return 0;
}

int
seqset_append(struct seqset *s, struct arena *a, uint32_t v)
{
	if (s->n > 0 && s->r[s->n - 1].hi + 1 == v) {
		s->r[s->n - 1].hi = v;
		return 0;
	}
	return seqset_add_range(s, a, v, v);
}

static int
range_cmp(const void *a, const void *b)
{
	const struct seq_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void
seqset_resolve(struct seqset *s, uint32_t star)
{
	struct seq_range *r = s->r, t;
	size_t n = 0;
	bool sorted = true;

	for (size_t i = 0; i < s->n; i++) {
		if (r[i].lo == SEQ_STAR)
			r[i].lo = star;
		if (r[i].hi == SEQ_STAR)
			r[i].hi = star;
		if (r[i].lo > r[i].hi) {
			t = r[i];
			r[i] = (struct seq_range){ t.hi, t.lo };
		}
		if (i > 0 && r[i].lo < r[i - 1].lo)
			sorted = false;
	}
	if (!sorted)
		qsort(r, s->n, sizeof(*r), range_cmp);
	for (size_t i = 0; i < s->n; i++) {
		if (n > 0 && (r[i].lo <= r[n - 1].hi ||
		    r[i].lo - 1 == r[n - 1].hi)) {
			if (r[i].hi > r[n - 1].hi)
				r[n - 1].hi = r[i].hi;
		} else {
			r[n++] = r[i];
		}
	}
	s->n = n;
}

bool
seqset_has(const struct seqset *s, uint32_t v)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v > s->r[mid].hi)
			lo = mid + 1;
		else if (v < s->r[mid].lo)
			hi = mid;
		else
			return true;
	}
	return false;
}

uint64_t
seqset_count(const struct seqset *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (uint64_t)s->r[i].hi - s->r[i].lo + 1;
	return n;
}

int
seqset_slice(const struct seqset *s, struct arena *a, uint64_t at, uint64_t n,
    struct seqset *out)
{
	uint64_t have, part;
	uint32_t lo;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < s->n && n > 0; i++) {
		have = (uint64_t)s->r[i].hi - s->r[i].lo + 1;
		if (at >= have) {
			at -= have;
			continue;
		}
		part = have - at < n ? have - at : n;
		lo = s->r[i].lo + (uint32_t)at;
		if (seqset_add_range(out, a, lo, lo + (uint32_t)(part - 1)) ==
		    -1)
			return -1;
		n -= part;
		at = 0;
	}
	return 0;
}

int
seqset_print(const struct seqset *s, struct buf *b)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		if (s->r[i].lo == s->r[i].hi)
			buf_addf(b, "%u", s->r[i].lo);
		else
			buf_addf(b, "%u:%u", s->r[i].lo, s->r[i].hi);
	}
	return b->bad ? -1 : 0;
}
