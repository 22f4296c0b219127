/*
 * Message content.  Whatever the blocks, the outcome is the same; content has
 * no CR and no NUL, and ends only at CRLF.CRLF.
 * LINK: smtpd/data.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtpd/data.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct outcome {
	enum data_status status;
	enum data_fault fault;
	size_t used;
	struct buf out;
};

static void
run(struct span in, size_t block, const struct data_rules *rules,
    struct outcome *o)
{
	struct data d;
	size_t used;

	data_init(&d, rules);
	buf_init(&o->out, 1 << 24);
	o->used = 0;
	o->status = DATA_MORE;
	while (o->status == DATA_MORE && o->used < in.len) {
		size_t n = in.len - o->used;

		if (n > block)
			n = block;
		o->status = data_feed(&d, span_of(in.p + o->used, n), &used,
		    &o->out);
		o->used += used;
		if (used > n || (o->status == DATA_MORE && used != n))
			abort();
	}
	if (!rules->dots && o->status == DATA_MORE)
		data_finish(&d, &o->out);
	o->fault = d.fault;
	data_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct data_rules rules = { .size = 100000, .line = 5000 };
	struct outcome a, b;
	struct span in;

	if (size < 2)
		return 0;
	rules.dots = (data[0] & 1) == 0;
	rules.cr_spaces = (data[0] & 2) != 0;
	rules.lf_ends = rules.cr_spaces || (data[0] & 4) != 0;
	rules.domain = (data[0] & 8) != 0 ? "example.org" : NULL;
	in = span_of(data + 2, size - 2);
	run(in, 65536, &rules, &a);
	run(in, (size_t)data[1] + 1, &rules, &b);
	if (a.status != b.status || a.fault != b.fault ||
	    (a.status != DATA_REFUSED && a.used != b.used))
		abort();
	if (a.fault == FAULT_NONE) {
		if (!span_eq(buf_span(&a.out), buf_span(&b.out)) ||
		    span_haschr(buf_span(&a.out), '\r') ||
		    span_haschr(buf_span(&a.out), 0))
			abort();
		if (a.status == DATA_END && a.out.len > 0 &&
		    a.out.p[a.out.len - 1] != '\n')
			abort();
	}
	if (a.status == DATA_END && (!rules.dots || a.used < 3 ||
	    memcmp(in.p + a.used - 3, ".\r\n", 3) != 0 ||
	    (a.used > 3 && (a.used < 5 ||
	    memcmp(in.p + a.used - 5, "\r\n", 2) != 0))))
		abort();
	buf_free(&a.out);
	buf_free(&b.out);
	return 0;
}
