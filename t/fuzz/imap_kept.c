/*
 * Fields of a header as the folder's cache has them: bytes from a broken cache do no harm, what was packed comes out
 * as it went in.
 */
#include "imapd/kept.h"

#include <stdint.h>
#include <stdlib.h>

/* LINK: imapd/kept.c */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), text, back, out;
	struct buf packed;
	int field, again;

	while (rest.len > 0) {
		size_t before = rest.len;

		if (!kept_next(&rest, &field, &text))
			break;
		if (field < 0 || field > 255 ||
		    text.len + 3 + rest.len != before)
			abort();
		buf_init(&packed, size);
		if (kept_add(&packed, field, text) == -1)
			abort();
		back = buf_span(&packed);
		if (!kept_next(&back, &again, &out) || again != field ||
		    back.len != 0 || !span_eq(out, text))
			abort();
		buf_free(&packed);
	}
	return 0;
}
