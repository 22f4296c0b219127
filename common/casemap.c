/*
 * i;unicode-casemap.  Trusts the tables, refuses nothing: bytes that are no
 * UTF-8 stay what they are, so that a search for them still finds them.
 */
#include "casemap.h"

#include "casemap_table.h"
#include "charset.h"
#include "hangul.h"
#include "utf8.h"

static void
add_hangul(struct buf *out, uint32_t c)
{
	uint32_t s = c - HANGUL_S;

	utf8_put(out, HANGUL_L + s / (HANGUL_NV * HANGUL_NT));
	utf8_put(out, HANGUL_V + s / HANGUL_NT % HANGUL_NV);
	if (s % HANGUL_NT != 0)
		utf8_put(out, HANGUL_T + s % HANGUL_NT);
}

/* The run that c may be in: the last that begins at or before it. */
static const struct casemap_run *
find_run(uint32_t c)
{
	size_t lo = 0, hi = casemap_nruns;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (casemap_runs[mid].first <= c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == 0 ? NULL : &casemap_runs[lo - 1];
}

static const struct casemap_seq *
find_seq(uint32_t c)
{
	size_t lo = 0, hi = casemap_nseqs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (casemap_seqs[mid].from < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < casemap_nseqs && casemap_seqs[lo].from == c ?
	    &casemap_seqs[lo] : NULL;
}

static void
fold_point(struct buf *out, uint32_t c)
{
	const struct casemap_run *r;
	const struct casemap_seq *s;

	if (c >= HANGUL_S && c < HANGUL_S + HANGUL_NS) {
		add_hangul(out, c);
		return;
	}
	if ((s = find_seq(c)) != NULL) {
		for (size_t i = 0; i < s->n; i++)
			utf8_put(out, casemap_to[s->at + i]);
		return;
	}
	if ((r = find_run(c)) != NULL && (c - r->first) / r->step < r->n &&
	    (c - r->first) % r->step == 0)
		c = (uint32_t)((int32_t)c + r->delta);
	utf8_put(out, c);
}

/* Most text is ASCII in long runs. */
static void
fold_ascii(struct buf *out, struct span s)
{
	unsigned char chunk[256], c;
	size_t n;

	for (; s.len > 0; s = span_of(s.p + n, s.len - n)) {
		n = s.len < sizeof(chunk) ? s.len : sizeof(chunk);
		for (size_t i = 0; i < n; i++) {
			c = s.p[i];
			chunk[i] = c >= 'a' && c <= 'z' ?
			    (unsigned char)(c - 'a' + 'A') : c;
		}
		buf_add(out, chunk, n);
	}
}

int
casemap_fold(struct span s, struct buf *out)
{
	while (s.len > 0 && !out->bad) {
		size_t n = span_ascii(s);

		if (n > 0)
			fold_ascii(out, span_of(s.p, n));
		else if ((n = charset_utf8_length(s)) > 1)
			fold_point(out, utf8_get(&(struct cur){ s.p,
			    s.p + n }));
		else
			buf_addc(out, s.p[0]);
		n += n == 0;
		s = span_of(s.p + n, s.len - n);
	}
	return out->bad ? -1 : 0;
}
