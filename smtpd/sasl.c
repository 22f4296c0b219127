/*
 * AUTH (RFC 4954).  Passes the client's words on to the auth process; offered on
 * submission only, and only where nobody on the way can listen.
 */
#include "smtpd.h"

#include <string.h>

#include "limits.h"
#include "sasl.h"

bool
auth_offered(const struct session *s)
{
	const struct conn *c = s->conn;

	return c->variant == SUBMISSION && c->auth_out != -1 &&
	    s->user[0] == '\0' && sasl_private(c, &s->control->set);
}

bool
auth_ehlo(const struct session *s, char *out, size_t size)
{
	struct buf b;
	bool any;

	buf_init(&b, size);
	(void)buf_adds(&b, "AUTH");
	sasl_mechanisms(s->conn, &s->control->set, " ", &b);
	any = !b.bad && b.len > strlen("AUTH") &&
	    span_cstr(buf_span(&b), out, size) == 0;
	buf_free(&b);
	return any;
}

static void
verdict(struct session *s, const struct auth_result *res)
{
	static const enum reply_id replies_to[] = {
		[AUTH_OK] = R_AUTH_OK, [AUTH_FAILED] = R_AUTH_FAILED,
		[AUTH_DISABLED] = R_AUTH_DISABLED,
		[AUTH_OTHER_NAME] = R_AUTH_FAILED,
		[AUTH_MALFORMED] = R_BAD_SASL, [AUTH_TEMP] = R_AUTH_TEMP,
		[AUTH_CHALLENGE] = R_AUTH_TEMP
	};

	if (res->verdict == AUTH_OK)
		strlcpy(s->user, res->user, sizeof(s->user));
	reply(s, replies_to[res->verdict], res->text);
}

/* Reads the response to a challenge.  false: answered already. */
static bool
response(struct session *s, struct span *line)
{
	enum netin_result r = netin_line(&s->in, SMTP_AUTH_MAX, line);

	if (r == NETIN_LINE)
		return true;
	if (r == NETIN_TOOLONG)
		reply(s, R_AUTH_TOO_LONG, NULL);
	else if (r == NETIN_BARE_LF || r == NETIN_BARE_CR || r == NETIN_NUL)
		reply(s, R_BAD_BASE64, NULL);
	else
		session_end(s, r);
	return false;
}

static void
exchange(struct session *s, const char *mechanism, const struct span *initial)
{
	struct sasl x;
	struct span line;
	enum sasl_step step;

	step = sasl_start(&x, s->conn, "smtp", mechanism, initial);
	while (step == SASL_GO_ON) {
		reply(s, R_CHALLENGE, x.result.text);
		if (!response(s, &line)) {
			sasl_end(&x);
			return;
		}
		step = sasl_line(&x, line);
	}
	if (step == SASL_CANCELLED)
		reply(s, R_CANCELLED, NULL);
	else if (step == SASL_BAD_BASE64)
		reply(s, R_BAD_BASE64, NULL);
	else
		verdict(s, &x.result);
	sasl_end(&x);
}

void
do_auth(struct session *s, struct cur *arg)
{
	struct span initial, name = cur_until(arg, ' ');
	const char *mechanism;

	(void)cur_ch(arg, ' ');
	initial = span_of(arg->p, cur_left(arg));
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
	mechanism = sasl_find(s->conn, &s->control->set, name);
	if (mechanism == NULL)
		reply(s, sasl_refused(&s->control->set, name) ? R_AUTH_WEAK :
		    R_NO_MECHANISM, NULL);
	else
		exchange(s, mechanism, cur_end(arg) ? NULL : &initial);
}
