/*
 * A message from its file to the client, in large blocks and constant memory, converted where it leaves from.  The first
 * block carries the positive reply and the last one the final dot, so that a small message is one write.
 */
#include "send.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "downgrade.h"
#include "ex.h"
#include "maildrop.h"

#define CHUNK		65536	/* bytes of one read; more gains nothing */
#define ROOM_MIN	4096	/* less room is not worth a round */

struct sender {
	struct pop3 *p;
	struct stuff *s;
	const char *ok;		/* the reply before; NULL: it is on its way */
};

static unsigned char in[CHUNK];

/* In the middle of a message there is no honest end: the connection is dropped, and the client keeps what
 * it had before. */
static void
read_failed(struct sender *t)
{
	struct pop3 *p = t->p;

	if (t->ok != NULL) {
		reply(p, R_READ_FAILED);
		return;
	}
	log_warn_errno("reading a message");
	p->exit_code = EX_IOERR;
	p->done = p->out.failed = true;
}

static ssize_t
read_some(struct source *src, void *to, size_t n)
{
	ssize_t r;

	if (n > src->left)
		n = (size_t)src->left;
	if (n == 0)
		return 0;
	while ((r = read(src->fd, to, n)) == -1 && errno == EINTR)
		;
	if (r > 0)
		src->left -= (uint64_t)r;
	return r;
}

int
source_open(struct source *src, struct maildrop *d, size_t number)
{
	src->number = src->have = 0;
	if ((src->fd = maildrop_read(d, number, &src->left)) == -1)
		return -1;
	src->number = number;
	return 0;
}

void
source_ahead(struct source *src)
{
	ssize_t r = read_some(src, in, sizeof(in));

	if (r == -1)
		source_close(src);	/* whoever asks for it is told */
	else
		src->have = (size_t)r;
}

void
source_close(struct source *src)
{
	if (src->number != 0)
		close(src->fd);
	src->number = 0;
}

static int
put(struct sender *t, struct span bytes)
{
	struct netout *o = &t->p->out;
	unsigned char *to;
	size_t room, n;

	if (t->ok != NULL)
		(void)netout_adds(o, t->ok);
	t->ok = NULL;
	while (bytes.len > 0 && !t->s->done) {
		if ((to = netout_room(o, ROOM_MIN, &room)) == NULL)
			return -1;
		n = (room - STUFF_ROOM(0)) / 2;
		if (n > bytes.len)
			n = bytes.len;
		netout_put(o, stuff_add(t->s, bytes.p, n, to));
		bytes = span_of(bytes.p + n, bytes.len - n);
	}
	return o->failed ? -1 : 0;
}

/* Bytes of the header with its empty line; 0: it does not end here. */
static size_t
header_end(struct span bytes)
{
	const unsigned char *p = bytes.p, *end = bytes.p + bytes.len;

	if (bytes.len > 0 && *p == '\n')
		return 1;
	for (; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
		if (end - p >= 2 && p[1] == '\n')
			return (size_t)(p + 2 - bytes.p);
		if (end - p >= 3 && p[1] == '\r' && p[2] == '\n')
			return (size_t)(p + 3 - bytes.p);
	}
	return 0;
}

/* Reads on until head has the whole header: its length; 0 it is too long to be looked at; -1. */
static ssize_t
whole_header(struct source *src, struct buf *head)
{
	size_t n;
	ssize_t r;

	while ((n = header_end(buf_span(head))) == 0 &&
	    head->len < POP3_SURROGATE_MAX) {
		unsigned char *to = buf_room(head, CHUNK);

		if (to == NULL || (r = read_some(src, to, CHUNK)) == -1)
			return -1;
		if (r == 0)
			return (ssize_t)head->len;
		head->len += (size_t)r;
	}
	return (ssize_t)n;
}

/* What was read of a message whose header may not go out as it is.  0, or -1: another reply was given. */
static int
put_surrogate(struct sender *t, struct source *src, struct span first)
{
	struct buf head, other;
	ssize_t n = -1;
	int r = -1;

	buf_init(&head, POP3_SURROGATE_MAX + 2 * CHUNK);
	buf_init(&other, 2 * POP3_SURROGATE_MAX);
	if (buf_addspan(&head, first) == 0)
		n = whole_header(src, &head);
	if (n == -1) {
		read_failed(t);
	} else if (n == 0) {
		reply(t->p, R_NEEDS_UTF8);
	} else if (!downgrade_needed(span_of(head.p, (size_t)n))) {
		r = put(t, buf_span(&head));
	} else if (downgrade_header(span_of(head.p, (size_t)n), &other) == -1) {
		reply(t->p, R_NEEDS_UTF8);
	} else {
		buf_addc(&other, '\n');
		r = put(t, buf_span(&other));
		if (r == 0)
			r = put(t, span_of(head.p + n, head.len - (size_t)n));
	}
	buf_free(&head);
	buf_free(&other);
	return r;
}

/* The header, as far as this block holds it, has bytes that this client has not asked for. */
static bool
is_foreign(const struct pop3 *p, struct span first)
{
	size_t n = header_end(first);

	return !p->utf8 && !span_isascii(n > 0 ? span_of(first.p, n) : first);
}

static int
put_first(struct sender *t, struct source *src, struct span first)
{
	if (is_foreign(t->p, first))
		return put_surrogate(t, src, first);
	return put(t, first);
}

bool
send_message(struct pop3 *p, struct source *src, struct stuff *s,
    const char *ok)
{
	struct sender t = { .p = p, .s = s, .ok = ok };
	unsigned char end[STUFF_ROOM(0)];
	ssize_t r = (ssize_t)src->have;

	if (r == 0)
		r = read_some(src, in, sizeof(in));
	src->have = 0;
	if (r != -1 && put_first(&t, src, span_of(in, (size_t)r)) == -1)
		return false;
	while (r > 0 && !s->done) {
		r = read_some(src, in, sizeof(in));
		if (r > 0 && put(&t, span_of(in, (size_t)r)) == -1)
			return false;
	}
	if (r == -1) {
		read_failed(&t);
		return false;
	}
	return netout_add(&p->out, end, stuff_end(s, end)) == 0;
}
