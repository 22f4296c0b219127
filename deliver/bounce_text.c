/*
 * The part of a report that people read: one sentence that says what
 * happened, to whom, why, and what to do; then the attempts in the other
 * side's words; then which message it is.  Everything that is not ours is
 * shown without control bytes.
 */
#include "bounce.h"

#include <string.h>

#include "encode.h"
#include "header.h"

#define WIDTH		76
#define WORD_MAX_	900	/* a line of text has at most 998 bytes */

void
bounce_clean(struct buf *out, struct span text, bool ascii)
{
	size_t from = out->len;

	if (ascii)
		buf_addspan(out, text);
	else
		charset_decode(text, span_str("utf-8"), out);
	for (size_t i = from; i < out->len; i++)
		if (out->p[i] < ' ' || out->p[i] == 0x7f ||
		    (ascii && out->p[i] > 0x7e))
			out->p[i] = '?';
}

/* Up to a space, which is taken too; what is too long for any line is broken,
 * but not inside a character. */
static struct span
take_word(struct cur *c)
{
	struct cur start = *c;
	struct span word = cur_until(c, ' ');
	size_t n = WORD_MAX_;

	if (word.len <= n) {
		cur_ch(c, ' ');
		return word;
	}
	while (n > 1 && (word.p[n] & 0xc0) == 0x80)
		n--;
	*c = start;
	return cur_take(c, n);
}

void
bounce_wrap(struct buf *out, const char *first, const char *indent,
    struct span text)
{
	size_t column = strlen(first), margin = column;
	struct span word;
	struct cur c;

	buf_adds(out, first);
	cur_init(&c, text);
	while (!cur_end(&c)) {
		word = take_word(&c);
		if (word.len == 0)
			continue;	/* no line of spaces alone */
		if (column > margin && column + 1 + word.len > WIDTH) {
			buf_addf(out, "\n%s", indent);
			column = margin = strlen(indent);
		} else if (column > margin) {
			buf_addc(out, ' ');
			column++;
		}
		buf_addspan(out, word);
		column += word.len;
	}
	buf_addc(out, '\n');
}

/* A sentence, built with addresses in it, then wrapped. */
static void
put_sentence(struct buf *out, const char *first, const char *indent,
    struct buf *sentence)
{
	bounce_wrap(out, first, indent, buf_span(sentence));
	if (sentence->bad)
		out->bad = true;
	buf_free(sentence);
}

/* " (by way of list@example.org)" for an alias's target. */
static void
put_address(struct buf *out, const struct bounce_rcpt *r)
{
	bounce_clean(out, r->address, false);
	if (!r->by_alias)
		return;
	buf_adds(out, " (by way of ");
	bounce_clean(out, span_str(r->original->addr), false);
	buf_adds(out, ")");
}

static void
put_until(const struct bounce *b, struct buf *out)
{
	time_t until = b->rcpts[0].until;
	char when[DATE_SIZE];

	for (size_t i = 1; i < b->nrcpts; i++)
		if (b->rcpts[i].until > until)
			until = b->rcpts[i].until;
	date_print(until, when);
	buf_addf(out, "you need not do anything, for it will be tried again "
	    "until %s", when);
}

/* What was done, and what the sender may still expect to hear. */
static const char *
done_words(const struct bounce_rcpt *r)
{
	if (strcmp(r->action, "relayed") == 0)
		return "was handed on to another mail system, which does not "
		    "confirm delivery; you will hear no more of it unless it "
		    "fails there";
	if (strcmp(r->action, "expanded") == 0)
		return "was sent on to the several addresses behind this one; "
		    "you will hear no more of it unless one of them fails";
	return "was delivered";
}

/* One recipient: all in one sentence. */
static void
put_one(const struct bounce *b, struct buf *out)
{
	const struct bounce_rcpt *r = &b->rcpts[0];
	const struct bounce_reason *why = bounce_reason(r);
	bool delay = b->kind == BOUNCE_DELAYED;
	struct buf s;

	buf_init(&s, 16384);
	buf_adds(&s, b->undeliverable ? "A message without a sender, which is "
	    "most likely a report itself, to " : "Your message to ");
	put_address(&s, r);
	if (b->kind == BOUNCE_DONE) {
		buf_addf(&s, " %s.", done_words(r));
		put_sentence(out, "", "", &s);
		return;
	}
	buf_addf(&s, " %s, because %s; ", delay ?
	    "has not been delivered yet" : "could not be delivered", why->why);
	if (delay)
		put_until(b, &s);
	else if (b->undeliverable)
		buf_adds(&s, "you are told as the postmaster, and nobody else "
		    "is");
	else
		buf_adds(&s, why->what);
	buf_addc(&s, '.');
	put_sentence(out, "", "", &s);
}

