/*
 * The session before login.  Knows no secret but the one that passes through, and no mail.  Ends by exiting: for
 * TLS, and after login for the mailbox process, which gets what was read beyond it.
 */
#include "pop3.h"

#include <stdio.h>
#include <string.h>

#include "ex.h"
#include "file.h"
#include "fmt.h"
#include "sasl.h"

#define STAMP_SIZE	(ADDR_DOMAIN_MAX + 24)	/* of APOP: session id, "@" and host name */
#define APOP_DIGITS	32			/* MD5 in hexadecimal */

bool
login_offered(const struct pop3 *p)
{
	return sasl_find(p->conn, &p->control->set, span_str("PLAIN")) != NULL;
}

/* What the client sent behind the login goes with it; the mailbox process answers. */
static void
hand_over(struct pop3 *p)
{
	struct span rest = netin_buffered(&p->in);
	unsigned char what = p->utf8 ? LOGIN_UTF8 : LOGIN_ASCII;

	if (netout_flush(&p->out) == -1 ||
	    file_write_all(p->conn->left_out, &what, 1) == -1 ||
	    (rest.len > 0 &&
	    file_write_all(p->conn->left_out, rest.p, rest.len) == -1)) {
		p->exit_code = EX_IOERR;
		p->done = true;
		return;
	}
	p->exit_code = CHAIN_EXIT_MAILBOX;
	p->done = true;
}

/* The auth process has logged it. */
static void
verdict(struct pop3 *p, const struct auth_result *res)
{
	switch (res->verdict) {
	case AUTH_OK:
		hand_over(p);
		break;
	case AUTH_FAILED:
	case AUTH_OTHER_NAME:
		reply(p, R_AUTH_FAILED);
		break;
	case AUTH_DISABLED:
		reply_text(p, R_AUTH_DISABLED, res->text);
		break;
	case AUTH_MALFORMED:
		reply(p, R_BAD_SASL);
		break;
	case AUTH_TEMP:
	case AUTH_CHALLENGE:
		reply(p, R_AUTH_TEMP);
		break;
	}
}

static void
authenticate(struct pop3 *p, struct span user, struct span secret)
{
	struct auth_result res;

	if (auth_ask(p->conn->auth_out, p->conn->auth_in, "pop3", user, secret,
	    &res) == -1)
		res.verdict = AUTH_TEMP;
	verdict(p, &res);
	buf_zero(&res, sizeof(res));
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

/* RFC 1939 section 7, APOP: what the greeting says.  The session's id is random, and the same after STLS. */
static void
stamp(const struct pop3 *p, char *out, size_t size)
{
	fmt_print(out, size, "<%s@%s>", p->conn->sid, p->control->hostname);
}

static void
greet(struct pop3 *p)
{
	char text[STAMP_SIZE];

	if (!p->control->set.apop) {
		reply(p, R_GREETING);
		return;
	}
	stamp(p, text, sizeof(text));
	netout_addf(&p->out, "%s %s\r\n", replies[R_GREETING].text, text);
}

/* name SP digest, 32 hexadecimal digits in lower case */
static int
parse_apop(struct span arg, struct span *name, struct span *digest)
{
	struct cur c;

	cur_init(&c, arg);
	*name = cur_until(&c, ' ');
	(void)cur_ch(&c, ' ');
	*digest = cur_rest(&c);
	if (name->len == 0 || name->len > ADDR_MAX || digest->len != APOP_DIGITS)
		return -1;
	for (size_t i = 0; i < digest->len; i++)
		if (!span_haschr(span_str("0123456789abcdef"), digest->p[i]))
			return -1;
	return 0;
}

void
do_apop(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	char text[STAMP_SIZE];
	struct span name, digest;
	struct auth_result res;

	(void)number;
	(void)n;
	if (!p->control->set.apop) {
		reply(p, R_BAD_COMMAND);
		return;
	}
	if (parse_apop(r->arg, &name, &digest) == -1) {
		reply(p, R_ARGUMENTS);
		return;
	}
	stamp(p, text, sizeof(text));
	if (auth_apop(p->conn->auth_out, p->conn->auth_in, name, digest, text,
	    &res) == -1)
		res.verdict = AUTH_TEMP;
	verdict(p, &res);
}

/* RFC 5034 section 4: challenges, and the answers in lines of their own. */
static void
exchange(struct pop3 *p, const char *mechanism, const struct span *initial)
{
	enum sasl_step step;
	struct span line;
	struct sasl x;

	step = sasl_start(&x, p->conn, "pop3", mechanism, initial);
	while (step == SASL_GO_ON) {
		netout_addf(&p->out, "+ %s\r\n", x.result.text);
		if (!pop3_line(p, SMTP_AUTH_MAX, &line)) {
			sasl_end(&x);
			return;
		}
		step = sasl_line(&x, line);
	}
	if (step == SASL_CANCELLED)
		reply(p, R_CANCELLED);
	else if (step == SASL_BAD_BASE64)
		reply(p, R_BAD_BASE64);
	else
		verdict(p, &x.result);
	sasl_end(&x);
}

/* RFC 5034 section 3: without an argument the mechanisms are listed, as Outlook expects of "AUTH ". */
static void
list_mechanisms(struct pop3 *p)
{
	struct buf names, lines;

	buf_init(&names, 256);
	buf_init(&lines, 512);
	sasl_mechanisms(p->conn, &p->control->set, " ", &names);
	for (size_t i = 0; i < names.len; i++)
		if (names.p[i] != ' ')
			(void)buf_addc(&lines, names.p[i]);
		else if (i > 0)
			(void)buf_adds(&lines, "\r\n");
	if (names.len > 0)
		(void)buf_adds(&lines, "\r\n");
	netout_adds(&p->out, "+OK Mechanisms\r\n");
	netout_add(&p->out, lines.p, lines.len);
	netout_adds(&p->out, ".\r\n");
	buf_free(&names);
	buf_free(&lines);
}

void
do_auth(struct pop3 *p, const struct request *r, const uint64_t *number,
    unsigned n)
{
	struct span name, initial;
	const char *mechanism;
	struct cur c;
	bool has;

	(void)number;
	(void)n;
	cur_init(&c, r->arg);
	name = cur_until(&c, ' ');
	has = cur_ch(&c, ' ');
	initial = cur_rest(&c);
	mechanism = sasl_find(p->conn, &p->control->set, name);
	if (name.len == 0)
		list_mechanisms(p);
	else if (!sasl_private(p->conn, &p->control->set))
		reply(p, R_NEED_TLS);
	else if (mechanism == NULL)
		reply(p, R_NO_MECHANISM);
	else
		exchange(p, mechanism, has ? &initial : NULL);
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
		log_str(&l, "tls", p->conn->facts->version);
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
		greet(&p);
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
