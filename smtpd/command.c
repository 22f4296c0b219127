/*
 * The command table and the commands that need no file of their own.  Which
 * verb is legal where is data in the table; handlers are called only there.
 * A verb is looked up without case; what follows it is the handler's to parse.
 */
#include "smtpd.h"

#include <stdio.h>
#include <string.h>

#include "ex.h"
#include "fmt.h"
#include "limits.h"

#define ANY		(STATE_START | STATE_READY | STATE_MAIL | STATE_RCPT | \
			STATE_BDAT)
#define OUTSIDE		(STATE_START | STATE_READY)
#define IN_SMTP		((1u << SMTP) | (1u << SUBMISSION))
#define IN_LMTP		(1u << LMTP)
#define IN_ALL		(IN_SMTP | IN_LMTP)
#define BOTH		(VERB_LAST | VERB_IDLE)
#define EHLO_LINES	16
#define EHLO_LINE_MAX	128

static void	do_helo(struct session *, struct cur *);
static void	do_ehlo(struct session *, struct cur *);
static void	do_rset(struct session *, struct cur *);
static void	do_noop(struct session *, struct cur *);
static void	do_quit(struct session *, struct cur *);
static void	do_starttls(struct session *, struct cur *);
static void	do_nothing(struct session *, struct cur *);

/* RFC 5321 section 4.1.1; the last four are known and not done, as is what a
 * service has no use for.  BDAT looks at the state itself: the chunk behind it
 * is read in any. */
const struct command commands[] = {
	{ "HELO", ANY, R_DONE, IN_SMTP, do_helo, "HELO domain",
	    "Begins the session, without extensions", BOTH },
	{ "EHLO", ANY, R_DONE, IN_SMTP, do_ehlo, "EHLO domain",
	    "Begins the session and lists the extensions", BOTH },
	{ "LHLO", ANY, R_DONE, IN_LMTP, do_ehlo, "LHLO domain",
	    "Begins the session and lists the extensions", BOTH },
	{ "MAIL", STATE_READY, R_NO_HELO, IN_ALL, do_mail,
	    "MAIL FROM:<sender> [parameters]",
	    "Begins a message; bounces go to the sender", 0 },
	{ "RCPT", STATE_MAIL | STATE_RCPT, R_NO_MAIL, IN_ALL, do_rcpt,
	    "RCPT TO:<recipient> [parameters]",
	    "Adds one recipient to the message", 0 },
	{ "DATA", STATE_RCPT, R_NO_RCPT, IN_ALL, do_data, "DATA",
	    "The message follows, up to a line of one dot", VERB_LAST },
	{ "BDAT", ANY, R_NO_RCPT, IN_ALL, do_bdat, "BDAT size [LAST]",
	    "So many octets of the message follow", 0 },
	{ "RSET", ANY, R_DONE, IN_ALL, do_rset, "RSET",
	    "Forgets the message that was begun", VERB_IDLE },
	{ "NOOP", ANY, R_DONE, IN_ALL, do_noop, "NOOP [text]",
	    "Does nothing", BOTH },
	{ "QUIT", ANY, R_DONE, IN_ALL, do_quit, "QUIT",
	    "Ends the session", VERB_LAST },
	{ "VRFY", ANY, R_DONE, IN_ALL, do_vrfy, "VRFY name [SMTPUTF8]",
	    "Tells nothing; RCPT tells who takes mail here", BOTH },
	{ "EXPN", ANY, R_DONE, 1u << SUBMISSION, do_expn,
	    "EXPN alias [SMTPUTF8]",
	    "Who is in an alias; for those who have logged in", BOTH },
	{ "HELP", ANY, R_DONE, IN_ALL, do_help, "HELP [command | STATUS]",
	    "Tells about a command", BOTH },
	{ "STARTTLS", OUTSIDE, R_IN_TRANSACTION, IN_ALL, do_starttls,
	    "STARTTLS", "Goes on behind TLS", 0 },
	{ "AUTH", STATE_READY, R_NO_HELO, 1u << SUBMISSION, do_auth,
	    "AUTH mechanism [initial-response]", "Logs in", 0 },
	{ "XCLIENT", OUTSIDE, R_IN_TRANSACTION, IN_ALL, do_xclient,
	    "XCLIENT attribute=value ...", "Says for whom a proxy speaks", 0 },
	{ "SEND", ANY, R_DONE, IN_ALL, do_nothing, NULL, NULL, VERB_IDLE },
	{ "SOML", ANY, R_DONE, IN_ALL, do_nothing, NULL, NULL, VERB_IDLE },
	{ "SAML", ANY, R_DONE, IN_ALL, do_nothing, NULL, NULL, VERB_IDLE },
	{ "TURN", ANY, R_DONE, IN_ALL, do_nothing, NULL, NULL, BOTH },
};
const size_t ncommands = sizeof(commands) / sizeof(commands[0]);

