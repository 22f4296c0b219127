/*
 * Encoders for the lines of a body.  Bounded: nothing but one line of base64,
 * one byte of white space or the beginning of "=XX" is ever held back.  Every
 * line that is written is at most 76 bytes long (SMTP_TEXT_MAX when scrubbing),
 * none begins with "From " or consists of a dot, and none becomes a boundary.
 */
#include "coder.h"

#include <string.h>

#include "encode.h"
#include "limits.h"

#define QP_LINE		75	/* and the "=" of a soft line break: 76 */

void
coder_begin(struct coder *c, enum coder_mode mode, struct buf *out)
{
	c->mode = mode;
	c->out = out;
	c->nheld = c->col = c->from = 0;
	c->space = -1;
	c->eol = false;
}

static void
new_line(struct coder *c)
{
	buf_addc(c->out, '\n');
	c->col = c->from = 0;
}

/* --- base64 --- */

static void
base64_line(struct coder *c)
{
	(void)base64_encode(span_of(c->held, c->nheld), c->out);
	c->nheld = 0;
	new_line(c);
}

static void
base64_text(struct coder *c, struct span s)
{
	struct cur in;

	cur_init(&in, s);
	while (!cur_end(&in)) {
		size_t room = sizeof(c->held) - c->nheld;
		struct span part = cur_take(&in, cur_left(&in) < room ?
		    cur_left(&in) : room);

		memcpy(c->held + c->nheld, part.p, part.len);
		c->nheld += part.len;
		if (c->nheld == sizeof(c->held))
			base64_line(c);
	}
}

/* Line ends of text are CRLF in base64: RFC 2045 section 6.8. */
static void
base64_held_eol(struct coder *c)
{
	if (c->eol)
		base64_text(c, span_str("\r\n"));
	c->eol = false;
}

/* Lines of 76 of what is base64 already; what is not in its alphabet means
 * nothing (RFC 2045 section 6.8). */
static void
rebase64_text(struct coder *c, struct span s)
{
	struct cur in;
	int ch;

	cur_init(&in, s);
	while ((ch = cur_next(&in)) != -1) {
		if (ch <= ' ' || ch >= 0x7f)
			continue;
		buf_addc(c->out, (unsigned char)ch);
		if (++c->col == 76)
			new_line(c);
	}
}

/* --- quoted-printable --- */

static void
qp_room(struct coder *c, size_t width)
{
	if (c->col + width <= QP_LINE)
		return;
	buf_addc(c->out, '=');
	new_line(c);
}

static void
qp_literal(struct coder *c, int ch)
{
	qp_room(c, 1);
	buf_addc(c->out, (unsigned char)ch);
	if (c->from == c->col && c->col < 4 && ch == "From"[c->col])
		c->from++;
	c->col++;
}

static void
qp_coded(struct coder *c, int ch)
{
	qp_room(c, 3);
	buf_addf(c->out, "=%02X", (unsigned)ch);
	c->col += 3;
}

static void
qp_held_space(struct coder *c, bool coded)
{
	if (c->space == -1)
		return;
	/* "From " begins a message for some: RFC 2049 section 3. */
	if (coded || (c->from == 4 && c->col == 4))
		qp_coded(c, c->space);
	else
		qp_literal(c, c->space);
	c->space = -1;
}

/* RFC 2045 section 6.7; no line of a dot, as RFC 2049 section 3 advises, and none
 * that could have become a boundary. */
static void
qp_byte(struct coder *c, int ch)
{
	qp_held_space(c, false);
	if (ch == ' ' || ch == '\t')
		c->space = ch;
	else if (ch < ' ' || ch > '~' || ch == '=')
		qp_coded(c, ch);
	else if ((ch == '.' || ch == '-') &&
	    (c->col == 0 || c->col == QP_LINE))
		qp_coded(c, ch);
	else
		qp_literal(c, ch);
}

