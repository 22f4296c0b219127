/*
 * The SMTP client up to MAIL: greeting, EHLO, STARTTLS.  Trusts the
 * server with nothing but the mail: replies are bounded in lines, bytes and
 * time, and nothing that came before a TLS handshake counts after it
 * (CVE-2021-38371).
 */
#include "remote_smtp.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "limits.h"
#include "log.h"
#include "remote_auth.h"

#define QUIT_SECONDS	2	/* the mail is safe: no long good-byes */
#define SLICE_MAX	10	/* seconds of one wait inside a reply's time */

static unsigned
wait_seconds(const struct smtp *s, enum smtp_wait w)
{
	unsigned t = s->reply_timeout;

	switch (w) {
	case SMTP_WAIT_DATA:		/* 2 minutes of 5 */
		return t < 5 ? t : t / 5 * 2;
	case SMTP_WAIT_DOT:		/* 10 minutes */
		return t * 2;
	case SMTP_WAIT_QUIT:
		return t < QUIT_SECONDS ? t : QUIT_SECONDS;
	default:
		return t;
	}
}

/*
 * Reads for netin.  The socket wakes every slice, and the time of the whole
 * reply counts: so a server that sends a byte now and then does not hold us,
 * and the socket's timeout is set once and not for every command.
 */
static long
timed_read(void *arg, void *p, size_t n)
{
	struct smtp *s = arg;
	long r;

	do {
		if (clock_mono_ms() >= s->deadline) {
			errno = EAGAIN;
			return -1;
		}
		r = s->tls != NULL ? tls_client_read(s->tls, p, n) :
		    read(s->fd, p, n);
	} while (r == -1 && (errno == EINTR || errno == EAGAIN ||
	    errno == EWOULDBLOCK));
	return r;
}

static long
tls_write(void *arg, const void *p, size_t n)
{
	struct smtp *s = arg;

	return tls_client_write(s->tls, p, n);
}

void
smtp_init(struct smtp *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	reply_init(&s->reply);
}

static void
smtp_close(struct smtp *s)
{
	if (s->fd == -1)
		return;
	if (s->tls != NULL)
		tls_client_end(s->tls);
	s->tls = NULL;
	netin_free(&s->in);
	netout_free(&s->out);
	close(s->fd);
	s->fd = -1;
}

/* Why there is no reply: what happened to the connection, in RFC 3463's terms. */
static int
reply_failed(struct smtp *s, enum netin_result r, const char *command,
    struct verdict *v)
{
	int e = errno;

	s->closing = true;
	if (r == NETIN_TIMEOUT)
		verdict_set(v, PROC_DEFER, "4.4.2",
		    "no reply to %s in time", command);
	else if (r == NETIN_EOF)
		verdict_set(v, PROC_DEFER, "4.4.2",
		    "connection closed instead of a reply to %s", command);
	else if (r == NETIN_ERROR)
		verdict_set(v, PROC_DEFER, "4.4.2",
		    "connection lost while waiting for the reply to %s: %s",
		    command, strerror(e));
	else
		verdict_set(v, PROC_DEFER, "4.5.0",
		    "malformed reply to %s", command);
	return -1;
}

int
smtp_reply(struct smtp *s, enum smtp_wait w, const char *command,
    struct ehlo *each, struct verdict *v)
{
	enum reply_state state = REPLY_MORE;
	struct span line, text;
	enum netin_result r;

	reply_clear(&s->reply);
	s->deadline = clock_mono_ms() + (uint64_t)wait_seconds(s, w) * 1000;
	while (state == REPLY_MORE) {
		r = netin_line(&s->in, SMTP_LINE_MAX, &line);
		if (r != NETIN_LINE)
			return reply_failed(s, r, command, v);
		state = reply_line(&s->reply, line, &text);
		if (each != NULL && state != REPLY_BAD && s->reply.lines > 1)
			ehlo_line(each, text);
	}
	if (state == REPLY_BAD)
		return reply_failed(s, NETIN_LINE, command, v);
	if (s->reply.code == 421)
		s->closing = true;
	return 0;
}

void
smtp_verdict(const struct smtp *s, const char *command, struct verdict *v)
{
	const struct reply *r = &s->reply;
	enum proc_class class = r->code / 100 == 5 ? PROC_FAIL : PROC_DEFER;
	int len = (int)r->text.len;
	const char *text = r->text.p == NULL ? "" : (const char *)r->text.p;

	if (r->code / 100 == 2)
		verdict_set(v, PROC_DONE, r->dsn[0] != '\0' ? r->dsn : "2.0.0",
		    "%.*s", len, text);
	else if (r->code / 100 == 3 || r->code == 0)
		verdict_set(v, PROC_DEFER, "4.5.0",
		    "unexpected reply to %s: %.*s", command, len, text);
	else
		verdict_set(v, class, r->dsn[0] != '\0' ? r->dsn :
		    class == PROC_FAIL ? "5.0.0" : "4.0.0", "%.*s", len, text);
}

