/*
 * Is it Unicode Normalization Form C?  The Unicode Standard, section 3.11: text is taken apart, its marks are put in the order
 * of their classes and it is put together again; if that is what it was, it is.  The tables trust nothing of the text.
 */
#include "nfc.h"

#include "hangul.h"
#include "nfc_table.h"
#include "utf8.h"

#define ROOM	(2 * NFC_TEXT_MAX)	/* two bytes are four code points at most */

struct points {
	uint32_t c[ROOM];
	size_t n;
};

static uint32_t
class_in(const struct nfc_class *t, size_t n, uint32_t c)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t[mid].last < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && t[lo].first <= c ? t[lo].class : 0;
}

static uint32_t
class_of(uint32_t c)
{
	return class_in(nfc_classes, nfc_nclasses, c);
}

/* What the two become, or 0.  Syllables are never taken apart. */
static uint32_t
together(uint32_t a, uint32_t b)
{
	size_t lo = 0, hi = nfc_npairs;

	if (a >= HANGUL_L && a < HANGUL_L + HANGUL_NL && b >= HANGUL_V &&
	    b < HANGUL_V + HANGUL_NV)
		return HANGUL_S + ((a - HANGUL_L) * HANGUL_NV +
		    (b - HANGUL_V)) * HANGUL_NT;
	if (a >= HANGUL_S && a < HANGUL_S + HANGUL_NS &&
	    (a - HANGUL_S) % HANGUL_NT == 0 && b > HANGUL_T &&
	    b < HANGUL_T + HANGUL_NT)
		return a + (b - HANGUL_T);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct nfc_pair *p = &nfc_pairs[mid];

		if (p->starter < a || (p->starter == a && p->mark < b))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < nfc_npairs && nfc_pairs[lo].starter == a &&
	    nfc_pairs[lo].mark == b ? nfc_pairs[lo].both : 0;
}

/* The marks that c is made with go before it, last first; what is left is its letter.  Names are short and seldom made. */
static void
take_apart(struct points *p, uint32_t c)
{
	uint32_t marks[4];
	size_t n = 0, i = 0;

	while (i < nfc_npairs && n < 4)
		if (nfc_pairs[i].both == c) {
			marks[n++] = nfc_pairs[i].mark;
			c = nfc_pairs[i].starter;
			i = 0;
		} else {
			i++;
		}
	p->c[p->n++] = c;
	while (n > 0)
		p->c[p->n++] = marks[--n];
}

/* Marks of one class keep their order. */
static void
sort_marks(struct points *p)
{
	for (size_t i = 1; i < p->n; i++) {
		uint32_t c = p->c[i], class = class_of(c);
		size_t at = i;

		for (; class != 0 && at > 0 && class_of(p->c[at - 1]) > class;
		    at--)
			p->c[at] = p->c[at - 1];
		p->c[at] = c;
	}
}

static void
put_together(struct points *p)
{
	size_t starter = SIZE_MAX, n = 0;
	uint32_t before = 0, class, both;

	for (size_t i = 0; i < p->n; i++) {
		class = class_of(p->c[i]);
		/* A mark of the same class in between keeps them apart. */
		both = starter != SIZE_MAX && (before == 0 || before < class) ?
		    together(p->c[starter], p->c[i]) : 0;
		if (both != 0) {
			p->c[starter] = both;
			continue;
		}
		if (class == 0)
			starter = n;
		before = class;
		p->c[n++] = p->c[i];
	}
	p->n = n;
}

bool
nfc_is(struct span text)
{
	struct points p = { .n = 0 };
	size_t i = 0;
	struct cur c;
	uint32_t ch;

	if (span_ascii(text) == text.len)
		return true;
	if (text.len > NFC_TEXT_MAX)
		return false;
	cur_init(&c, text);
	while (!cur_end(&c)) {
		ch = utf8_get(&c);
		if (class_in(nfc_never, nfc_nnever, ch) != 0)
			return false;
		take_apart(&p, ch);
	}
	sort_marks(&p);
	put_together(&p);
	cur_init(&c, text);
	for (; !cur_end(&c) && i < p.n; i++)
		if (utf8_get(&c) != p.c[i])
			return false;
	return cur_end(&c) && i == p.n;
}
