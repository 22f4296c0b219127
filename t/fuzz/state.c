/*
 * State files: what the parser takes, the printer writes and the parser takes
 * again as the same; and no answer of a remote host, whatever its bytes, adds a
 * recipient or makes the file unreadable.
 * LINK: queue/queue_state.c
 */
#include "queue/queue_state.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
check_same(const struct rcpts *a, const struct rcpts *b)
{
	if (a->n != b->n || a->warned != b->warned)
		abort();
	for (size_t i = 0; i < a->n; i++) {
		const struct rcpt *x = &a->v[i], *y = &b->v[i];

		if (strcmp(x->index, y->index) != 0 ||
		    strcmp(x->addr, y->addr) != 0 ||
		    x->attempts != y->attempts || x->last != y->last ||
		    x->status != y->status || x->ntried != y->ntried ||
		    !same_text(x->answer, y->answer))
			abort();
	}
}

/* Prints, parses and compares; what is printed again is the same bytes. */
static void
check_round_trip(const struct rcpts *r, size_t max)
{
	struct buf one, two;
	struct rcpts again;

	buf_init(&one, max);
	buf_init(&two, max);
	if (state_print(r, &one) == -1 ||
	    state_parse(buf_span(&one), &again) == -1)
		abort();
	check_same(r, &again);
	if (state_print(&again, &two) == -1 ||
	    !span_eq(buf_span(&one), buf_span(&two)))
		abort();
	rcpts_free(&again);
	buf_free(&one);
	buf_free(&two);
}

/* As a deferral is noted: any bytes may be the answer. */
static void
check_answer(struct span text)
{
	struct rcpts r = { 0 };
	struct rcpt *p;

	if ((p = rcpts_add(&r, "3.1", "bob@example.org")) == NULL ||
	    rcpt_set_answer(p, "4.999.999", text) == -1)
		abort();
	p->attempts = 7;
	p->last = 1795305600;
	if (rcpt_keep_attempt(p) == -1)
		abort();
	check_round_trip(&r, 2 * JOB_TEXT_MAX);
	rcpts_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct rcpts r;

	check_answer(in);
	if (state_parse(in, &r) == -1)
		return 0;
	check_round_trip(&r, 2 * size + 64);
	for (size_t i = 0; i < r.n; i++)
		if (strlen(r.v[i].addr) > ADDR_MAX)
			abort();	/* no job could hold it */
	rcpts_free(&r);
	return 0;
}
