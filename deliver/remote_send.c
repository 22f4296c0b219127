/*
 * The transaction: MAIL, RCPT, DATA, in one write where the server takes it
 * (RFC 2920), the content and its final dot in another; or all of it at once,
 * where it takes BDAT too (RFC 3030) and the content is small.  Each recipient gets
 * the other side's words about itself.  Trusts no reply to be about anything
 * but the command in whose place it stands; once it is not clear which that
 * is, the connection ends, and where commands were sent ahead, they are sent
 * one by one over another: some servers lose them.
 */
#include "remote_send.h"

#include <errno.h>
#include <string.h>

#include "dsn.h"
#include "log.h"
#include "remote_fit.h"
#include "remote_note.h"

#define SEND_RCPTS	100	/* recipients in one transaction: RFC 5321 4.5.3.1.8 */
#define CHUNK_MAX	65536	/* content that is sent before its recipients are accepted */

/* Commands of one transaction are numbered: RSET, MAIL, RCPT..., DATA. */
enum { CMD_RSET, CMD_MAIL, CMD_RCPT };

struct tx {
	struct smtp *s;
	struct mail *mail;
	struct remote_job *job;
	struct buf *answers;
	size_t rcpts[SEND_RCPTS];	/* indexes into the job */
	bool accepted[SEND_RCPTS];
	bool later[SEND_RCPTS];		/* too many at a time: in the next transaction */
	size_t n, naccepted, nlater;
	size_t taken;			/* how many were not too many; 0: not known */
	struct buf chunk;		/* the content for BDAT; max 0: DATA is used */
	bool utf8;
	bool mail_refused;
	bool elsewhere;			/* this server will not do: another may */
	bool go;			/* DATA was answered 354 */
	bool heard;			/* at least one reply came */
	bool lost;			/* commands that were sent ahead, it seems */
	bool unsure;			/* the content was among them, and may have been taken */
	bool first;			/* nothing about this job was answered before */
	/* From here on not zeroed: 16 KiB. */
	struct verdict many;		/* what those were told, if there is no next one */
	struct verdict v;
};

static void
answer(struct tx *tx, size_t i)
{
	if (tx->later[i])
		return;
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
	fit_put_address(tx->s, env->sender);
	netout_adds(o, ">");
	if (e->size)
		netout_addf(o, " SIZE=%llu",
		    (unsigned long long)tx->mail->sent_size);
	if (e->body8 && tx->mail->facts.is8bit)
		netout_adds(o, " BODY=8BITMIME");
	if (tx->utf8)
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
	fit_put_address(tx->s, r->address);
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

static bool
is_ahead(const struct smtp *s)
{
	return s->ehlo.pipelining && !s->no_pipelining;
}

static bool
uses_bdat(const struct tx *tx)
{
	return tx->chunk.max > 0;
}

/* RFC 3030 section 2: bdat-cmd, and the octets right behind it. */
static void
put_bdat(struct tx *tx)
{
	struct netout *o = &tx->s->out;

	netout_addf(o, "BDAT %zu LAST\r\n", tx->chunk.len);
	netout_add(o, tx->chunk.p, tx->chunk.len);
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
	else if (uses_bdat(tx))
		put_bdat(tx);
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
	if (c < CMD_RCPT + tx->n)
		return "RCPT";
	return uses_bdat(tx) ? "BDAT" : "DATA";
}

static void
mail_reply(struct tx *tx)
{
	if (tx->s->reply.code / 100 == 2)
		return;
	tx->mail_refused = true;
	smtp_verdict(tx->s, "MAIL", &tx->v);
	if (tx->v.class == PROC_DEFER)
		tx->elsewhere = true;
	else
		answer_rest(tx);
}

/* RFC 5321 section 4.5.3.1.10: what a server says that has enough recipients for one
 * transaction; 552 there means 452. */
static bool
is_too_many(const struct tx *tx)
{
	const struct reply *r = &tx->s->reply;

	if (tx->naccepted == 0 || (r->code != 452 && r->code != 552))
		return false;
	return r->dsn[0] == '\0' || strcmp(r->dsn + 1, ".5.3") == 0;
}

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
	if (is_too_many(tx)) {
		tx->many = tx->v;
		tx->many.class = PROC_DEFER;
		strlcpy(tx->many.dsn, "4.5.3", sizeof(tx->many.dsn));
		tx->later[i] = true;
		tx->nlater++;
		return;
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
		answer_rest(tx);
	} else if (tx->v.class == PROC_DEFER)
		tx->elsewhere = true;
	else
		answer_rest(tx);
}

