/*
 * The session before login: CAPABILITY NOOP LOGOUT ID STARTTLS LOGIN
 * AUTHENTICATE.  Confined: it has the client, two pipes to the auth process,
 * and nothing else.  After login it writes its tag and what it has read beyond
 * to the pipe that the mailbox process will read first, and exits.
 */
#include "login.h"

#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "file.h"
#include "imap.h"
#include "limits.h"
#include "log.h"
#include "sasl.h"

#define ARENA_MAX	(16 * (size_t)IMAP_LOGIN_MAX)
#define WRITE_TIMEOUT	60

void
login_reply(struct login *s, const char *what, const char *text)
{
	if (s->tag.len > 0)
		(void)netout_add(&s->out, s->tag.p, s->tag.len);
	else
		(void)netout_adds(&s->out, "*");
	(void)netout_addf(&s->out, " %s %s\r\n", what, text);
}

void
login_no(struct login *s, const char *code, const char *text)
{
	struct buf b;

	buf_init(&b, CRED_MAX);
	(void)buf_addf(&b, "[%s] %s", code, text);
	login_reply(s, "NO", b.bad ? "Not possible" : buf_cstr(&b));
	buf_free(&b);
}

void
login_bye(struct login *s, const char *text)
{
	if (!s->done)
		(void)netout_addf(&s->out, "* BYE %s\r\n", text);
	s->done = true;
}

void
login_bad(struct login *s, const char *why)
{
	login_reply(s, "BAD", why);
	if (++s->errors >= s->control->set.errors)
		login_bye(s, "Too many errors");
}

bool
login_allowed(const struct login *s)
{
	return sasl_find(s->conn, &s->control->set, span_str("PLAIN")) != NULL;
}

static void
capability(struct login *s)
{
	struct buf b;

	buf_init(&b, 256);
	sasl_mechanisms(s->conn, &s->control->set, " AUTH=", &b);
	capability_session(&s->out, s->conn->can_tls, buf_cstr(&b),
	    login_allowed(s));
	buf_free(&b);
}

void
login_ended(struct login *s, enum input_result r)
{
	if (r == INPUT_CLOSE) {
		login_bad(s, s->input.why);
		login_bye(s, s->input.code != NULL ?
		    "[TOOBIG] Literal too large" : s->input.why);
		s->exit_code = EX_PROTOCOL;
		return;
	}
	if (r == INPUT_REFUSED) {
		login_bad(s, s->input.why);
		return;
	}
	if (r == INPUT_TIMEOUT)
		login_bye(s, "Idle for too long");
	s->done = true;
}

static void
do_capability(struct login *s, struct args *a)
{
	(void)a;
	(void)netout_adds(&s->out, "* ");
	capability(s);
	(void)netout_adds(&s->out, "\r\n");
	login_reply(s, "OK", "Capability completed");
}

static void
do_noop(struct login *s, struct args *a)
{
	(void)a;
	login_reply(s, "OK", "NOOP completed");
}

static void
do_logout(struct login *s, struct args *a)
{
	(void)a;
	login_bye(s, "Logging out");
	login_reply(s, "OK", "Logout completed");
}

/* RFC 2971 section 3.1. */
static void
do_id(struct login *s, struct args *a)
{
	if (!parse_sp(a) || !parse_id(a) || !parse_end(a)) {
		login_bad(s, a->why);
		return;
	}
	(void)netout_adds(&s->out, "* ID (\"name\" \"posthouse\")\r\n");
	login_reply(s, "OK", "ID completed");
}

/* RFC 5161: nothing can be enabled before login. */
static void
do_enable(struct login *s, struct args *a)
{
	(void)a;
	login_bad(s, "Log in first");
}

/*
 * RFC 3501 section 6.2.1.  Input that stands behind the command came before
 * the handshake: it must never be read as if it had come after it.
 */
static void
do_starttls(struct login *s, struct args *a)
{
	(void)a;
	if (!s->conn->can_tls) {
		login_bad(s, s->conn->tls ? "TLS is active already" :
		    "TLS is not available");
		return;
	}
	if (netin_buffered(&s->input.in).len > 0) {
		login_bad(s, "Input after STARTTLS");
		login_bye(s, "Input after STARTTLS");
		s->exit_code = EX_PROTOCOL;
		return;
	}
	login_reply(s, "OK", "Begin TLS negotiation now");
	s->done = true;
	s->exit_code = CHAIN_EXIT_STARTTLS;
}

