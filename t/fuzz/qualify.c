/*
 * Qualified fields: without the added domains they are the field that came, and doing it again adds nothing.
 */
#include "qualify.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN	"x.test"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Is came what is left of got when domains are taken out? */
static void
check_only_added(struct span came, struct span got)
{
	size_t added = sizeof("@" DOMAIN) - 1, i = 0, k = 0;

	while (i < came.len || k < got.len) {
		if (got.len - k >= added && memcmp(got.p + k, "@" DOMAIN,
		    added) == 0 && (i >= came.len || came.p[i] != '@'))
			k += added;
		else if (i < came.len && k < got.len && came.p[i] == got.p[k])
			i++, k++;
		else
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), again;
	struct header_field f;
	struct buf once, twice;

	buf_init(&once, size * 8 + 64);
	buf_init(&twice, size * 8 + 64);
	while (header_next(&rest, &f) == HEADER_FIELD) {
		buf_clear(&once);
		buf_clear(&twice);
		if (qualify_field(&f, DOMAIN, &once) == -1)
			abort();
		check_only_added(f.whole, buf_span(&once));
		again = buf_span(&once);
		if (header_next(&again, &f) != HEADER_FIELD)
			abort();
		if (qualify_field(&f, DOMAIN, &twice) == -1 ||
		    !span_eq(buf_span(&once), buf_span(&twice)))
			abort();
	}
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
