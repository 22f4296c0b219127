/*
 * Header fields over memory: RFC 5322 section 2.2.  Takes LF and CRLF alike,
 * and white space before the colon (obs-optional, section 4.5); 8-bit bytes
 * and NULs in a body are the reader's matter.  Trusts no length: every call
 * looks at each byte once.
 */
#include "header.h"

#include <string.h>

#include "chars.h"
#include "limits.h"

/* The line at the cursor with its line end. */
static struct span
take_line(struct cur *c)
{
	struct span line = cur_until(c, '\n');

	if (cur_ch(c, '\n'))
		line.len++;
	return line;
}

static struct span
trim_line_end(struct span s)
{
	if (s.len > 0 && s.p[s.len - 1] == '\n')
		s.len--;
	if (s.len > 0 && s.p[s.len - 1] == '\r')
		s.len--;
	return s;
}

/* Takes the rest of a field: this line and those that begin with white space. */
static struct span
take_folded(struct cur *c)
{
	const unsigned char *start = c->p;

	do
		take_line(c);
	while (cur_peek(c) == ' ' || cur_peek(c) == '\t');
	return span_of(start, (size_t)(c->p - start));
}

/* field: RFC 5322 section 2.2 and obs-optional, 4.5.  false: none stands here. */
static bool
parse_field(struct cur *c, struct header_field *f)
{
	const unsigned char *start = c->p;

	f->name = cur_while(c, chars, CH_FTEXT);
	while (cur_peek(c) == ' ' || cur_peek(c) == '\t')
		cur_next(c);
	if (f->name.len == 0 || !cur_ch(c, ':'))
		return false;
	f->body = trim_line_end(take_folded(c));
	f->whole = span_of(start, (size_t)(c->p - start));
	return true;
}

/* A line that an mbox left at the head of a message. */
static bool
skip_from_line(struct cur *c)
{
	cur_ch(c, '>');
	if (!cur_word(c, "From "))
		return false;
	take_line(c);
	return true;
}

enum header_result
header_next(struct span *rest, struct header_field *f)
{
	struct cur c, start;

	cur_init(&c, *rest);
	for (;;) {
		start = c;
		if (cur_end(&c))
			break;
		cur_ch(&c, '\r');
		if (cur_ch(&c, '\n')) {
			*rest = cur_rest(&c);
			return HEADER_END;
		}
		c = start;
		if (parse_field(&c, f)) {
			*rest = cur_rest(&c);
			return HEADER_FIELD;
		}
		c = start;
		if (skip_from_line(&c))
			continue;
		*rest = cur_rest(&start);
		return HEADER_BAD;
	}
	*rest = cur_rest(&c);
	return HEADER_END;
}

bool
header_field(struct span *rest, struct header_field *f)
{
	enum header_result r = header_next(rest, f);
	struct cur c;

	if (r != HEADER_BAD)
		return r == HEADER_FIELD;
	cur_init(&c, *rest);
	take_folded(&c);
	if (!parse_field(&c, f))
		return false;
	*rest = cur_rest(&c);
	return true;
}

size_t
header_length(struct span message)
{
	struct span rest = message;
	struct header_field f;

	while (header_field(&rest, &f))
		continue;
	return message.len - rest.len;
}

bool
header_find(struct span message, const char *name, struct header_field *f)
{
	struct span want = span_str(name), rest = message;

	while (header_field(&rest, f))
		if (span_iseq(f->name, want))
			return true;
	return false;
}

/* Which of the names it is: n if none. */
static size_t
which(struct span name, const struct span *names, size_t n)
{
	size_t i = 0;

	while (i < n && (names[i].len != name.len ||
	    !span_iseq(names[i], name)))
		i++;
	return i;
}

uint64_t
header_find_all(struct span header, const struct span *names, size_t n,
    struct header_field *found)
{
	struct header_field f;
	uint64_t again = 0;

	memset(found, 0, n * sizeof(*found));
	while (header_field(&header, &f)) {
		size_t i = which(f.name, names, n);

		if (i < n && found[i].name.p != NULL)
			again |= UINT64_C(1) << i;
		else if (i < n)
			found[i] = f;
	}
	return again;
}

static bool
is_fws(unsigned char b)
{
	return (chars[b] & CH_FWS) != 0;
}

struct span
header_trim(struct span s)
{
	while (s.len > 0 && is_fws(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_fws(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Unfolding: RFC 5322 section 2.2.3. */
int
header_unfold(struct span body, struct buf *out)
{
	struct span part;
	struct cur c;

	cur_init(&c, header_trim(body));
	while (!cur_end(&c)) {
		part = cur_until(&c, '\n');
		/* of a line end only its CR goes; any other CR is content */
		if (!cur_end(&c) && part.len > 0 && part.p[part.len - 1] == '\r')
			part.len--;
		buf_addspan(out, part);
		cur_ch(&c, '\n');
	}
	return out->bad ? -1 : 0;
}

/* CFWS: RFC 5322 section 3.2.2.  Comments nest as deep as they like. */
void
header_skip_cfws(struct cur *c)
{
	size_t depth = 0;
	int ch;

	for (;;) {
		cur_while(c, chars, CH_FWS);
		ch = cur_peek(c);
		if (ch == '(')
			depth++;
		else if (depth == 0 || ch == -1)
			return;
		else if (ch == ')')
			depth--;
		else if (ch == '\\')
			cur_next(c);
		cur_next(c);
	}
}