/* RFC 5255 section 3.2. */
static void
do_language(struct login *s, struct args *a)
{
	bool list, known;

	if (!parse_languages(a, &list, &known)) {
		login_bad(s, a->why);
	} else if (!list && !known) {
		login_reply(s, "NO", "Unsupported language");
	} else {
		(void)netout_adds(&s->out, list ?
		    "* LANGUAGE (EN i-default)\r\n" :
		    "* LANGUAGE (EN)\r\n");
		login_reply(s, "OK", "Language completed");
	}
}

static const struct {
	const char *name;
	bool bare;			/* takes no arguments */
	void (*run)(struct login *, struct args *);
} commands[] = {
	{ "AUTHENTICATE", false, login_authenticate },
	{ "CAPABILITY", true, do_capability },
	{ "ENABLE", false, do_enable },
	{ "ID", false, do_id },
	{ "LANGUAGE", false, do_language },
	{ "LOGIN", false, login_login },
	{ "LOGOUT", true, do_logout },
	{ "NOOP", true, do_noop },
	{ "STARTTLS", true, do_starttls },
};

static void
run(struct login *s)
{
	struct args a = { .arena = &s->arena };
	struct span name;

	cur_init(&a.c, buf_span(&s->input.cmd));
	if (!parse_tag(&a, &s->tag)) {
		s->tag.len = 0;
		login_bad(s, a.why);
		return;
	}
	s->tag = arena_copy(&s->arena, s->tag);
	if (!parse_sp(&a) || !parse_atom(&a, &name)) {
		login_bad(s, "Missing command");
		return;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!span_isis(name, commands[i].name))
			continue;
		if (commands[i].bare && !parse_end(&a))
			login_bad(s, a.why);
		else
			commands[i].run(s, &a);
		return;
	}
	login_bad(s, "Unknown command, or not before login");
}

static void
greet(struct login *s)
{
	if (s->conn->after_starttls)
		return;
	(void)netout_adds(&s->out, "* OK [");
	capability(s);
	(void)netout_addf(&s->out, "] %s ready\r\n", s->control->hostname);
}

static void
log_event(const struct login *s, const char *event)
{
	struct log l;

	log_begin(&l, event);
	log_str(&l, "sid", s->conn->sid);
	log_str(&l, "peer", s->conn->peer_text);
	if (s->conn->tls)
		log_str(&l, "tls", s->conn->facts->version);
	log_end(&l);
}

/* What a mailbox process had read before its client left it: RFC 8437. */
static void
take_first(struct login *s)
{
	struct buf b;

	buf_init(&b, NETIN_BUF);
	if (file_read_all(s->conn->first_in, &b) == -1 ||
	    netin_prepend(&s->input.in, buf_span(&b)) == -1)
		login_bye(s, "Internal error");
	close(s->conn->first_in);
	buf_wipe(&b);
}

int
session_serve(struct control *control, struct conn *conn)
{
	struct login s = { .control = control, .conn = conn,
	    .exit_code = EX_OK };
	enum input_result r;

	netout_init(&s.out, conn->out, WRITE_TIMEOUT);
	input_init(&s.input, conn->in, &s.out, IMAP_LOGIN_MAX,
	    control->set.command_timeout);
	s.input.unasked = IMAP_UNASKED_MAX;
	s.input.in.deadline = clock_mono_ms() +
	    (uint64_t)control->set.session_timeout * 1000;
	arena_init(&s.arena, ARENA_MAX);
	if (conn->first_in != 0)
		take_first(&s);
	if (!conn->after_starttls)
		log_event(&s, "connect");
	greet(&s);
	while (!s.done && !s.out.failed) {
		s.tag = span_of(NULL, 0);
		r = input_command(&s.input);
		if (r == INPUT_COMMAND) {
			run(&s);
		} else {
			if (s.input.cmd.len > 0)
				s.tag = line_tag(buf_span(&s.input.cmd));
			login_ended(&s, r);
		}
		arena_free(&s.arena);
	}
	(void)netout_flush(&s.out);
	if (s.exit_code != CHAIN_EXIT_STARTTLS &&
	    s.exit_code != CHAIN_EXIT_MAILBOX)
		log_event(&s, "disconnect");
	input_free(&s.input);
	netout_free(&s.out);
	return s.exit_code;
}
