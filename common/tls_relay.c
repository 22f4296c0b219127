/*
 * Copies between a TLS connection and two pipes, all non-blocking, with one
 * buffer each way.  Looks at no byte of what it copies.
 */
#include "tls_relay.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "file.h"

#define RELAY_BUF	16384	/* one TLS record: RFC 8446 section 5.1 */

struct flow {			/* bytes on their way in one direction */
	unsigned char buf[RELAY_BUF];
	size_t start, len;
	bool ended;		/* no more will come */
};

struct relay {
	SSL *ssl;
	int in, out, plain_in, plain_out;
	struct flow up, down;	/* up: client to session */
	bool up_closed;		/* plain_out is closed */
	short want;		/* what OpenSSL waits for on the socket */
	bool up_full;		/* the pipe to the session takes no more now */
	bool failed;
};

static short
ssl_wants(SSL *ssl, int r)
{
	switch (SSL_get_error(ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	default:
		return 0;
	}
}

static int
poll_socket(int in, int out, short events, int ms)
{
	struct pollfd pfd = { .fd = events == POLLOUT ? out : in,
	    .events = events };
	int r;

	while ((r = poll(&pfd, 1, ms)) == -1 && errno == EINTR)
		;
	return r > 0 ? 0 : -1;
}

int
tls_relay_handshake(SSL *ssl, int in, int out, unsigned timeout)
{
	uint64_t now, end = clock_mono_ms() + (uint64_t)timeout * 1000;
	short want;
	int r, ms = -1;

	if (file_nonblock(in, 1) == -1 || file_nonblock(out, 1) == -1)
		return -1;
	errno = 0;
	while ((r = SSL_do_handshake(ssl)) != 1) {
		if ((want = ssl_wants(ssl, r)) == 0)
			return -1;
		now = clock_mono_ms();
		if (timeout > 0 && now >= end) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (timeout > 0)
			ms = (int)(end - now);
		(void)poll_socket(in, out, want, ms);
	}
	return 0;
}

/* Client to session: decrypt into the buffer, then the pipe. */
static bool
move_up(struct relay *r)
{
	struct flow *f = &r->up;
	bool moved = false;
	ssize_t w;
	int n;

	r->up_full = false;
	if (f->len == 0 && !f->ended) {
		n = SSL_read(r->ssl, f->buf, sizeof(f->buf));
		if (n > 0) {
			f->start = 0;
			f->len = (size_t)n;
			moved = true;
		} else if ((r->want |= ssl_wants(r->ssl, n)) == 0)
			f->ended = true;
	}
	if (f->len > 0) {
		w = write(r->plain_out, f->buf + f->start, f->len);
		if (w > 0) {
			f->start += (size_t)w;
			f->len -= (size_t)w;
			moved = true;
		} else if (w == -1 && errno == EAGAIN)
			r->up_full = true;
		else if (w == -1 && errno != EINTR) {
			f->len = 0;	/* the session reads no more */
			f->ended = true;
		}
	}
	if (f->ended && f->len == 0 && !r->up_closed) {
		close(r->plain_out);
		r->up_closed = true;
	}
	return moved;
}

/* Session to client: the pipe into the buffer, then encrypt. */
static bool
move_down(struct relay *r)
{
	struct flow *f = &r->down;
	bool moved = false;
	ssize_t n;
	short want;
	int w;

	if (f->len == 0 && !f->ended) {
		n = read(r->plain_in, f->buf, sizeof(f->buf));
		if (n > 0) {
			f->start = 0;
			f->len = (size_t)n;
			moved = true;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			f->ended = true;
			moved = true;
		}
	}
	if (f->len > 0) {
		w = SSL_write(r->ssl, f->buf + f->start, (int)f->len);
		if (w > 0) {
			f->start += (size_t)w;
			f->len -= (size_t)w;
			moved = true;
		} else if ((want = ssl_wants(r->ssl, w)) == 0)
			r->failed = true;
		else
			r->want |= want;
	}
	return moved;
}

/* Waits for whatever can move next, for ever only if nothing waits for the
 * client to take it: the session may be gone by then, and its timeouts too. */
static void
relay_wait(struct relay *r, unsigned timeout)
{
	struct pollfd p[4];
	int ms = r->down.len > 0 && timeout > 0 ? (int)timeout * 1000 : -1;
	nfds_t n = 0;

	if ((r->want & POLLIN) != 0)
		p[n++] = (struct pollfd){ .fd = r->in, .events = POLLIN };
	if ((r->want & POLLOUT) != 0)
		p[n++] = (struct pollfd){ .fd = r->out, .events = POLLOUT };
	if (r->up_full)
		p[n++] = (struct pollfd){ .fd = r->plain_out,
		    .events = POLLOUT };
	if (r->down.len == 0 && !r->down.ended)
		p[n++] = (struct pollfd){ .fd = r->plain_in,
		    .events = POLLIN };
	if (poll(p, n, ms) == 0)
		r->failed = true;
}

int
tls_relay(SSL *ssl, int in, int out, int plain_in, int plain_out,
    unsigned timeout)
{
	static struct relay r;		/* two records: too much for a stack */

	r.ssl = ssl;
	r.in = in;
	r.out = out;
	r.plain_in = plain_in;
	r.plain_out = plain_out;
	if (file_nonblock(plain_in, 1) == -1 ||
	    file_nonblock(plain_out, 1) == -1)
		return EX_OSERR;
	while (!r.failed && !(r.down.ended && r.down.len == 0)) {
		bool up, down;

		r.want = 0;
		up = move_up(&r);
		down = move_down(&r);
		if (!up && !down && !r.failed)
			relay_wait(&r, timeout);
	}
	(void)SSL_shutdown(ssl);
	return EX_OK;
}
