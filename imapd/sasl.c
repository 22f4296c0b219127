/*
 * LOGIN and AUTHENTICATE (RFC 3501 sections 6.2.2 and 6.2.3, SASL-IR of
 * RFC 4959).  What the client says goes to the auth process and is wiped; the
 * verdict is all that comes back.
 */
#include <string.h>

#include "auth.h"
#include "ex.h"
#include "file.h"
#include "limits.h"
#include "login.h"
#include "sasl.h"
#include "tls.h"

/* What the mailbox process goes on with: the facts of TLS where there is any,
 * the tag, then the bytes we have read too far. */
static void
hand_over(struct login *s)
{
	struct span rest = netin_buffered(&s->input.in);
	struct buf left;

	s->done = true;
	if (s->tag.len + rest.len > IMAP_HANDOVER_MAX) {
		login_reply(s, "NO", "[LIMIT] Too much input before the login "
		    "was answered");
		s->exit_code = EX_PROTOCOL;
		return;
	}
	(void)netout_flush(&s->out);
	buf_init(&left, IMAP_HANDOVER_MAX + 1);
	(void)buf_addspan(&left, s->tag);
	(void)buf_addc(&left, '\n');
	(void)buf_addspan(&left, rest);
	if (left.bad || (s->conn->tls && tls_facts_write(s->conn->left_out,
	    s->conn->facts) == -1) ||
	    file_write_all(s->conn->left_out, left.p, left.len) == -1) {
		login_reply(s, "NO", "[UNAVAILABLE] Internal error");
		s->exit_code = EX_OSERR;
	} else {
		s->exit_code = CHAIN_EXIT_MAILBOX;
	}
	buf_wipe(&left);
}

/* RFC 5530 section 3.  The auth process has logged it. */
static void
verdict(struct login *s, const struct auth_result *res)
{
	switch (res->verdict) {
	case AUTH_OK:
		hand_over(s);
		return;
	case AUTH_FAILED:
		login_reply(s, "NO", "[AUTHENTICATIONFAILED] Wrong name or "
		    "password");
		break;
	case AUTH_DISABLED:
		login_no(s, "CONTACTADMIN", res->text);
		break;
	case AUTH_OTHER_NAME:
		login_reply(s, "NO", "[AUTHORIZATIONFAILED] Acting for another "
		    "is not possible");
		break;
	case AUTH_MALFORMED:
		login_reply(s, "BAD", "Not a response of this mechanism");
		break;
	case AUTH_TEMP:
	case AUTH_CHALLENGE:
		login_no(s, "UNAVAILABLE", res->text[0] != '\0' ?
		    res->text : "Login is not possible at the moment, try "
		    "later");
		break;
	}
	if (++s->errors >= s->control->set.errors)
		login_bye(s, "Too many errors");
}

static void
authenticate(struct login *s, struct span user, struct span secret)
{
	struct auth_result res;

	if (auth_ask(s->conn->auth_out, s->conn->auth_in, "imap", user, secret,
	    &res) == -1)
		res.verdict = AUTH_TEMP;
	/* An empty name is no name of anybody, but a well-formed LOGIN. */
	if (res.verdict == AUTH_MALFORMED)
		res.verdict = AUTH_FAILED;
	verdict(s, &res);
	buf_zero(&res, sizeof(res));
}

/* May credentials be asked for here?  False: the reply is sent. */
static bool
permitted(struct login *s)
{
	if (!sasl_private(s->conn, &s->control->set))
		login_reply(s, "NO", "[PRIVACYREQUIRED] Use STARTTLS first");
	else if (s->conn->auth_out == -1)
		login_reply(s, "NO", "[UNAVAILABLE] No login here");
	else
		return true;
	return false;
}

/* RFC 3501 section 6.2.3. */
void
login_login(struct login *s, struct args *a)
{
	struct span user, secret;

	if (!parse_sp(a) || !parse_astring(a, &user) || !parse_sp(a) ||
	    !parse_astring(a, &secret) || !parse_end(a))
		login_bad(s, a->why);
	else if (permitted(s))
		authenticate(s, user, secret);
	buf_wipe(&s->input.cmd);
	buf_init(&s->input.cmd, s->input.max + 16);
}

/* False: the reply is sent, or the connection is over. */
static bool
response(struct login *s, const char *challenge, struct span *line)
{
	enum input_result r;

	(void)netout_addf(&s->out, "+ %s\r\n", challenge);
	buf_clear(&s->input.cmd);
	r = input_line(&s->input, IMAP_LOGIN_MAX, line);
	if (r == INPUT_COMMAND)
		return true;
	login_ended(s, r);
	return false;
}

static void
exchange(struct login *s, const char *mechanism, const struct span *initial)
{
	enum sasl_step step;
	struct span line;
	struct sasl x;

	step = sasl_start(&x, s->conn, "imap", mechanism, initial);
	while (step == SASL_GO_ON) {
		if (!response(s, x.result.text, &line)) {
			sasl_end(&x);
			return;
		}
		step = sasl_line(&x, line);
	}
	if (step == SASL_CANCELLED)
		login_bad(s, "Cancelled");
	else if (step == SASL_BAD_BASE64)
		login_bad(s, "Invalid base64");
	else
		verdict(s, &x.result);
	sasl_end(&x);
}

/* RFC 3501 section 6.2.2, RFC 4959. */
void
login_authenticate(struct login *s, struct args *a)
{
	struct span name, initial, copy;
	const char *mechanism;
	bool has;

	if (!parse_sp(a) || !parse_atom(a, &name)) {
		login_bad(s, a->why);
		return;
	}
	has = cur_ch(&a->c, ' ');
	initial = cur_rest(&a->c);
	if ((has && initial.len == 0) || (!has && initial.len > 0)) {
		login_bad(s, "Invalid initial response");
		return;
	}
	if (!permitted(s))
		return;
	mechanism = sasl_find(s->conn, &s->control->set, name);
	if (mechanism == NULL) {
		login_reply(s, "NO", "[CANNOT] Unknown mechanism");
		return;
	}
	copy = arena_copy(&s->arena, initial);
	exchange(s, mechanism, has ? &copy : NULL);
	buf_wipe(&s->input.cmd);
	buf_init(&s->input.cmd, s->input.max + 16);
}
