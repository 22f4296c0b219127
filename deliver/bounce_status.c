/*
 * The part of a report that programs read: message/delivery-status (RFC 3464),
 * or its form for addresses beyond ASCII (RFC 6533).  Text of others is one
 * line each, without control bytes, folded.
 */
#include "bounce.h"

#include <string.h>

#include "encode.h"
#include "header.h"

static void
put_date(struct buf *out, const char *name, time_t t)
{
	char text[DATE_SIZE];

	date_print(t, text);
	buf_addf(out, "%s: %s\n", name, text);
}

/* A field of free text: "name: type; text", folded. */
static void
put_text(const struct bounce *b, struct buf *out, const char *name,
    struct span text)
{
	char first[64];
	struct buf clean;

	snprintf(first, sizeof(first), "%s: ", name);
	if (text.len > BOUNCE_WORDS_MAX)
		text.len = BOUNCE_WORDS_MAX;
	buf_init(&clean, 4 * BOUNCE_WORDS_MAX);
	bounce_clean(&clean, text, !b->utf8);
	bounce_wrap(out, first, "    ", buf_span(&clean));
	if (clean.bad)
		out->bad = true;
	buf_free(&clean);
}

/* xtext: RFC 3461 section 4; "+" that means nothing stays. */
static void
decode_xtext(struct span s, struct buf *out)
{
	struct cur c;
	int v;

	cur_init(&c, s);
	while (!cur_end(&c)) {
		buf_addspan(out, cur_until(&c, '+'));
		if (!cur_ch(&c, '+'))
			break;
		v = hex_byte(&c);
		buf_addc(out, v == -1 ? '+' : (unsigned char)v);
	}
}

/* original-envelope-id: RFC 3464 section 2.2.1. */
static void
put_envid(const struct bounce *b, struct buf *out)
{
	struct buf id;

	if (b->env.envid == NULL)
		return;
	buf_init(&id, 4096);
	decode_xtext(span_str(b->env.envid), &id);
	put_text(b, out, "Original-Envelope-Id", buf_span(&id));
	buf_free(&id);
}

/* original-recipient: RFC 3464 section 2.3.1, only when the client gave it. */
static void
put_original(const struct bounce *b, const struct bounce_rcpt *r,
    struct buf *out)
{
	struct buf text;
	struct cur c;

	if (r->original->orcpt == NULL)
		return;
	buf_init(&text, 4096);
	cur_init(&c, span_str(r->original->orcpt));
	buf_addspan(&text, cur_until(&c, ';'));
	cur_ch(&c, ';');
	buf_adds(&text, "; ");
	decode_xtext(cur_rest(&c), &text);
	put_text(b, out, "Original-Recipient", buf_span(&text));
	buf_free(&text);
}

/* final-recipient: RFC 3464 section 2.3.2, RFC 6533 section 3. */
static void
put_final(const struct bounce *b, const struct bounce_rcpt *r,
    struct buf *out)
{
	struct buf text;

	buf_init(&text, 4096);
	buf_adds(&text, span_isascii(r->address) ? "rfc822; " : "utf-8; ");
	buf_addspan(&text, r->address);
	put_text(b, out, "Final-Recipient", buf_span(&text));
	buf_free(&text);
}

bool
bounce_is_reply(struct span s)
{
	uint64_t code;
	struct cur c;

	cur_init(&c, s);
	return cur_num(&c, 599, &code) == 0 && code >= 200 &&
	    (cur_end(&c) || cur_peek(&c) == ' ');
}

/* Not an IPv4 or IPv6 address. */
static bool
is_host_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '.')
			return !span_haschr(s, ':');
	return false;
}

/* remote-mta and diagnostic-code: RFC 3464 sections 2.3.5 and 2.3.6. */
static void
put_answer(const struct bounce *b, const struct bounce_rcpt *r,
    struct buf *out)
{
	struct buf text;

	buf_init(&text, 16384);
	if (r->host.len > 0) {
		buf_adds(&text, "dns; ");
		/* an address has its brackets, which were taken for ours */
		if (is_host_name(r->host))
			buf_addspan(&text, r->host);
		else
			buf_addf(&text, "[%.*s]", (int)r->host.len,
			    (const char *)r->host.p);
		put_text(b, out, "Remote-MTA", buf_span(&text));
	}
	buf_clear(&text);
	if (r->text.len > 0) {
		buf_adds(&text, bounce_is_reply(r->text) ? "smtp; " :
		    "x-posthouse; ");
		buf_addspan(&text, r->text);
		put_text(b, out, "Diagnostic-Code", buf_span(&text));
	}
	buf_free(&text);
}

void
bounce_status(const struct bounce *b, struct buf *out)
{
	buf_addf(out, "Reporting-MTA: dns; %s\n", b->control.hostname);
	put_envid(b, out);
	put_date(out, "Arrival-Date", b->name.arrival);
	for (size_t i = 0; i < b->nrcpts; i++) {
		const struct bounce_rcpt *r = &b->rcpts[i];

		buf_adds(out, "\n");
		put_original(b, r, out);
		put_final(b, r, out);
		buf_addf(out, "Action: %s\nStatus: %s\n", r->action, r->dsn);
		put_answer(b, r, out);
		if (r->last > 0)
			put_date(out, "Last-Attempt-Date", r->last);
		if (b->kind == BOUNCE_DELAYED)
			put_date(out, "Will-Retry-Until", r->until);
	}
}
