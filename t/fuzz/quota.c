/*
 * maildirsize: what the parser takes, printed as one line, is taken again as the
 * same.
 */
#include "quota.h"

#include <stdint.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quota q, q2;
	struct quota_usage u, u2;
	struct buf b;

	if (quota_parse(span_of(data, size), &q, &u) == -1)
		return 0;
	(void)quota_is_full(&q, &u);
	buf_init(&b, 256);
	quota_print(&q, &u, &b);
	if (b.bad)
		abort();
	if (quota_parse(buf_span(&b), &q2, &u2) == -1) {
		/* A sum of several lines may be more than one line may say. */
		if (u.bytes <= UINT64_C(1) << 62 &&
		    u.messages <= UINT64_C(1) << 62)
			abort();
	} else if (q.bytes != q2.bytes || q.messages != q2.messages ||
	    u.bytes != u2.bytes || u.messages != u2.messages)
		abort();
	buf_free(&b);
	return 0;
}
