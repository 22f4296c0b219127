/*
 * The session: reads lines, sends replies, counts errors, ends.  Trusts
 * nothing that comes in; whatever netin_line gives besides a line has its one
 * reply here.  Replies wait in the buffer until a read could block, which is
 * what PIPELINING (RFC 2920) asks for.
 */
#include "smtpd.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "fmt.h"
#include "limits.h"
#include "log.h"
#include "policy.h"

#define LINGER_MS	3000	/* for a client to read why it was turned away */
#define LINGER_PAUSE	1	/* s without input after which it has */

void
session_init(struct session *s, const struct control *control,
    struct conn *conn, const struct spool *spool)
{
	const struct settings *set = &control->set;

	memset(s, 0, sizeof(*s));
	s->control = control;
	s->conn = conn;
	s->spool = spool;
	s->state = STATE_START;
	s->verb = "-";
	s->xclient = control_proxy(control, &conn->peer_in6) == PROXY_XCLIENT;
	envelope_init(&s->tx.envelope);
	netout_init(&s->out, conn->out, set->command_timeout);
	netin_init(&s->in, conn->in, &s->out, set->command_timeout);
	if (set->session_timeout > 0)
		s->in.deadline = clock_mono_ms() +
		    (uint64_t)set->session_timeout * 1000;
}

void
session_free(struct session *s)
{
	transaction_reset(s);
	netin_free(&s->in);
	netout_free(&s->out);
}

void
transaction_reset(struct session *s)
{
	message_drop(s->tx.message);
	envelope_free(&s->tx.envelope);
	memset(&s->tx, 0, sizeof(s->tx));
	envelope_init(&s->tx.envelope);
	if (s->state != STATE_START)
		s->state = STATE_READY;
}

void
session_log(const struct session *s, struct log *l, const char *event)
{
	log_begin(l, event);
	log_str(l, "sid", s->conn->sid);
	log_str(l, "peer", s->conn->peer_text);
}

/* The text of a reply, its '%' replaced.  What is too long is cut. */
static void
fill_text(const struct reply *r, const char *arg, char *text, size_t size)
{
	const char *mark = strchr(r->text, '%');

	if (mark == NULL || arg == NULL)
		fmt_print(text, size, "%s", r->text);
	else
		fmt_print(text, size, "%.*s%s%s", (int)(mark - r->text),
		    r->text, arg, mark + 1);
}

static void
log_reject(const struct session *s, const struct reply *r, const char *arg)
{
	const struct envelope *e = &s->tx.envelope;
	char text[SMTP_REPLY_MAX];
	struct log l;

	fill_text(r, arg, text, sizeof(text));
	session_log(s, &l, "reject");
	log_str(&l, "cmd", s->verb);
	if (s->user[0] != '\0')
		log_str(&l, "user", s->user);
	if (e->sender != NULL)
		log_addr(&l, "from", span_str(e->sender));
	if (s->tx.rcpt != NULL)
		log_addr(&l, "rcpt", span_str(s->tx.rcpt));
	log_num(&l, "code", r->code);
	log_str(&l, "dsn", r->enhanced[0] != '\0' ? r->enhanced : NULL);
	log_text(&l, "%s", text);
	log_end(&l);
}

static void
put_reply(struct session *s, const struct reply *r, char sep, const char *arg)
{
	char text[SMTP_REPLY_MAX];

	fill_text(r, arg, text, sizeof(text));
	netout_addf(&s->out, "%u%c%s%s%s\r\n", r->code, sep, r->enhanced,
	    r->enhanced[0] != '\0' ? " " : "", text);
}

void
reply_more(struct session *s, enum reply_id id, const char *arg)
{
	put_reply(s, &replies[id], '-', arg);
}

void
reply(struct session *s, enum reply_id id, const char *arg)
{
	const struct settings *set = &s->control->set;
	const struct reply *r = &replies[id];

	put_reply(s, r, ' ', arg);
	if (r->code >= 400 && (r->flags & REPLY_QUIET) == 0)
		log_reject(s, r, arg);
	if ((r->flags & REPLY_CLOSE) != 0) {
		s->done = true;
		if (r->code >= 400)
			s->exit_code = EX_PROTOCOL;
	}
	if ((r->flags & REPLY_ERROR) != 0 && ++s->errors >= set->errors &&
	    !s->done)
		reply(s, R_ERRORS, NULL);
	if ((r->flags & REPLY_REJECT) != 0 &&
	    ++s->rejects >= set->recipients && !s->done)
		reply(s, R_REJECTS, NULL);
}

