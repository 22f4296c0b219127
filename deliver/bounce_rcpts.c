/*
 * Which recipients a report is about.  Reads state lines
 * (posthouse-spool(5)) as queue writes them; trusts queue for their form and
 * checks it all the same, for the answers in them are a stranger's words.
 */
#include "bounce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsn.h"
#include "header.h"

#define ATTEMPTS_MAX	1000000

/* status-code: RFC 3463 section 2, of the right class; else the class's "0.0". */
static void
set_dsn(struct bounce_rcpt *r, struct cur *answer, enum bounce_kind kind)
{
	static const char classes[] = { [BOUNCE_FAILED] = '5',
		[BOUNCE_DELAYED] = '4', [BOUNCE_DONE] = '2' };
	const char class = classes[kind];
	struct span code = cur_until(answer, ' ');
	uint64_t v;
	struct cur c;
	bool ok;

	cur_init(&c, code);
	ok = cur_ch(&c, (unsigned char)class) && cur_ch(&c, '.') &&
	    cur_num(&c, 999, &v) == 0 && cur_ch(&c, '.') &&
	    cur_num(&c, 999, &v) == 0 && cur_end(&c);
	if (!ok || span_cstr(code, r->dsn, sizeof(r->dsn)) == -1)
		snprintf(r->dsn, sizeof(r->dsn), "%c.0.0", class);
	cur_ch(answer, ' ');
}

/* action-value: RFC 3464 section 2.3.3.  Of what is done, queue has written it before the
 * answer. */
static int
set_action(struct bounce_rcpt *r, struct cur *answer, enum bounce_kind kind)
{
	static const char *const done[] = { "delivered", "relayed",
		"expanded" };
	struct span word;

	r->action = kind == BOUNCE_DELAYED ? "delayed" : "failed";
	if (kind != BOUNCE_DONE)
		return 0;
	word = cur_until(answer, ' ');
	cur_ch(answer, ' ');
	for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++)
		if (span_is(word, done[i])) {
			r->action = done[i];
			return 0;
		}
	return -1;
}

void
bounce_take_host(struct cur *answer, struct span *host)
{
	struct cur look = *answer;

	*host = span_of(answer->p, 0);
	if (!cur_ch(&look, '['))
		return;
	*host = cur_until(&look, ']');
	if (!cur_ch(&look, ']') || !cur_ch(&look, ' ') ||
	    span_haschr(*host, ' ')) {
		host->len = 0;
		return;
	}
	*answer = look;
}

/* "3" is the third recipient of the envelope, "3.1" a target of that alias. */
static int
set_original(struct bounce *b, struct bounce_rcpt *r, struct span index)
{
	struct cur c;
	uint64_t n;

	cur_init(&c, index);
	if (cur_num(&c, b->env.nrcpts, &n) == -1 || n == 0)
		return -1;
	r->original = &b->env.rcpts[n - 1];
	r->by_alias = cur_peek(&c) == '.';
	r->index = index;
	return cur_end(&c) || r->by_alias ? 0 : -1;
}

static int
parse_line(struct bounce *b, struct cur *c, struct bounce_rcpt *r)
{
	struct span index = cur_until(c, '\t');
	struct cur answer;
	uint64_t last;

	if (set_original(b, r, index) == -1 || !cur_ch(c, '\t') ||
	    cur_num(c, ATTEMPTS_MAX, &r->attempts) == -1 ||
	    !cur_ch(c, '\t') || cur_num(c, UINT32_MAX, &last) == -1 ||
	    !cur_ch(c, '\t'))
		return -1;
	r->last = (time_t)last;
	r->address = cur_until(c, '\t');
	if (r->address.len == 0 || r->address.len > ADDR_MAX ||
	    !cur_ch(c, '\t'))
		return -1;
	r->answer = cur_rest(c);
	cur_init(&answer, r->answer);
	set_dsn(r, &answer, b->kind);
	if (set_action(r, &answer, b->kind) == -1)
		return -1;
	bounce_take_host(&answer, &r->host);
	r->text = cur_rest(&answer);
	return 0;
}

