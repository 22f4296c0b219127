/*
 * Fields of a header, packed for the folder's cache.  What comes out of it is checked against its bounds; what a field
 * number means is for who asked for that number.
 */
#include "kept.h"

#include "header.h"

#define TEXT_MAX	65535

int
kept_field(struct span name)
{
	static const struct span names[] = {
		HEADER_NAME("From"), HEADER_NAME("To"), HEADER_NAME("Cc"),
		HEADER_NAME("Subject"), HEADER_NAME("Bcc"),
		HEADER_NAME("Message-ID")
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].len == name.len && span_iseq(names[i], name))
			return (int)i;
	return -1;
}

int
kept_add(struct buf *out, int field, struct span text)
{
	if (text.len > TEXT_MAX)
		return -1;
	(void)buf_addc(out, (unsigned char)field);
	(void)buf_addc(out, (unsigned char)(text.len >> 8));
	(void)buf_addc(out, (unsigned char)(text.len & 0xff));
	return buf_addspan(out, text);
}

bool
kept_next(struct span *rest, int *field, struct span *text)
{
	struct cur c;
	int hi, lo;

	cur_init(&c, *rest);
	*field = cur_next(&c);
	hi = cur_next(&c);
	if ((lo = cur_next(&c)) == -1)
		return false;
	*text = cur_take(&c, (size_t)hi << 8 | (size_t)lo);
	if (text->p == NULL && (hi | lo) != 0)
		return false;
	*rest = cur_rest(&c);
	return true;
}

/* Behind its first quote.  quoted: RFC 9051 section 9. */
static bool
skip_quoted(struct cur *c)
{
	int ch;

	while ((ch = cur_next(c)) != '"') {
		if (ch == '\\')
			ch = cur_next(c);
		if (ch == -1 || ch == '\0' || ch == '\r' || ch == '\n')
			return false;
	}
	return true;
}

/* Behind its brace.  literal: RFC 9051 section 9. */
static bool
skip_literal(struct cur *c)
{
	uint64_t n;

	return cur_num(c, cur_left(c), &n) == 0 && cur_word(c, "}\r\n") &&
	    n <= cur_left(c) && cur_take(c, (size_t)n).len == n;
}

bool
kept_is_list(struct span s)
{
	size_t depth = 0;
	struct cur c;
	int ch;

	cur_init(&c, s);
	if (cur_peek(&c) != '(')
		return false;
	do {
		ch = cur_next(&c);
		depth += ch == '(';
		depth -= ch == ')';
		if (ch < ' ' || ch >= 0x7f || (ch == '"' && !skip_quoted(&c)) ||
		    (ch == '{' && !skip_literal(&c)))
			return false;
	} while (depth > 0);
	return cur_end(&c);
}
