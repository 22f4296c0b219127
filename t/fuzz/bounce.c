/*
 * Recipients of a report.  The input is one line of options, state lines as on
 * descriptor 3 up to an empty line, and the message.  Bounce reads what queue
 * printed as queue reads it; and nobody's words, in an answer or in the
 * message, become a field of the status part or a recipient of the report.
 * LINK: deliver/bounce_message.c deliver/bounce_rcpts.c deliver/bounce_status.c
 * LINK: deliver/bounce_reason.c deliver/bounce_text.c deliver/bounce_tried.c
 * LINK: queue/queue_state.c
 */
#include "deliver/bounce.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue/queue_state.h"

#define QID	"1795305600.0123456789abcdef"
#define HOST	"mx.example.org"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
make_envelope(struct envelope *e, bool null_sender)
{
	envelope_init(e);
	e->sender = strdup(null_sender ? "" : "alice@example.org");
	e->envid = strdup("QQ314159+20x");
	if (e->sender == NULL || e->envid == NULL ||
	    envelope_add_rcpt(e, "bob@example.org", NULL, NULL) == -1 ||
	    envelope_add_rcpt(e, "list@example.org", "FAILURE,DELAY",
	    "rfc822;L+2Bist@example.org") == -1 ||
	    envelope_add_rcpt(e, "j\xc3\xbcrgen@example.net", "NEVER",
	    NULL) == -1)
		abort();
}

/* d: a delay; s: what is done; f: the message goes back whole; n: no sender; u: RFC 6533. */
static void
make_bounce(struct bounce *b, struct span options)
{
	memset(b, 0, sizeof(*b));
	strlcpy(b->control.hostname, HOST, sizeof(b->control.hostname));
	strlcpy(b->control.first_domain, "example.org",
	    sizeof(b->control.first_domain));
	b->control.set.queue_lifetime = 432000;
	b->control.set.double_bounces = true;
	if (!spool_name_parse(span_str(QID "." HOST ",S=512,W=528"), &b->name))
		abort();
	make_envelope(&b->env, span_haschr(options, 'n'));
	b->env.smtputf8 = span_haschr(options, 'u');
	if (span_haschr(options, 'f') && (b->env.ret = strdup("FULL")) == NULL)
		abort();
	b->kind = span_haschr(options, 'd') ? BOUNCE_DELAYED :
	    span_haschr(options, 's') ? BOUNCE_DONE : BOUNCE_FAILED;
	b->whole = true;
	b->now = 1795400000;
}

static void
free_bounce(struct bounce *b)
{
	buf_free(&b->lines);
	envelope_free(&b->env);
	free(b->rcpts);
}

static void
set_lines(struct bounce *b, struct span lines)
{
	buf_init(&b->lines, BOUNCE_LINES_MAX);
	if (buf_addspan(&b->lines, lines) == -1)
		abort();
}

/* Is this an index of one of the envelope's recipients? */
static bool
has_original(const struct bounce *b, const char *index)
{
	char *end;
	unsigned long n = strtoul(index, &end, 10);

	return n > 0 && n <= b->env.nrcpts && (*end == '\0' || *end == '.');
}

/* What queue takes for a state file and prints, bounce takes as the same. */
static void
check_queue_agrees(struct span lines)
{
	struct rcpts queue;
	struct bounce b;
	struct buf out;
	bool known = true;

	if (state_parse(lines, &queue) == -1)
		return;
	make_bounce(&b, span_str(""));
	buf_init(&out, 2 * lines.len + 64);
	for (size_t i = 0; i < queue.n; i++)
		if (!has_original(&b, queue.v[i].index))
			known = false;
	if (state_print(&queue, &out) == -1)
		abort();
	set_lines(&b, buf_span(&out));
	if (known != (bounce_parse_rcpts(&b) == 0))
		abort();
	for (size_t i = 0; known && i < queue.n; i++)
		if (b.nrcpts != queue.n ||
		    !span_is(b.rcpts[i].address, queue.v[i].addr) ||
		    b.rcpts[i].attempts != queue.v[i].attempts ||
		    b.rcpts[i].last != queue.v[i].last)
			abort();
	buf_free(&out);
	rcpts_free(&queue);
	free_bounce(&b);
}

static bool
is_status_field(struct cur *line)
{
	static const char *const names[] = { "Reporting-MTA: dns; ",
		"Original-Envelope-Id: ", "Arrival-Date: ",
		"Original-Recipient: ", "Final-Recipient: ", "Action: ",
		"Status: ", "Remote-MTA: dns;", "Diagnostic-Code: ",
		"Last-Attempt-Date: ", "Will-Retry-Until: " };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (cur_word(line, names[i]))
			return true;
	return false;
}

/* Fields that we know, folded lines with something in them, and one empty line
 * before each recipient: RFC 3464 section 2.1. */
static void
check_status(const struct bounce *b)
{
	size_t blocks = 0, finals = 0;
	struct cur c, line;
	struct span s;
	struct buf out;

	buf_init(&out, BOUNCE_LINES_MAX);
	bounce_status(b, &out);
	if (out.bad)
		abort();
	for (cur_init(&c, buf_span(&out)); !cur_end(&c);) {
		s = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n') || s.len > 998)
			abort();
		for (size_t i = 0; i < s.len; i++)
			if (s.p[i] < ' ' || s.p[i] == 0x7f ||
			    (!b->utf8 && s.p[i] > 0x7f))
				abort();
		cur_init(&line, s);
		if (s.len == 0)
			blocks++;
		else if (cur_word(&line, "Final-Recipient: "))
			finals++;
		else if (cur_word(&line, "    ")) {
			while (cur_ch(&line, ' '))
				continue;
			if (cur_end(&line))
				abort();
		} else if (!is_status_field(&line))
			abort();
	}
	if (blocks != b->nrcpts || finals != b->nrcpts)
		abort();
	buf_free(&out);
}

/* The report is a spool file for one recipient from nobody. */
static void
check_report(struct bounce *b)
{
	struct envelope e;
	struct buf out;

	buf_init(&out, 2 * (size_t)BOUNCE_LINES_MAX);
	if (bounce_print(b, "1795400000.fedcba9876543210", &out) == -1 ||
	    envelope_parse(buf_span(&out), &e) == -1)
		abort();
	if (e.nrcpts != 1 || strcmp(e.rcpts[0].addr, b->to) != 0 ||
	    *e.sender != '\0')
		abort();
	envelope_free(&e);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span options, lines;
	struct bounce b;
	struct cur c;

	cur_init(&c, span_of(data, size));
	options = cur_until(&c, '\n');
	(void)cur_ch(&c, '\n');
	lines.p = c.p;
	while (!cur_end(&c) && cur_peek(&c) != '\n') {
		(void)cur_until(&c, '\n');
		(void)cur_ch(&c, '\n');
	}
	lines.len = (size_t)(c.p - lines.p);
	(void)cur_ch(&c, '\n');
	check_queue_agrees(lines);
	make_bounce(&b, options);
	set_lines(&b, lines);
	b.content = cur_rest(&c);
	if (bounce_parse_rcpts(&b) == 0 && bounce_select(&b)) {
		check_status(&b);
		check_report(&b);
	}
	free_bounce(&b);
	return 0;
}
