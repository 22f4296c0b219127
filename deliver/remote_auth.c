/*
 * AUTH as a client.  No password leaves without TLS but to this machine, or where
 * the route says tls=none; with SCRAM none leaves at all, and the server must
 * show that it knows it too.
 */
#include "remote_auth.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "encode.h"
#include "limits.h"
#include "scram_client.h"

static bool
is_loopback(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in s4;
		struct sockaddr_in6 s6;
	} peer;
	socklen_t n = sizeof(peer);

	if (getpeername(fd, &peer.any, &n) == -1)
		return false;
	if (peer.any.sa_family == AF_INET)
		return ntohl(peer.s4.sin_addr.s_addr) >> 24 == 127;
	return peer.any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&peer.s6.sin6_addr);
}

/* Writes word in base64 and CRLF; the secret's copies are wiped. */
static void
put_base64(struct smtp *s, struct span word)
{
	struct buf b;

	buf_init(&b, CRED_MAX);
	if (base64_encode(word, &b) == 0 && !b.bad)
		netout_add(&s->out, b.p, b.len);
	netout_adds(&s->out, "\r\n");
	buf_wipe(&b);
}

/* RFC 4616: authorization identity (none) NUL name NUL password. */
static int
auth_plain(struct smtp *s, const struct route *r, struct verdict *v)
{
	struct buf b;

	buf_init(&b, CRED_MAX);
	buf_addc(&b, 0);
	buf_adds(&b, r->user);
	buf_addc(&b, 0);
	buf_adds(&b, r->password);
	netout_adds(&s->out, "AUTH PLAIN ");
	put_base64(s, buf_span(&b));
	buf_wipe(&b);
	return smtp_reply(s, SMTP_WAIT_COMMAND, "AUTH", NULL, v);
}

/* draft-murchison-sasl-login: both words are asked for. */
static int
auth_login(struct smtp *s, const struct route *r, struct verdict *v)
{
	const char *words[2] = { r->user, r->password };

	netout_adds(&s->out, "AUTH LOGIN\r\n");
	for (int i = 0; i < 2; i++) {
		if (smtp_reply(s, SMTP_WAIT_COMMAND, "AUTH", NULL, v) == -1)
			return -1;
		if (s->reply.code != 334)
			return 0;
		put_base64(s, span_str(words[i]));
	}
	return smtp_reply(s, SMTP_WAIT_COMMAND, "AUTH", NULL, v);
}

/* What a 334 or 235 says, decoded; nothing where it says nothing. */
static void
reply_words(const struct smtp *s, struct buf *out)
{
	struct cur c;

	cur_init(&c, buf_span(&s->reply.text));
	(void)cur_take(&c, 4);			/* the code */
	if (base64_decode(cur_rest(&c), out) == -1)
		buf_clear(out);
}

/* RFC 5802 section 5; RFC 4954 section 4 for who speaks last. */
static int
scram_exchange(struct smtp *s, struct scram_client *sc,
    const struct route *r, struct verdict *v)
{
	struct buf in, out;
	int got;

	buf_init(&in, CRED_MAX);
	buf_init(&out, CRED_MAX);
	reply_words(s, &in);
	if (scram_client_final(sc, span_str(r->password), buf_span(&in),
	    &out) == -1)
		netout_adds(&s->out, "*\r\n");
	else
		put_base64(s, buf_span(&out));
	if ((got = smtp_reply(s, SMTP_WAIT_COMMAND, "AUTH", NULL, v)) == 0 &&
	    s->reply.code / 100 == 3) {
		buf_clear(&in);
		reply_words(s, &in);
		s->impostor = !scram_client_check(sc, buf_span(&in));
		netout_adds(&s->out, s->impostor ? "*\r\n" : "\r\n");
		got = smtp_reply(s, SMTP_WAIT_COMMAND, "AUTH", NULL, v);
	} else if (got == 0 && s->reply.code == 235)
		s->impostor = true;	/* it has shown nothing */
	buf_free(&in);
	buf_free(&out);
	return got;
}

static int
auth_scram(struct smtp *s, const struct route *r, struct verdict *v)
{
	struct scram_client sc;
	struct buf out, nonce;
	unsigned char random[18];
	int got = -1;

	buf_init(&out, CRED_MAX);
	buf_init(&nonce, SCRAM_NONCE_MAX);
	random_bytes(random, sizeof(random));
	base64_encode(span_of(random, sizeof(random)), &nonce);
	if (scram_client_first(&sc, span_str(r->user), buf_span(&nonce),
	    &out) == 0) {
		netout_adds(&s->out, "AUTH SCRAM-SHA-256 ");
		put_base64(s, buf_span(&out));
		got = smtp_reply(s, SMTP_WAIT_COMMAND, "AUTH", NULL, v);
		s->impostor = got == 0 && s->reply.code == 235;
		if (got == 0 && s->reply.code == 334)
			got = scram_exchange(s, &sc, r, v);
	} else
		verdict_set(v, PROC_DEFER, "4.3.5",
		    "the user of this route is too long");
	scram_client_free(&sc);
	buf_free(&out);
	buf_free(&nonce);
	return got;
}

/* An account may have no SCRAM keys: then another mechanism may do, and is no
 * worse than if the server had not offered this one. */
static int
try_all(struct smtp *s, const struct route *r, struct verdict *v)
{
	const struct ehlo *e = &s->ehlo;
	int done = 0;

	s->impostor = false;
	if (e->auth_scram) {
		done = auth_scram(s, r, v);
		if (done == -1 || s->reply.code == 235 || s->impostor ||
		    s->closing || (!e->auth_plain && !e->auth_login))
			return done;
	}
	return e->auth_plain ? auth_plain(s, r, v) : auth_login(s, r, v);
}

int
auth_login_as(struct smtp *s, const struct route *r, struct verdict *v)
{
	const struct ehlo *e = &s->ehlo;
	int done;

	if (r->user[0] == '\0')
		return 0;
	if (s->tls == NULL && r->tls != TLS_NONE && !is_loopback(s->fd)) {
		verdict_set(v, PROC_DEFER, "4.7.4",
		    "the password of this route is not sent without TLS");
		return -1;
	}
	if (!e->auth_scram && !e->auth_plain && !e->auth_login) {
		verdict_set(v, PROC_DEFER, "4.7.0", "the server offers none of "
		    "AUTH SCRAM-SHA-256, PLAIN and LOGIN");
		return -1;
	}
	done = try_all(s, r, v);
	if (done == -1 || (s->reply.code == 235 && !s->impostor))
		return done;
	if (s->impostor)
		verdict_set(v, PROC_DEFER, "4.7.8", "login as %s: the server "
		    "does not show that it knows the password", r->user);
	else
		verdict_set(v, PROC_DEFER, "4.7.8", "login as %s refused: %.*s",
		    r->user, (int)s->reply.text.len,
		    (const char *)s->reply.text.p);
	return -1;
}
