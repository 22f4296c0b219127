/*
 * The administrator's own tests, one a line in CONTROL/expect:
 *
 *	rcpt ADDRESS -> mailbox ADDRESS | alias TARGETS | remote | unknown
 *	client ADDRESS may relay
 *	client ADDRESS may not relay
 *	route DOMAIN -> mx: | HOST[:PORT]
 *	tls DOMAIN required | verified | optional | none
 *
 * The same functions decide here and in the servers, so a line that holds here
 * holds there.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"

void
decision_print(const struct rcpt_decision *d, struct buf *out)
{
	struct span t = d->targets;
	bool gap = false;

	switch (d->kind) {
	case RCPT_MAILBOX:
		buf_addf(out, "mailbox %s", d->account.address);
		break;
	case RCPT_ALIAS:
		buf_adds(out, "alias ");
		for (size_t i = 0; i < t.len; i++) {
			bool blank = t.p[i] == ' ' || t.p[i] == '\t' ||
			    t.p[i] == '\n';

			if (gap && !blank)
				buf_addc(out, ' ');
			if (!blank)
				buf_addc(out, t.p[i]);
			gap = blank || t.p[i] == ',';
		}
		break;
	case RCPT_REMOTE:
		buf_adds(out, "remote");
		break;
	case RCPT_UNKNOWN:
		buf_adds(out, "unknown");
		break;
	}
}

void
route_print(const struct route *r, struct buf *out)
{
	if (strcmp(r->host, "mx:") == 0)
		buf_adds(out, "mx:");
	else
		buf_addf(out, "%s%s:%u", r->lmtp ? "lmtp:" : "", r->host,
		    r->port);
}

/* The part behind "->" with single spaces, so that spelling is free. */
static void
wanted(struct cur *c, struct buf *out)
{
	for (;;) {
		struct span w = cur_nextword(c);

		if (w.len == 0)
			break;
		if (out->len > 0)
			buf_addc(out, ' ');
		buf_addspan(out, w);
	}
}

/* Case is free in what is compared, as it is in addresses and hosts. */
static const char *
compare(struct buf *want, struct buf *is, const char *file, unsigned line,
    char *why, size_t size)
{
	if (want->bad || is->bad)
		return "the line is too long";
	if (span_iseq(buf_span(want), buf_span(is)))
		return NULL;
	if (line != 0)
		snprintf(why, size, "does not hold: %s:%u says \"%.*s\"", file,
		    line, (int)is->len, (const char *)is->p);
	else
		snprintf(why, size, "does not hold: it is \"%.*s\"",
		    (int)is->len, (const char *)is->p);
	return why;
}

static const char *
expect_rcpt(const struct control *c, struct cur *cur, char *why, size_t size)
{
	struct rcpt_decision d;
	struct buf is, want;
	const char *wrong;
	struct addr a;

	if (parse_mailbox(cur_nextword(cur), true, &a) != ADDR_OK ||
	    !span_is(cur_nextword(cur), "->"))
		return "is not understood; write rcpt ADDRESS -> mailbox ADDRESS, "
		    "alias TARGETS, remote or unknown";
	rcpt_decide(c, &a, &d);
	buf_init(&is, CONTROL_LINE_MAX);
	buf_init(&want, CONTROL_LINE_MAX);
	decision_print(&d, &is);
	wanted(cur, &want);
	wrong = compare(&want, &is, d.file, d.line, why, size);
	buf_free(&is);
	buf_free(&want);
	return wrong;
}

static const char *
expect_client(const struct control *c, struct cur *cur, char *why, size_t size)
{
	const char *const grammar = "is not understood; write client ADDRESS may "
	    "relay, or may not relay";
	char text[INET6_ADDRSTRLEN + 8], mapped[INET6_ADDRSTRLEN + 16];
	struct in6_addr addr;
	struct span w;
	bool want = true;

	if (span_cstr(cur_nextword(cur), text, sizeof(text)) == -1)
		return grammar;
	snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
	if (inet_pton(AF_INET6, text, &addr) != 1 &&
	    inet_pton(AF_INET6, mapped, &addr) != 1)
		return grammar;
	if (!span_is(cur_nextword(cur), "may"))
		return grammar;
	w = cur_nextword(cur);
	if (span_is(w, "not")) {
		want = false;
		w = cur_nextword(cur);
	}
	if (!span_is(w, "relay") || cur_nextword(cur).len > 0)
		return grammar;
	if (control_may_relay(c, &addr) == want)
		return NULL;
	snprintf(why, size, "does not hold: by networks, %s may%s relay", text,
	    want ? " not" : "");
	return why;
}

