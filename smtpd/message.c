/*
 * From DATA to a file in the spool, and what BDAT (bdat.c) does like it: envelope,
 * Received field, content, and the reply.  A message is answered 250 only when
 * spool_commit says that it is durable; after any other reply nothing of it is
 * left.
 */
#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ex.h"
#include "header.h"
#include "limits.h"
#include "log.h"
#include "policy.h"

_Static_assert(SPOOL_AHEAD >= DATA_OUT_MAX, "a block fits");

/* RFC 3848, RFC 2033 section 4 for LMTP, and RFC 6531 section 4.3. */
static void
add_protocol(const struct session *s, struct buf *b)
{
	bool utf8 = s->tx.envelope.smtputf8;

	buf_adds(b, utf8 ? "UTF8" : s->esmtp && s->conn->variant != LMTP ?
	    "E" : "");
	buf_adds(b, s->conn->variant == LMTP ? "LMTP" : "SMTP");
	if (s->conn->tls && s->esmtp)
		buf_addc(b, 'S');
	if (s->user[0] != '\0')
		buf_addc(b, 'A');
	if (s->conn->tls)
		buf_addf(b, " (%s %s)", s->conn->facts->version,
		    s->conn->facts->cipher);
}

/* RFC 5321 section 4.1.3 */
static void
add_peer(const struct conn *conn, struct buf *b)
{
	if (IN6_IS_ADDR_UNSPECIFIED(&conn->peer_in6))
		buf_addf(b, "(%s)", conn->peer_text);
	else
		buf_addf(b, "([%s%s])", strchr(conn->peer_text, ':') != NULL ?
		    "IPv6:" : "", conn->peer_text);
}

/* RFC 5321 section 4.4: Time-stamp-line */
static void
add_received(const struct session *s, const char *qid, struct buf *b)
{
	char date[DATE_SIZE];

	date_print(clock_now(), date);
	buf_adds(b, "Received: ");
	/* A user's address, and the name that a laptop gives itself, tell where
	 * the user is. */
	if (s->user[0] == '\0' || !s->control->set.hide_client) {
		buf_addf(b, "from %s ", s->helo);
		add_peer(s->conn, b);
		buf_adds(b, "\n\t");
	}
	buf_addf(b, "by %s with ", s->control->hostname);
	add_protocol(s, b);
	buf_addf(b, "\n\tid %s; %s\n", qid, date);
}

/* RFC 6409 section 8: what a submitted message lacks. */
static void
add_missing(void *arg, unsigned seen, struct buf *out)
{
	const struct message *m = arg;
	const char *sender = m->s->tx.envelope.sender;
	char date[DATE_SIZE];

	if ((seen & SEEN_DATE) == 0) {
		date_print(clock_now(), date);
		buf_addf(out, "Date: %s\n", date);
	}
	if ((seen & SEEN_MESSAGE_ID) == 0)
		buf_addf(out, "Message-ID: <%s@%s>\n", m->writer.qid,
		    m->s->control->hostname);
	if ((seen & SEEN_FROM) == 0 && sender[0] != '\0')
		buf_addf(out, "From: <%s>\n", sender);
}

/* The reply to an error of the file system. */
static enum reply_id
error_reply(int e)
{
	return e == ENOSPC || e == EDQUOT || e == EFBIG ? R_NO_SPACE :
	    R_WRITE_FAILED;
}

static void
log_failure(const struct session *s, const char *qid, int e)
{
	struct log l;

	log_begin(&l, "warn");
	log_str(&l, "qid", qid);
	log_str(&l, "sid", s->conn->sid);
	log_str(&l, "errno", strerrorname_np(e));
	log_text(&l, "message not stored: %s", strerror(e));
	log_end(&l);
}

/* Envelope and Received into the spool.  0, or -1 with errno. */
static int
write_head(struct message *m)
{
	struct buf head;
	int r;

	if (spool_envelope(&m->writer, &m->s->tx.envelope) == -1)
		return -1;
	buf_init(&head, RECEIVED_FIELD_MAX);
	add_received(m->s, m->writer.qid, &head);
	r = head.bad ? -1 : spool_add(&m->writer, head.p, head.len);
	buf_free(&head);
	return r;
}

int
message_begin(struct message *m, struct session *s, bool dots)
{
	const struct settings *set = &s->control->set;
	bool submission = s->conn->variant == SUBMISSION;
	const struct data_rules rules = {
		.size = set->message_size, .line = set->line_length,
		.dots = dots, .cr_spaces = set->bare_newline_repair,
		/* Exchange sends LF alone in BDAT, where it cannot mislead. */
		.lf_ends = set->bare_newline_repair || !dots,
		.domain = submission && s->control->first_domain[0] != '\0' ?
		    s->control->first_domain : NULL,
	};
	int e;

	memset(m, 0, sizeof(*m));
	m->s = s;
	data_init(&m->data, &rules);
	if (submission) {
		m->data.header_end = add_missing;
		m->data.arg = m;
	}
	if (spool_begin(&m->writer, s->spool) == 0 && write_head(m) == 0)
		return 0;
	e = errno;
	log_failure(s, m->writer.qid, e);
	spool_abort(&m->writer);
	m->writer.failed = true;
	m->writer.errno_ = e;
	return -1;
}

void
message_free(struct message *m)
{
	spool_abort(&m->writer);
	data_free(&m->data);
}

/* Once the disk or a limit has failed, the file goes at once: what the client still sends
 * is only read to find its end. */
