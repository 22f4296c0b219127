/*
 * Line reader and buffered writer over one descriptor each.  Trusts nothing
 * that comes in: only CRLF ends a line, every line has a maximum, every wait
 * an end.  Sockets wait by SO_RCVTIMEO, which costs no call per read; pipes
 * and files wait by poll(2).
 */
#include "netio.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fmt.h"
#include "limits.h"

#define NETOUT_FIRST	512	/* first allocation: the replies of one read, most often */

static bool
fd_is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* false: it is no socket.  Failing otherwise leaves the wait unbounded but for
 * the session's deadline. */
static bool
socket_timeout(int fd, int option, unsigned seconds)
{
	struct timeval tv = { .tv_sec = (time_t)seconds };

	return setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)) == 0 ||
	    errno != ENOTSOCK;
}

/* Reads that filled the first buffer, one after the other: more is coming, and a larger one pays. */
#define NETIN_BULK	3

static bool ready;		/* ready_fd waits for ready_seconds */
static int ready_fd;
static unsigned ready_seconds;

void
netio_has_timeout(int fd, unsigned seconds)
{
	ready = true;
	ready_fd = fd;
	ready_seconds = seconds;
}

static bool
is_ready(int fd)
{
	return ready && fd == ready_fd;
}

void
netin_init(struct netin *n, int fd, struct netout *out, unsigned pause)
{
	memset(n, 0, sizeof(*n));
	n->fd = fd;
	n->out = out;
	n->pause = pause;
	n->is_socket = is_ready(fd) ? true :
	    out != NULL && out->fd == fd ? out->is_socket : fd_is_socket(fd);
	n->pause_set = is_ready(fd) ? ready_seconds : 0;
}

void
netin_free(struct netin *n)
{
	if (n->p != NULL)
		buf_zero(n->p, n->cap);
	free(n->p);
	n->p = NULL;
	n->start = n->len = n->cap = n->scanned = 0;
}

/* Makes room behind the unread bytes: moves them to the front, or grows up to
 * NETIN_BUF; also where much is coming.  -1 when there is no room left or no memory. */
static int
make_room(struct netin *n)
{
	unsigned char *p;
	size_t cap;

	if (n->start > 0 && (n->len == 0 || n->start + n->len == n->cap)) {
		if (n->len > 0)
			memmove(n->p, n->p + n->start, n->len);
		n->start = 0;
	}
	if (n->start + n->len < n->cap &&
	    (n->filled < NETIN_BULK || n->cap == NETIN_BUF))
		return 0;
	if (n->cap >= NETIN_BUF) {
		errno = ENOBUFS;
		return -1;
	}
	cap = n->cap == 0 ? NETIN_BUF_FIRST : NETIN_BUF;
	if ((p = realloc(n->p, cap)) == NULL)
		return -1;
	n->p = p;
	n->cap = cap;
	return 0;
}

