/* The uid list: whatever the bytes, every line taken is printed back the same, and the reader always ends. */
#include <stdint.h>
#include <stdlib.h>

#include "uidlist.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
print_back(const struct uidlist_line *line, enum uidlist_kind kind)
{
	struct uidlist_line again;
	struct buf b;
	struct cur c;
	int r;

	buf_init(&b, 4096);
	if (kind == UIDLIST_MESSAGE)
		r = uidlist_print_message(&b, line->uid, line->unique);
	else
		r = uidlist_print_gone(&b, line->uid, line->last);
	if (r == -1)
		abort();
	cur_init(&c, buf_span(&b));
	if (uidlist_next(&c, &again) != kind || again.uid != line->uid ||
	    again.last != line->last || !cur_end(&c))
		abort();
	if (kind == UIDLIST_MESSAGE && !span_eq(again.unique, line->unique))
		abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uidlist_header h;
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur c;
	size_t left;

	cur_init(&c, span_of(data, size));
	if (uidlist_header_parse(&c, &h) == -1)
		cur_init(&c, span_of(data, size));
	for (;;) {
		left = cur_left(&c);
		kind = uidlist_next(&c, &line);
		if (kind == UIDLIST_END || kind == UIDLIST_PARTIAL)
			break;
		if (cur_left(&c) >= left)
			abort();
		if (kind == UIDLIST_MESSAGE || kind == UIDLIST_GONE)
			print_back(&line, kind);
	}
	return 0;
}
