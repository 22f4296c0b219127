/*
 * The surrogate header of RFC 6858 section 2: addresses that cannot be shown become one that nobody has,
 * with the true one as its display name; the Subject becomes encoded-words; parameters and fields
 * that have no other form are left out.  Nothing is invented that could be answered to.
 */
#include "downgrade.h"

#include "addr.h"
#include "encode.h"
#include "header.h"
#include "idna.h"
#include "mime.h"

#define NOBODY	"<invalid@internationalized-address.invalid>"

bool
downgrade_needed(struct span header)
{
	return !span_isascii(header) && is_utf8(header);
}

struct list {
	struct buf *out;
	bool separate;			/* a comma stands before the next item */
};

/* A phrase: encoded-words, or a quoted-string. */
static void
add_phrase(struct buf *out, struct span text)
{
	struct cur c;
	int ch;

	if (!span_isascii(text)) {
		(void)words_encode(text, out);
		return;
	}
	buf_addc(out, '"');
	cur_init(&c, text);
	while ((ch = cur_next(&c)) != -1) {
		if (ch == '"' || ch == '\\')
			buf_addc(out, '\\');
		buf_addc(out, (unsigned char)ch);
	}
	buf_addc(out, '"');
}

/* A domain that only its script keeps from being shown has another spelling (RFC 5890). */
static void
add_domain(struct span raw, struct buf *addr)
{
	char ascii[ADDR_DOMAIN_MAX + 1];
	struct buf domain;

	buf_init(&domain, ADDR_DOMAIN_MAX);
	(void)addr_clean(raw, ADDR_CLEAN_KEEP, &domain);
	buf_addc(addr, '@');
	if (span_isascii(buf_span(addr)) && buf_cstr(&domain) != NULL &&
	    idna_ascii(buf_cstr(&domain), ascii, sizeof(ascii)) == 0)
		buf_adds(addr, ascii);
	else
		(void)addr_clean(raw, ADDR_CLEAN_KEEP, addr);
	buf_free(&domain);
}

static void
add_mailbox(struct list *l, const struct addr_item *i)
{
	struct buf addr, name;

	buf_init(&addr, l->out->max);
	buf_init(&name, l->out->max);
	(void)addr_clean(i->local, ADDR_CLEAN_KEEP, &addr);
	if (i->domain.len > 0)
		add_domain(i->domain, &addr);
	if (i->name.len > 0)
		(void)addr_clean(i->name, ADDR_CLEAN_PHRASE, &name);
	if (!span_isascii(buf_span(&addr))) {
		add_phrase(l->out, buf_span(&addr));
		buf_adds(l->out, " " NOBODY);
	} else {
		if (name.len > 0) {
			add_phrase(l->out, buf_span(&name));
			buf_addc(l->out, ' ');
		}
		buf_addc(l->out, '<');
		buf_addspan(l->out, buf_span(&addr));
		buf_addc(l->out, '>');
	}
	l->out->bad = l->out->bad || addr.bad || name.bad;
	buf_free(&addr);
	buf_free(&name);
}

static void
add_item(void *arg, const struct addr_item *i)
{
	struct list *l = arg;
	struct buf name;

	if (i->kind == ADDR_GROUP_END) {
		buf_addc(l->out, ';');
		l->separate = true;
		return;
	}
	if (l->separate)
		buf_adds(l->out, ",\n");
	buf_addc(l->out, ' ');
	l->separate = i->kind == ADDR_MAILBOX;
	if (i->kind == ADDR_MAILBOX) {
		add_mailbox(l, i);
		return;
	}
	buf_init(&name, l->out->max);
	(void)addr_clean(i->name, ADDR_CLEAN_PHRASE, &name);
	add_phrase(l->out, buf_span(&name));
	buf_addc(l->out, ':');
	l->out->bad = l->out->bad || name.bad;
	buf_free(&name);
}

/* Section 2.1. */
static void
add_addresses(struct span body, struct buf *out)
{
	struct list l = { .out = out };

	(void)parse_address_list(body, add_item, &l);
	buf_addc(out, '\n');
}

static void
add_param(void *arg, struct span name, struct span value, bool extended)
{
	struct buf *out = arg;

	if (!span_isascii(name) || !span_isascii(value))
		return;
	buf_adds(out, ";\n ");
	buf_addspan(out, name);
	buf_adds(out, extended ? "*=" : "=");
	if (extended)
		buf_addspan(out, value);
	else
		add_phrase(out, value);
}

/* Section 2.2. */
static void
add_params(struct span body, struct buf *out)
{
	struct span value;
	struct buf params;

	buf_init(&params, out->max);
	if (mime_params(body, &value, add_param, &params) == -1)
		out->bad = true;
	buf_addc(out, ' ');
	if (span_isascii(value))
		buf_addspan(out, value);
	buf_addspan(out, buf_span(&params));
	buf_addc(out, '\n');
	out->bad = out->bad || params.bad;
	buf_free(&params);
}

/* Section 2.3.  Spaces between the words are where it may be folded. */
static void
add_subject(struct span body, struct buf *out)
{
	struct buf text, words;
	struct cur c;

	buf_init(&text, out->max);
	buf_init(&words, out->max);
	(void)header_unfold(body, &text);
	(void)words_encode(buf_span(&text), &words);
	cur_init(&c, buf_span(&words));
	buf_addc(out, ' ');
	while (!cur_end(&c)) {
		buf_addspan(out, cur_until(&c, ' '));
		if (cur_ch(&c, ' '))
			buf_adds(out, cur_peek(&c) == '=' ? "\n " : " ");
	}
	buf_addc(out, '\n');
	out->bad = out->bad || text.bad || words.bad;
	buf_free(&text);
	buf_free(&words);
}

static const struct {
	const char *name;
	void (*add)(struct span body, struct buf *out);
} fields[] = {
	{ "Bcc", add_addresses }, { "Cc", add_addresses },
	{ "From", add_addresses }, { "Reply-To", add_addresses },
	{ "Resent-Bcc", add_addresses }, { "Resent-Cc", add_addresses },
	{ "Resent-From", add_addresses }, { "Resent-Sender", add_addresses },
	{ "Resent-To", add_addresses }, { "Return-Path", add_addresses },
	{ "Sender", add_addresses }, { "To", add_addresses },
	{ "Content-Type", add_params }, { "Content-Disposition", add_params },
	{ "Subject", add_subject },
};

static void
add_field(const struct header_field *f, struct buf *out)
{
	if (span_isascii(f->whole)) {
		buf_addspan(out, f->whole);
		return;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (span_isis(f->name, fields[i].name)) {
			buf_addspan(out, f->name);
			buf_addc(out, ':');
			fields[i].add(f->body, out);
		}
}

/* A line that is no field stays where it is ASCII. */
static struct span
pass_line(struct span rest, struct buf *out)
{
	struct span line;
	struct cur c;

	cur_init(&c, rest);
	line = cur_until(&c, '\n');
	if (span_isascii(line)) {
		buf_addspan(out, line);
		buf_addc(out, '\n');
	}
	(void)cur_ch(&c, '\n');
	return cur_rest(&c);
}

int
downgrade_header(struct span header, struct buf *out)
{
	struct header_field f;
	struct span rest = header;
	enum header_result r;

	while ((r = header_next(&rest, &f)) != HEADER_END)
		if (r == HEADER_FIELD)
			add_field(&f, out);
		else
			rest = pass_line(rest, out);
	return out->bad ? -1 : 0;
}