/* How long the next read may wait, in ms; -1 for ever, 0 when time is up. */
static int
wait_ms(const struct netin *n)
{
	uint64_t ms = n->pause > 0 ? (uint64_t)n->pause * 1000 : UINT64_MAX;
	uint64_t now;

	if (n->deadline > 0) {
		now = clock_mono_ms();
		if (now >= n->deadline)
			return 0;
		if (n->deadline - now < ms)
			ms = n->deadline - now;
	}
	if (ms == UINT64_MAX)
		return -1;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static bool
too_slow(struct netin *n)
{
	uint64_t now, window = NETIN_RATE_WINDOW * 1000;

	if (n->rate_min == 0)
		return false;
	now = clock_mono_ms();
	if (now - n->rate_since < window)
		return false;
	if (n->rate_bytes < (uint64_t)n->rate_min * NETIN_RATE_WINDOW)
		return true;
	n->rate_since = now;
	n->rate_bytes = 0;
	return false;
}

/* Waits by poll where the socket's own timeout does not do. */
static enum netin_result
await(struct netin *n)
{
	struct pollfd pfd = { .fd = n->fd, .events = POLLIN };
	int ms = wait_ms(n), r;

	if (n->pending != NULL && n->pending(n->arg))
		return NETIN_DATA;
	if (ms == 0)
		return NETIN_TIMEOUT;
	if (n->is_socket && (ms == -1 || (uint64_t)ms ==
	    (uint64_t)n->pause * 1000)) {
		if (n->pause_set != n->pause)
			(void)socket_timeout(n->fd, SO_RCVTIMEO, n->pause);
		n->pause_set = n->pause;
		return NETIN_DATA;
	}
	while ((r = poll(&pfd, 1, ms)) == -1 && errno == EINTR)
		;
	if (r == -1)
		return NETIN_ERROR;
	return r == 0 ? NETIN_TIMEOUT : NETIN_DATA;
}

static ssize_t
in_read(struct netin *n, void *p, size_t size)
{
	return n->read != NULL ? n->read(n->arg, p, size) :
	    read(n->fd, p, size);
}

/* One read into the buffer. */
static enum netin_result
fill(struct netin *n)
{
	enum netin_result w;
	ssize_t r;

	if (n->out != NULL && netout_flush(n->out) == -1)
		return NETIN_ERROR;
	if (make_room(n) == -1)
		return NETIN_ERROR;
	do {
		if ((w = await(n)) != NETIN_DATA)
			return w;
		r = in_read(n, n->p + n->start + n->len,
		    n->cap - n->start - n->len);
	} while (r == -1 && errno == EINTR);
	if (r == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ?
		    NETIN_TIMEOUT : NETIN_ERROR;
	if (r == 0)
		return NETIN_EOF;
	n->len += (size_t)r;
	n->filled = n->start + n->len == n->cap ? n->filled + 1 : 0;
	n->total += (uint64_t)r;
	n->rate_bytes += (uint64_t)r;
	return too_slow(n) ? NETIN_TIMEOUT : NETIN_DATA;
}

struct span
netin_buffered(const struct netin *n)
{
	return span_of(n->p == NULL ? NULL : n->p + n->start, n->len);
}

void
netin_consume(struct netin *n, size_t count)
{
	if (count > n->len)
		count = n->len;
	n->start += count;
	n->len -= count;
	n->scanned = 0;
	if (n->len == 0)
		n->start = 0;
}

enum netin_result
netin_block(struct netin *n, struct span *bytes)
{
	enum netin_result r;

	if (n->len == 0 && (r = fill(n)) != NETIN_DATA)
		return r;
	*bytes = netin_buffered(n);
	return NETIN_DATA;
}

/* What is wrong with the line of len bytes that ended in LF. */
static enum netin_result
judge(const unsigned char *p, size_t len, bool crlf)
{
	if (len > 0 && memchr(p, 0, len) != NULL)
		return NETIN_NUL;
	if (!crlf)
		return NETIN_BARE_LF;
	if (len > 0 && memchr(p, '\r', len) != NULL)
		return NETIN_BARE_CR;
	return NETIN_LINE;
}

/* Takes the line whose LF is at offset at: its span, and what it is. */
static enum netin_result
take_line(struct netin *n, size_t at, size_t max, struct span *line)
{
	const unsigned char *p = n->p + n->start;
	bool crlf = at > 0 && p[at - 1] == '\r';
	bool skipping = n->skipping;

	*line = span_of(p, crlf ? at - 1 : at);
	n->skipping = false;
	netin_consume(n, at + 1);
	if (skipping || line->len > max) {
		*line = span_of(p, 0);
		return NETIN_TOOLONG;
	}
	return judge(p, line->len, crlf);
}

/* A line that has begun takes no longer than a pause, or a byte now and then would hold us; whoever
 * reads by himself has a time of his own. */
static bool
is_late(const struct netin *n, uint64_t *began)
{
	uint64_t now;

	if (n->pause == 0 || n->read != NULL || (n->len == 0 && !n->skipping))
		return false;
	now = clock_mono_ms();
	if (*began == 0)
		*began = now;
	return now - *began >= (uint64_t)n->pause * 1000;
}

enum netin_result
netin_line(struct netin *n, size_t max, struct span *line)
{
	enum netin_result r;
	uint64_t began = 0;
	unsigned char *lf;

	*line = span_of(NULL, 0);
	for (;;) {
		lf = NULL;
		if (n->len > n->scanned)
			lf = memchr(n->p + n->start + n->scanned, '\n',
			    n->len - n->scanned);
		if (lf != NULL)
			return take_line(n, (size_t)(lf - n->p) - n->start,
			    max, line);
		n->scanned = n->len;
		if (n->len > max + 1) {		/* keep a CR that may end it */
			n->skipping = true;
			netin_consume(n, n->len - 1);
		}
		if (is_late(n, &began))
			return NETIN_TIMEOUT;
		if ((r = fill(n)) != NETIN_DATA)
			return r;
	}
}

enum netin_result
netin_wait(struct netin *n, int other, int ms)
{
	struct pollfd pfd[2] = {
		{ .fd = n->fd, .events = POLLIN },
		{ .fd = other, .events = POLLIN },
	};
	int r;

	if (n->len > 0 || (n->pending != NULL && n->pending(n->arg)))
		return NETIN_DATA;
	if (n->out != NULL && netout_flush(n->out) == -1)
		return NETIN_ERROR;
	while ((r = poll(pfd, other == -1 ? 1 : 2, ms)) == -1 && errno == EINTR)
		;
	if (r == -1)
		return NETIN_ERROR;
	if (r == 0)
		return NETIN_TIMEOUT;
	return pfd[0].revents != 0 ? NETIN_DATA : NETIN_OTHER;
}

int
netin_prepend(struct netin *n, struct span s)
{
	unsigned char *p;
	size_t cap = n->len + s.len;

	if (s.len > NETIN_BUF || cap > NETIN_BUF) {
		errno = ENOBUFS;
		return -1;
	}
	if (cap < NETIN_BUF_FIRST)
		cap = NETIN_BUF_FIRST;
	if ((p = malloc(cap)) == NULL)
		return -1;
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	if (n->len > 0)
		memcpy(p + s.len, n->p + n->start, n->len);
	free(n->p);
	n->p = p;
	n->cap = cap;
	n->start = 0;
	n->len += s.len;
	n->scanned = 0;
	return 0;
}

void
netin_rate(struct netin *n, unsigned bytes_per_second)
{
	n->rate_min = bytes_per_second;
	n->rate_bytes = 0;
	n->rate_since = clock_mono_ms();
}

void
netout_init(struct netout *o, int fd, unsigned timeout)
{
	memset(o, 0, sizeof(*o));
	o->fd = fd;
	o->timeout = timeout;
	if (is_ready(fd) && timeout == ready_seconds)
		o->is_socket = true;
	else
		o->is_socket = timeout > 0 ? socket_timeout(fd, SO_SNDTIMEO, timeout) :
		    fd_is_socket(fd);
	buf_init(&o->buf, NETOUT_BUF);
}

void
netout_free(struct netout *o)
{
	buf_free(&o->buf);
}

static int
out_fail(struct netout *o)
{
	o->failed = true;
	buf_clear(&o->buf);
	return -1;
}

static int
out_wait(struct netout *o)
{
	struct pollfd pfd = { .fd = o->fd, .events = POLLOUT };
	int r;

	if (o->is_socket)
		return 0;
	while ((r = poll(&pfd, 1, o->timeout == 0 ? -1 :
	    (int)o->timeout * 1000)) == -1 && errno == EINTR)
		;
	return r == 1 ? 0 : -1;
}

static int
out_write(struct netout *o, const unsigned char *p, size_t n)
{
	if (o->fd == -1)
		return out_fail(o);	/* poll(2) would wait for it for ever */
	if (o->before != NULL)
		o->before(o->before_arg);
	while (n > 0) {
		ssize_t w;

		if (out_wait(o) == -1)
			return out_fail(o);
		w = o->write != NULL ? o->write(o->arg, p, n) :
		    write(o->fd, p, n);
		/* A pipe to tls does not block; how long to wait is out_wait's. */
		if (w == -1 && (errno == EINTR || (errno == EAGAIN &&
		    !o->is_socket)))
			continue;
		if (w <= 0)
			return out_fail(o);
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int
netout_flush(struct netout *o)
{
	if (o->failed)
		return -1;
	if (o->buf.len == 0)
		return 0;
	if (out_write(o, o->buf.p, o->buf.len) == -1)
		return -1;
	buf_clear(&o->buf);
	return 0;
}

int
netout_add_more(struct netout *o, const void *data, size_t n)
{
	if (o->failed)
		return -1;
	o->total += n;
	if (o->buf.cap == 0)
		(void)buf_room(&o->buf, NETOUT_FIRST - 1);
	if (n > NETOUT_BUF - o->buf.len && netout_flush(o) == -1)
		return -1;
	if (n > NETOUT_BUF)
		return out_write(o, data, n);
	if (buf_add(&o->buf, data, n) == 0)
		return 0;
	/* No memory to wait in: what is there goes out, and then this. */
	return netout_flush(o) == -1 ? -1 : out_write(o, data, n);
}

unsigned char *
netout_room(struct netout *o, size_t least, size_t *room)
{
	unsigned char *p;

	if (o->failed || (NETOUT_BUF - o->buf.len < least &&
	    netout_flush(o) == -1))
		return NULL;
	*room = NETOUT_BUF - o->buf.len;
	if ((p = buf_room(&o->buf, *room)) == NULL)
		(void)out_fail(o);
	return p;
}

int
netout_addu(struct netout *o, uint64_t n)
{
	static const char pairs[] =
	    "00010203040506070809101112131415161718192021222324"
	    "25262728293031323334353637383940414243444546474849"
	    "50515253545556575859606162636465666768697071727374"
	    "75767778798081828384858687888990919293949596979899";
	char text[20], *p = text + sizeof(text);

	for (; n >= 10; n /= 100) {
		p -= 2;
		memcpy(p, pairs + 2 * (n % 100), 2);
	}
	if (n > 0 || p == text + sizeof(text))
		*--p = (char)('0' + n);
	return netout_add(o, p, (size_t)(text + sizeof(text) - p));
}

int
netout_addf(struct netout *o, const char *fmt, ...)
{
	char small[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vprint(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(small))
		return out_fail(o);	/* replies are short by contract */
	return netout_add(o, small, (size_t)n);
}
