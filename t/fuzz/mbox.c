/* mbox files: every byte of a line is given out once, or the line is left out for a reason. */
#include <stdint.h>
#include <stdlib.h>

#include "mbox.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbox m = { .flags = 0 };
	size_t at = 0;

	while (at < size) {
		size_t n = 0;
		struct span line;

		while (at + n < size && n < 64 && data[at + n++] != '\n')
			;
		line = span_of(data + at, n);
		switch (mbox_line(&m, &line)) {
		case MBOX_FROM:
			mbox_begin(&m, line);
			break;
		case MBOX_LINE:
			if (line.len > n || line.len + 1 < n)
				abort();
			break;
		case MBOX_NOTHING:
			if (n > 2)
				abort();
			break;
		}
		at += n;
	}
	return 0;
}
