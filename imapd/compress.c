/*
 * Raw DEFLATE (RFC 1951) below netio, each way one stream for the whole
 * session.  What comes in is hostile: it is inflated only as far as the reader
 * has room, so that no input, however well packed, takes more memory than the reader's limits.
 */
#include "compress.h"

#ifdef POSTHOUSE_ZLIB
#define ZLIB_CONST
#include <zlib.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "ex.h"
#include "limits.h"
#include "log.h"

#define WINDOW_BITS	(-15)	/* without zlib's header: RFC 4978 section 4 */
#define MEMORY_LEVEL	8
#define FLUSHED		0x0000ffffu	/* the end of a block without data, in four bytes */
#define BITS		63	/* in data_type, as inflate leaves it: read, not used */
#define TAIL		1000	/* ms for the end of a stream that may have none */

struct compress {
	int fd;
	z_stream in, out;
	bool more;		/* in has filled all the room it had */
	bool ended;		/* the client's stream has */
	uint32_t last;		/* four bytes of what was inflated */
	struct netout below;	/* compressed bytes */
	unsigned char raw[16384], packed[16384];
};

bool
compress_built(void)
{
	return true;
}

static bool
holds(void *arg)
{
	const struct compress *c = arg;

	return c->in.avail_in > 0 || c->more;
}

static void
note_last(struct compress *c, const unsigned char *from)
{
	while (from < c->in.next_in)
		c->last = c->last << 8 | *from++;
}

/* As read(2).  Input that makes no byte of output is EINTR: wait once more. */
static long
read_inflated(void *arg, void *p, size_t n)
{
	struct compress *c = arg;
	const unsigned char *from;
	ssize_t r;
	int e;

	if (!holds(c)) {
		if ((r = read(c->fd, c->raw, sizeof(c->raw))) <= 0)
			return r;
		c->in.next_in = c->raw;
		c->in.avail_in = (uInt)r;
	}
	if (n > NETIN_BUF)
		n = NETIN_BUF;
	c->in.next_out = p;
	c->in.avail_out = (uInt)n;
	from = c->in.next_in;
	e = inflate(&c->in, Z_SYNC_FLUSH);
	note_last(c, from);
	c->ended = e == Z_STREAM_END;
	if (e != Z_OK && e != Z_BUF_ERROR && e != Z_STREAM_END) {
		errno = EPROTO;
		return -1;
	}
	c->more = c->in.avail_out == 0;
	if (c->in.avail_out < n || e == Z_STREAM_END)
		return (long)(n - c->in.avail_out);
	errno = EINTR;
	return -1;
}

/* As write(2).  Each write is complete in itself: the client is waiting for it. */
static long
write_deflated(void *arg, const void *p, size_t n)
{
	struct compress *c = arg;

	if (n > NETOUT_BUF)
		n = NETOUT_BUF;
	c->out.next_in = p;
	c->out.avail_in = (uInt)n;
	do {
		c->out.next_out = c->packed;
		c->out.avail_out = sizeof(c->packed);
		(void)deflate(&c->out, Z_SYNC_FLUSH);
		(void)netout_add(&c->below, c->packed,
		    sizeof(c->packed) - c->out.avail_out);
	} while (c->out.avail_out == 0);
	if (netout_flush(&c->below) == -1) {
		errno = EPIPE;		/* the reason may have been EAGAIN */
		return -1;
	}
	return (long)n;
}

struct compress *
compress_begin(struct netin *in, struct netout *out)
{
	struct compress *c = calloc(1, sizeof(*c));

	if (c == NULL || inflateInit2(&c->in, WINDOW_BITS) != Z_OK ||
	    deflateInit2(&c->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
	    WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		log_die(EX_TEMPFAIL, "out of memory");
	c->fd = in->fd;
	netout_init(&c->below, out->fd, out->timeout);
	in->read = read_inflated;
	in->pending = holds;
	out->write = write_deflated;
	in->arg = out->arg = c;
	return c;
}

/* Has a part of FLUSHED come, or what stands before it? */
static bool
flushes(struct compress *c)
{
	return inflateSyncPoint(&c->in) == 1 || (c->in.data_type & BITS) >= 8;
}

/* What the client has flushed ends in FLUSHED, or its stream does; other ways to flush end
 * where that cannot be known. */
int
compress_drain(struct compress *c, unsigned seconds)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	unsigned char byte;
	long r;

	while (!c->ended && c->last != FLUSHED) {
		if (poll(&p, 1, flushes(c) ? (int)seconds * 1000 : TAIL) != 1)
			return 0;
		r = read_inflated(c, &byte, 1);
		if (r > 0 || (r == 0 && !c->ended) ||
		    (r == -1 && errno != EINTR))
			return -1;
	}
	return 0;
}

void
compress_end(struct compress *c, struct netin *in, struct netout *out)
{
	if (c == NULL)
		return;
	in->read = NULL;
	in->pending = NULL;
	out->write = NULL;
	in->arg = out->arg = NULL;
	netout_free(&c->below);
	(void)inflateEnd(&c->in);
	(void)deflateEnd(&c->out);
	free(c);
}

#else

bool
compress_built(void)
{
	return false;
}

struct compress *
compress_begin(struct netin *in, struct netout *out)
{
	(void)in;
	(void)out;
	return NULL;
}

int
compress_drain(struct compress *c, unsigned seconds)
{
	(void)c;
	(void)seconds;
	return 0;
}

void
compress_end(struct compress *c, struct netin *in, struct netout *out)
{
	(void)c;
	(void)in;
	(void)out;
}
#endif
