/*
 * What goes to other servers.  The first byte is the size of the pieces in which the rest is given.  However it is cut, the
 * same goes out; line ends are CRLF and nothing else; no line is too long; the one dot alone is the last line; and without
 * what was put in it is the message.
 * LINK: deliver/remote_body.c
 */
#include "deliver/remote_body.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
convert(struct span in, size_t piece, bool chunk, struct buf *out)
{
	struct body b = { .chunk = chunk };
	unsigned char *room;
	struct span s;
	struct cur c;
	size_t n;

	buf_init(out, BODY_ROOM(2 * in.len) + BODY_END);
	cur_init(&c, in);
	while (!cur_end(&c)) {
		s = cur_take(&c, cur_left(&c) < piece ? cur_left(&c) : piece);
		/* Exactly the room that is promised to be enough. */
		if ((room = malloc(BODY_ROOM(s.len))) == NULL)
			abort();
		n = body_convert(&b, s, room);
		if (n > BODY_ROOM(s.len) || buf_add(out, room, n) == -1)
			abort();
		free(room);
	}
	if ((room = malloc(BODY_END)) == NULL)
		abort();
	n = body_end(&b, room);
	if (n > BODY_END || buf_add(out, room, n) == -1)
		abort();
	free(room);
}

/* The next line without its CRLF. */
static struct span
wire_line(struct cur *c)
{
	struct span line = cur_until(c, '\n');

	if (!cur_ch(c, '\n') || line.len == 0 || line.p[line.len - 1] != '\r')
		abort();
	line.len--;
	if (span_haschr(line, '\r'))
		abort();
	return line;
}

/* What the line is in the message: CRs as the content has them are spaces. */
static void
spaced(struct span line, bool ended, struct buf *out)
{
	buf_clear(out);
	if (ended && line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	for (size_t i = 0; i < line.len; i++)
		(void)buf_addc(out, line.p[i] == '\r' ? ' ' : line.p[i]);
	if (out->bad)
		abort();
}

/* A line of the message, in one line out or in several. */
static void
check_line(struct span line, struct cur *wire, bool chunk)
{
	struct span part;
	struct cur c;
	bool first = true;

	cur_init(&c, line);
	do {
		part = wire_line(wire);
		if (first && !chunk && cur_peek(&c) == '.') {
			if (part.len == 0 || part.p[0] != '.')
				abort();
			part = span_of(part.p + 1, part.len - 1);
		}
		if (part.len > SMTP_TEXT_MAX)
			abort();
		if (!first) {
			if (part.len == 0 || part.p[0] != ' ')
				abort();
			part = span_of(part.p + 1, part.len - 1);
		}
		if (part.len > cur_left(&c) || (part.len == 0 && !cur_end(&c)) ||
		    !span_eq(cur_take(&c, part.len), part))
			abort();
		first = false;
	} while (!cur_end(&c));
}

static void
check_wire(struct span in, struct span out, bool chunk)
{
	struct cur c, wire;
	struct span line;
	struct buf b;

	buf_init(&b, in.len + 1);
	cur_init(&c, in);
	cur_init(&wire, out);
	while (!cur_end(&c)) {
		line = cur_until(&c, '\n');
		spaced(line, cur_ch(&c, '\n'), &b);
		check_line(buf_span(&b), &wire, chunk);
	}
	if (!chunk && !span_is(wire_line(&wire), "."))
		abort();
	if (!cur_end(&wire))
		abort();
	buf_free(&b);
}

/* What servers are asked for is not missed because of a cut. */
static void
check_look(struct span in, size_t piece)
{
	struct body_facts whole = { .line = 0 }, f = { .line = 0 };
	struct cur c;

	body_look(&whole, in);
	cur_init(&c, in);
	while (!cur_end(&c))
		body_look(&f, cur_take(&c, cur_left(&c) < piece ?
		    cur_left(&c) : piece));
	if (f.is8bit != whole.is8bit || f.longline != whole.longline ||
	    f.is8bit == span_isascii(in))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, pieces;
	struct span in;

	if (size < 1)
		return 0;
	in = span_of(data + 1, size - 1);
	for (int chunk = 0; chunk < 2; chunk++) {
		convert(in, SIZE_MAX, chunk, &whole);
		convert(in, data[0] == 0 ? 999 : data[0], chunk, &pieces);
		if (!span_eq(buf_span(&whole), buf_span(&pieces)))
			abort();
		check_wire(in, buf_span(&whole), chunk);
		buf_free(&whole);
		buf_free(&pieces);
	}
	check_look(in, data[0] == 0 ? 999 : data[0]);
	return 0;
}
