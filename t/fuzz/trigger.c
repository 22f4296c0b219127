/*
 * What sessions write to the trigger.  The first byte is the size of the pieces: lines that could be names are the same
 * however they come; the index of messages finds each name that it took, by that name alone, and has room when all are gone.
 * LINK: queue/queue_trigger.c queue/queue_index.c
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/queue_index.h"
#include "queue/queue_trigger.h"
#include "spool.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Lines that are names, each with a LF. */
static void
take(void *arg, struct span line)
{
	struct spool_name name;

	if (!spool_name_parse(line, &name))
		return;
	if (buf_addspan(arg, line) == -1 || buf_addc(arg, '\n') == -1)
		abort();
}

static void
feed(const int p[2], struct span in, size_t piece, struct buf *names)
{
	struct trigger t = { .fd = p[0] };
	struct span s;
	struct cur c;

	buf_init(&t.in, 1 << 17);
	cur_init(&c, in);
	while (!cur_end(&c)) {
		s = cur_take(&c, cur_left(&c) < piece ? cur_left(&c) : piece);
		if (write(p[1], s.p, s.len) != (ssize_t)s.len)
			err(1, "pipe");
		(void)trigger_read(&t, take, names);
		if (t.in.len > 1 << 17)
			abort();
	}
	buf_free(&t.in);
}

/* Each name that the index takes is found, and made again, until it is taken out. */
static void
check_index(struct span names)
{
	char text[SPOOL_NAME_MAX];
	struct spool_name name;
	struct index ix;
	uint32_t id;
	struct cur c;

	if (index_init(&ix) == -1)
		abort();
	cur_init(&c, names);
	while (!cur_end(&c)) {
		if (!spool_name_parse(cur_until(&c, '\n'), &name))
			abort();
		(void)cur_ch(&c, '\n');
		if (index_find(&ix, &name) != ITEM_NONE ||
		    index_add(&ix, &name) == ITEM_NONE)
			continue;
		id = index_find(&ix, &name);
		if (id == ITEM_NONE)
			abort();
		index_name(&ix, id, text);
		if (strcmp(text, name.text) != 0)
			abort();
	}
	cur_init(&c, names);
	while (!cur_end(&c)) {
		(void)spool_name_parse(cur_until(&c, '\n'), &name);
		(void)cur_ch(&c, '\n');
		if ((id = index_find(&ix, &name)) != ITEM_NONE)
			index_remove(&ix, id);
	}
	(void)spool_name_parse(span_str("1.0123456789abcdef.another,S=1,W=1"),
	    &name);
	if (ix.count != 0 || (id = index_add(&ix, &name)) == ITEM_NONE)
		abort();
	index_remove(&ix, id);
	for (uint16_t i = 0; i < ix.nhosts; i++) {
		if (ix.hosts[i].items != 0)
			abort();
		free(ix.hosts[i].name);
	}
	free(ix.hosts);
	free(ix.slots);
	free(ix.items);
}

/* No line is so long that one way of cutting throws it away and another does not. */
static bool
has_long_line(struct span in)
{
	struct cur c;

	cur_init(&c, in);
	while (!cur_end(&c)) {
		if (cur_until(&c, '\n').len >= SPOOL_NAME_MAX)
			return true;
		(void)cur_ch(&c, '\n');
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int p[2];
	struct buf whole, pieces;
	struct span in;

	if (p[1] == 0 && pipe2(p, O_NONBLOCK | O_CLOEXEC) == -1)
		err(1, "pipe");
	if (size < 1)
		return 0;
	in = span_of(data + 1, size - 1 < 65536 ? size - 1 : 65536);
	buf_init(&whole, 1 << 17);
	buf_init(&pieces, 1 << 17);
	feed(p, in, 65536, &whole);
	feed(p, in, data[0] == 0 ? 300 : data[0], &pieces);
	if (!has_long_line(in) && !span_eq(buf_span(&whole),
	    buf_span(&pieces)))
		abort();
	check_index(buf_span(&whole));
	check_index(buf_span(&pieces));
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
