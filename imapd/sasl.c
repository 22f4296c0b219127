/*
 * LOGIN and AUTHENTICATE (RFC 3501 sections 6.2.2 and 6.2.3, SASL-IR of
 * RFC 4959), mechanisms PLAIN (RFC 4616) and LOGIN.  The secret goes to the
 * auth process and is wiped; the verdict is all that comes back.
 */
#include <string.h>

#include "auth.h"
#include "encode.h"
#include "ex.h"
#include "file.h"
#include "limits.h"
#include "log.h"
#include "login.h"

#define SASL_MAX	2048	/* a decoded response: names and secret */
/* Tag and read-ahead must fit into a pipe that nobody reads yet (64 KiB). */
#define HANDOVER_MAX	60000

static void
log_auth(const struct login *s, struct span user, const char *text)
{
	struct log l;

	log_begin(&l, "auth");
	log_str(&l, "sid", s->conn->sid);
	log_str(&l, "peer", s->conn->peer_text);
	log_span(&l, "user", user);
	log_text(&l, "%s", text);
	log_end(&l);
}

/* What the mailbox process goes on with: the tag, then the bytes we have read
 * too far. */
static void
hand_over(struct login *s)
{
	struct span rest = netin_buffered(&s->input.in);

	s->done = true;
	if (s->tag.len + rest.len > HANDOVER_MAX) {
		login_reply(s, "NO", "[LIMIT] Too much input before the login "
		    "was answered");
		s->exit_code = EX_PROTOCOL;
		return;
	}
	(void)netout_flush(&s->out);
	if (file_write_all(s->conn->auth_out, s->tag.p, s->tag.len) == -1 ||
	    file_write_all(s->conn->auth_out, "\n", 1) == -1 ||
	    (rest.len > 0 && file_write_all(s->conn->auth_out, rest.p,
	    rest.len) == -1)) {
		login_reply(s, "NO", "[UNAVAILABLE] Internal error");
		s->exit_code = EX_OSERR;
		return;
	}
	s->exit_code = CHAIN_EXIT_MAILBOX;
}

static void
authenticate(struct login *s, struct span user, struct span secret)
{
	struct auth_result res;

	memset(&res, 0, sizeof(res));
	if (auth_ask(s->conn->auth_out, s->conn->auth_in, "imap", user, secret,
	    &res) == -1)
		res.verdict = AUTH_TEMP;
	switch (res.verdict) {
	case AUTH_OK:
		log_auth(s, span_str(res.user), "ok");
		hand_over(s);
		return;
	case AUTH_FAILED:
		log_auth(s, user, "failed");
		login_reply(s, "NO", "[AUTHENTICATIONFAILED] Wrong name or "
		    "password");
		break;
	case AUTH_DISABLED:
		log_auth(s, user, "disabled");
		login_reply(s, "NO", "[CONTACTADMIN] This account is disabled");
		break;
	case AUTH_TEMP:
		log_auth(s, user, "temporary failure");
		login_reply(s, "NO", "[UNAVAILABLE] Login is not possible at "
		    "the moment, try later");
		break;
	}
	if (++s->errors >= s->control->set.errors)
		login_bye(s, "Too many errors");
}

/* May credentials be asked for here?  False: the reply is sent. */
static bool
permitted(struct login *s)
{
	if (!login_allowed(s))
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

/* One response in base64; "=" is the empty one (RFC 4959 section 3). */
static bool
decode(struct login *s, struct span text, struct buf *out)
{
	if (span_is(text, "=") || base64_decode(text, out) == 0)
		return true;
	login_bad(s, "Invalid base64");
	return false;
}

/* False: the reply is sent, or the connection is over. */
static bool
challenge(struct login *s, const char *text, struct buf *out)
{
	enum input_result r;
	struct span line;

	(void)netout_addf(&s->out, "+ %s\r\n", text);
	buf_clear(&s->input.cmd);
	r = input_line(&s->input, IMAP_LOGIN_MAX, &line);
	if (r != INPUT_COMMAND) {
		login_ended(s, r);
		return false;
	}
	if (!span_is(line, "*"))
		return decode(s, line, out);
	login_bad(s, "Cancelled");
	return false;
}

/* RFC 4616: [authzid] NUL authcid NUL passwd.  Acting for another is refused. */
static void
plain(struct login *s, const struct span *initial)
{
	struct span authzid, user;
	struct buf b;
	struct cur c;

	buf_init(&b, SASL_MAX);
	if (initial != NULL ? decode(s, *initial, &b) :
	    challenge(s, "", &b)) {
		cur_init(&c, buf_span(&b));
		authzid = cur_until(&c, 0);
		user = cur_ch(&c, 0) ? cur_until(&c, 0) : span_of(NULL, 0);
		if (user.len == 0 || !cur_ch(&c, 0))
			login_bad(s, "Malformed PLAIN response");
		else if (authzid.len > 0 && !span_iseq(authzid, user))
			login_reply(s, "NO", "[AUTHORIZATIONFAILED] Acting "
			    "for another is not possible");
		else
			authenticate(s, user, cur_rest(&c));
	}
	buf_wipe(&b);
}

/* The LOGIN mechanism was never standardised; clients want these two texts. */
static void
login(struct login *s, const struct span *initial)
{
	struct buf user, secret;

	buf_init(&user, SASL_MAX);
	buf_init(&secret, SASL_MAX);
	if ((initial != NULL ? decode(s, *initial, &user) :
	    challenge(s, "VXNlcm5hbWU6", &user)) &&
	    challenge(s, "UGFzc3dvcmQ6", &secret))
		authenticate(s, buf_span(&user), buf_span(&secret));
	buf_wipe(&user);
	buf_wipe(&secret);
}

static const struct {
	const char *name;
	void (*run)(struct login *, const struct span *initial);
} mechanisms[] = { { "PLAIN", plain }, { "LOGIN", login } };

/* RFC 3501 section 6.2.2, RFC 4959. */
void
login_authenticate(struct login *s, struct args *a)
{
	struct span name, initial, copy;
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
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (span_isis(name, mechanisms[i].name)) {
			copy = arena_copy(&s->arena, initial);
			mechanisms[i].run(s, has ? &copy : NULL);
			buf_wipe(&s->input.cmd);
			buf_init(&s->input.cmd, s->input.max + 16);
			return;
		}
	login_reply(s, "NO", "[CANNOT] Unknown mechanism");
}
