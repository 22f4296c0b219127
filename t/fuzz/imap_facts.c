/*
 * Facts of a header: what is packed can be unpacked, and bytes from a broken
 * cache do no harm.  Their threads end.
 */
#include "imapd/facts.h"

#include <stdint.h>
#include <stdlib.h>

#include "imapd/thread.h"

/* LINK: imapd/facts.c imapd/subject.c imapd/thread.c imapd/arena.c */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
add(struct thread_set *t, struct span packed, uint32_t order)
{
	struct thread_node node = { .number = order + 1, .order = order };
	struct facts f;

	if (!facts_unpack(packed, &f))
		return;
	node.date = f.date;
	node.reply = f.reply;
	node.subject = f.s[FACT_SUBJECT];
	thread_add(t, &node, f.s[FACT_ID], f.refs);
}

/* Every message is told once. */
static void
check_tree(const struct thread_set *t, uint32_t messages)
{
	uint32_t i = t->p[0].child, seen = 0;

	while (i != THREAD_NONE && i != 0) {
		seen += t->p[i].number != 0;
		if (t->p[i].child != THREAD_NONE) {
			i = t->p[i].child;
			continue;
		}
		while (i != 0 && t->p[i].next == THREAD_NONE)
			i = t->p[i].parent;
		if (i != 0)
			i = t->p[i].next;
	}
	if (seen != messages)
		abort();
}

/* Headers that are separated by NULs. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct thread_set t;
	struct arena arena;
	struct buf packed[8];
	struct facts f;
	struct cur c;
	uint32_t n = 0;

	(void)facts_unpack(span_of(data, size), &f);
	cur_init(&c, span_of(data, size));
	arena_init(&arena, 64 << 20);
	thread_init(&t, &arena);
	for (; n < 8 && !cur_end(&c); n++) {
		buf_init(&packed[n], FACTS_MAX);
		if (facts_pack(cur_until(&c, '\0'), &packed[n]) == -1 ||
		    !facts_unpack(buf_span(&packed[n]), &f))
			abort();
		add(&t, buf_span(&packed[n]), n);
		(void)cur_ch(&c, '\0');
	}
	if (thread_by_references(&t) == 0)
		check_tree(&t, n);
	for (uint32_t i = 0; i < n; i++)
		buf_free(&packed[i]);
	arena_free(&arena);
	return 0;
}
