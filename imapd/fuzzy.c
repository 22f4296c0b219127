/*
 * Words with mistakes are found by the bit-parallel search of Wu and Manber: one
 * pass over the text for each word and number of mistakes, whatever they are.
 */
#include "fuzzy.h"

#include <stdint.h>
#include <string.h>

#include "find.h"

#define WORD_MAX	60	/* bytes of a word that may hold mistakes */
#define ERRORS_MAX	2

enum { WHOLE = 90, BEGINNING = 80, INSIDE = 70, ONE_WRONG = 50, TWO_WRONG = 30 };

void
fuzzy_strip(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = b->p[i];

		if ((c == 0xcc || c == 0xcd) && i + 1 < b->len &&
		    b->p[i + 1] >= 0x80 &&
		    b->p[i + 1] <= (c == 0xcc ? 0xbf : 0xaf)) {
			i++;
			continue;
		}
		b->p[n++] = c;
	}
	b->len = n;
	find_fold(b->p, b->len);
}

static bool
is_letter(unsigned char c)
{
	return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Does the word stand in the text with at most k mistakes? */
static bool
nearly(struct span text, struct span word, unsigned k)
{
	uint64_t mask[256] = { 0 }, row[ERRORS_MAX + 1], old, next;
	uint64_t end = UINT64_C(1) << (word.len - 1);

	for (size_t i = 0; i < word.len; i++)
		mask[word.p[i]] |= UINT64_C(1) << i;
	for (unsigned j = 0; j <= k; j++)
		row[j] = (UINT64_C(1) << j) - 1;
	for (size_t i = 0; i < text.len; i++) {
		uint64_t m = mask[text.p[i]];

		old = row[0];
		row[0] = (row[0] << 1 | 1) & m;
		for (unsigned j = 1; j <= k; j++) {
			next = ((row[j] << 1 | 1) & m) | old |	/* one more */
			    (old | row[j - 1]) << 1 | 1;	/* other, one less */
			old = row[j];
			row[j] = next;
		}
		if (row[k] & end)
			return true;
	}
	return false;
}

/* The best place of a word: whole, the beginning of one, or inside. */
static unsigned
exact(struct span text, struct span word)
{
	unsigned best = 0;

	for (size_t i = 0; i + word.len <= text.len; i++) {
		const unsigned char *p = memchr(text.p + i, word.p[0],
		    text.len - word.len - i + 1);

		if (p == NULL)
			break;
		i = (size_t)(p - text.p);
		if (memcmp(p, word.p, word.len) != 0)
			continue;
		if (i > 0 && is_letter(p[-1])) {
			best = best < INSIDE ? INSIDE : best;
			continue;
		}
		if (i + word.len == text.len || !is_letter(p[word.len]))
			return WHOLE;
		best = BEGINNING;
	}
	return best;
}

static unsigned
word_score(struct span text, struct span word)
{
	unsigned score = exact(text, word);

	if (score > 0 || word.len < 4 || word.len > WORD_MAX)
		return score;
	if (nearly(text, word, 1))
		return ONE_WRONG;
	return word.len >= 8 && nearly(text, word, 2) ? TWO_WRONG : 0;
}

unsigned
fuzzy_score(struct span text, struct span needle)
{
	unsigned sum = 0, n = 0, one;
	struct cur c;

	if (find_folded(text, needle))
		return 100;
	cur_init(&c, needle);
	while (!cur_end(&c)) {
		struct span word = cur_until(&c, ' ');

		(void)cur_ch(&c, ' ');
		if (word.len == 0)
			continue;
		if ((one = word_score(text, word)) == 0)
			return 0;
		sum += one;
		n++;
	}
	return n == 0 ? 0 : sum / n;
}
