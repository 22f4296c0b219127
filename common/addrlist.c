/*
 * Address lists of header fields: RFC 5322 section 3.4, read generously.
 * Takes obs- syntax, 8-bit bytes, brackets in display names, unquoted
 * addresses as display names and odd dots, because mail that exists has them;
 * what it hands out is for showing, not for envelopes.  The position only moves forward, so
 * any input takes linear time; nothing recurses, so comments may nest freely.
 */
#include "addr.h"

#include "chars.h"

/* The start-to-position part of what a cursor ran over. */
static struct span
since(const struct cur *c, const unsigned char *start)
{
	return span_of(start, (size_t)(c->p - start));
}

/* comment: RFC 5322 section 3.2.2, the cursor on "(".  inner is without the
 * outer parentheses.  false: no end. */
static bool
parse_comment(struct cur *c, struct span *inner)
{
	const unsigned char *start;
	size_t depth = 1;
	int ch;

	cur_next(c);
	start = c->p;
	while ((ch = cur_next(c)) != -1) {
		if (ch == '\\')
			cur_next(c);
		else if (ch == '(')
			depth++;
		else if (ch == ')' && --depth == 0) {
			*inner = since(c, start);
			inner->len--;
			return true;
		}
	}
	return false;
}

/* CFWS: RFC 5322 section 3.2.2; last is the last comment, or unchanged. */
static bool
skip_cfws(struct cur *c, struct span *last)
{
	struct span inner;

	for (;;) {
		cur_while(c, chars, CH_FWS);
		if (cur_peek(c) != '(')
			return true;
		if (!parse_comment(c, &inner))
			return false;
		if (last != NULL)
			*last = inner;
	}
}

/* quoted-string: RFC 5322 section 3.2.4, the cursor on DQUOTE. */
static bool
skip_quoted(struct cur *c)
{
	int ch;

	cur_next(c);
	while ((ch = cur_next(c)) != -1) {
		if (ch == '\\')
			cur_next(c);
		else if (ch == '"')
			return true;
	}
	return false;
}

/* What stands before "<", "@", ":" or the end of a piece. */
struct words {
	struct span all;	/* first word to last, CFWS between included */
	bool local;		/* could be a local-part */
};

/*
 * word and "." in any order: phrase (RFC 5322 section 3.2.5), obs-phrase and
 * obs-local-part (4.1, 4.4) share their beginning.  false: a string or comment has no end.
 */
static bool
parse_words(struct cur *c, struct words *w, struct span *comment)
{
	const unsigned char *start = c->p;
	bool after_word = false, any = false;
	int ch;

	w->local = true;
	w->all = span_of(start, 0);
	for (;;) {
		ch = cur_peek(c);
		if (ch == '"') {
			if (!skip_quoted(c))
				return false;
		} else if (ch == '[' || ch == ']') {
			cur_next(c);	/* "[list] name": found, not allowed */
			w->local = false;
		} else if (ch != '.' &&
		    cur_while(c, chars, CH_ATEXT | CH_UTF8).len == 0) {
			w->local = w->local && any;
			return true;
		}
		if (cur_ch(c, '.')) {
			after_word = false;
		} else {
			w->local = w->local && !after_word;
			after_word = any = true;
		}
		w->all = since(c, start);
		if (!skip_cfws(c, comment))
			return false;
	}
}

/* domain: RFC 5322 section 3.4.1, with obs-domain. */
static bool
parse_domain(struct cur *c, struct span *out, struct span *comment)
{
	const unsigned char *start = c->p;

	if (cur_ch(c, '[')) {
		cur_while(c, chars, CH_DTEXT | CH_FWS | CH_UTF8);
		if (!cur_ch(c, ']'))
			return false;
		*out = since(c, start);
		return skip_cfws(c, comment);
	}
	out->len = 0;
	for (;;) {
		if (!cur_ch(c, '.') &&
		    cur_while(c, chars, CH_ATEXT | CH_UTF8).len == 0)
			return out->len > 0;
		*out = since(c, start);
		if (!skip_cfws(c, comment))
			return false;
		/* "a b" is two words, and no domain */
		if (cur_peek(c) != '.' && out->p[out->len - 1] != '.')
			return true;
	}
}

/* "@" and domain, the cursor on "@". */
static bool
parse_at_domain(struct cur *c, struct addr_item *it)
{
	return cur_ch(c, '@') && skip_cfws(c, &it->comment) &&
	    parse_domain(c, &it->domain, &it->comment);
}

/* obs-route: RFC 5322 section 4.4; dropped. */
static bool
skip_route(struct cur *c)
{
	struct span domain;

	if (cur_peek(c) != '@')
		return true;
	while (cur_ch(c, '@')) {
		if (!skip_cfws(c, NULL) || !parse_domain(c, &domain, NULL))
			return false;
		while (cur_ch(c, ','))
			if (!skip_cfws(c, NULL))
				return false;
	}
	return cur_ch(c, ':') && skip_cfws(c, NULL);
}

