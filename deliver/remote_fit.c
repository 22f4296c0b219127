/*
 * Before MAIL: does the message fit this server?  Converts what can be
 * converted, and fails what cannot: nothing beyond ASCII goes out raw in a
 * command to a server that has not offered SMTPUTF8 (RFC 6531 section 3.2).
 */
#include "remote_fit.h"

#include <string.h>

#include "idna.h"

static bool
is_ascii(const char *s)
{
	return span_isascii(span_str(s));
}

/* A domain has a form in ASCII; a local part has none. */
static bool
sendable(const struct smtp *s, const char *address)
{
	const char *at = strrchr(address, '@');
	char ascii[ADDR_DOMAIN_MAX + 1];

	if (s->ehlo.smtputf8 || is_ascii(address))
		return true;
	return at != NULL &&
	    span_isascii(span_of(address, (size_t)(at - address))) &&
	    idna_ascii(at + 1, ascii, sizeof(ascii)) == 0;
}

void
fit_put_address(struct smtp *s, const char *address)
{
	const char *at = strrchr(address, '@');
	char ascii[ADDR_DOMAIN_MAX + 1];

	if (s->ehlo.smtputf8 || at == NULL || is_ascii(address) ||
	    idna_ascii(at + 1, ascii, sizeof(ascii)) == -1) {
		netout_adds(&s->out, address);
		return;
	}
	netout_add(&s->out, address, (size_t)(at + 1 - address));
	netout_adds(&s->out, ascii);
}

bool
fit_utf8(const struct smtp *s, const struct mail *m,
    const struct remote_job *j)
{
	if (!s->ehlo.smtputf8)
		return false;
	if (m->env.smtputf8 || !is_ascii(m->env.sender))
		return true;
	for (size_t i = 0; i < j->nrcpts; i++)
		if (!j->rcpts[i].answered && !is_ascii(j->rcpts[i].address))
			return true;
	return false;
}

/* RFC 6531 section 3.2: without SMTPUTF8, what is pure ASCII may go all the
 * same. */
static int
fit_international(const struct smtp *s, struct mail *m, struct verdict *v)
{
	int header8;

	if (!sendable(s, m->env.sender)) {
		verdict_set(v, PROC_FAIL, "5.6.7", "%s does not take the "
		    "sender's address, which is not ASCII (no SMTPUTF8)",
		    s->relay.host);
		return -1;
	}
	if (!m->env.smtputf8 || s->ehlo.smtputf8)
		return 0;
	if ((header8 = mail_header8(m, v)) != 1)
		return header8;
	verdict_set(v, PROC_FAIL, "5.6.9", "%s does not take "
	    "internationalized mail (no SMTPUTF8)", s->relay.host);
	return -1;
}

static void
fit_rcpts(struct smtp *s, struct remote_job *j, struct buf *answers)
{
	struct verdict v;

	for (size_t i = 0; i < j->nrcpts; i++) {
		if (sendable(s, j->rcpts[i].address))
			continue;
		verdict_set(&v, PROC_FAIL, "5.6.7", "%s does not take an "
		    "address that is not ASCII (no SMTPUTF8)", s->relay.host);
		remote_answer(j, i, &s->relay, &v, answers);
	}
}

int
fit_message(struct smtp *s, struct mail *m, struct remote_job *j,
    struct buf *answers, struct verdict *v)
{
	const struct ehlo *e = &s->ehlo;

	if (fit_international(s, m, v) == -1 ||
	    mail_fit(m, e->body8, v) == -1)
		return -1;
	if (e->size_max > 0 && m->sent_size > e->size_max) {
		verdict_set(v, PROC_FAIL, "5.3.4",
		    "message of %llu bytes is over the limit of %s, %llu",
		    (unsigned long long)m->sent_size, s->relay.host,
		    (unsigned long long)e->size_max);
		return -1;
	}
	fit_rcpts(s, j, answers);
	return 0;
}
