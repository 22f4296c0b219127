/*
 * The content of a message as a state machine over blocks.  Trusts nothing:
 * only CRLF.CRLF ends DATA, in every other place a CR or LF alone is refused or,
 * where the rules say so, made a space or a line's end, so that no server behind
 * us can see an end where we saw none (CVE-2023-51764, 51765, 51766).  Header lines are looked at once, on their
 * way through, for what must be counted or may be missing; body bytes only
 * for CR, LF and NUL.
 */
#include "data.h"

#include <string.h>

#include "chars.h"
#include "limits.h"
#include "qualify.h"

/* How far one step looks ahead: bounds the work that many bare line ends in
 * one block can cause. */
#define STEP_MAX	4096

void
data_init(struct data *d, const struct data_rules *rules)
{
	memset(d, 0, sizeof(*d));
	d->rules = *rules;
	d->state = AT_START;
	d->header = true;
	buf_init(&d->line, SMTP_TEXT_MAX);
	buf_init(&d->held, DATA_HELD_MAX);
}

void
data_free(struct data *d)
{
	buf_free(&d->line);
	buf_free(&d->held);
}

static void
fault(struct data *d, enum data_fault f)
{
	if (d->fault == FAULT_NONE)
		d->fault = f;
}

static void
count(struct data *d, size_t n)
{
	d->size += n;
	if (d->size > d->rules.size)
		fault(d, FAULT_SIZE);
	if (!d->header)
		return;
	d->header_size += n;
	if (d->header_size > HEADER_MAX)
		fault(d, FAULT_HEADER);
}

static void
emit(struct data *d, struct buf *out, struct span s)
{
	if (d->fault == FAULT_NONE && buf_addspan(out, s) == -1)
		fault(d, FAULT_MEMORY);
}

/* The field that was held, with its addresses made whole. */
static void
release(struct data *d, struct buf *out)
{
	struct span rest = buf_span(&d->held);
	struct header_field f;
	struct buf whole;

	if (!d->holding)
		return;
	d->holding = false;
	buf_init(&whole, DATA_QUALIFIED_MAX);
	if (header_next(&rest, &f) == HEADER_FIELD && rest.len == 0 &&
	    qualify_field(&f, d->rules.domain, &whole) == 0)
		emit(d, out, buf_span(&whole));
	else
		emit(d, out, buf_span(&d->held));
	buf_free(&whole);
	buf_clear(&d->held);
}

/* Bytes of the header: to the field that is held, or out. */
static void
emit_header(struct data *d, struct buf *out, struct span s)
{
	if (d->holding && s.len > DATA_HELD_MAX - d->held.len) {
		d->holding = false;
		emit(d, out, buf_span(&d->held));
		buf_clear(&d->held);
	}
	if (!d->holding)
		emit(d, out, s);
	else if (buf_addspan(&d->held, s) == -1)
		fault(d, FAULT_MEMORY);
}

/* The name of a field, or an empty span: RFC 5322 section 2.2, with the white
 * space before the colon of section 4.5. */
static struct span
field_name(struct span line)
{
	struct span name;
	struct cur c;

	cur_init(&c, line);
	name = cur_while(&c, chars, CH_FTEXT);
	(void)cur_while(&c, chars, CH_FWS);
	return cur_peek(&c) == ':' ? name : span_of(NULL, 0);
}

/* The first Message-ID, RFC 5322 section 3.6.4, by which people ask for a message. */
static void
note_id(struct data *d, struct span line)
{
	struct span id;
	struct cur c;

	cur_init(&c, line);
	(void)cur_until(&c, '<');
	d->id_follows = !cur_ch(&c, '<');
	if (d->id_follows)
		return;
	id = cur_until(&c, '>');
	if (id.len <= MESSAGE_ID_MAX)
		memcpy(d->message_id, id.p, id.len);
}

static void
note_field(struct data *d, struct span name, struct span line)
{
	d->id_follows = false;
	if (++d->fields > HEADER_FIELDS_MAX)
		fault(d, FAULT_HEADER);
	if (span_isis(name, "Received") && ++d->received > RECEIVED_MAX)
		fault(d, FAULT_LOOP);
	if (span_isis(name, "Date"))
		d->seen |= SEEN_DATE;
	if (span_isis(name, "Message-ID")) {
		if ((d->seen & SEEN_MESSAGE_ID) == 0)
			note_id(d, line);
		d->seen |= SEEN_MESSAGE_ID;
	}
	if (span_isis(name, "From"))
		d->seen |= SEEN_FROM;
}

static void
header_over(struct data *d, struct buf *out)
{
	release(d, out);
	d->header = false;
	if (d->header_end != NULL && d->fault == FAULT_NONE)
		d->header_end(d->arg, d->seen, out);
}

/* What is known of a line of the header: all of it, or as much as is kept.  The
 * first line that cannot stand in a header begins the body, with the empty line
 * that was missing before it, or it would become part of our own Received
 * field. */
static void
header_line(struct data *d, struct buf *out)
{
	struct span line = buf_span(&d->line), name;
	bool folded = line.len > 0 && (line.p[0] == ' ' || line.p[0] == '\t');

	if (line.len == 0) {
		header_over(d, out);
	} else if (!folded || d->fields == 0) {
		name = folded ? span_of(NULL, 0) : field_name(line);
		if (name.len > 0) {
			release(d, out);
			note_field(d, name, line);
			d->holding = d->rules.domain != NULL &&
			    qualify_is_for(name);
		} else {
			header_over(d, out);
			emit(d, out, span_str("\n"));
		}
	} else if (d->id_follows) {
		note_id(d, line);
	}
	emit_header(d, out, line);
	buf_clear(&d->line);
}

