/*
 * BDAT: the message in pieces whose sizes are told before (RFC 3030).  The size
 * alone says where a chunk ends, so nothing in it can end the message or begin a
 * command; and a chunk is always read, also where it is refused.
 */
#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "limits.h"

void
message_drop(struct message *m)
{
	if (m != NULL) {
		recode_free(m->recode);
		recode_plan_free(&m->plan);
		message_free(m);
	}
	free(m);
}

/* RFC 3030 section 2: bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] */
static bool
parse_bdat(struct cur *c, uint64_t *size, bool *last)
{
	*last = false;
	if (cur_num(c, UINT64_MAX, size) == -1)
		return false;
	if (cur_end(c))
		return true;
	while (cur_ch(c, ' '))
		*last = true;
	return *last && cur_word(c, "LAST") && cur_end(c);
}

/* A piece that recode gives: text with LF, in blocks as data_feed takes them. */
static int
take_text(void *arg, struct span text)
{
	struct message *m = arg;
	struct cur c;
	size_t used;

	cur_init(&c, text);
	while (!cur_end(&c) && m->data.fault == FAULT_NONE) {
		size_t n = cur_left(&c);

		(void)data_feed(&m->data, cur_take(&c, n < NETIN_BUF ? n :
		    NETIN_BUF), &used, &m->writer.buf);
		message_write(m);
	}
	return 0;
}

/* What recode says of the content: r is its result. */
static void
recoded(struct message *m, int r)
{
	if (r == -1)
		m->data.fault = errno == ENOBUFS ? FAULT_HEADER : FAULT_MEMORY;
	else if (m->plan.prohibited)
		m->data.fault = FAULT_SEALED;
}

/* BINARYMIME, RFC 3030 section 3: the spool holds text, so binary parts become
 * base64 on their way in. */
static void
take_binary(struct message *m, struct span block)
{
	m->wire += block.len;
	if (m->wire > m->s->control->set.message_size)
		m->data.fault = FAULT_SIZE;
	else
		recoded(m, recode_add(m->recode, block));
}

static void
take_block(struct message *m, struct span block)
{
	size_t used;

	if (m->recode != NULL)
		take_binary(m, block);
	else
		(void)data_feed(&m->data, block, &used, &m->writer.buf);
	message_write(m);
}

/* The last octet was given. */
static void
content_end(struct message *m)
{
	if (m->recode != NULL)
		recoded(m, recode_end(m->recode));
	data_finish(&m->data, &m->writer.buf);
	message_write(m);
}

/* The octets of a chunk.  What no message wants is read all the same, or it
 * would be taken for commands. */
static enum netin_result
chunk_read(struct session *s, uint64_t left)
{
	struct message *m = s->tx.message;

	while (left > 0) {
		enum netin_result r;
		struct span block;
		enum reply_id id;

		if ((r = netin_block(&s->in, &block)) != NETIN_DATA)
			return r;
		if (block.len > left)
			block.len = (size_t)left;
		if (m != NULL && !message_failed(m, &id))
			take_block(m, block);
		netin_consume(&s->in, block.len);
		left -= block.len;
	}
	return NETIN_DATA;
}

/* A chunk of the message was read: goes on, ends it, or refuses it, once. */
static void
chunk_done(struct session *s, uint64_t size, bool last)
{
	struct message *m = s->tx.message;
	enum reply_id id;
	char text[24];

	if (m->refused) {
		id = R_BDAT_REFUSED;
	} else if (last) {
		if (!message_failed(m, &id))
			content_end(m);
		message_commit(m);
		transaction_reset(s);
		return;
	} else if (!message_failed(m, &id)) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
		reply(s, R_CHUNK, text);
		return;
	}
	m->refused = true;
	if (!last) {
		reply(s, id, NULL);
		return;
	}
	message_answer(s, id, NULL);
	transaction_reset(s);
}

/* Begins the message: 0, or -1 no memory.  That the spool cannot take it is told
 * when the chunk has been read. */
static int
first_chunk(struct session *s)
{
	struct message *m = malloc(sizeof(*m));

	if (m == NULL)
		return -1;
	(void)message_begin(m, s, false);
	s->tx.message = m;
	s->state = STATE_BDAT;
	if (!s->tx.binary)
		return 0;
	m->recode = recode_new(RECODE_ONCE, RECODE_8BIT, RECODE_CRLF, &m->plan,
	    take_text, m);
	return m->recode == NULL ? -1 : 0;
}

/*
 * RFC 3030 section 2.  A message that is refused before its LAST chunk leaves
 * the transaction to be ended by RSET: chunks that were sent without waiting
 * are still coming.
 */
void
do_bdat(struct session *s, struct cur *arg)
{
	enum netin_result r;
	uint64_t size;
	bool last;

	if (!parse_bdat(arg, &size, &last)) {
		reply(s, R_BAD_CHUNK, NULL);
		return;
	}
	if (s->state == STATE_RCPT) {
		if (first_chunk(s) == -1) {
			reply(s, R_SHUTDOWN, NULL);
			return;
		}
	}
	netin_rate(&s->in, s->control->set.data_rate);
	r = chunk_read(s, size);
	netin_rate(&s->in, 0);
	if (r != NETIN_DATA)
		session_end(s, r);
	else if (s->state == STATE_BDAT)
		chunk_done(s, size, last);
	else
		reply(s, command_refusal(s), NULL);
}
