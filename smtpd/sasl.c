/*
 * AUTH (RFC 4954): PLAIN (RFC 4616) and LOGIN.  Takes the client's words apart
 * and asks the auth process; knows no secret but the one that passes through,
 * and wipes that.  Offered on submission only, and only where nobody on the
 * way can listen.
 */
#include "smtpd.h"

#include <string.h>

#include "encode.h"
#include "limits.h"
#include "log.h"

#define SASL_MAX	2048	/* a decoded response: names and secret */

bool
auth_offered(const struct session *s)
{
	const struct conn *c = s->conn;

	return c->variant == SUBMISSION && c->auth_out != -1 &&
	    s->user[0] == '\0' &&
	    (c->tls || c->loopback || s->control->set.plain_auth);
}

static void
log_auth(const struct session *s, struct span user, const char *text)
{
	struct log l;

	session_log(s, &l, "auth");
	log_span(&l, "user", user);
	log_text(&l, "%s", text);
	log_end(&l);
}

/* Asks the auth process and answers the client. */
static void
authenticate(struct session *s, struct span user, struct span secret)
{
	struct auth_result res;

	if (auth_ask(s->conn->auth_out, s->conn->auth_in, "smtp", user, secret,
	    &res) == -1)
		res.verdict = AUTH_TEMP;
	switch (res.verdict) {
	case AUTH_OK:
		strlcpy(s->user, res.user, sizeof(s->user));
		log_auth(s, span_str(s->user), "ok");
		reply(s, R_AUTH_OK, NULL);
		break;
	case AUTH_FAILED:
	case AUTH_DISABLED:	/* nobody learns which names exist */
		log_auth(s, user, res.verdict == AUTH_DISABLED ? "disabled" :
		    "failed");
		reply(s, R_AUTH_FAILED, NULL);
		break;
	case AUTH_TEMP:
		log_auth(s, user, "temporary failure");
		reply(s, R_AUTH_TEMP, NULL);
		break;
	}
}

/* One response in base64; "=" is the empty one (RFC 4954 section 4). */
static bool
decode(struct session *s, struct span text, struct buf *out)
{
	buf_clear(out);
	if (span_is(text, "="))
		return true;
	if (base64_decode(text, out) == 0)
		return true;
	reply(s, R_BAD_BASE64, NULL);
	return false;
}

/* Sends a challenge and reads the response to it.  false: answered already. */
static bool
challenge(struct session *s, const char *text, struct buf *out)
{
	enum netin_result r;
	struct span line;

	reply(s, R_CHALLENGE, text);
	r = netin_line(&s->in, SMTP_AUTH_MAX, &line);
	if (r == NETIN_LINE && span_is(line, "*"))
		reply(s, R_CANCELLED, NULL);
	else if (r == NETIN_LINE)
		return decode(s, line, out);
	else if (r == NETIN_TOOLONG)
		reply(s, R_AUTH_TOO_LONG, NULL);
	else if (r == NETIN_BARE_LF || r == NETIN_BARE_CR || r == NETIN_NUL)
		reply(s, R_BAD_BASE64, NULL);
	else
		session_end(s, r);
	return false;
}

/* RFC 4616: [authzid] NUL authcid NUL passwd.  Acting for another is refused. */
static void
plain(struct session *s, struct cur *arg)
{
	struct span authzid, user, secret;
	struct buf b;
	struct cur c;
	bool ok;

	buf_init(&b, SASL_MAX);
	ok = cur_end(arg) ? challenge(s, "", &b) :
	    decode(s, cur_rest(arg), &b);
	if (ok) {
		cur_init(&c, buf_span(&b));
		authzid = cur_until(&c, 0);
		ok = cur_ch(&c, 0);
		user = cur_until(&c, 0);
		ok = ok && cur_ch(&c, 0) && user.len > 0;
		secret = cur_rest(&c);
		if (!ok)
			reply(s, R_BAD_BASE64, NULL);
		else if (authzid.len > 0 && !span_iseq(authzid, user))
			reply(s, R_AUTH_FAILED, NULL);
		else
			authenticate(s, user, secret);
	}
	buf_wipe(&b);
}

/* The LOGIN mechanism was never standardised; clients want these two texts. */
static void
login(struct session *s, struct cur *arg)
{
	struct buf user, secret;
	bool ok;

	buf_init(&user, SASL_MAX);
	buf_init(&secret, SASL_MAX);
	ok = cur_end(arg) ? challenge(s, "VXNlcm5hbWU6", &user) :
	    decode(s, cur_rest(arg), &user);
	if (ok && challenge(s, "UGFzc3dvcmQ6", &secret))
		authenticate(s, buf_span(&user), buf_span(&secret));
	buf_wipe(&user);
	buf_wipe(&secret);
}

static const struct {
	const char *name;
	void (*run)(struct session *, struct cur *);
} mechanisms[] = { { "PLAIN", plain }, { "LOGIN", login } };

void
do_auth(struct session *s, struct cur *arg)
{
	struct span name = cur_until(arg, ' ');

	(void)cur_ch(arg, ' ');
	if (s->user[0] != '\0') {
		reply(s, R_AUTH_ALREADY, NULL);
		return;
	}
	if (s->conn->auth_out == -1) {
		reply(s, R_AUTH_TEMP, NULL);
		return;
	}
	if (!auth_offered(s)) {
		reply(s, R_NEED_TLS, NULL);
		return;
	}
	if (name.len == 0) {
		reply(s, R_SYNTAX, command_find(span_str(s->verb))->syntax);
		return;
	}
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++)
		if (span_isis(name, mechanisms[i].name)) {
			mechanisms[i].run(s, arg);
			return;
		}
	reply(s, R_NO_MECHANISM, NULL);
}
