/*
 * What somebody's program says of a delivery.  The first byte: how its exit code was taken; the rest is the result line, and
 * what it printed.  A result never changes the class, its code is one of the class, its words are one line; and what is
 * made of it, printed, is taken as the same.
 * LINK: deliver/local_outcome.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/local_forward.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_again(const struct outcome *o)
{
	struct outcome again;
	struct buf b;

	buf_init(&b, PROGRAM_TEXT_MAX);
	outcome_print(o, &b);
	if (b.bad || !outcome_parse(&again, o->class, buf_span(&b)))
		abort();
	outcome_parse_note(&again, buf_span(&b));
	if (strcmp(again.dsn, o->dsn) != 0 ||
	    strcmp(again.text, o->text) != 0 ||
	    strcmp(again.note, o->note) != 0)
		abort();
	buf_free(&b);
}

/* Between the lines of what it said, and itself one. */
static void
check_last(struct span said)
{
	struct span last = outcome_last_line(said);

	if (last.len == 0)
		return;
	if (last.p < said.p || last.p + last.len > said.p + said.len ||
	    span_haschr(last, '\n'))
		abort();
	said = span_of(last.p + last.len,
	    (size_t)(said.p + said.len - last.p) - last.len);
	if (outcome_last_line(said).len > 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum proc_class classes[] = { PROC_DONE, PROC_FAIL,
	    PROC_DEFER };
	struct outcome o;
	struct span said;
	enum proc_class class;

	if (size < 1)
		return 0;
	class = classes[data[0] % 3];
	said = span_of(data + 1, size - 1);
	check_last(said);
	memset(&o, 0, sizeof(o));
	if (!outcome_parse(&o, class, said))
		return 0;
	outcome_parse_note(&o, said);
	if (o.class != class || o.text[0] == '\0' ||
	    strchr(o.text, '\n') != NULL || strchr(o.note, '\n') != NULL ||
	    o.dsn[0] != (class == PROC_DONE ? '2' : class == PROC_FAIL ?
	    '5' : '4'))
		abort();
	check_again(&o);
	return 0;
}
