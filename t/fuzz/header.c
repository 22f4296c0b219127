/*
 * Header fields and dates: fields follow each other without gaps but for odd
 * lines, and a date that is printed parses to the same.
 */
#include "header.h"

#include <stdint.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size), rest = in;
	struct header_field f;
	char text[DATE_SIZE];
	time_t t, again;
	struct buf out;
	int zone;

	buf_init(&out, size);
	while (header_field(&rest, &f)) {
		if (f.whole.p + f.whole.len != rest.p ||
		    f.name.p != f.whole.p || f.body.p < f.name.p + f.name.len ||
		    f.body.p + f.body.len > rest.p)
			abort();
		buf_clear(&out);
		if (header_unfold(f.body, &out) == -1 ||
		    span_haschr(buf_span(&out), '\n'))
			abort();
	}
	if (header_length(in) != size - rest.len)
		abort();
	header_find(in, "subject", &f);
	if (date_parse(in, &t, &zone) == 0) {
		date_print(t, text);
		if (date_parse(span_str(text), &again, &zone) == -1 ||
		    zone != 0 || (t >= -2208988800 && again != t))
			abort();
	}
	buf_free(&out);
	return 0;
}