/* Several: how many, and for each why. */
static void
put_many(const struct bounce *b, struct buf *out)
{
	static const char *const what[] = {
		[BOUNCE_FAILED] = "could not be delivered",
		[BOUNCE_DELAYED] = "has not been delivered yet",
		[BOUNCE_DONE] = "has arrived or is on its way"
	};
	struct buf s;

	buf_init(&s, 4096);
	buf_addf(&s, "%s %s %s %zu of its %zu recipients; ", b->undeliverable ?
	    "A message without a sender" : "Your message", what[b->kind],
	    b->kind == BOUNCE_DONE ? "for" : "to",
	    b->nrcpts, b->env.nrcpts > b->nrcpts ? b->env.nrcpts : b->nrcpts);
	if (b->kind == BOUNCE_DELAYED)
		put_until(b, &s);
	else
		buf_adds(&s, b->kind == BOUNCE_DONE ? "this is what became of "
		    "each recipient" : "for each of them this is why, and what you can "
		    "do");
	buf_addc(&s, ':');
	put_sentence(out, "", "", &s);
	buf_addc(out, '\n');
	for (size_t i = 0; i < b->nrcpts && i < BOUNCE_TOLD_MAX; i++) {
		const struct bounce_rcpt *r = &b->rcpts[i];
		const struct bounce_reason *why = bounce_reason(r);

		buf_init(&s, 16384);
		put_address(&s, r);
		buf_addf(&s, ": %s", b->kind == BOUNCE_DONE ? done_words(r) :
		    why->why);
		if (b->kind == BOUNCE_FAILED && !b->undeliverable)
			buf_addf(&s, "; %s", why->what);
		buf_addc(&s, '.');
		put_sentence(out, "  ", "      ", &s);
	}
	if (b->nrcpts > BOUNCE_TOLD_MAX)
		buf_addf(out, "  and %zu more, which the attached report "
		    "names.\n", b->nrcpts - BOUNCE_TOLD_MAX);
}

/* What was tried, and what was answered. */
static void
put_attempts(const struct bounce *b, struct buf *out)
{
	buf_adds(out, b->kind == BOUNCE_DONE ? "\nWhat was done:\n" :
	    "\nWhat was tried:\n");
	for (size_t i = 0; i < b->nrcpts && i < BOUNCE_TOLD_MAX; i++) {
		buf_adds(out, "\n  ");
		put_address(out, &b->rcpts[i]);
		buf_adds(out, "\n");
		bounce_attempts(&b->rcpts[i], out);
	}
}

/* Header fields by which the sender knows the message. */
static void
put_message(const struct bounce *b, struct buf *out)
{
	static const char *const names[] = { "From", "To", "Subject", "Date",
		"Message-ID" };
	struct header_field f;
	struct buf raw, text;
	char first[32];

	buf_addf(out, "\nThe message:\n\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!header_find(b->content, names[i], &f))
			continue;
		if (f.body.len > BOUNCE_FIELD_MAX)
			f.body.len = BOUNCE_FIELD_MAX;
		buf_init(&raw, 8 * BOUNCE_FIELD_MAX);
		buf_init(&text, 32 * BOUNCE_FIELD_MAX);
		words_decode(header_trim(f.body), &raw);
		bounce_clean(&text, buf_span(&raw), false);
		snprintf(first, sizeof(first), "  %s: ", names[i]);
		bounce_wrap(out, first, "      ", buf_span(&text));
		buf_free(&raw);
		buf_free(&text);
	}
}

void
bounce_text(const struct bounce *b, struct buf *out)
{
	struct buf s;

	if (b->nrcpts == 1)
		put_one(b, out);
	else
		put_many(b, out);
	put_attempts(b, out);
	put_message(b, out);
	buf_init(&s, 4096);
	buf_addf(&s, "This report was written by the mail system at %s. "
	    "If you have a question, ask postmaster@%s and mention %.*s.",
	    b->control.hostname, b->control.first_domain,
	    (int)b->name.qid_len, b->name.text);
	buf_addc(out, '\n');
	put_sentence(out, "", "", &s);
}
