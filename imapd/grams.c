/*
 * Sets of three-byte sequences as bitmaps, a bit for each value of a hash.  A small set is a large one folded in half, again
 * and again, so it need not be known before how large it will be.  Packed: the logarithm of its bits in one byte, then
 * the bits; 0 alone: there was too much for a set to tell anything.  What comes from a cache is checked here.
 */
#include "grams.h"

#include <string.h>

#include "find.h"

/* The place of three bytes: in a smaller set, its lower bits. */
static uint32_t
place_of(uint32_t three)
{
	return three * 0x9e3779b1u >> (32 - GRAMS_LOG_MAX);
}

void
grams_clear(struct grams *g)
{
	memset(g, 0, sizeof(*g));
}

void
grams_add(struct grams *g, struct span s)
{
	uint32_t three, at;

	if (s.len < GRAMS_LEN)
		return;
	three = (uint32_t)find_lower[s.p[0]] << 8 | find_lower[s.p[1]];
	for (size_t i = 2; i < s.len; i++) {
		three = (three << 8 | find_lower[s.p[i]]) & 0xffffff;
		at = place_of(three);
		g->map[at >> 6] |= (uint64_t)1 << (at & 63);
	}
}

static size_t
count_bits(const struct grams *g)
{
	size_t bits = 0;

	for (size_t i = 0; i < GRAMS_WORDS; i++) {
		uint64_t v = g->map[i];

		v -= v >> 1 & 0x5555555555555555ULL;
		v = (v & 0x3333333333333333ULL) +
		    (v >> 2 & 0x3333333333333333ULL);
		v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
		bits += (size_t)(v * 0x0101010101010101ULL >> 56);
	}
	return bits;
}

/* Half of the bits set or fewer: of a needle's sequences, one in two that is not there is seen to be missing. */
int
grams_pack(struct grams *g, struct buf *out)
{
	size_t n = count_bits(g), words = GRAMS_WORDS;
	unsigned char log = GRAMS_LOG_MAX;

	if (n > words * 64 / 4 * 3)
		return buf_addc(out, 0);
	for (; log > GRAMS_LOG_MIN && n <= words * 64 / 4; log--) {
		words /= 2;
		for (size_t i = 0; i < words; i++)
			g->map[i] |= g->map[words + i];
	}
	(void)buf_addc(out, log);
	return buf_add(out, g->map, words * sizeof(g->map[0]));
}

bool
grams_next(struct span *rest, struct span *set)
{
	struct cur c;
	int log;

	cur_init(&c, *rest);
	log = cur_next(&c);
	if (log != 0 && (log < GRAMS_LOG_MIN || log > GRAMS_LOG_MAX))
		return false;
	*set = cur_take(&c, log == 0 ? 0 : (size_t)1 << (log - 3));
	if (set->p == NULL)
		return false;
	*rest = cur_rest(&c);
	return true;
}

bool
grams_may_hold(struct span set, struct span needle)
{
	uint32_t three, at, mask = (uint32_t)(set.len * 8 - 1);
	uint64_t word;

	if (set.len == 0 || needle.len < GRAMS_LEN)
		return true;
	three = (uint32_t)needle.p[0] << 8 | needle.p[1];
	for (size_t i = 2; i < needle.len; i++) {
		three = (three << 8 | needle.p[i]) & 0xffffff;
		at = place_of(three) & mask;
		memcpy(&word, set.p + (at >> 6) * sizeof(word), sizeof(word));
		if ((word >> (at & 63) & 1) == 0)
			return false;
	}
	return true;
}
