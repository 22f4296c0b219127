/*
 * LIST patterns, by the set of positions that the pattern can be at: no
 * backtracking, so that "*%*%*%*x" costs what its length says.
 */
#include "match.h"

#include <stdint.h>
#include <string.h>

#define PATTERN_MAX 1024

/* Wildcards may be empty: what position i reaches without a byte. */
static void
spread(const struct span *pat, uint8_t *at)
{
	for (size_t i = 0; i < pat->len; i++)
		if (at[i] && (pat->p[i] == '*' || pat->p[i] == '%'))
			at[i + 1] = 1;
}

bool
list_match(struct span pat, struct span name)
{
	uint8_t at[PATTERN_MAX + 1] = { 1 }, next[PATTERN_MAX + 1];

	if (pat.len > PATTERN_MAX)
		return false;
	spread(&pat, at);
	for (size_t k = 0; k < name.len; k++) {
		memset(next, 0, pat.len + 1);
		for (size_t i = 0; i < pat.len; i++) {
			unsigned char p = pat.p[i];

			if (!at[i])
				continue;
			if (p == '*' || (p == '%' && name.p[k] != '/'))
				next[i] = 1;
			else if (p == name.p[k])
				next[i + 1] = 1;
		}
		memcpy(at, next, pat.len + 1);
		spread(&pat, at);
	}
	return at[pat.len] != 0;
}
