/*
 * Reading from and writing to a client or server.  The one line reader: no
 * other code looks at raw bytes for line ends, NULs and lengths.
 */
#ifndef NETIO_H
#define NETIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"

enum netin_result {
	NETIN_LINE,		/* a line, without its CRLF */
	NETIN_DATA,		/* netin_block: at least one byte is there */
	NETIN_TOOLONG,		/* longer than asked for; all of it was dropped */
	NETIN_BARE_LF,		/* a line ended in LF alone; it is in *line */
	NETIN_BARE_CR,		/* CR inside a line; it is in *line, whole */
	NETIN_NUL,		/* NUL inside a line; it is in *line, whole */
	NETIN_OTHER,		/* netin_wait: the other descriptor is ready */
	NETIN_EOF,
	NETIN_TIMEOUT,		/* the pause, the deadline or the minimum rate */
	NETIN_ERROR		/* errno tells */
};

/*
 * What may stand in for read(2) and write(2), with their results: TLS that this
 * process speaks itself, as deliver-remote does.  The caller sets it after
 * netin_init or netout_init; fd stays the socket that lies below.
 */
typedef long netio_read(void *arg, void *, size_t);
typedef long netio_write(void *arg, const void *, size_t);
/* Does the reader hold bytes that poll(2) on fd does not tell of? */
typedef bool netio_pending(void *arg);

struct netout {
	int fd;
	bool is_socket;
	netio_write *write;	/* in place of write(2); NULL: none */
	void *arg;
	void (*before)(void *);	/* called before each write, to let go of what others wait for; NULL: none */
	void *before_arg;
	bool failed;		/* sticky: nothing is written any more */
	unsigned timeout;	/* seconds one write may wait; 0 is for ever */
	struct buf buf;
	uint64_t total;		/* bytes given so far */
};

struct netin {
	int fd;
	bool is_socket;
	netio_read *read;	/* in place of read(2); NULL: none */
	netio_pending *pending;	/* NULL: it never does */
	void *arg;
	struct netout *out;	/* flushed before a read that may wait; may be NULL */
	unsigned pause;		/* seconds a read may wait, or a line take; 0 is for ever */
	unsigned pause_set;	/* what the socket was told last */
	uint64_t deadline;	/* clock_mono_ms() when all must end; 0 is never */
	unsigned char *p;	/* buffer, allocated at the first read */
	size_t start, len, cap;	/* unread bytes: p[start..start+len) */
	size_t scanned;		/* of them, how many hold no line end */
	unsigned filled;	/* reads, one after the other, that filled it */
	bool skipping;		/* inside an over-long line */
	uint64_t total;		/* bytes read so far */
	uint64_t rate_bytes, rate_since;	/* netin_rate */
	unsigned rate_min;
};

/* The socket fd waits no longer than that already: netin_init and netout_init
 * need not tell it. */
void	netio_has_timeout(int fd, unsigned seconds);
/* out may be NULL.  pause in seconds.  Neither takes over the descriptor. */
void	netin_init(struct netin *, int fd, struct netout *out, unsigned pause);
void	netin_free(struct netin *);	/* the bytes are wiped */
/*
 * The next line of at most max bytes without CRLF (max < NETIN_BUF).  The span
 * is valid until the next call.  After BARE_LF, BARE_CR, NUL and TOOLONG the
 * reader stands behind that line: whether to go on is the caller's choice.
 */
enum netin_result netin_line(struct netin *, size_t max, struct span *line);
/* What is buffered, at least one byte, reading once if nothing is.  The caller
 * says with netin_consume how much of it it took.  NETIN_DATA or an end. */
enum netin_result netin_block(struct netin *, struct span *bytes);
void	netin_consume(struct netin *, size_t count);
/* Waits until there is input (NETIN_DATA), other is readable (NETIN_OTHER), or
 * ms passed (NETIN_TIMEOUT; -1 waits for ever).  other may be -1. */
enum netin_result netin_wait(struct netin *, int other, int ms);
/* Unread bytes that are buffered already. */
struct span netin_buffered(const struct netin *);
/* Puts bytes in front of what is buffered: what another process had read. */
int	netin_prepend(struct netin *, struct span);
/* Starts (bytes a second) or ends (0) the demand for a minimum rate over each
 * NETIN_RATE_WINDOW seconds; falling below it is NETIN_TIMEOUT. */
void	netin_rate(struct netin *, unsigned bytes_per_second);

/* fd -1: what does not fit into the buffer is an error. */
void	netout_init(struct netout *, int fd, unsigned timeout);
void	netout_free(struct netout *);
/* For netout_add: where the buffer has no room. */
int	netout_add_more(struct netout *, const void *, size_t);
/* In decimal. */
int	netout_addu(struct netout *, uint64_t);
int	netout_addf(struct netout *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
int	netout_flush(struct netout *);
/* Where to put up to *room bytes, which are at least `least` (at most NETOUT_BUF), after writing what stands in the way;
 * netout_put says how many were put there.  NULL: it has failed. */
unsigned char *netout_room(struct netout *, size_t least, size_t *room);
static inline void
netout_put(struct netout *o, size_t n)
{
	o->buf.len += n;
	o->total += n;
}

/* Adds to the buffer and writes when it is full.  0, or -1 (sticky). */
static inline int
netout_add(struct netout *o, const void *data, size_t n)
{
	if (n >= o->buf.cap - o->buf.len || o->buf.len == 0)
		return netout_add_more(o, data, n);
	memcpy(o->buf.p + o->buf.len, data, n);
	netout_put(o, n);
	return 0;
}

/* The same with a string, whose length the compiler mostly knows. */
static inline int
netout_adds(struct netout *o, const char *s)
{
	return netout_add(o, s, strlen(s));
}

#endif
