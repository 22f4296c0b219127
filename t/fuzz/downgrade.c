/* Headers of UTF-8 in ASCII: whatever comes in, nothing but ASCII and whole lines come out. */
#include <stdint.h>
#include <stdlib.h>

#include "downgrade.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span header = span_of(data, size);
	struct buf out;

	(void)downgrade_needed(header);
	buf_init(&out, 1 << 20);
	if (downgrade_header(header, &out) == 0) {
		if (!span_isascii(buf_span(&out)))
			abort();
		if (downgrade_needed(buf_span(&out)))
			abort();
	}
	buf_free(&out);
	return 0;
}
