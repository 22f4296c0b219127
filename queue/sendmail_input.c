/*
 * Standard input into memory, as lines that end in LF; and recipients, from
 * arguments or fields, into the envelope.  Trusts nobody: a NUL byte, too many
 * bytes and too many recipients are refused.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ex.h"
#include "sendmail.h"

#define CHUNK	65536

struct input {
	struct buf *out;
	bool dot_ends;		/* a line of one dot is the end */
	bool cr;		/* the byte before was CR */
	bool done;
};

/* Is the line that is being read "." so far? */
static bool
at_lone_dot(const struct buf *b)
{
	return b->len > 0 && b->p[b->len - 1] == '.' &&
	    (b->len == 1 || b->p[b->len - 2] == '\n');
}

static void
line_end(struct input *in)
{
	if (in->dot_ends && at_lone_dot(in->out)) {
		in->out->len--;
		in->done = true;
		return;
	}
	buf_addc(in->out, '\n');
}

/* CRLF and CR alone are line ends too: local files have all three. */
static void
take(struct input *in, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n && !in->done; i++) {
		bool after_cr = in->cr;

		in->cr = p[i] == '\r';
		if (p[i] == '\0')
			errx(EX_DATAERR, "there is a NUL byte in the message");
		if (p[i] == '\n' && after_cr)
			continue;
		if (p[i] == '\n' || p[i] == '\r')
			line_end(in);
		else
			buf_addc(in->out, p[i]);
	}
}

void
sendmail_read(struct sendmail *s)
{
	static unsigned char chunk[CHUNK];
	struct input in = { &s->message, !s->dots, false, false };
	ssize_t n;

	buf_init(&s->message, s->control.set.message_size);
	while (!in.done && !s->message.bad) {
		n = read(0, chunk, sizeof(chunk));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			err(EX_IOERR, "cannot read the message");
		if (n == 0)
			break;
		take(&in, chunk, (size_t)n);
	}
	if (!in.done && s->message.len > 0 &&
	    s->message.p[s->message.len - 1] != '\n')
		line_end(&in);
	if (s->message.bad && errno == ENOBUFS)
		errx(EX_DATAERR, "the message has more than %llu bytes, which "
		    "is the limit", (unsigned long long)s->message.max);
	if (s->message.bad)
		err(EX_OSERR, "cannot keep the message");
}

bool
sendmail_address(const struct sendmail *s, struct span text, struct addr *a)
{
	char full[ADDR_MAX + 8];

	if (parse_mailbox(text, true, a) == ADDR_OK)
		return true;
	if ((size_t)snprintf(full, sizeof(full), "%.*s@%s", (int)text.len,
	    (const char *)text.p, s->control.first_domain) >= sizeof(full))
		return false;
	return parse_mailbox(span_str(full), true, a) == ADDR_OK;
}

void
sendmail_add_rcpt(struct sendmail *s, struct span text, int code)
{
	struct envelope *e = &s->envelope;
	struct addr a;

	text = span_trim(text);
	if (text.len >= 2 && text.p[0] == '<' && text.p[text.len - 1] == '>')
		text = span_of(text.p + 1, text.len - 2);
	if (text.len > ADDR_MAX || !sendmail_address(s, text, &a))
		errx(code, "%.*s: this is not an address",
		    (int)(text.len > ADDR_MAX ? ADDR_MAX : text.len),
		    (const char *)text.p);
	for (size_t i = 0; i < e->nrcpts; i++)
		if (strcasecmp(e->rcpts[i].addr, a.text) == 0)
			return;
	if (e->nrcpts >= s->control.set.recipients)
		errx(EX_DATAERR, "there are more than %u recipients, which is "
		    "the limit", s->control.set.recipients);
	e->smtputf8 = e->smtputf8 || a.utf8;
	if (envelope_add_rcpt(e, a.text, s->notify, NULL) == -1)
		err(EX_OSERR, NULL);
}