/* "until TIME" before a recipient, which says nothing of those behind it. */
static int
parse_until(const struct bounce *b, struct cur *c, time_t *until)
{
	uint64_t when;

	*until = b->name.arrival + (time_t)b->control.set.queue_lifetime;
	if (!cur_word(c, "until\t"))
		return 0;
	if (cur_num(c, UINT32_MAX, &when) == -1 || !cur_ch(c, '\n'))
		return -1;
	*until = (time_t)when;
	return 0;
}

int
bounce_parse_rcpts(struct bounce *b)
{
	struct span lines = buf_span(&b->lines);
	struct cur c, line;
	size_t n = 0;

	for (cur_init(&c, lines); !cur_end(&c); cur_ch(&c, '\n')) {
		cur_until(&c, '\n');
		n++;
	}
	b->rcpts = calloc(n > 0 ? n : 1, sizeof(*b->rcpts));
	if (b->rcpts == NULL)
		return -1;
	cur_init(&c, lines);
	if (cur_word(&c, "warned\t")) {		/* a whole state file */
		cur_until(&c, '\n');
		cur_ch(&c, '\n');
	}
	for (; !cur_end(&c); b->nrcpts++) {
		struct bounce_rcpt *r = &b->rcpts[b->nrcpts];

		if (parse_until(b, &c, &r->until) == -1) {
			errno = EINVAL;
			return -1;
		}
		cur_init(&line, cur_until(&c, '\n'));
		if (!cur_ch(&c, '\n') || parse_line(b, &line, r) == -1 ||
		    bounce_take_tried(&c, &r->tried) == -1) {
			errno = EINVAL;
			return -1;
		}
	}
	if (b->nrcpts > 0)
		return 0;
	errno = EINVAL;
	return -1;
}

/* Lists and machines: nobody waits for a warning (RFC 3834 section 2). */
static bool
is_bulk(const struct bounce *b)
{
	struct header_field f;

	if (header_find(b->content, "List-Id", &f))
		return true;
	if (header_find(b->content, "Precedence", &f) &&
	    (span_isis(header_trim(f.body), "bulk") ||
	    span_isis(header_trim(f.body), "list") ||
	    span_isis(header_trim(f.body), "junk")))
		return true;
	return header_find(b->content, "Auto-Submitted", &f) &&
	    !span_isis(header_trim(f.body), "no");
}

/* NOTIFY: RFC 3461 section 4.1 and 5.2.  Without it a failure is told always,
 * a delay because the setting delay-warning wishes it. */
static bool
is_wanted(const struct bounce *b, const struct bounce_rcpt *r)
{
	static const unsigned bits[] = { [BOUNCE_FAILED] = DSN_FAILURE,
		[BOUNCE_DELAYED] = DSN_DELAY, [BOUNCE_DONE] = DSN_SUCCESS };
	unsigned notify = dsn_notify_of(r->original->notify, r->index);

	if (notify == 0)
		return b->kind == BOUNCE_FAILED ||
		    (b->kind == BOUNCE_DELAYED && !is_bulk(b));
	return (notify & bits[b->kind]) != 0;
}

/* A report to the postmaster that cannot be delivered ends here: RFC 3464
 * section 2 wants no report about a report, and somewhere it must stop. */
static bool
is_postmaster(const struct bounce *b, const struct bounce_rcpt *r)
{
	return strcasecmp(r->original->addr, b->to) == 0 ||
	    strcasecmp(r->original->addr, "postmaster") == 0;
}

bool
bounce_select(struct bounce *b)
{
	size_t kept = 0;

	b->undeliverable = b->env.sender[0] == '\0';
	if (b->undeliverable)
		snprintf(b->to, sizeof(b->to), "postmaster@%s",
		    b->control.first_domain);
	else
		strlcpy(b->to, b->env.sender, sizeof(b->to));
	b->utf8 = b->env.smtputf8;
	if (b->undeliverable && (b->kind != BOUNCE_FAILED || !b->control.set.double_bounces))
		return false;
	for (size_t i = 0; i < b->nrcpts; i++) {
		const struct bounce_rcpt *r = &b->rcpts[i];

		/* NEVER was a wish of the sender, and here is none */
		if (b->undeliverable ? is_postmaster(b, r) :
		    !is_wanted(b, r))
			continue;
		b->rcpts[kept++] = *r;
	}
	b->nrcpts = kept;
	return kept > 0;
}