void
message_write(struct message *m)
{
	if (m->data.fault != FAULT_NONE)
		spool_abort(&m->writer);
	else if (!m->writer.failed &&
	    spool_added(&m->writer) == -1) {
		log_failure(m->s, m->writer.qid, m->writer.errno_);
		spool_abort(&m->writer);
	}
	if (m->writer.fd == -1)
		buf_clear(&m->writer.buf);
}

/* Reads to the end of the data.  NETIN_DATA: it was seen, or the content was
 * refused (data.fault); else why there is no more input. */
static enum netin_result
message_read(struct message *m)
{
	struct netin *in = &m->s->in;
	enum data_status st = DATA_MORE;

	while (st == DATA_MORE) {
		enum netin_result r;
		struct span block;
		size_t used;

		if ((r = netin_block(in, &block)) != NETIN_DATA)
			return r;
		st = data_feed(&m->data, block, &used, &m->writer.buf);
		netin_consume(in, used);
		message_write(m);
	}
	return NETIN_DATA;
}

static enum reply_id
fault_reply(const struct data *d)
{
	static const enum reply_id ids[] = {
		[FAULT_SIZE] = R_TOO_BIG, [FAULT_LINE] = R_LINE_LENGTH,
		[FAULT_HEADER] = R_HEADER_SIZE, [FAULT_LOOP] = R_LOOP,
		[FAULT_MEMORY] = R_WRITE_FAILED, [FAULT_BARE] = R_DATA_BARE,
		[FAULT_NUL] = R_DATA_NUL,
		[FAULT_SEALED] = R_BINARY_SEALED,
	};

	/* The end of a chunk is known whatever is in it: no need to close. */
	if (!d->rules.dots && d->fault == FAULT_BARE)
		return R_BDAT_BARE;
	if (!d->rules.dots && d->fault == FAULT_NUL)
		return R_BDAT_NUL;
	return ids[d->fault];
}

/* It cannot be accepted any more, and the reply that says so. */
bool
message_failed(const struct message *m, enum reply_id *id)
{
	if (m->data.fault != FAULT_NONE)
		*id = fault_reply(&m->data);
	else if (m->writer.failed)
		*id = error_reply(m->writer.errno_);
	else
		return false;
	return true;
}

static void
log_queued(const struct message *m, const struct spool_name *n,
    const char *qid)
{
	const struct session *s = m->s;
	const struct envelope *e = &s->tx.envelope;
	struct log l;

	log_begin(&l, "queued");
	log_str(&l, "sid", s->conn->sid);
	log_str(&l, "qid", qid);
	log_addr(&l, "from", span_str(e->sender));
	log_addr(&l, "to", span_str(e->rcpts[0].addr));
	log_num(&l, "nrcpt", e->nrcpts);
	log_num(&l, "size", n->size);
	log_str(&l, "peer", s->conn->peer_text);
	log_str(&l, "helo", s->helo);
	if (s->user[0] != '\0')
		log_str(&l, "user", s->user);
	if (s->conn->tls)
		log_str(&l, "tls", s->conn->facts->version);
	if (m->data.message_id[0] != '\0')
		log_addr(&l, "msgid", span_str(m->data.message_id));
	log_end(&l);
}

/* The reply to the data; LMTP wants one for each recipient that was accepted,
 * in their order (RFC 2033 section 4.2): all share one file, and one fate. */
void
message_answer(struct session *s, enum reply_id id, const char *arg)
{
	unsigned n = s->conn->variant == LMTP ? s->tx.accepted : 1;

	for (; n > 0 && !s->done; n--)
		reply(s, id, arg);
}

/* Content complete: makes it durable and answers. */
void
message_commit(struct message *m)
{
	struct session *s = m->s;
	struct spool_name name;
	char qid[sizeof(m->writer.qid)];
	char why[POLICY_WHY] = "";
	enum reply_id id;

	strlcpy(qid, m->writer.qid, sizeof(qid));
	if (message_failed(m, &id)) {
		message_answer(s, id, NULL);
	} else if ((id = policy_count(s, why)) != R_QUEUED) {
		spool_abort(&m->writer);
		message_answer(s, id, why);
	} else if (spool_commit(&m->writer, &name) == -1) {
		log_failure(s, qid, errno);
		message_answer(s, error_reply(m->writer.errno_), NULL);
	} else {
		spool_trigger(s->spool, &name);
		log_queued(m, &name, qid);
		s->messages++;
		s->errors = s->idle = 0;
		message_answer(s, R_QUEUED, qid);
	}
}

/* RFC 5321 section 4.1.1.4 */
void
do_data(struct session *s, struct cur *arg)
{
	enum netin_result r;
	struct message m;

	if (!cur_end(arg)) {
		reply(s, R_NO_ARGUMENT, NULL);
		return;
	}
	if (s->tx.binary) {	/* RFC 3030 section 3 */
		reply(s, R_BINARY_DATA, NULL);
		return;
	}
	if (message_begin(&m, s, true) == -1) {
		reply(s, error_reply(m.writer.errno_), NULL);
		message_free(&m);
		transaction_reset(s);
		return;
	}
	reply(s, R_DATA, NULL);
	netin_rate(&s->in, s->control->set.data_rate);
	r = message_read(&m);
	netin_rate(&s->in, 0);
	if (r == NETIN_DATA)
		message_commit(&m);
	else
		session_end(s, r);
	message_free(&m);
	transaction_reset(s);
}
