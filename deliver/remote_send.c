/*
 * The transaction: MAIL, RCPT, DATA, in one write where the server takes it
 * (RFC 2920), the content and its final dot in another.  Each recipient gets
 * the other side's words about itself.  Trusts no reply to be about anything
 * but the command in whose place it stands; once it is not clear which that
 * is, the connection ends.
 */
#include "remote_send.h"

#include <errno.h>
#include <string.h>

#include "dsn.h"
#include "log.h"

#define SEND_RCPTS	100	/* recipients in one transaction: RFC 5321 4.5.3.1.8 */

/* Commands of one transaction are numbered: RSET, MAIL, RCPT..., DATA. */
enum { CMD_RSET, CMD_MAIL, CMD_RCPT };

struct tx {
	struct smtp *s;
	struct mail *mail;
	struct remote_job *job;
	struct buf *answers;
	size_t rcpts[SEND_RCPTS];	/* indexes into the job */
	bool accepted[SEND_RCPTS];
	size_t n, naccepted;
	bool mail_refused;
	bool go;			/* DATA was answered 354 */
	bool heard;			/* at least one reply came */
	bool first;			/* nothing about this job was answered before */
	struct verdict v;
};

static void
answer(struct tx *tx, size_t i)
{
	remote_answer(tx->job, tx->rcpts[i], &tx->s->relay, &tx->v,
	    tx->answers);
}

/* Everyone of this transaction who has no answer yet. */
static void
answer_rest(struct tx *tx)
{
	for (size_t i = 0; i < tx->n; i++)
		answer(tx, i);
}

/* RFC 1870 SIZE, RFC 6152 BODY, RFC 6531 SMTPUTF8, RFC 3461 RET and ENVID. */
static void
put_mail(struct tx *tx)
{
	const struct ehlo *e = &tx->s->ehlo;
	const struct envelope *env = &tx->mail->env;
	struct netout *o = &tx->s->out;

	netout_adds(o, "MAIL FROM:<");
	netout_adds(o, env->sender);
	netout_adds(o, ">");
	if (e->size)
		netout_addf(o, " SIZE=%llu",
		    (unsigned long long)tx->mail->wire_size);
	if (e->body8 && tx->mail->is8bit)
		netout_adds(o, " BODY=8BITMIME");
	if (e->smtputf8 && env->smtputf8)
		netout_adds(o, " SMTPUTF8");
	if (e->dsn && env->ret != NULL)
		netout_addf(o, " RET=%s", env->ret);
	if (e->dsn && env->envid != NULL)
		netout_addf(o, " ENVID=%s", env->envid);
	netout_adds(o, "\r\n");
}

/* The recipient of the envelope, or the alias among them that led to r. */
static const struct envelope_rcpt *
envelope_rcpt(const struct envelope *env, const struct remote_rcpt *r)
{
	struct cur c;
	uint64_t n;

	cur_init(&c, span_str(r->index));
	return cur_num(&c, env->nrcpts, &n) == -1 || n == 0 ? NULL :
	    &env->rcpts[n - 1];
}

static void
put_rcpt(struct tx *tx, size_t i)
{
	const struct remote_rcpt *r = &tx->job->rcpts[tx->rcpts[i]];
	const struct envelope_rcpt *er = envelope_rcpt(&tx->mail->env, r);
	char notify[DSN_NOTIFY_SIZE];
	struct netout *o = &tx->s->out;
	unsigned bits;

	netout_adds(o, "RCPT TO:<");
	netout_adds(o, r->address);
	netout_adds(o, ">");
	bits = er == NULL ? 0 : dsn_notify_of(er->notify, span_str(r->index));
	if (tx->s->ehlo.dsn && bits != 0) {
		dsn_notify_print(bits, notify);
		netout_addf(o, " NOTIFY=%s", notify);
	}
	if (tx->s->ehlo.dsn && er != NULL && er->orcpt != NULL)
		netout_addf(o, " ORCPT=%s", er->orcpt);
	netout_adds(o, "\r\n");
}

static void
put_command(struct tx *tx, size_t c)
{
	if (c == CMD_RSET)
		netout_adds(&tx->s->out, "RSET\r\n");
	else if (c == CMD_MAIL)
		put_mail(tx);
	else if (c < CMD_RCPT + tx->n)
		put_rcpt(tx, c - CMD_RCPT);
	else
		netout_adds(&tx->s->out, "DATA\r\n");
}

