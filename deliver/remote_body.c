/*
 * Content conversion for DATA.  Guarantees, whatever is in the spool: CR and
 * LF leave only as CRLF, and no line of one dot leaves but the last.  So
 * nothing that is sent can be read by another server as a second message
 * (CVE-2023-51764 and its kin).  A CR that does not stand before LF becomes a
 * space.  A line that is longer than every server takes is broken, with a space
 * where it goes on: in a header that is folding, and Postfix does the same.
 */
#include "remote_body.h"

#include <string.h>

#include "limits.h"

/* Copies a piece of one line that holds no CR and no LF. */
static unsigned char *
put_piece(struct body *b, unsigned char *out, const unsigned char *p, size_t n)
{
	if (n == 0)
		return out;
	if (!b->midline && p[0] == '.' && !b->chunk)
		*out++ = '.';
	b->midline = true;
	while (n > SMTP_TEXT_MAX - b->column) {
		size_t part = SMTP_TEXT_MAX - b->column;

		memcpy(out, p, part);
		memcpy(out + part, "\r\n ", 3);
		out += part + 3;
		p += part;
		n -= part;
		b->column = 1;
	}
	memcpy(out, p, n);
	b->column += n;
	return out + n;
}

static unsigned char *
put_line_end(struct body *b, unsigned char *out)
{
	*out++ = '\r';
	*out++ = '\n';
	b->midline = false;
	b->column = 0;
	return out;
}

/* A CR that was held back, now that c follows (-1: the end). */
static unsigned char *
put_held_cr(struct body *b, unsigned char *out, int c)
{
	b->cr = false;
	return c == '\n' ? out :
	    put_piece(b, out, (const unsigned char *)" ", 1);
}

/* The rare case: a piece of a line with a CR somewhere inside. */
static unsigned char *
put_with_cr(struct body *b, unsigned char *out, const unsigned char *p,
    size_t n)
{
	const unsigned char *cr;

	while (n > 0) {
		size_t part;

		if (b->cr)
			out = put_held_cr(b, out, p[0]);
		cr = memchr(p, '\r', n);
		part = cr == NULL ? n : (size_t)(cr - p);
		out = put_piece(b, out, p, part);
		if (cr == NULL)
			break;
		b->cr = true;
		p += part + 1;
		n -= part + 1;
	}
	return out;
}

size_t
body_convert(struct body *b, struct span in, unsigned char *out)
{
	unsigned char *start = out;
	const unsigned char *p = in.p, *end = in.p + in.len;
	bool cr = in.len > 0 && (b->cr || memchr(p, '\r', in.len) != NULL);

	while (p < end) {
		const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf == NULL ? end : lf) - p);

		out = cr ? put_with_cr(b, out, p, n) :
		    put_piece(b, out, p, n);
		if (lf == NULL)
			break;
		if (b->cr)
			out = put_held_cr(b, out, '\n');
		out = put_line_end(b, out);
		p = lf + 1;
	}
	return (size_t)(out - start);
}

size_t
body_end(struct body *b, unsigned char *out)
{
	unsigned char *start = out;

	if (b->cr)
		out = put_held_cr(b, out, -1);
	if (b->midline)
		out = put_line_end(b, out);
	if (!b->chunk) {
		*out++ = '.';
		out = put_line_end(b, out);
	}
	return (size_t)(out - start);
}

void
body_look(struct body_facts *f, struct span s)
{
	struct span line;
	struct cur c;

	f->is8bit = f->is8bit || !span_isascii(s);
	cur_init(&c, s);
	while (!cur_end(&c) && !f->longline) {
		line = cur_until(&c, '\n');
		f->line += line.len;
		f->longline = f->line > SMTP_TEXT_MAX;
		if (cur_ch(&c, '\n'))
			f->line = 0;
	}
}
