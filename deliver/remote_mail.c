/*
 * Reads a spool file for sending.  Trusts its name for the size, and sends the
 * final dot only when that many bytes were there.  The envelope fields in front
 * of the first Received: stay here: they name other recipients.
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

/* Reads at most one chunk more into head: 0, or -1 (errno 0: too short). */
static int
read_more(struct mail *m)
{
	uint64_t left = m->size - m->head.len;
	size_t want = left < MAIL_CHUNK ? (size_t)left : MAIL_CHUNK;
	unsigned char *p;
	ssize_t r;

	errno = 0;
	if (want == 0 || (p = buf_room(&m->head, want)) == NULL)
		return -1;
	while ((r = read(m->fd, p, want)) == -1 && errno == EINTR)
		;
	if (r <= 0)
		return -1;
	m->head.len += (size_t)r;
	return 0;
}

static struct span
content_head(const struct mail *m)
{
	return span_of(m->head.p + m->env.length, m->head.len - m->env.length);
}

/* Looks through what is not in memory, from where reading stands, and leaves
 * the position there. */
static int
scan_rest(struct mail *m)
{
	unsigned char chunk[MAIL_CHUNK];
	off_t at = (off_t)m->head.len;
	ssize_t r = 1;

	while (!m->is8bit && (uint64_t)at < m->size) {
		r = pread(m->fd, chunk, sizeof(chunk), at);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		m->is8bit = body_is8bit(span_of(chunk, (size_t)r));
		at += r;
	}
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

static int
read_envelope(struct mail *m)
{
	do {
		if (read_more(m) == -1) {
			errno = errno == 0 ? EBADMSG : errno;
			return -1;
		}
		errno = 0;
		if (envelope_parse(buf_span(&m->head), &m->env) == 0)
			return 0;
		/* The end is in view, and there is no content behind. */
		if (errno == ENODATA && m->head.len == m->size)
			errno = EINVAL;
	} while (errno == ENODATA);
	return -1;
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
	if (m->fd == -1 || read_envelope(m) == -1) {
		verdict_set(v, PROC_DEFER, "4.3.0",
		    "cannot read the message from the spool: %s",
		    strerror(errno));
		return -1;
	}
	m->is8bit = body_is8bit(content_head(m));
	if (scan_rest(m) == -1) {
		verdict_set(v, PROC_DEFER, "4.3.0",
		    "the message is shorter than its name says");
		return -1;
	}
	m->wire_size = wire_size(m, j);
	return 0;
}

void
mail_close(struct mail *m)
{
	envelope_free(&m->env);
	buf_free(&m->head);
	if (m->fd != -1)
		close(m->fd);
	m->fd = -1;
}

/* Converts one piece; the last one takes the final dot along, so that both
 * leave in the same write. */
static int
send_piece(struct body *b, struct span in, bool last, unsigned char *room,
    struct netout *out)
{
	size_t n = body_convert(b, in, room);

	if (last)
		n += body_end(b, room + n);
	return netout_add(out, room, n);
}

int
mail_send(struct mail *m, struct netout *out)
{
	unsigned char chunk[MAIL_CHUNK];
	struct body b = { .midline = false };
	struct span piece = content_head(m);
	uint64_t left = m->size - m->head.len;
	size_t most = piece.len > MAIL_CHUNK ? piece.len : MAIL_CHUNK;
	unsigned char *room = malloc(BODY_ROOM(most) + BODY_END);
	int r = -1;

	if (room == NULL)
		return -1;
	for (;;) {
		ssize_t n;

		errno = 0;
		if ((r = send_piece(&b, piece, left == 0, room, out)) == -1) {
			errno = 0;
			break;
		}
		if (left == 0)
			break;
		while ((n = read(m->fd, chunk, left < sizeof(chunk) ?
		    (size_t)left : sizeof(chunk))) == -1 && errno == EINTR)
			;
		if (n <= 0) {
			errno = n == 0 ? EBADMSG : errno;
			r = -1;
			break;
		}
		left -= (uint64_t)n;
		piece = span_of(chunk, (size_t)n);
	}
	free(room);
	return r;
}
