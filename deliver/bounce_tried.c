/*
 * What was tried, attempt by attempt: the times, the hosts and their words, as
 * far as the state keeps them.  An answer that is the same as the one before
 * is not said again.  Everything that is not ours is shown without control
 * bytes.
 */
#include "bounce.h"

#include "header.h"

#define ATTEMPTS_MAX	1000000

/* One attempt: its number and time, 0 where unknown; who said what. */
struct attempt {
	uint64_t number;
	time_t when;
	struct span answer;	/* all of it, to be compared */
	struct span host, text;
};

static void
take_answer(struct attempt *a, struct span answer)
{
	struct cur c;

	a->answer = answer;
	cur_init(&c, answer);
	(void)cur_until(&c, ' ');	/* the status code */
	(void)cur_ch(&c, ' ');
	bounce_take_host(&c, &a->host);
	a->text = cur_rest(&c);
}

/* A line "tried", as posthouse-spool(5) has it. */
static int
parse_tried(struct cur *c, struct attempt *a)
{
	uint64_t when;
	struct cur line;

	cur_init(&line, cur_until(c, '\n'));
	if (!cur_ch(c, '\n') || !cur_word(&line, "tried\t") ||
	    cur_num(&line, ATTEMPTS_MAX, &a->number) == -1 ||
	    !cur_ch(&line, '\t') ||
	    cur_num(&line, UINT32_MAX, &when) == -1 || !cur_ch(&line, '\t'))
		return -1;
	a->when = (time_t)when;
	take_answer(a, cur_rest(&line));
	return 0;
}

int
bounce_take_tried(struct cur *c, struct span *lines)
{
	struct attempt a;
	struct cur look = *c;

	*lines = span_of(c->p, 0);
	while (cur_word(&look, "tried\t")) {
		if (parse_tried(c, &a) == -1)
			return -1;
		lines->len = (size_t)(c->p - lines->p);
		look = *c;
	}
	return 0;
}

/* What queue and its tools write before the answer of a last attempt that is
 * not tried again: len 0 of *why, nothing. */
static void
take_end(struct attempt *a, struct span text, struct span *why)
{
	static const char between[] = "; last answer: ";
	static const char *const reasons[] = { "delivery time expired",
		"given up by the postmaster" };
	struct cur c;

	*why = span_of(text.p, 0);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		cur_init(&c, text);
		if (!cur_word(&c, reasons[i]))
			continue;
		why->len = (size_t)(c.p - text.p);
		if (cur_word(&c, between))
			take_answer(a, cur_rest(&c));
		else
			why->len = 0;
		return;
	}
}

static void
put_words(struct buf *out, struct span text)
{
	struct buf words;

	if (text.len > BOUNCE_WORDS_MAX)
		text.len = BOUNCE_WORDS_MAX;
	buf_init(&words, 4 * BOUNCE_WORDS_MAX);
	bounce_clean(&words, text, false);
	if (words.len > 0)
		bounce_wrap(out, "    ", "    ", buf_span(&words));
	buf_free(&words);
}

static void
put_attempt(struct buf *out, const struct attempt *a,
    const struct attempt *before)
{
	char when[DATE_SIZE];
	bool same = before->number > 0 && span_eq(before->answer, a->answer);

	if (a->number > 0 && a->when > 0) {
		date_print(a->when, when);
		buf_addf(out, "    attempt %llu on %s%s\n",
		    (unsigned long long)a->number, when,
		    same ? ": the same" : "");
	}
	if (same)
		return;
	if (a->host.len > 0) {
		buf_adds(out, "    ");
		bounce_clean(out, a->host, false);
		buf_adds(out, bounce_is_reply(a->text) ? " said:\n" : ":\n");
	}
	put_words(out, a->text);
}

void
bounce_attempts(const struct bounce_rcpt *r, struct buf *out)
{
	struct attempt before = { .number = 0 }, a = before, last = {
	    .number = r->attempts, .when = r->last, .answer = r->answer,
	    .host = r->host, .text = r->text };
	struct span why;
	struct cur c;
	bool more;

	take_end(&last, r->text, &why);
	cur_init(&c, r->tried);
	do {
		more = !cur_end(&c);
		if (!more)
			a = last;
		else if (parse_tried(&c, &a) == -1)
			return;
		if (before.number > 0 && a.number > before.number + 1)
			buf_addf(out, "    (%llu more between them)\n",
			    (unsigned long long)(a.number - before.number -
			    1));
		put_attempt(out, &a, &before);
		before = a;
	} while (more);
	if (why.len > 0)
		buf_addf(out, "    not tried again: %.*s\n", (int)why.len,
		    (const char *)why.p);
}