const struct command *
command_find(struct span verb)
{
	for (size_t i = 0; i < ncommands; i++)
		if (span_isis(verb, commands[i].verb))
			return &commands[i];
	return NULL;
}

enum reply_id
command_refusal(const struct session *s)
{
	const struct command *c = command_find(span_str(s->verb));
	bool data = c->run == do_data || c->run == do_bdat;

	if (s->state == STATE_START)
		return R_NO_HELO;
	if (s->state == STATE_BDAT && (data || c->run == do_rcpt))
		return R_AFTER_BDAT;
	if (data && s->tx.refused > 0)
		return R_NO_VALID_RCPT;
	if (data && s->state == STATE_READY)
		return R_NO_MAIL;
	if (s->state > STATE_READY && c->otherwise == R_NO_HELO)
		return R_IN_TRANSACTION;
	return c->otherwise;
}

/* RFC 5321 section 4.1.1: white space before CRLF is tolerated. */
static struct span
trim_end(struct span s)
{
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* RFC 2920 section 3.1: behind these verbs, and behind all where there was no
 * EHLO, the client waits for the reply.  And a session is for mail. */
static bool
in_turn(struct session *s, const struct command *c)
{
	bool last = (c->flags & VERB_LAST) != 0 || !s->esmtp;

	if ((c->flags & VERB_IDLE) != 0 &&
	    ++s->idle > s->control->set.idle_commands) {
		reply(s, R_IDLE, NULL);
		return false;
	}
	return !last || netin_buffered(&s->in).len == 0 || session_early(s);
}

void
command_run(struct session *s, struct span line)
{
	const struct command *c;
	struct cur arg;

	cur_init(&arg, trim_end(line));
	c = command_find(cur_until(&arg, ' '));
	while (cur_ch(&arg, ' '))
		;
	if (c != NULL)
		s->verb = c->verb;
	if (line.len > SMTP_LINE_MAX && (c == NULL || c->run != do_auth))
		reply(s, c != NULL && c->run == do_bdat ? R_BAD_CHUNK :
		    R_LINE_TOO_LONG, NULL);
	else if (c == NULL || (c->run == do_xclient && !s->xclient))
		reply(s, R_BAD_COMMAND, NULL);
	else if ((c->variants & (1u << s->conn->variant)) == 0)
		reply(s, R_NOT_DONE, NULL);
	else if ((c->states & s->state) == 0)
		reply(s, command_refusal(s), NULL);
	else if (in_turn(s, c))
		c->run(s, &arg);
}

/*
 * RFC 5321 section 4.1.4: a name that does not verify is no reason to refuse,
 * and names with an underscore or without a dot are common; but nothing that
 * could not stand in our Received field.
 */
bool
is_helo(struct span name)
{
	struct cur c;

	if (is_domain(name, false) || is_address_literal(name))
		return true;
	cur_init(&c, name);
	while (!cur_end(&c)) {
		int ch = cur_next(&c);

		if (!(ch >= '0' && ch <= '9') && ch != '-' && ch != '.' &&
		    ch != '_' && !(ascii_lower(ch) >= 'a' &&
		    ascii_lower(ch) <= 'z'))
			return false;
	}
	return name.len > 0;
}

/* HELO and EHLO end a transaction: RFC 5321 section 4.1.4. */
static bool
take_helo(struct session *s, struct cur *arg, bool esmtp)
{
	struct span name = cur_until(arg, ' ');

	if (!cur_end(arg) || name.len > SMTP_HELO_MAX || !is_helo(name) ||
	    span_cstr(name, s->helo, sizeof(s->helo)) == -1) {
		reply(s, R_BAD_HELO, NULL);
		return false;
	}
	if (s->told_helo[0] != '\0')
		strlcpy(s->helo, s->told_helo, sizeof(s->helo));
	s->esmtp = esmtp;
	s->state = STATE_READY;
	transaction_reset(s);
	return true;
}

static void
do_helo(struct session *s, struct cur *arg)
{
	if (take_helo(s, arg, false))
		reply(s, R_HELO, s->control->hostname);
}

static void
do_ehlo(struct session *s, struct cur *arg)
{
	const struct conn *conn = s->conn;
	char lines[EHLO_LINES][EHLO_LINE_MAX];
	size_t n = 0;

	if (!take_helo(s, arg, true))
		return;
	strlcpy(lines[n++], "PIPELINING", EHLO_LINE_MAX);
	fmt_print(lines[n++], EHLO_LINE_MAX, "SIZE %llu",
	    (unsigned long long)s->control->set.message_size);
	strlcpy(lines[n++], "8BITMIME", EHLO_LINE_MAX);
	strlcpy(lines[n++], "CHUNKING", EHLO_LINE_MAX);
	strlcpy(lines[n++], "BINARYMIME", EHLO_LINE_MAX);
	strlcpy(lines[n++], "DSN", EHLO_LINE_MAX);
	strlcpy(lines[n++], "SMTPUTF8", EHLO_LINE_MAX);
	strlcpy(lines[n++], "ENHANCEDSTATUSCODES", EHLO_LINE_MAX);
	fmt_print(lines[n++], EHLO_LINE_MAX, "LIMITS RCPTMAX=%u",
	    s->control->set.recipients);
	if (conn->can_tls && !conn->tls)
		strlcpy(lines[n++], "STARTTLS", EHLO_LINE_MAX);
	if (auth_offered(s) && auth_ehlo(s, lines[n], EHLO_LINE_MAX))
		n++;
	if (s->xclient)
		fmt_print(lines[n++], EHLO_LINE_MAX, "XCLIENT NAME ADDR PORT "
		    "PROTO HELO%s DESTADDR DESTPORT",
		    conn->variant == SUBMISSION ? " LOGIN" : "");
	strlcpy(lines[n++], "HELP", EHLO_LINE_MAX);
	reply_more(s, R_HELO, s->control->hostname);
	for (size_t i = 0; i + 1 < n; i++)
		reply_more(s, R_HELO, lines[i]);
	reply(s, R_HELO, lines[n - 1]);
}

/* For verbs that RFC 5321 gives no argument. */
static bool
no_argument(struct session *s, const struct cur *arg)
{
	if (cur_end(arg))
		return true;
	reply(s, R_NO_ARGUMENT, NULL);
	return false;
}

static void
do_rset(struct session *s, struct cur *arg)
{
	if (!no_argument(s, arg))
		return;
	transaction_reset(s);
	reply(s, R_DONE, NULL);
}

static void
do_noop(struct session *s, struct cur *arg)
{
	(void)arg;
	reply(s, R_DONE, NULL);
}

static void
do_quit(struct session *s, struct cur *arg)
{
	if (no_argument(s, arg))
		reply(s, R_BYE, s->control->hostname);
}

/*
 * RFC 3207: the session that reads plain text ends here, and a new one begins
 * behind TLS; what the client has sent too early dies with this one.
 */
static void
do_starttls(struct session *s, struct cur *arg)
{
	if (!no_argument(s, arg))
		return;
	if (s->conn->tls) {
		reply(s, R_TLS_ALREADY, NULL);
	} else if (!s->conn->can_tls) {
		reply(s, R_NO_TLS, NULL);
	} else if (netin_buffered(&s->in).len > 0) {
		reply(s, R_AFTER_STARTTLS, NULL);
	} else {
		reply(s, R_START_TLS, NULL);
		s->exit_code = CHAIN_EXIT_STARTTLS;
		s->done = true;
	}
}

static void
do_nothing(struct session *s, struct cur *arg)
{
	(void)arg;
	reply(s, R_NOT_DONE, NULL);
}