/* angle-addr: RFC 5322 section 3.4, the cursor on "<".  "<>" is taken. */
static bool
parse_angle(struct cur *c, struct addr_item *it)
{
	struct words w;

	it->local.len = it->domain.len = 0;
	cur_next(c);
	if (!skip_cfws(c, &it->comment))
		return false;
	if (cur_ch(c, '>'))
		return skip_cfws(c, &it->comment);
	if (!skip_route(c) || !parse_words(c, &w, &it->comment) || !w.local)
		return false;
	it->local = w.all;
	if (cur_peek(c) == '@' && !parse_at_domain(c, it))
		return false;
	return cur_ch(c, '>') && skip_cfws(c, &it->comment);
}

/* address: RFC 5322 section 3.4, one mailbox or the beginning of a group. */
static bool
parse_address(struct cur *c, bool in_group, struct addr_item *it)
{
	const unsigned char *start = c->p;
	struct words w;

	if (!parse_words(c, &w, &it->comment))
		return false;
	if (cur_peek(c) == ':' && w.all.len > 0 && !in_group) {
		cur_next(c);
		it->kind = ADDR_GROUP_START;
		it->name = w.all;
		return true;
	}
	if (cur_peek(c) == '<') {
		if (w.all.len > 0)
			it->name = w.all;
		return parse_angle(c, it);
	}
	if (!w.local)
		return false;
	it->local = w.all;
	if (cur_peek(c) != '@')		/* "root", and not "root <" */
		return cur_end(c) || cur_peek(c) == ',' || cur_peek(c) == ';';
	if (!parse_at_domain(c, it))
		return false;
	if (cur_peek(c) != '<')
		return true;
	/* a@b <a@b>: an address for a name, unquoted */
	it->name = span_of(start,
	    (size_t)(it->domain.p + it->domain.len - start));
	return parse_angle(c, it);
}

/* To the next comma, or the ";" that ends a group. */
static void
skip_piece(struct cur *c)
{
	struct span inner;

	for (;;) {
		switch (cur_peek(c)) {
		case -1:
		case ',':
		case ';':
			return;
		case '"':
			skip_quoted(c);
			break;
		case '(':
			parse_comment(c, &inner);
			break;
		default:
			cur_next(c);
		}
	}
}

size_t
parse_address_list(struct span body,
    void (*each)(void *, const struct addr_item *), void *arg)
{
	static const struct addr_item group_end = { .kind = ADDR_GROUP_END };
	struct addr_item it;
	struct cur c;
	size_t n = 0, bad = 0;
	bool in_group = false, ok;

	cur_init(&c, body);
	for (;;) {
		if (!skip_cfws(&c, NULL))
			bad++;
		if (cur_end(&c))
			break;
		if (cur_ch(&c, ','))
			continue;
		if (cur_ch(&c, ';')) {
			if (in_group)
				each(arg, &group_end);
			in_group = false;
			continue;
		}
		if (n++ == ADDRESS_LIST_MAX) {
			bad++;
			break;
		}
		it = (struct addr_item){ .kind = ADDR_MAILBOX };
		ok = parse_address(&c, in_group, &it);
		if (ok)
			each(arg, &it);
		if (ok && it.kind == ADDR_GROUP_START) {
			in_group = true;
			continue;
		}
		/* words behind a complete address make the piece doubtful */
		if (!ok || (!cur_end(&c) && cur_peek(&c) != ',' &&
		    cur_peek(&c) != ';'))
			bad++;
		skip_piece(&c);
	}
	if (in_group)
		each(arg, &group_end);
	return bad;
}

/* A quoted-string's content, or all of it, without what folding added. */
static void
clean_quoted(struct cur *c, bool keep, struct buf *out)
{
	int ch;

	cur_next(c);
	if (keep)
		buf_addc(out, '"');
	while ((ch = cur_next(c)) != -1 && ch != '"') {
		if (ch == '\\') {
			if (keep)
				buf_addc(out, '\\');
			ch = cur_next(c);
		}
		if (ch != '\r' && ch != '\n' && ch != -1)
			buf_addc(out, (unsigned char)ch);
	}
	if (keep)
		buf_addc(out, '"');
}

int
addr_clean(struct span raw, enum addr_clean how, struct buf *out)
{
	struct span between, run;
	struct cur c;
	bool any = false;

	cur_init(&c, raw);
	for (;;) {
		const unsigned char *start = c.p;

		if (!skip_cfws(&c, NULL) || cur_end(&c))
			return out->bad ? -1 : 0;
		between = since(&c, start);
		if (how == ADDR_CLEAN_PHRASE && any && between.len > 0)
			buf_addc(out, ' ');
		any = true;
		if (cur_peek(&c) == '"')
			clean_quoted(&c, how == ADDR_CLEAN_KEEP, out);
		else if ((run = cur_while(&c, chars, CH_ATEXT |
		    CH_UTF8)).len > 0)
			buf_addspan(out, run);
		else
			buf_addc(out, (unsigned char)cur_next(&c));
	}
}