/* The one place where a message may arrive twice: RFC 1047. */
static void
maybe_taken(struct tx *tx)
{
	struct verdict lost = tx->v;

	verdict_set(&tx->v, PROC_DEFER, lost.dsn,
	    "%s; the message may have been taken and may arrive twice",
	    lost.text);
}

/* The reply to all of the content.  What it grants is noted before anything else
 * is done. */
static void
content_reply(struct tx *tx, const char *command, const bool *whose)
{
	smtp_verdict(tx->s, command, &tx->v);
	tx->v.passed = tx->s->ehlo.dsn;
	notes_add(tx->job, tx->rcpts, whose, tx->n, &tx->s->relay,
	    &tx->v);
}

/* Whose RCPT was lost, while others' were not and the content went along: later, for
 * it is with the server by now. */
static void
answer_lost(struct tx *tx)
{
	for (size_t i = 0; i < tx->n; i++) {
		if (tx->accepted[i] || tx->later[i])
			continue;
		verdict_set(&tx->v, PROC_DEFER, "4.5.0",
		    "the server lost the command for this recipient");
		answer(tx, i);
	}
}

/* A server that offers CHUNKING and does not know BDAT reads the content as
 * commands: the connection ends, and another goes without. */
static void
bdat_reply(struct tx *tx)
{
	unsigned code = tx->s->reply.code;

	if (tx->naccepted == 0)
		return;
	if (tx->lost)
		answer_lost(tx);
	content_reply(tx, "BDAT", tx->accepted);
	if (code >= 500 && code <= 504) {
		tx->s->no_chunking = tx->s->closing = true;
		return;
	}
	answer_rest(tx);
	tx->s->dirty = code != 250;
}

/*
 * Does the reply say that the command before it never came?  RFC 2920 section 3.2
 * has the server answer what is sent ahead in its order; 503 where the command
 * before was granted, 354 to RCPT and 250 to DATA are the answers of one that
 * does not.
 */
static bool
is_out_of_place(const struct tx *tx, size_t c)
{
	unsigned code = tx->s->reply.code;

	if (!is_ahead(tx->s) || tx->mail_refused || c <= CMD_MAIL)
		return false;
	if (c < CMD_RCPT + tx->n)
		return code == 503 || code == 354;
	return !uses_bdat(tx) && tx->naccepted > 0 &&
	    (code == 503 || code == 250);
}

static int
give_reply(struct tx *tx, size_t c)
{
	bool data = c == CMD_RCPT + tx->n;

	if (is_out_of_place(tx, c)) {
		tx->lost = true;
		return uses_bdat(tx) ? 0 : -1;	/* there is no going back */
	}
	if (c == CMD_MAIL)
		mail_reply(tx);
	else if (data && uses_bdat(tx))
		bdat_reply(tx);
	else if (data)
		data_reply(tx);
	else if (c != CMD_RSET)
		rcpt_reply(tx, c - CMD_RCPT);
	return 0;
}