/* Bytes of a header line: kept until it can be judged. */
static void
header_text(struct data *d, struct span s, struct buf *out)
{
	struct cur c;

	cur_init(&c, s);
	if (!d->judged && s.len > SMTP_TEXT_MAX - d->line.len) {
		(void)buf_addspan(&d->line,
		    cur_take(&c, SMTP_TEXT_MAX - d->line.len));
		header_line(d, out);
		d->judged = true;
	}
	if (d->judged)
		emit_header(d, out, cur_rest(&c));
	else if (buf_addspan(&d->line, s) == -1)
		fault(d, FAULT_MEMORY);
}

/* Bytes of a line, without line ends. */
static void
text(struct data *d, struct span s, struct buf *out)
{
	count(d, s.len);
	d->line_len += s.len;
	if (d->line_len > d->rules.line)
		fault(d, FAULT_LINE);
	if (d->fault != FAULT_NONE)
		return;
	if (d->header)
		header_text(d, s, out);
	else
		emit(d, out, s);
}

static void
line_end(struct data *d, struct buf *out)
{
	count(d, 2);
	d->line_len = 0;
	if (d->fault != FAULT_NONE)
		return;
	if (d->header && !d->judged)
		header_line(d, out);
	d->judged = false;
	emit_header(d, out, span_str("\n"));
}

/* A CR that no LF follows. */
static void
bare_cr(struct data *d, struct buf *out)
{
	d->state = IN_LINE;
	if (d->rules.cr_spaces)
		text(d, span_str(" "), out);
	else
		d->fault = FAULT_BARE;
}

/* The next lines of the body that are as they should be, as nearly all are, each in one piece; any
 * other, and the end, are step's.  No further than STEP_MAX: the rest may be other messages. */
static void
whole_lines(struct data *d, struct cur *c, struct buf *out)
{
	size_t n = cur_left(c) < STEP_MAX ? cur_left(c) : STEP_MAX;
	const unsigned char *stop, *lf;
	unsigned char *to;

	if (d->state != AT_START || d->header || d->fault != FAULT_NONE)
		return;
	if ((stop = memchr(c->p, 0, n)) == NULL)
		stop = c->p + n;
	if ((to = buf_room(out, (size_t)(stop - c->p))) == NULL) {
		fault(d, FAULT_MEMORY);
		return;
	}
	while (c->p < stop &&
	    (lf = memchr(c->p, '\n', (size_t)(stop - c->p))) != NULL) {
		const unsigned char *p = c->p + (d->rules.dots && *c->p == '.');
		size_t len = (size_t)(lf - p);	/* with the CR */

		if (len == 0 || lf[-1] != '\r' || (p != c->p && len == 1) ||
		    len - 1 > d->rules.line ||
		    len + 1 > d->rules.size - d->size ||
		    memchr(p, '\r', len - 1) != NULL)
			break;
		d->size += len + 1;
		memcpy(to, p, len - 1);
		to += len;
		to[-1] = '\n';
		out->len += len;
		c->p = lf + 1;
	}
}

/* The longest run without CR, LF and NUL, then one of them. */
static void
step_line(struct data *d, struct cur *c, struct buf *out)
{
	struct span run = { c->p, cur_left(c) };
	const unsigned char *q;

	if (run.len > STEP_MAX)
		run.len = STEP_MAX;
	if ((q = memchr(run.p, '\r', run.len)) != NULL)
		run.len = (size_t)(q - run.p);
	if (run.len > 0 && (q = memchr(run.p, '\n', run.len)) != NULL)
		run.len = (size_t)(q - run.p);
	run = cur_take(c, run.len);
	if (span_haschr(run, 0)) {
		d->fault = FAULT_NUL;
		return;
	}
	text(d, run, out);
	if (cur_ch(c, '\r')) {
		d->state = AFTER_CR;
	} else if (cur_ch(c, '\n')) {
		/* Stays IN_LINE: a dot behind a bare LF means nothing. */
		if (d->rules.lf_ends)
			line_end(d, out);
		else
			d->fault = FAULT_BARE;
	}
}

/* One state, at least one byte or one change of state.  True at the end. */
static bool
step(struct data *d, struct cur *c, struct buf *out)
{
	switch (d->state) {
	case AT_START:
		d->state = d->rules.dots && cur_ch(c, '.') ? AFTER_DOT : IN_LINE;
		return false;
	case AFTER_DOT:		/* the dot itself is never content */
		d->state = cur_ch(c, '\r') ? AFTER_DOT_CR : IN_LINE;
		return false;
	case AFTER_DOT_CR:
		if (cur_ch(c, '\n'))
			return true;
		bare_cr(d, out);
		return false;
	case AFTER_CR:
		if (cur_ch(c, '\n')) {
			line_end(d, out);
			d->state = AT_START;
		} else {
			bare_cr(d, out);
		}
		return false;
	case IN_LINE:
		step_line(d, c, out);
		return false;
	}
	return false;
}

enum data_status
data_feed(struct data *d, struct span bytes, size_t *used, struct buf *out)
{
	bool end = false;
	struct cur c;

	cur_init(&c, bytes);
	while (!end && !cur_end(&c) && d->fault != FAULT_BARE &&
	    d->fault != FAULT_NUL) {
		whole_lines(d, &c, out);
		if (!cur_end(&c))
			end = step(d, &c, out);
	}
	*used = bytes.len - cur_left(&c);
	if (d->fault == FAULT_BARE || d->fault == FAULT_NUL)
		return DATA_REFUSED;
	if (!end)
		return DATA_MORE;
	if (d->header)
		header_over(d, out);
	return DATA_END;
}

void
data_finish(struct data *d, struct buf *out)
{
	if (d->state == AFTER_CR)
		bare_cr(d, out);
	if (d->line_len > 0)
		line_end(d, out);
	if (d->header)
		header_over(d, out);
}
