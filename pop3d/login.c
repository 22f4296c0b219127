/*
 * The session before login.  Knows no secret but the one that passes through, and no mail.  Ends by exiting: for
 * TLS, and after login for the mailbox process, which gets what was read beyond it.
 */
#include "pop3.h"

#include <string.h>

#include "encode.h"
#include "ex.h"
#include "file.h"

#define SASL_MAX	2048	/* a decoded response: names and secret */

bool
login_offered(const struct pop3 *p)
{
	const struct conn *c = p->conn;

	return c->tls || c->loopback || p->control->set.plain_auth;
}

static void
log_auth(const struct pop3 *p, struct span user, const char *text)
{
	struct log l;

	pop3_log(p, &l, "auth");
	log_span(&l, "user", user);
	log_text(&l, "%s", text);
	log_end(&l);
}

/* What the client sent behind the login goes with it; the mailbox process answers. */
static void
hand_over(struct pop3 *p)
{
	struct span rest = netin_buffered(&p->in);
	unsigned char what = p->utf8 ? LOGIN_UTF8 : LOGIN_ASCII;

	if (netout_flush(&p->out) == -1 ||
	    file_write_all(p->conn->auth_out, &what, 1) == -1 ||
	    (rest.len > 0 &&
	    file_write_all(p->conn->auth_out, rest.p, rest.len) == -1)) {
		p->exit_code = EX_IOERR;
		p->done = true;
		return;
	}
	p->exit_code = CHAIN_EXIT_MAILBOX;
	p->done = true;
}

static void
authenticate(struct pop3 *p, struct span user, struct span secret)
{
	struct auth_result res;

	if (auth_ask(p->conn->auth_out, p->conn->auth_in, "pop3", user, secret,
	    &res) == -1)
		res.verdict = AUTH_TEMP;
	switch (res.verdict) {
	case AUTH_OK:
		log_auth(p, span_str(res.user), "ok");
		hand_over(p);
		break;
	case AUTH_FAILED:
		log_auth(p, user, "failed");
		reply(p, R_AUTH_FAILED);
		break;
	case AUTH_DISABLED:
		log_auth(p, user, "disabled");
		reply(p, R_AUTH_DISABLED);
		break;
	case AUTH_TEMP:
		log_auth(p, user, "cannot be checked now");
		reply(p, R_AUTH_TEMP);
		break;
	}
}

/* RFC 1939 section 7.  The same answer whether the name exists or not. */
void
do_user(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)number;
	(void)n;
	buf_clear(&p->user);
	if (!login_offered(p))
		reply(p, R_NEED_TLS);
	else if (r->arg.len == 0 || r->arg.len > ADDR_MAX ||
	    span_haschr(r->arg, ' '))
		reply(p, R_BAD_USER);
	else if (buf_addspan(&p->user, r->arg) == -1)
		reply(p, R_MEMORY);
	else
		reply(p, R_USER);
}

/* RFC 1939 section 7: all behind the one space is the password, blanks too. */
void
do_pass(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)number;
	(void)n;
	if (!login_offered(p))
		reply(p, R_NEED_TLS);
	else if (p->user.len == 0)
		reply(p, R_NO_USER);
	else if (r->raw.len == 0)
		reply(p, R_BAD_PASS);
	else
		authenticate(p, buf_span(&p->user), r->raw);
	buf_clear(&p->user);
}

/* RFC 4616 section 2: [authzid] NUL authcid NUL passwd.  Acting for another account is not offered. */
static void
plain(struct pop3 *p, struct span response)
{
	struct span authzid, authcid, secret;
	struct buf b;
	struct cur c;

	buf_init(&b, SASL_MAX);
	if (base64_decode(response, &b) == -1) {
		reply(p, R_BAD_BASE64);
		buf_wipe(&b);
		return;
	}
	cur_init(&c, buf_span(&b));
	authzid = cur_until(&c, 0);
	(void)cur_ch(&c, 0);
	authcid = cur_until(&c, 0);
	if (!cur_ch(&c, 0) || authcid.len == 0) {
		reply(p, R_BAD_BASE64);
	} else if (authzid.len > 0 && !span_iseq(authzid, authcid)) {
		log_auth(p, authcid, "asked to act for another account");
		reply(p, R_AUTH_FAILED);
	} else {
		secret = cur_rest(&c);
		authenticate(p, authcid, secret);
	}
	buf_wipe(&b);
}

/* RFC 5034 section 4: a challenge, here empty, and the answer in a line of its own. */
static void
plain_asked(struct pop3 *p)
{
	struct span line;

	netout_adds(&p->out, "+ \r\n");
	if (!pop3_line(p, SMTP_AUTH_MAX, &line))
		return;
	if (span_is(line, "*"))
		reply(p, R_CANCELLED);
	else
		plain(p, line);
}

/* RFC 5034.  Without an argument the mechanisms are listed, as Outlook expects of "AUTH ". */
void
do_auth(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	struct cur c;
	struct span mechanism;

	(void)number;
	(void)n;
	cur_init(&c, r->arg);
	mechanism = cur_until(&c, ' ');
	if (mechanism.len == 0)
		netout_addf(&p->out, "+OK Mechanisms\r\n%s.\r\n",
		    login_offered(p) ? "PLAIN\r\n" : "");
	else if (!span_isis(mechanism, "PLAIN"))
		reply(p, R_NO_MECHANISM);
	else if (!login_offered(p))
		reply(p, R_NEED_TLS);
	else if (!cur_ch(&c, ' '))
		plain_asked(p);
	else
		plain(p, cur_rest(&c));
}

/* RFC 2595 section 4.  What came with it in plain text is never looked at: this process ends. */
void
do_stls(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	(void)number;
	(void)n;
	if (!p->conn->can_tls) {
		reply(p, R_NO_TLS);
	} else if (p->utf8) {
		reply(p, R_LATE_STLS);
	} else if (netin_buffered(&p->in).len > 0) {
		reply(p, R_AFTER_STLS);
	} else {
		reply(p, R_START_TLS);
		p->exit_code = CHAIN_EXIT_STARTTLS;
		p->done = true;
	}
}

/* RFC 6856 section 2.1. */
void
do_utf8(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	(void)r;
	(void)number;
	(void)n;
	p->utf8 = true;
	reply(p, R_UTF8);
}

/* Once for each connection; the tls process logs the handshake. */
static void
log_connect(const struct pop3 *p)
{
	struct log l;

	pop3_log(p, &l, "connect");
	if (p->conn->tls)
		log_str(&l, "tls", p->conn->facts.version);
	log_end(&l);
}

int
login_session(struct control *control, struct conn *conn)
{
	static struct pop3 p;
	struct log l;
	int code;

	pop3_init(&p, control, conn, STATE_AUTHORIZATION);
	if (!conn->after_starttls) {
		log_connect(&p);
		reply(&p, R_GREETING);
	}
	code = pop3_run(&p);
	if (code != CHAIN_EXIT_STARTTLS && code != CHAIN_EXIT_MAILBOX) {
		pop3_log(&p, &l, "disconnect");
		log_text(&l, "before login, %u errors", p.errors);
		log_end(&l);
	}
	pop3_free(&p);
	return code;
}
