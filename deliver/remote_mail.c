/*
 * Reads a spool file for sending.  Trusts its name for the size, and sends the
 * final dot only when that many bytes were there.  The envelope, before the first
 * Received: and behind that many bytes, stays here: it names other recipients.
 */
#include "remote_mail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAIL_CHUNK	65536

/* A message may have moved from new/ to cur/ since the job was written. */
static int
open_file(const struct dirs *d, const struct remote_job *j)
{
	bool new = !j->cur;
	int fd;

	fd = openat(new ? d->new : d->cur, j->name.text,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		fd = openat(new ? d->cur : d->new, j->name.text,
		    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

struct span
mail_front(const struct mail *m)
{
	return span_of(m->head.p + m->env.length, m->head.len - m->env.length);
}

typedef int content_fn(void *arg, struct span piece);

/* Gives all content to fn, in pieces of at most MAIL_CHUNK; may be done again.
 * 0; -1 with errno 0: fn has failed; else reading has. */
static int
each_piece(struct mail *m, content_fn *fn, void *arg)
{
	unsigned char chunk[MAIL_CHUNK];
	uint64_t at = m->head.len;
	struct cur c;
	ssize_t r;

	errno = 0;
	cur_init(&c, mail_front(m));
	while (!cur_end(&c))
		if (fn(arg, cur_take(&c, cur_left(&c) < MAIL_CHUNK ?
		    cur_left(&c) : MAIL_CHUNK)) == -1)
			goto failed;
	while (at < m->size) {
		r = pread(m->fd, chunk, m->size - at < sizeof(chunk) ?
		    (size_t)(m->size - at) : sizeof(chunk), (off_t)at);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0) {
			errno = r == 0 ? EBADMSG : errno;
			return -1;
		}
		if (fn(arg, span_of(chunk, (size_t)r)) == -1)
			goto failed;
		at += (uint64_t)r;
	}
	return 0;
failed:
	errno = 0;
	return -1;
}

static int
look(void *arg, struct span piece)
{
	body_look(arg, piece);
	return 0;
}

/* How many bytes the content has with CRLF: the name knows it for all of the
 * file, and the envelope's lines are counted here. */
static uint64_t
wire_size(const struct mail *m, const struct remote_job *j)
{
	uint64_t envelope = m->env.length;

	for (size_t i = 0; i < m->env.length; i++)
		envelope += m->head.p[i] == '\n';
	return j->name.wsize > envelope ? j->name.wsize - envelope : 0;
}

int
mail_open(struct mail *m, const struct dirs *d, const struct remote_job *j,
    struct verdict *v)
{
	memset(m, 0, sizeof(*m));
	envelope_init(&m->env);
	buf_init(&m->head, SPOOL_ENVELOPE_MAX + MAIL_CHUNK);
	m->size = j->name.size;
	m->fd = open_file(d, j);
	if (m->fd == -1 || envelope_read(m->fd, &j->name, MAIL_CHUNK, &m->head,
	    &m->env) == -1) {
		verdict_set(v, PROC_DEFER, "4.3.0",
		    "cannot read the message from the spool: %s",
		    strerror(errno));
		return -1;
	}
	if (each_piece(m, look, &m->facts) == -1) {
		verdict_set(v, PROC_DEFER, "4.3.0",
		    "the message is shorter than its name says");
		return -1;
	}
	m->wire_size = m->sent_size = wire_size(m, j);
	return 0;
}

void
mail_close(struct mail *m)
{
	envelope_free(&m->env);
	buf_free(&m->head);
	recode_plan_free(&m->plan);
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
}

/* --- conversion --- */

static int
recode_piece(void *arg, struct span piece)
{
	return recode_add(arg, piece);
}

/* One pass of recode over the content: 0; -1 with errno 0: out failed. */
static int
recode_content(struct mail *m, enum recode_pass pass, recode_out *out,
    void *arg)
{
	struct recode *r = recode_new(pass, m->to, RECODE_LF, &m->plan, out,
	    arg);
	int got;

	if (r == NULL)
		return -1;
	got = each_piece(m, recode_piece, r);
	if (got == 0 && recode_end(r) == -1) {
		errno = 0;
		got = -1;
	}
	recode_free(r);
	return got;
}

static int
survey(struct mail *m, enum recode_to to, struct verdict *v)
{
	recode_plan_free(&m->plan);
	m->to = to;
	if (recode_content(m, RECODE_SURVEY, NULL, NULL) == 0)
		return 0;
	verdict_set(v, PROC_DEFER, "4.3.0",
	    "the message cannot be looked through for its conversion%s%s",
	    errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
	return -1;
}

static int
count(void *arg, struct span s)
{
	uint64_t *n = arg;

	*n += s.len;
	for (size_t i = 0; i < s.len; i++)
		*n += s.p[i] == '\n';
	return 0;
}

/* RFC 6152 section 3; RFC 2480 section 4 for what is signed. */
int
mail_fit(struct mail *m, bool body8, struct verdict *v)
{
	bool narrow = m->facts.is8bit && !body8;
	int e;

	m->recode = false;
	m->sent_size = m->wire_size;
	if (!narrow && !m->facts.longline)
		return 0;
	if (survey(m, body8 ? RECODE_8BIT : RECODE_7BIT, v) == -1)
		return -1;
	if (m->plan.prohibited && narrow) {
		verdict_set(v, PROC_FAIL, "5.6.2", "the server takes only "
		    "7-bit text (no 8BITMIME), and a signed or encrypted part "
		    "of the message must not be converted");
		return -1;
	}
	if (!m->plan.needed)
		return 0;
	m->sent_size = 0;
	if (recode_content(m, RECODE_PLANNED, count, &m->sent_size) == -1) {
		e = errno;
		verdict_set(v, PROC_DEFER, "4.3.0",
		    "the message cannot be converted: %s",
		    e == 0 ? "a header is too long" : strerror(e));
		return -1;
	}
	m->recode = true;
	return 0;
}

int
mail_header8(struct mail *m, struct verdict *v)
{
	if (!m->facts.is8bit)
		return 0;
	if (survey(m, RECODE_8BIT, v) == -1)
		return -1;
	return m->plan.header8;
}

/* --- sending --- */

struct sender {
	struct body body;
	struct netout *out;	/* either, */
	struct buf *chunk;	/* or */
	unsigned char *room;
};

static int
put(struct sender *s, size_t n)
{
	return s->out != NULL ? netout_add(s->out, s->room, n) :
	    buf_add(s->chunk, s->room, n);
}

/* A recoded piece may be longer than the room. */
static int
send_piece(void *arg, struct span piece)
{
	struct sender *s = arg;
	struct cur c;

	cur_init(&c, piece);
	while (!cur_end(&c))
		if (put(s, body_convert(&s->body, cur_take(&c,
		    cur_left(&c) < MAIL_CHUNK ? cur_left(&c) : MAIL_CHUNK),
		    s->room)) == -1)
			return -1;
	return 0;
}

static int
send_all(struct mail *m, struct sender *s)
{
	int r;

	errno = 0;
	if ((s->room = malloc(BODY_ROOM(MAIL_CHUNK) + BODY_END)) == NULL)
		return -1;
	r = m->recode ? recode_content(m, RECODE_PLANNED, send_piece, s) :
	    each_piece(m, send_piece, s);
	if (r == 0 && (r = put(s, body_end(&s->body, s->room))) == -1)
		errno = 0;
	free(s->room);
	return r;
}

int
mail_send(struct mail *m, struct netout *out)
{
	struct sender s = { .out = out };

	return send_all(m, &s);
}

int
mail_chunk(struct mail *m, struct buf *out)
{
	struct sender s = { .body = { .chunk = true }, .chunk = out };

	return send_all(m, &s);
}