static const char *
expect_route(const struct control *c, struct cur *cur, char *why, size_t size)
{
	char domain[ADDR_DOMAIN_MAX + 1];
	struct buf is, want;
	const char *wrong;
	struct route r;
	unsigned line;

	if (span_cstr(cur_nextword(cur), domain, sizeof(domain)) == -1 ||
	    !is_domain(span_str(domain), true) ||
	    !span_is(cur_nextword(cur), "->"))
		return "is not understood; write route DOMAIN -> HOST:PORT, or mx:";
	line = route_find(c, domain, &r);
	buf_init(&is, CONTROL_LINE_MAX);
	buf_init(&want, CONTROL_LINE_MAX);
	route_print(&r, &is);
	wanted(cur, &want);
	if (!span_is(buf_span(&want), "mx:") && want.len > 0 &&
	    want.p[want.len - 1] != ']' && !span_haschr(buf_span(&want), ':'))
		buf_adds(&want, ":25");
	else if (want.len > 0 && want.p[want.len - 1] == ']')
		buf_adds(&want, ":25");
	wrong = compare(&want, &is, "routes", line, why, size);
	buf_zero(&r, sizeof(r));
	buf_free(&is);
	buf_free(&want);
	return wrong;
}

static const char *
expect_tls(const struct control *c, struct cur *cur, char *why, size_t size)
{
	static const char *const words[] = { [TLS_NONE] = "none",
	    [TLS_MAY] = "optional", [TLS_ENCRYPT] = "required",
	    [TLS_VERIFY] = "verified" };
	char domain[ADDR_DOMAIN_MAX + 1];
	struct route r;
	struct span w;
	int tls, want = -1;

	if (span_cstr(cur_nextword(cur), domain, sizeof(domain)) == 0 &&
	    is_domain(span_str(domain), true)) {
		w = cur_nextword(cur);
		for (int i = TLS_NONE; i <= TLS_VERIFY; i++)
			if (span_is(w, words[i]))
				want = i;
	}
	if (want == -1 || cur_nextword(cur).len > 0)
		return "is not understood; write tls DOMAIN required, verified, "
		    "optional or none";
	(void)route_find(c, domain, &r);
	tls = (int)r.tls;
	buf_zero(&r, sizeof(r));
	if (tls == want || (want == TLS_ENCRYPT && tls == TLS_VERIFY))
		return NULL;
	snprintf(why, size, "does not hold: by routes, TLS is %s", words[tls]);
	return why;
}

static const struct {
	const char *word;
	const char *(*run)(const struct control *, struct cur *, char *, size_t);
} forms[] = {
	{ "rcpt", expect_rcpt },
	{ "client", expect_client },
	{ "route", expect_route },
	{ "tls", expect_tls },
};

static const char *
expect_line(const struct control *c, struct cur *cur, char *why, size_t size)
{
	struct span word = cur_nextword(cur);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (span_is(word, forms[i].word))
			return forms[i].run(c, cur, why, size);
	return "is not understood; a line begins with rcpt, client, route or tls";
}

unsigned
check_expect(struct admin_check *k)
{
	struct control *c = &k->control;
	struct control_lines l;
	struct span line;
	struct buf text;
	char why[512];
	unsigned n = 0, before = c->nerrors;

	buf_init(&text, CONTROL_SMALL_MAX);
	if (control_read(c, "expect", &text, CONTROL_SMALL_MAX) != 1) {
		if (c->nerrors > before)
			check_error(k, "expect", 0, "cannot be read");
		buf_free(&text);
		return 0;
	}
	control_lines_init(&l, c, "expect", buf_span(&text));
	while (control_lines_next(&l, &line)) {
		const char *wrong;
		struct cur cur;

		cur_init(&cur, line);
		wrong = expect_line(c, &cur, why, sizeof(why));
		n++;
		if (wrong != NULL)
			check_error(k, "expect", l.line, "\"%.*s\" %s",
			    (int)line.len, (const char *)line.p, wrong);
	}
	if (c->nerrors > before)
		check_error(k, "expect", 0, "has a line with control bytes or of "
		    "more than %d bytes", CONTROL_LINE_MAX);
	buf_free(&text);
	return n;
}