/* Reads the reply to command c.  -1: the connection is of no more use. */
static int
take_reply(struct tx *tx, size_t c)
{
	const char *name = command_name(tx, c);
	bool data = c == CMD_RCPT + tx->n;
	enum smtp_wait wait = SMTP_WAIT_COMMAND;
	struct verdict v;

	if (data && uses_bdat(tx))
		wait = SMTP_WAIT_DOT;
	else if (data)
		wait = SMTP_WAIT_DATA;
	if (smtp_reply(tx->s, wait, name, NULL, &v) == -1) {
		if (tx->elsewhere)
			return -1;	/* it has said why */
		tx->v = v;
		if (wait == SMTP_WAIT_DOT && tx->naccepted > 0) {
			tx->lost = false;
			maybe_taken(tx);
		} else
			tx->lost = tx->heard && is_ahead(tx->s);
		tx->unsure = tx->lost && uses_bdat(tx);
		return -1;
	}
	if (tx->s->closing && !tx->heard && tx->first && tx->s->messages > 0)
		return -1;	/* 421 that waited for our next command */
	tx->heard = true;
	if (give_reply(tx, c) == -1)
		return -1;
	if (!tx->s->closing)
		return 0;
	if (!tx->elsewhere)
		smtp_verdict(tx->s, name, &tx->v);
	return -1;
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
	size_t window = is_ahead(tx->s) ? SEND_RCPTS + 3 : 1;
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
	return tx->lost && tx->naccepted == 0 ? -1 : 0;
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

/* RFC 2033 section 4.2: one reply for each accepted recipient, in their order. */
static void
lmtp_replies(struct tx *tx)
{
	for (size_t i = 0; i < tx->n; i++) {
		bool one[SEND_RCPTS] = { false };

		if (!tx->accepted[i])
			continue;
		if (smtp_reply(tx->s, SMTP_WAIT_DOT, "the final dot", NULL,
		    &tx->v) == -1) {
			maybe_taken(tx);
			return;
		}
		one[i] = true;
		content_reply(tx, "the final dot", one);
		answer(tx, i);
	}
	tx->s->dirty = false;
}

/* After 354. */
static void
send_content(struct tx *tx)
{
	struct smtp *s = tx->s;

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
	if (s->lmtp) {
		lmtp_replies(tx);
		return;
	}
	if (smtp_reply(s, SMTP_WAIT_DOT, "the final dot", NULL,
	    &tx->v) == -1) {
		maybe_taken(tx);
		return;
	}
	content_reply(tx, "the final dot", tx->accepted);
	s->dirty = false;
}

/* 354 with nobody to receive: RFC 2920 section 3.1 wants the empty message
 * ended, not sent. */
static void
send_nothing(struct tx *tx)
{
	netout_adds(&tx->s->out, ".\r\n");
	tx->s->closing = tx->s->lmtp;	/* which would say nothing */
	if (!tx->s->lmtp)
		(void)smtp_reply(tx->s, SMTP_WAIT_COMMAND, "the final dot", NULL,
	    &tx->v);
	tx->s->dirty = true;
}

static bool
is_answered(const struct remote_job *j)
{
	for (size_t i = 0; i < j->nrcpts; i++)
		if (!j->rcpts[i].answered)
			return false;
	return true;
}

static enum send_result
transaction(struct tx *tx)
{
	bool lied = tx->s->no_chunking;

	if (send_commands(tx) == -1) {
		tx->s->closing = true;
		if (!tx->heard && tx->first && tx->s->messages > 0)
			return SEND_AGAIN;
		if (tx->s->no_chunking && !lied)
			return SEND_AGAIN;
		if (tx->elsewhere)
			return SEND_ELSEWHERE;
		if (is_answered(tx->job))	/* why should it listen on? */
			return SEND_DONE;
		if (tx->lost) {
			log_warn("%s offers PIPELINING and loses commands: "
			    "sending one at a time%s", tx->s->relay.text,
			    tx->unsure ? "; the message may arrive twice" : "");
			tx->s->no_pipelining = true;
			return SEND_AGAIN;
		}
		if (tx->v.class != PROC_DEFER || tx->v.text[0] == '\0')
			verdict_set(&tx->v, PROC_DEFER, "4.4.2",
			    "the server closed the connection");
		if (!uses_bdat(tx))
			return SEND_ELSEWHERE;
		answer_rest(tx);
		return SEND_DONE;
	}
	if (tx->elsewhere)
		return SEND_ELSEWHERE;
	if (tx->go && tx->naccepted > 0) {
		send_content(tx);
		answer_rest(tx);
	} else if (tx->go)
		send_nothing(tx);
	tx->s->messages++;
	return SEND_DONE;
}

/* BDAT saves waiting for 354; a large content had better wait until somebody is
 * known to want it. */
static void
prepare_chunk(struct tx *tx)
{
	const struct ehlo *e = &tx->s->ehlo;

	buf_init(&tx->chunk, 0);
	if (tx->s->lmtp || !e->chunking || !is_ahead(tx->s) || tx->s->no_chunking ||
	    tx->mail->sent_size > CHUNK_MAX)
		return;
	buf_init(&tx->chunk, BODY_ROOM(CHUNK_MAX));
	if (mail_chunk(tx->mail, &tx->chunk) == 0)
		return;
	buf_free(&tx->chunk);		/* DATA will find out why */
	buf_init(&tx->chunk, 0);
}

/* The next recipients without an answer, from *next on: how many. */
static size_t
next_group(struct tx *tx, size_t *next)
{
	const struct remote_job *j = tx->job;
	uint64_t most = tx->s->ehlo.rcpt_max;

	if (most == 0 || most > SEND_RCPTS)
		most = SEND_RCPTS;
	if (tx->taken > 0 && most > tx->taken)
		most = tx->taken;
	tx->n = tx->naccepted = tx->nlater = 0;
	memset(tx->accepted, 0, sizeof(tx->accepted));
	memset(tx->later, 0, sizeof(tx->later));
	tx->mail_refused = tx->elsewhere = tx->go = false;
	tx->heard = tx->lost = tx->unsure = false;
	tx->v.text[0] = '\0';
	for (; *next < j->nrcpts && tx->n < most; (*next)++)
		if (!j->rcpts[*next].answered)
			tx->rcpts[tx->n++] = *next;
	return tx->n;
}

static enum send_result
send_groups(struct tx *tx)
{
	struct remote_job *j = tx->job;
	enum send_result r;
	size_t next = 0;

	while (!tx->s->closing) {
		if (next_group(tx, &next) == 0)
			return SEND_DONE;
		if (smtp_is_full(tx->s))
			return SEND_AGAIN;
		if ((r = transaction(tx)) != SEND_DONE)
			return r;
		/* Some have it, so the next time there are fewer. */
		if (tx->nlater > 0 && tx->v.class == PROC_DONE) {
			next = 0;
			tx->taken = tx->naccepted;
		}
		tx->first = false;
	}
	/* The connection ended between two groups of recipients. */
	for (; next < j->nrcpts; next++) {
		verdict_set(&tx->v, PROC_DEFER, "4.4.2",
		    "the server closed the connection before this recipient");
		remote_answer(j, next, &tx->s->relay, &tx->v, tx->answers);
	}
	return SEND_DONE;
}

enum send_result
smtp_send(struct smtp *s, struct mail *m, struct remote_job *j,
    struct buf *answers, struct verdict *why)
{
	struct tx tx;
	enum send_result r;

	memset(&tx, 0, offsetof(struct tx, many));
	tx.s = s;
	tx.mail = m;
	tx.job = j;
	tx.answers = answers;
	tx.first = true;
	verdict_clear(&tx.many);
	verdict_clear(&tx.v);
	if (fit_message(s, m, j, answers, &tx.v) == -1) {
		remote_answer_all(j, &s->relay, &tx.v, answers);
		return SEND_DONE;
	}
	tx.utf8 = fit_utf8(s, m, j);
	prepare_chunk(&tx);
	r = send_groups(&tx);
	buf_free(&tx.chunk);
	if (r == SEND_ELSEWHERE)
		*why = tx.v;
	else if (r == SEND_DONE && tx.many.text[0] != '\0')
		remote_answer_all(j, &s->relay, &tx.many, answers);
	return r;
}