/* RFC 2033 section 4.1.  A refusal is a wrong port or a wrong route, which the
 * administrator mends. */
static int
say_lhlo(struct smtp *s, const char *name, struct verdict *v)
{
	memset(&s->ehlo, 0, sizeof(s->ehlo));
	netout_addf(&s->out, "LHLO %s\r\n", name);
	if (smtp_reply(s, SMTP_WAIT_COMMAND, "LHLO", &s->ehlo, v) == -1)
		return -1;
	if (s->reply.code / 100 == 2)
		return 0;
	smtp_verdict(s, "LHLO", v);
	if (v->class == PROC_FAIL)
		verdict_set(v, PROC_DEFER, "4.5.0", "no LMTP server: %.*s",
		    (int)s->reply.text.len, (const char *)s->reply.text.p);
	return -1;
}

/* RFC 5321 section 4.1.1.1; HELO for servers that know nothing newer. */
static int
say_ehlo(struct smtp *s, const char *name, struct verdict *v)
{
	memset(&s->ehlo, 0, sizeof(s->ehlo));
	netout_addf(&s->out, "EHLO %s\r\n", name);
	if (smtp_reply(s, SMTP_WAIT_COMMAND, "EHLO", &s->ehlo, v) == -1)
		return -1;
	if (s->reply.code / 100 == 5) {
		memset(&s->ehlo, 0, sizeof(s->ehlo));
		netout_addf(&s->out, "HELO %s\r\n", name);
		if (smtp_reply(s, SMTP_WAIT_COMMAND, "HELO", NULL, v) == -1)
			return -1;
	}
	if (s->reply.code / 100 == 2)
		return 0;
	smtp_verdict(s, "EHLO", v);
	return -1;
}

/* "250 NAME": whose host is this? */
static bool
gives_name(const struct reply *r, const char *name)
{
	struct cur c;

	cur_init(&c, buf_span(&r->text));
	(void)cur_until(&c, ' ');
	return cur_ch(&c, ' ') && span_isis(cur_until(&c, ' '), name);
}

static int
say_hello(struct smtp *s, const struct smtp_wishes *w, struct verdict *v)
{
	int r = s->lmtp ? say_lhlo(s, w->helo, v) : say_ehlo(s, w->helo, v);

	s->is_self = r == 0 && gives_name(&s->reply, w->own);
	return r;
}

/* Where TLS is only wished for, what it breaks is tried again without it. */
static enum smtp_start
tls_failed(const struct smtp_wishes *w, struct verdict *v, const char *why)
{
	if (w->route->tls == TLS_MAY)
		return SMTP_PLAIN;
	verdict_set(v, PROC_DEFER, "4.7.5", "TLS handshake failed: %s", why);
	return SMTP_FAILED;
}

/* One line for each connection with TLS: what a man in the middle could have done
 * is seen in the log alone where the route lets any certificate pass. */
static void
log_tls(const struct smtp *s, const struct smtp_wishes *w)
{
	const char *untrusted = tls_client_untrusted(s->tls);
	struct log l;

	log_begin(&l, "tls");
	log_span(&l, "qid", w->qid);
	log_str(&l, "relay", s->relay.text);
	log_str(&l, "tls", s->facts.version);
	if (untrusted == NULL)
		log_text(&l, "%s, certificate verified", s->facts.cipher);
	else
		log_text(&l, "%s, certificate not trusted: %s",
		    s->facts.cipher, untrusted);
	log_end(&l);
}

/*
 * RFC 3207.  Whatever stands behind the reply to STARTTLS was put there by
 * somebody who hopes that it is taken for a reply inside TLS: the end.  In TLS 1.3
 * a server says what it does not like after our side of the handshake is done
 * (RFC 8446 section 4.4.2.4), so silence instead of the first reply is a failed handshake.
 */
