/* The uid list: whatever the bytes, every line taken is printed back the same, and the reader always ends. */
#include <stdint.h>
#include <stdlib.h>

#include "uidlist.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define UIDS_MAX 64		/* of a set that are printed back */

/* The first UIDs of a set, when they rise. */
static size_t
some_uids(struct span set, uint32_t uids[UIDS_MAX])
{
	uint32_t lo, hi, last = 0;
	size_t n = 0;
	struct cur c;

	cur_init(&c, set);
	while (!cur_end(&c)) {
		if (!uidlist_set_next(&c, &lo, &hi) || hi < lo)
			abort();	/* the parser had looked at it */
		for (; lo <= hi && lo > last && n < UIDS_MAX; lo++)
			last = uids[n++] = lo;
	}
	return n;
}

static int
print(struct buf *b, const struct uidlist_line *l, enum uidlist_kind kind,
    const uint32_t *uids, size_t n)
{
	switch (kind) {
	case UIDLIST_MESSAGE:
		return uidlist_print_message(b, l->uid, l->unique);
	case UIDLIST_GONE:
		return uidlist_print_gone(b, l->modseq, uids, n);
	case UIDLIST_FLAGS:
		return uidlist_print_flags(b, l->modseq, l->flags, l->keywords,
		    uids, n);
	case UIDLIST_SAVED:
		return uidlist_print_saved(b, l->saved, uids, n);
	default:
		return uidlist_print_next(b, l->uid, l->modseq);
	}
}

static void
print_back(const struct uidlist_line *line, enum uidlist_kind kind)
{
	uint32_t uids[UIDS_MAX], back[UIDS_MAX];
	struct uidlist_line again = { 0 };
	size_t n = kind == UIDLIST_MESSAGE || kind == UIDLIST_NEXT ? 0 :
	    some_uids(line->set, uids);
	struct buf b;
	struct cur c;

	buf_init(&b, 8192);
	if (print(&b, line, kind, uids, n) == -1)
		abort();
	cur_init(&c, buf_span(&b));
	if (uidlist_next(&c, &again) != kind || !cur_end(&c))
		abort();
	if (kind == UIDLIST_MESSAGE && (again.uid != line->uid ||
	    !span_eq(again.unique, line->unique)))
		abort();
	if (kind == UIDLIST_FLAGS && (again.flags != line->flags ||
	    again.keywords != line->keywords))
		abort();
	if (kind != UIDLIST_MESSAGE && kind != UIDLIST_SAVED &&
	    again.modseq != line->modseq)
		abort();
	if (n > 0 && (some_uids(again.set, back) != n || back[n - 1] !=
	    uids[n - 1]))
		abort();
	buf_free(&b);
}

static void
header_back(const struct uidlist_header *h)
{
	struct uidlist_header again;
	struct buf b;
	struct cur c;

	buf_init(&b, 256);
	if (uidlist_print_header(&b, h) == -1)
		abort();
	cur_init(&c, buf_span(&b));
	if (uidlist_header_parse(&c, &again) == -1 || again.floor != h->floor ||
	    again.validity != h->validity || again.next != h->next)
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
	else
		header_back(&h);
	for (;;) {
		left = cur_left(&c);
		kind = uidlist_next(&c, &line);
		if (kind == UIDLIST_END || kind == UIDLIST_PARTIAL)
			break;
		if (cur_left(&c) >= left)
			abort();
		if (kind < UIDLIST_OTHER)
			print_back(&line, kind);
	}
	return 0;
}