static const char *
command_name(const struct tx *tx, size_t c)
{
	if (c == CMD_RSET)
		return "RSET";
	if (c == CMD_MAIL)
		return "MAIL";
	return c < CMD_RCPT + tx->n ? "RCPT" : "DATA";
}

static void
mail_reply(struct tx *tx)
{
	if (tx->s->reply.code / 100 == 2)
		return;
	tx->mail_refused = true;
	smtp_verdict(tx->s, "MAIL", &tx->v);
	answer_rest(tx);
}

/* RFC 5321 section 4.5.3.1.10: 552 here means "too many", for now. */
static void
rcpt_reply(struct tx *tx, size_t i)
{
	unsigned code = tx->s->reply.code;

	if (tx->mail_refused)
		return;
	if (code / 100 == 2) {
		tx->accepted[i] = true;
		tx->naccepted++;
		return;
	}
	smtp_verdict(tx->s, "RCPT", &tx->v);
	if (code == 552 && tx->naccepted > 0 && tx->s->reply.dsn[0] == '\0') {
		tx->v.class = PROC_DEFER;
		strlcpy(tx->v.dsn, "4.5.3", sizeof(tx->v.dsn));
	}
	answer(tx, i);
}

static void
data_reply(struct tx *tx)
{
	tx->go = tx->s->reply.code == 354;
	if (tx->go || tx->naccepted == 0)
		return;
	smtp_verdict(tx->s, "DATA", &tx->v);
	if (tx->v.class == PROC_DONE) {		/* 250 to DATA: what now? */
		verdict_set(&tx->v, PROC_DEFER, "4.5.0",
		    "unexpected reply to DATA: %.*s",
		    (int)tx->s->reply.text.len,
		    (const char *)tx->s->reply.text.p);
		tx->s->closing = true;
	}
	answer_rest(tx);
}

/* Reads the reply to command c.  -1: the connection is of no more use. */
static int
take_reply(struct tx *tx, size_t c)
{
	const char *name = command_name(tx, c);
	bool data = c == CMD_RCPT + tx->n;

	if (smtp_reply(tx->s, data ? SMTP_WAIT_DATA : SMTP_WAIT_COMMAND, name,
	    NULL, &tx->v) == -1)
		return -1;
	if (tx->s->closing && !tx->heard && tx->first && tx->s->messages > 0)
		return -1;	/* 421 that waited for our next command */
	tx->heard = true;
	if (c == CMD_MAIL)
		mail_reply(tx);
	else if (data)
		data_reply(tx);
	else if (c != CMD_RSET)
		rcpt_reply(tx, c - CMD_RCPT);
	if (tx->s->closing) {
		smtp_verdict(tx->s, name, &tx->v);
		return -1;
	}
	return 0;
}

/*
 * All commands up to DATA, as many at once as the server and its patience
 * allow.  A window keeps both sides from writing into full buffers while
 * neither reads.  DATA goes along with the rest; where the replies are known
 * before, it goes only when somebody wants the message.
 */
static int
send_commands(struct tx *tx)
{
	size_t window = tx->s->ehlo.pipelining ? SEND_RCPTS + 3 : 1;
	size_t end = CMD_RCPT + tx->n + 1;
	size_t sent = tx->s->dirty ? CMD_RSET : CMD_MAIL, got = sent;

	tx->s->dirty = true;
	while (got < end) {
		if (tx->mail_refused)
			return 0;
		if (got == end - 1 && tx->naccepted == 0)
			return 0;
		while (sent < end && sent - got < window)
			put_command(tx, sent++);
		while (got < sent)
			if (take_reply(tx, got++) == -1)
				return -1;
	}
	return 0;
}

/* The server broke off while we were writing: it may have said why. */
static void
early_reply(struct tx *tx)
{
	struct verdict v;

	tx->s->in.out = NULL;
	if (smtp_reply(tx->s, SMTP_WAIT_QUIT, "DATA", NULL, &v) == 0 &&
	    tx->s->reply.code >= 400)
		smtp_verdict(tx->s, "DATA", &tx->v);
	else
		verdict_set(&tx->v, PROC_DEFER, "4.4.2",
		    "connection lost while sending the message");
	tx->s->closing = true;
}

/* After 354.  An unanswered final dot is the one place where a message may
 * arrive twice: RFC 1047. */
