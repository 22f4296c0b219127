/*
 * Qualifies addresses in a header field, and touches no other byte of it: comments, folding, groups, quoted and encoded
 * words stay.  A parser and printer; no I/O.
 */
#include "qualify.h"

#include "addr.h"

struct qualify {
	const char *domain;
	struct buf *out;
	const unsigned char *done;	/* appended up to here */
};

bool
qualify_is_for(struct span name)
{
	static const char *const names[] = { "From", "Sender", "Reply-To", "To",
	    "Cc", "Bcc" };
	if (name.len > 7 && span_isis(span_of(name.p, 7), "Resent-"))
		name = span_of(name.p + 7, name.len - 7);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_isis(name, names[i]))
			return true;
	return false;
}

static bool
is_word_end(int ch)
{
	return ch == -1 || ch == ' ' || ch == '\t' || ch == '\r' ||
	    ch == '\n' || ch == '(' || ch == '.' || ch == '"';
}

/* A quoted string or an atom; false: none is here. */
static bool
skip_word(struct cur *c)
{
	bool any = false;
	int ch;

	if (cur_ch(c, '"')) {
		while ((ch = cur_next(c)) != '"')
			if (ch == -1 || (ch == '\\' && cur_next(c) == -1))
				return false;
		return true;
	}
	for (; !is_word_end(cur_peek(c)); any = true)
		(void)cur_next(c);
	return any;
}

/* Where the local part ends, before comments behind it; NULL: it is none, but several words. */
static const unsigned char *
local_end(struct span local)
{
	const unsigned char *end;
	struct cur c;

	cur_init(&c, local);
	do {
		header_skip_cfws(&c);
		if (!skip_word(&c))
			return NULL;
		end = local.p + (local.len - cur_left(&c));
		header_skip_cfws(&c);
	} while (cur_ch(&c, '.'));
	return cur_end(&c) ? end : NULL;
}

static void
each(void *arg, const struct addr_item *item)
{
	struct qualify *q = arg;
	const unsigned char *end;

	if (item->kind != ADDR_MAILBOX || item->domain.len > 0 ||
	    (end = local_end(item->local)) == NULL || end < q->done)
		return;
	(void)buf_add(q->out, q->done, (size_t)(end - q->done));
	(void)buf_addf(q->out, "@%s", q->domain);
	q->done = end;
}

static void
count(void *arg, const struct addr_item *item)
{
	(void)arg;
	(void)item;
}

int
qualify_field(const struct header_field *f, const char *domain,
    struct buf *out)
{
	struct qualify q = { domain, out, f->whole.p };
	const unsigned char *end = f->whole.p + f->whole.len;

	if (parse_address_list(f->body, count, NULL) == 0)
		(void)parse_address_list(f->body, each, &q);
	(void)buf_add(out, q.done, (size_t)(end - q.done));
	return out->bad ? -1 : 0;
}
