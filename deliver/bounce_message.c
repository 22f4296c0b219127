/*
 * The report as a spool file: envelope, header, and multipart/report (RFC
 * 6522) of text, status and what is sent back.  The boundary holds the 64
 * random bits of the queue id, so that no message can contain it on purpose.
 * Nothing of the old header is copied but subject and message id, both
 * rebuilt; so no stranger writes a field of ours.
 */
#include "bounce.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "encode.h"
#include "header.h"

#define SUBJECT_MAX	160	/* bytes of the old subject that are kept */
#define MSGID_MAX	250

static bool
has_8bit(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] > 0x7f)
			return true;
	return false;
}

/* What is sent back: RET (RFC 3461 section 4.3), when nothing speaks against
 * it; else the header. */
static struct span
returned(const struct bounce *b, bool *full)
{
	struct span rest = b->content;
	struct header_field f;
	size_t len = 0;

	*full = b->env.ret != NULL && strcasecmp(b->env.ret, "FULL") == 0 &&
	    b->whole && b->content.len <= BOUNCE_RETURN_MAX &&
	    !b->env.binary && b->kind == BOUNCE_FAILED;
	if (*full)
		return b->content;
	while (header_next(&rest, &f) == HEADER_FIELD &&
	    b->content.len - rest.len <= BOUNCE_HEADER_MAX)
		len = (size_t)(f.whole.p + f.whole.len - b->content.p);
	return span_of(b->content.p, len);
}

static int
put_envelope(const struct bounce *b, const char *qid, bool body8,
    struct buf *out)
{
	struct envelope e;
	char date[DATE_SIZE];
	int r;

	envelope_init(&e);
	date_print(b->now, date);
	r = envelope_add_rcpt(&e, b->to, NULL, NULL);
	if (r == 0 && (e.sender = strdup("")) == NULL)
		r = -1;
	e.body8 = body8;
	e.smtputf8 = b->utf8;
	if (r == 0)
		r = envelope_print(&e, out);
	envelope_free(&e);
	buf_addf(out, "Received: by %s (report on %.*s)\n\tid %s; %s\n",
	    b->control.hostname, (int)b->name.qid_len, b->name.text, qid, date);
	return r;
}

static const char *
subject_start(const struct bounce *b)
{
	if (b->kind == BOUNCE_FAILED)
		return "Subject: Not delivered: ";
	if (b->kind == BOUNCE_DELAYED)
		return "Subject: Delayed: ";
	for (size_t i = 0; i < b->nrcpts; i++)
		if (strcmp(b->rcpts[i].action, "delivered") != 0)
			return "Subject: Handed on: ";
	return "Subject: Delivered: ";
}

/* The subject says what happened and to which message. */
static void
put_subject(const struct bounce *b, struct buf *out)
{
	struct buf plain, clean, coded;
	struct header_field f;
	struct span s;

	buf_init(&plain, 65536);
	buf_init(&clean, 65536 * 4);
	buf_init(&coded, 65536 * 4);
	if (header_find(b->content, "Subject", &f) && f.body.len < 16384)
		words_decode(header_trim(f.body), &plain);
	bounce_clean(&clean, buf_span(&plain), false);
	s = header_trim(buf_span(&clean));
	if (s.len > SUBJECT_MAX)
		for (s.len = SUBJECT_MAX; (s.p[s.len] & 0xc0) == 0x80;)
			s.len--;
	words_encode(s, &coded);
	if (coded.len == 0)
		buf_adds(&coded, "your message");
	bounce_wrap(out, subject_start(b), " ", buf_span(&coded));
	buf_free(&plain);
	buf_free(&clean);
	buf_free(&coded);
}

/* In-Reply-To and References: RFC 3834 section 3.1.5; only what is a msg-id. */
static void
put_reply_to(const struct bounce *b, struct buf *out)
{
	struct header_field f;
	struct span id;

	if (!header_find(b->content, "Message-ID", &f))
		return;
	id = header_trim(f.body);
	if (id.len < 3 || id.len > MSGID_MAX || id.p[0] != '<' ||
	    id.p[id.len - 1] != '>')
		return;
	for (size_t i = 0; i < id.len; i++)
		if (id.p[i] <= ' ' || id.p[i] > 0x7e)
			return;
	for (int i = 0; i < 2; i++) {
		buf_adds(out, i == 0 ? "In-Reply-To: " : "References: ");
		buf_addspan(out, id);
		buf_addc(out, '\n');
	}
}

void
bounce_id(const struct bounce *b, const char *qid, char out[BOUNCE_ID_SIZE])
{
	snprintf(out, BOUNCE_ID_SIZE, "%s@%s", qid, b->control.hostname);
}

static void
put_header(const struct bounce *b, const char *qid, struct buf *out)
{
	const char *host = b->control.hostname;
	char date[DATE_SIZE], id[BOUNCE_ID_SIZE];

	date_print(b->now, date);
	bounce_id(b, qid, id);
	buf_addf(out, "Date: %s\n"
	    "From: Mail Delivery System <MAILER-DAEMON@%s>\n"
	    "To: <%s>\n", date, host, b->to);
	put_subject(b, out);
	buf_addf(out, "Message-ID: <%s>\n", id);
	put_reply_to(b, out);
	buf_addf(out, "Auto-Submitted: auto-replied\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"=_%s\"\n\n"
	    "This is a report in MIME format, for programs as well as "
	    "people.\n", qid);
}

static void
put_part(struct buf *out, const char *qid, const char *type,
    const char *description, struct span content)
{
	buf_addf(out, "\n--=_%s\nContent-Type: %s\n"
	    "Content-Description: %s\n"
	    "Content-Transfer-Encoding: %s\n\n", qid, type, description,
	    has_8bit(content) ? "8bit" : "7bit");
	buf_addspan(out, content);
}

int
bounce_print(struct bounce *b, const char *qid, struct buf *out)
{
	struct buf text, status;
	struct span back;
	bool full, body8;
	int r;

	buf_init(&text, 4 << 20);
	buf_init(&status, BOUNCE_LINES_MAX);
	bounce_text(b, &text);
	bounce_status(b, &status);
	back = returned(b, &full);
	body8 = has_8bit(buf_span(&text)) || has_8bit(buf_span(&status)) ||
	    has_8bit(back);
	r = put_envelope(b, qid, body8, out);
	put_header(b, qid, out);
	put_part(out, qid, has_8bit(buf_span(&text)) ?
	    "text/plain; charset=utf-8" : "text/plain; charset=us-ascii",
	    "What happened", buf_span(&text));
	put_part(out, qid, b->utf8 ? "message/global-delivery-status" :
	    "message/delivery-status", "Delivery report", buf_span(&status));
	put_part(out, qid, full ?
	    (b->utf8 ? "message/global" : "message/rfc822") :
	    (b->utf8 ? "message/global-headers" : "text/rfc822-headers"),
	    full ? "The message" : "Header of the message", back);
	buf_addf(out, "\n--=_%s--\n", qid);
	if (text.bad || status.bad || out->bad)
		r = -1;
	buf_free(&text);
	buf_free(&status);
	return r;
}