static void
send_content(struct tx *tx)
{
	struct smtp *s = tx->s;
	struct verdict lost;

	if (mail_send(tx->mail, &s->out) == -1) {
		if (errno == 0)
			early_reply(tx);
		else
			verdict_set(&tx->v, PROC_DEFER, "4.3.0",
			    "cannot read the message from the spool: %s",
			    strerror(errno));
		s->closing = true;
		return;
	}
	if (netout_flush(&s->out) == -1) {
		early_reply(tx);
		return;
	}
	if (smtp_reply(s, SMTP_WAIT_DOT, "the final dot", NULL, &lost) == -1) {
		verdict_set(&tx->v, PROC_DEFER, lost.dsn,
		    "%s; the message may have been taken and may arrive twice",
		    lost.text);
		return;
	}
	smtp_verdict(s, "the final dot", &tx->v);
	tx->v.passed = s->ehlo.dsn;
	s->dirty = false;
}

/* 354 with nobody to receive: RFC 2920 section 3.1 wants the empty message
 * ended, not sent. */
static void
send_nothing(struct tx *tx)
{
	netout_adds(&tx->s->out, ".\r\n");
	(void)smtp_reply(tx->s, SMTP_WAIT_COMMAND, "the final dot", NULL,
	    &tx->v);
	tx->s->dirty = true;
}

static enum send_result
transaction(struct tx *tx)
{
	if (send_commands(tx) == -1) {
		tx->s->closing = true;
		if (!tx->heard && tx->first && tx->s->messages > 0)
			return SEND_STALE;
		if (tx->v.class != PROC_DEFER || tx->v.text[0] == '\0')
			verdict_set(&tx->v, PROC_DEFER, "4.4.2",
			    "the server closed the connection");
		answer_rest(tx);
		return SEND_DONE;
	}
	if (tx->go && tx->naccepted > 0) {
		send_content(tx);
		answer_rest(tx);
	} else if (tx->go)
		send_nothing(tx);
	tx->s->messages++;
	return SEND_DONE;
}

/* What the server cannot take at all, told before anything is sent. */
static bool
refused_here(const struct tx *tx, struct verdict *v)
{
	const struct ehlo *e = &tx->s->ehlo;
	const struct mail *m = tx->mail;
	const char *host = tx->s->relay.host;

	if (e->size_max > 0 && m->wire_size > e->size_max)
		verdict_set(v, PROC_FAIL, "5.3.4",
		    "message of %llu bytes is over the limit of %s, %llu",
		    (unsigned long long)m->wire_size, host,
		    (unsigned long long)e->size_max);
	else if (m->env.smtputf8 && !e->smtputf8)	/* RFC 6531 3.5 */
		verdict_set(v, PROC_FAIL, "5.6.7",
		    "%s does not take internationalized mail (SMTPUTF8)",
		    host);
	else if (m->is8bit && !e->body8)		/* RFC 6152 section 3 */
		verdict_set(v, PROC_FAIL, "5.6.3",
		    "the message has 8-bit text, which %s does not take "
		    "(8BITMIME)", host);
	else
		return false;
	return true;
}

enum send_result
smtp_send(struct smtp *s, struct mail *m, struct remote_job *j, struct buf *answers)
{
	struct tx tx = { .s = s, .mail = m, .job = j, .answers = answers,
	    .first = true };
	size_t next = 0;

	if (refused_here(&tx, &tx.v)) {
		remote_answer_all(j, &s->relay, &tx.v, answers);
		return SEND_DONE;
	}
	while (!s->closing) {
		tx.n = tx.naccepted = 0;
		memset(tx.accepted, 0, sizeof(tx.accepted));
		tx.mail_refused = tx.go = tx.heard = false;
		tx.v.text[0] = '\0';
		for (; next < j->nrcpts && tx.n < SEND_RCPTS; next++)
			if (!j->rcpts[next].answered)
				tx.rcpts[tx.n++] = next;
		if (tx.n == 0)
			return SEND_DONE;
		if (transaction(&tx) == SEND_STALE)
			return SEND_STALE;
		tx.first = false;
	}
	/* The connection ended between two groups of recipients. */
	for (; next < j->nrcpts; next++) {
		verdict_set(&tx.v, PROC_DEFER, "4.4.2",
		    "the server closed the connection before this recipient");
		remote_answer(j, next, &s->relay, &tx.v, answers);
	}
	return SEND_DONE;
}