static void
qp_text(struct coder *c, struct span s)
{
	struct cur in;
	int ch;

	cur_init(&in, s);
	while ((ch = cur_next(&in)) != -1)
		qp_byte(c, ch);
}

/* What began like "=XX" and is not: the "=" itself is text, and the rest too. */
static void
reqp_release(struct coder *c)
{
	for (size_t i = 0; i < c->nheld; i++)
		qp_byte(c, c->held[i]);
	c->nheld = 0;
}

static void
reqp_text(struct coder *c, struct span s)
{
	struct cur in, three;
	int ch;

	cur_init(&in, s);
	while ((ch = cur_next(&in)) != -1) {
		if (c->nheld == 0 && ch != '=') {
			qp_byte(c, ch);
			continue;
		}
		c->held[c->nheld++] = (unsigned char)ch;
		if (c->nheld < 3)
			continue;
		cur_init(&three, span_of(c->held + 1, 2));
		if ((ch = hex_byte(&three)) == -1) {
			reqp_release(c);
			continue;
		}
		qp_held_space(c, false);
		qp_coded(c, ch);
		c->nheld = 0;
	}
}

/* "=" at the end of a line is a soft line break, and stays one. */
static void
reqp_eol(struct coder *c)
{
	bool soft = c->nheld == 1;

	if (soft) {
		c->nheld = 0;
		qp_held_space(c, false);
		buf_addc(c->out, '=');
	}
	reqp_release(c);
	qp_held_space(c, true);
	new_line(c);
}

/* --- what belongs to no part --- */

static bool
is_clean(int ch)
{
	return ch == '\t' || (ch >= ' ' && ch <= '~');
}

/* What was no boundary does not become one.  recode.c gives the beginning of a
 * line with "-" in one piece, as long as a boundary may be. */
static void
scrub_begin(struct coder *c, struct span s)
{
	bool clean = true;

	for (size_t i = 0; i < s.len; i++)
		clean = clean && is_clean(s.p[i]);
	if (c->col > 0 || s.p[0] != '-' || clean)
		return;
	buf_addc(c->out, ' ');
	c->col++;
}

static void
scrub_text(struct coder *c, struct span s)
{
	struct cur in;
	int ch;

	scrub_begin(c, s);
	cur_init(&in, s);
	while ((ch = cur_next(&in)) != -1) {
		if (c->col == SMTP_TEXT_MAX)
			new_line(c);
		if (!is_clean(ch))
			ch = '?';
		buf_addc(c->out, (unsigned char)ch);
		c->col++;
	}
}

/* --- the same for all --- */

void
coder_text(struct coder *c, struct span s)
{
	if (s.len == 0)
		return;
	switch (c->mode) {
	case CODER_KEEP:
		buf_addspan(c->out, s);
		break;
	case CODER_QP:
		qp_text(c, s);
		break;
	case CODER_REQP:
		reqp_text(c, s);
		break;
	case CODER_BASE64:
		base64_held_eol(c);
		base64_text(c, s);
		break;
	case CODER_REBASE64:
		rebase64_text(c, s);
		break;
	case CODER_SCRUB:
		scrub_text(c, s);
		break;
	}
}

void
coder_eol(struct coder *c)
{
	switch (c->mode) {
	case CODER_KEEP:
	case CODER_SCRUB:
		new_line(c);
		break;
	case CODER_QP:
		qp_held_space(c, true);
		new_line(c);
		break;
	case CODER_REQP:
		reqp_eol(c);
		break;
	case CODER_BASE64:
		base64_held_eol(c);
		c->eol = true;
		break;
	case CODER_REBASE64:
		break;
	}
}

void
coder_end(struct coder *c, bool boundary)
{
	if (c->mode == CODER_REQP)
		reqp_release(c);
	qp_held_space(c, true);
	if (c->mode == CODER_BASE64) {
		if (!boundary)
			base64_held_eol(c);
		if (c->nheld > 0)
			base64_line(c);
	} else if (c->mode == CODER_REBASE64 && c->col > 0)
		new_line(c);
}