void
session_end(struct session *s, enum netin_result r)
{
	if (r == NETIN_TIMEOUT) {
		reply(s, R_TIMEOUT, NULL);
	} else if (r == NETIN_ERROR && (errno == ENOMEM || errno == ENOBUFS)) {
		reply(s, R_SHUTDOWN, NULL);
		s->exit_code = EX_TEMPFAIL;
	} else if (r != NETIN_EOF || s->state > STATE_READY) {
		s->exit_code = EX_PROTOCOL;	/* left in the middle */
	}
	s->done = true;
}

/* A line that is refused for its bytes.  Behind BDAT there is a chunk, of a
 * size that such a line cannot tell: it must not be read as commands. */
static void
bad_line(struct session *s, struct span line, enum reply_id id)
{
	struct cur c;

	cur_init(&c, line);
	reply(s, cur_word(&c, "BDAT") ? R_BAD_CHUNK : id, NULL);
}

/* Reads one command and has it done. */
static void
serve_line(struct session *s)
{
	bool repair = s->control->set.bare_newline_repair;
	struct span line;
	enum netin_result r;

	s->verb = "-";
	r = netin_line(&s->in, SMTP_AUTH_MAX, &line);
	if (r == NETIN_BARE_LF && repair)
		r = NETIN_LINE;
	switch (r) {
	case NETIN_LINE:
		command_run(s, line);
		break;
	case NETIN_TOOLONG:
		reply(s, R_LINE_TOO_LONG, NULL);
		break;
	case NETIN_BARE_LF:
	case NETIN_BARE_CR:
		bad_line(s, line, R_BARE_NEWLINE);
		break;
	case NETIN_NUL:
		bad_line(s, line, R_NUL);
		break;
	case NETIN_DATA:
	case NETIN_OTHER:
	case NETIN_EOF:
	case NETIN_TIMEOUT:
	case NETIN_ERROR:
		session_end(s, r);
		break;
	}
}

/*
 * Closing a socket with unread input resets the connection, and the client
 * never reads why.  So: says that nothing more will come, and reads on for a
 * moment.
 */
static void
linger(struct session *s)
{
	struct span unread;

	if (netout_flush(&s->out) == -1)
		return;
	if (shutdown(s->conn->out, SHUT_WR) == -1 && errno == ENOTSOCK &&
	    s->conn->out != s->conn->in)
		close(s->conn->out);
	s->in.out = NULL;
	s->in.pause = LINGER_PAUSE;
	s->in.deadline = clock_mono_ms() + LINGER_MS;
	netin_rate(&s->in, 0);
	while (netin_block(&s->in, &unread) == NETIN_DATA)
		netin_consume(&s->in, unread.len);
}

static void
log_connect(const struct session *s)
{
	struct log l;

	if (s->conn->after_starttls)
		return;		/* the session before this one has said it */
	session_log(s, &l, "connect");
	log_end(&l);
}

static void
log_disconnect(const struct session *s)
{
	struct log l;

	session_log(s, &l, "disconnect");
	log_text(&l, "%u messages, %u errors, %u recipients refused%s",
	    s->messages, s->errors, s->rejects,
	    s->early ? ", spoke before its turn" : "");
	log_end(&l);
}

/* Strangers from the network; whoever may relay is trusted to have reasons. */
static bool
is_watched(const struct session *s)
{
	return s->conn->variant == SMTP && !policy_may_relay(s) &&
	    !IN6_IS_ADDR_UNSPECIFIED(&s->conn->peer_in6);
}

bool
session_early(struct session *s)
{
	if (!is_watched(s))
		return true;
	s->early = true;
	if (!s->control->set.early_refuse)
		return true;
	reply(s, R_EARLY, NULL);
	return false;
}

/* RFC 5321 section 4.3.1: the client waits for the greeting.  Who sends spam in
 * bulk does not; a pause shows it. */
static void
greet(struct session *s)
{
	int ms = (int)s->control->set.greet_pause * 1000;
	struct span bytes;

	if (is_watched(s) && netin_wait(&s->in, -1, ms) == NETIN_DATA &&
	    netin_block(&s->in, &bytes) == NETIN_DATA && !session_early(s))
		return;
	reply(s, R_GREETING, s->control->hostname);
}

int
session_run(struct session *s)
{
	log_connect(s);
	if (!s->conn->after_starttls)
		greet(s);
	while (!s->done)
		serve_line(s);
	transaction_reset(s);
	if (s->exit_code == CHAIN_EXIT_STARTTLS) {
		(void)netout_flush(&s->out);
		return s->exit_code;
	}
	if (s->exit_code == EX_OK)
		(void)netout_flush(&s->out);
	else
		linger(s);
	log_disconnect(s);
	return s->exit_code;
}
