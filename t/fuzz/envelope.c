/* Envelope parser: what it takes, the printer writes and it takes again. */
#include <stdint.h>
#include <stdlib.h>

#include "spool.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope a, b;
	struct buf one, two;

	struct cur c;

	cur_init(&c, span_of(data, size));
	envelope_init(&a);
	(void)envelope_parse_block(&c, &a);
	envelope_free(&a);
	if (envelope_parse(span_of(data, size), &a) == -1)
		return 0;
	if (a.nrcpts == 0) {		/* the others are behind */
		envelope_free(&a);
		return 0;
	}
	buf_init(&one, SPOOL_ENVELOPE_MAX);
	buf_init(&two, SPOOL_ENVELOPE_MAX);
	if (envelope_print(&a, &one) == -1)
		abort();
	buf_adds(&one, "Received: x\n");
	if (envelope_parse(buf_span(&one), &b) == -1 ||
	    envelope_print(&b, &two) == -1)
		abort();
	if (a.nrcpts != b.nrcpts || one.len != two.len + 12)
		abort();
	buf_free(&one);
	buf_free(&two);
	envelope_free(&a);
	envelope_free(&b);
	return 0;
}
