/*
 * The line reader, which alone sees what strangers send.  The first byte is the longest line, the second the size of the
 * pieces in which the rest comes (0: it is read in two, cut at every place).  Each line is what a look at all of the bytes
 * says that it is; and blocks, with bytes put in front again, give the bytes themselves.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "netio.h"

#define CUTS_MAX	256	/* bytes of an input that is cut everywhere */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct source { struct cur c; size_t first, piece; };

static ssize_t
give(void *arg, void *p, size_t size)
{
	struct source *s = arg;
	size_t n = s->first > 0 ? s->first : s->piece;
	struct span piece;

	s->first = 0;
	n = n > size ? size : n;
	piece = cur_take(&s->c, n > cur_left(&s->c) ? cur_left(&s->c) : n);
	if (piece.len > 0)
		memcpy(p, piece.p, piece.len);
	return (ssize_t)piece.len;
}

static bool
ready(void *arg)
{
	(void)arg;
	return true;
}

static void
begin(struct netin *n, struct source *s)
{
	netin_init(n, -1, NULL, 0);
	n->read = give;
	n->pending = ready;
	n->arg = s;
}

/* What the next line is, from all of the bytes. */
static enum netin_result
look(struct cur *c, size_t max, struct span *line)
{
	bool crlf;

	*line = cur_until(c, '\n');
	if (!cur_ch(c, '\n'))
		return NETIN_EOF;
	crlf = line->len > 0 && line->p[line->len - 1] == '\r';
	line->len -= crlf;
	if (line->len > max)
		return NETIN_TOOLONG;
	if (span_haschr(*line, '\0'))
		return NETIN_NUL;
	if (!crlf)
		return NETIN_BARE_LF;
	return span_haschr(*line, '\r') ? NETIN_BARE_CR : NETIN_LINE;
}

static void
check_lines(struct span in, size_t max, size_t first, size_t piece)
{
	struct source s = { .first = first, .piece = piece };
	enum netin_result is, want;
	struct span line, same;
	struct netin n;
	struct cur c;

	cur_init(&c, in);
	cur_init(&s.c, in);
	begin(&n, &s);
	do {
		want = look(&c, max, &same);
		is = netin_line(&n, max, &line);
		if (is != want || (want == NETIN_LINE && !span_eq(line, same)))
			abort();
	} while (want != NETIN_EOF);
	netin_free(&n);
}

/* As STARTTLS, logins and BDAT do: lines, then blocks, of which some is given back. */
static void
check_blocks(struct span in, size_t max, size_t piece)
{
	struct source s = { .piece = piece };
	struct span block, line;
	struct buf got, back;
	struct netin n;
	struct cur c;

	cur_init(&s.c, in);
	cur_init(&c, in);
	buf_init(&got, in.len + 1);
	buf_init(&back, in.len + 1);
	begin(&n, &s);
	(void)netin_line(&n, max, &line);
	(void)look(&c, max, &line);
	while (netin_block(&n, &block) == NETIN_DATA) {
		size_t used = (block.len + 1) / 2;

		(void)buf_add(&got, block.p, used);
		netin_consume(&n, used);
		buf_clear(&back);
		(void)buf_addspan(&back, netin_buffered(&n));
		netin_consume(&n, back.len);
		if (netin_prepend(&n, buf_span(&back)) == -1)
			abort();
	}
	/* Where no line ended, nothing is left or its last bytes are. */
	if (cur_left(&c) > 0 && !span_eq(buf_span(&got), cur_rest(&c)))
		abort();
	netin_free(&n);
	buf_free(&got);
	buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in;
	size_t max;

	if (size < 2)
		return 0;
	in = span_of(data + 2, size - 2);
	max = data[0] == 255 ? 65000 : data[0];
	if (data[1] > 0)
		check_lines(in, max, 0, data[1]);
	for (size_t i = 1; data[1] == 0 && i <= in.len && i < CUTS_MAX; i++)
		check_lines(in, max, i, SIZE_MAX);
	check_lines(in, max, 0, SIZE_MAX);
	check_blocks(in, max, data[1] > 0 ? data[1] : 4096);
	return 0;
}