static enum smtp_start
start_tls(struct smtp *s, const struct smtp_wishes *w, struct verdict *v)
{
	char why[256] = "";

	netout_adds(&s->out, "STARTTLS\r\n");
	if (smtp_reply(s, SMTP_WAIT_COMMAND, "STARTTLS", NULL, v) == -1)
		return SMTP_FAILED;
	if (s->reply.code != 220) {
		if (w->route->tls == TLS_MAY && !s->closing)
			return SMTP_READY;
		verdict_set(v, PROC_DEFER, "4.7.4",
		    "TLS is required, but the server refused it: %.*s",
		    (int)s->reply.text.len, (const char *)s->reply.text.p);
		return SMTP_FAILED;
	}
	if (netin_buffered(&s->in).len > 0) {
		verdict_set(v, PROC_DEFER, "4.7.0",
		    "the server sent data between STARTTLS and the handshake");
		return SMTP_FAILED;
	}
	s->tls = tls_client_start(s->fd, s->relay.host,
	    w->route->tls == TLS_VERIFY, s->reply_timeout, why, sizeof(why),
	    &s->facts);
	if (s->tls == NULL)
		return tls_failed(w, v, why);
	log_tls(s, w);
	strlcpy(s->relay.tls, s->facts.version, sizeof(s->relay.tls));
	s->out.write = tls_write;
	s->out.arg = s;
	if (say_hello(s, w, v) == 0)
		return SMTP_READY;
	if (s->reply.code != 0)
		return SMTP_FAILED;
	strlcpy(why, v->text, sizeof(why));
	return tls_failed(w, v, why);
}

static enum smtp_start
maybe_tls(struct smtp *s, const struct smtp_wishes *w, struct verdict *v)
{
	bool must = w->route->tls == TLS_ENCRYPT || w->route->tls == TLS_VERIFY;

	if (w->route->tls == TLS_NONE || (w->no_tls && !must))
		return SMTP_READY;
	if (s->ehlo.starttls)
		return start_tls(s, w, v);
	if (!must)
		return SMTP_READY;
	verdict_set(v, PROC_DEFER, "4.7.4",
	    "TLS is required, but the server does not offer it");
	return SMTP_FAILED;
}

static enum smtp_start
dialogue(struct smtp *s, const struct smtp_wishes *w, struct verdict *v)
{
	enum smtp_start r;

	if (smtp_reply(s, SMTP_WAIT_COMMAND, "the connection", NULL, v) == -1)
		return SMTP_FAILED;
	if (s->reply.code != 220) {
		smtp_verdict(s, "the connection", v);
		if (v->class == PROC_DONE)
			v->class = PROC_DEFER;
		return SMTP_FAILED;
	}
	if (say_hello(s, w, v) == -1)
		return SMTP_FAILED;
	if ((r = maybe_tls(s, w, v)) != SMTP_READY)
		return r;
	return auth_login_as(s, w->route, v) == -1 ? SMTP_FAILED : SMTP_READY;
}

enum smtp_start
smtp_start(struct smtp *s, int fd, const char *host, const char *address,
    unsigned reply_timeout, const struct smtp_wishes *w, struct verdict *v)
{
	unsigned slice = reply_timeout / 10;
	int on = 1;
	enum smtp_start r;

	s->fd = fd;
	s->tls = NULL;
	memset(&s->facts, 0, sizeof(s->facts));
	s->lmtp = w->route->lmtp;
	s->reply_timeout = reply_timeout;
	s->dirty = s->closing = false;
	s->messages = 0;
	memset(&s->relay, 0, sizeof(s->relay));
	strlcpy(s->relay.host, host, sizeof(s->relay.host));
	snprintf(s->relay.text, sizeof(s->relay.text), "%s%s",
	    host[0] == '[' ? "" : host, address);
	/* Envelope and content are single writes: never hold back the last part. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* 3 minutes of 5 for a block of content (RFC 5321 4.5.3.2.5). */
	netout_init(&s->out, fd, reply_timeout < 5 ? reply_timeout :
	    reply_timeout / 5 * 3);
	netin_init(&s->in, fd, &s->out, slice < 1 ? 1 : slice > SLICE_MAX ?
	    SLICE_MAX : slice);
	s->in.read = timed_read;
	s->in.arg = s;
	if ((r = dialogue(s, w, v)) != SMTP_READY)
		smtp_close(s);
	return r;
}

bool
smtp_is_full(const struct smtp *s)
{
	return s->ehlo.mail_max > 0 && s->messages >= s->ehlo.mail_max;
}

void
smtp_end(struct smtp *s)
{
	struct verdict v;

	if (s->fd == -1)
		return;
	if (!s->closing && !s->out.failed) {
		netout_adds(&s->out, "QUIT\r\n");
		(void)smtp_reply(s, SMTP_WAIT_QUIT, "QUIT", NULL, &v);
	}
	smtp_close(s);
}
