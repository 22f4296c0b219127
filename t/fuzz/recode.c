/*
 * Recoding: where the input is cut makes no difference, what comes out is
 * 7-bit where it says so, and to convert it again changes nothing.
 */
#include "recode.h"

#include <stdint.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
collect(void *arg, struct span s)
{
	return buf_addspan(arg, s);
}

static void
pass(enum recode_pass pass, enum recode_to to, enum recode_form form,
    struct span in, size_t cut, struct recode_plan *plan, struct buf *out)
{
	struct recode *r = recode_new(pass, to, form, plan, collect, out);

	if (in.len == 0)
		in = span_str("");
	if (r == NULL || recode_add(r, span_of(in.p, cut)) == -1 ||
	    recode_add(r, span_of(in.p + cut, in.len - cut)) == -1 ||
	    recode_end(r) == -1)
		abort();
	recode_free(r);
}

static void
convert(enum recode_to to, enum recode_form form, struct span in, size_t cut,
    struct recode_plan *plan, struct buf *out)
{
	buf_init(out, 64 << 20);
	*plan = (struct recode_plan){ .n = 0 };
	pass(RECODE_SURVEY, to, form, in, cut, plan, NULL);
	pass(RECODE_PLANNED, to, form, in, cut, plan, out);
	if (out->bad)
		abort();
}

static void
check(enum recode_to to, enum recode_form form, struct span in)
{
	struct recode_plan plan, again, other;
	struct buf a, b, c;

	convert(to, form, in, 0, &plan, &a);
	convert(to, form, in, in.len / 3, &other, &b);
	if (!span_eq(buf_span(&a), buf_span(&b)))
		abort();
	if (to == RECODE_7BIT && !plan.prohibited && !plan.header8 &&
	    !span_isascii(buf_span(&a)))
		abort();
	convert(to, RECODE_LF, buf_span(&a), a.len / 2, &again, &c);
	if (!plan.prohibited && (again.prohibited ||
	    (to == RECODE_7BIT && again.body8)))
		abort();
	if (!plan.prohibited && !plan.longline && !plan.binary &&
	    !span_eq(buf_span(&a), buf_span(&c)))
		abort();
	recode_plan_free(&plan);
	recode_plan_free(&again);
	recode_plan_free(&other);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct recode_plan plan = { .n = 0 };
	struct buf out;

	for (int form = RECODE_LF; form <= RECODE_CRLF; form++) {
		check(RECODE_7BIT, form, in);
		check(RECODE_8BIT, form, in);
	}
	buf_init(&out, 64 << 20);
	pass(RECODE_ONCE, RECODE_8BIT, RECODE_CRLF, in, size / 2, &plan, &out);
	recode_plan_free(&plan);
	buf_free(&out);
	return 0;
}
