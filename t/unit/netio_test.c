/*
 * The line reader: every result, at every place where a packet may end, and
 * the buffered writer.
 */
#include "netio.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>

#include "clock.h"
#include "limits.h"
#include "test.h"

#define MAX	16	/* longest line in these tables */

/* Input, and the results one after another: L line, T too long, f bare LF, r
 * bare CR, n NUL, E end; each followed by what the span holds and '|'. */
static const struct {
	const char *name, *in;
	size_t len;
	const char *want;
} lines[] = {
#define ROW(name, in, want) { name, in, sizeof(in) - 1, want }
	ROW("one", "EHLO a\r\n", "LEHLO a|E|"),
	ROW("empty line", "\r\n", "L|E|"),
	ROW("two", "a\r\nb\r\n", "La|Lb|E|"),
	ROW("nothing", "", "E|"),
	ROW("no end", "abc", "E|"),
	ROW("only CR", "\r", "E|"),
	ROW("bare LF", "a\nb\r\n", "fa|Lb|E|"),
	ROW("LF alone", "\n", "f|E|"),
	ROW("bare CR", "a\rb\r\n", "ra\rb|E|"),
	ROW("CR CR LF", "a\r\r\n", "ra\r|E|"),
	ROW("dot lines", "\n.\r\n", "f|L.|E|"),
	ROW("longest", "0123456789abcdef\r\n", "L0123456789abcdef|E|"),
	ROW("one more", "0123456789abcdefg\r\nx\r\n", "T|Lx|E|"),
	ROW("much more", "0123456789abcdef0123456789abcdef0123\r\nx\r\n",
	    "T|Lx|E|"),
	ROW("too long, bare LF", "0123456789abcdef0123456789abcd\nx\r\n",
	    "T|Lx|E|"),
	ROW("too long, no end", "0123456789abcdef0123456789abcdef", "E|"),
	ROW("NUL", "a\0b\r\nc\r\n", "na.b|Lc|E|"),
	ROW("NUL and bare LF", "a\0b\nc\r\n", "na.b|Lc|E|"),
};

static char
letter(enum netin_result r)
{
	switch (r) {
	case NETIN_LINE: return 'L';
	case NETIN_TOOLONG: return 'T';
	case NETIN_BARE_LF: return 'f';
	case NETIN_BARE_CR: return 'r';
	case NETIN_NUL: return 'n';
	case NETIN_EOF: return 'E';
	default: return '?';
	}
}

/* The results as a string; NUL in a line prints as a dot. */
static void
read_lines(int fd, struct buf *got)
{
	enum netin_result r;
	struct netin n;
	struct span s;

	netin_init(&n, fd, NULL, 5);
	do {
		r = netin_line(&n, MAX, &s);
		buf_addc(got, (unsigned char)letter(r));
		for (size_t i = 0; i < s.len; i++)
			buf_addc(got, s.p[i] == 0 ? '.' : s.p[i]);
		buf_addc(got, '|');
	} while (r != NETIN_EOF && letter(r) != '?');
	netin_free(&n);
}

/* Feeds the input in pieces that end at cut, from another process, so that
 * each piece is a read of its own as long as the pipe is drained meanwhile. */
static void
feed(int fd, const char *in, size_t len, size_t cut)
{
	if (file_write_all(fd, in, cut) == -1)
		_exit(1);
	if (cut > 0 && cut < len)
		usleep(200);
	if (file_write_all(fd, in + cut, len - cut) == -1)
		_exit(1);
	_exit(0);
}

static void
test_lines(void)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		for (size_t cut = 0; cut <= lines[i].len; cut++) {
			struct buf got;
			int p[2];
			pid_t pid;

			if (pipe(p) == -1 || (pid = fork()) == -1)
				err(1, "pipe");
			if (pid == 0) {
				close(p[0]);
				feed(p[1], lines[i].in, lines[i].len, cut);
			}
			close(p[1]);
			buf_init(&got, 4096);
			read_lines(p[0], &got);
			close(p[0]);
			waitpid(pid, NULL, 0);
			CHECK_SPAN(buf_span(&got), lines[i].want,
			    lines[i].name);
			buf_free(&got);
		}
	test_end("lines, cut at every byte");
}

/* A client that sends a byte now and then, until nobody listens any more. */
static void
drip(int fd)
{
	while (write(fd, "x", 1) == 1)
		(void)poll(NULL, 0, 50);
}

static void
test_drip(void)
{
	struct netin n;
	struct span s;
	int p[2];
	pid_t pid;

	if (pipe(p) == -1 || (pid = fork()) == -1)
		err(1, "pipe");
	if (pid == 0) {
		close(p[0]);
		signal(SIGPIPE, SIG_IGN);
		drip(p[1]);
		_exit(0);
	}
	close(p[1]);
	netin_init(&n, p[0], NULL, 1);
	CHECK(netin_line(&n, 4096, &s) == NETIN_TIMEOUT, "a line that never ends");
	netin_free(&n);
	close(p[0]);
	waitpid(pid, NULL, 0);
	test_end("a byte now and then");
}

static void
test_timeouts(void)
{
	struct netin n;
	struct span s;
	int p[2], sv[2];

	if (pipe(p) == -1 || socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		err(1, "pipe");
	netin_init(&n, p[0], NULL, 1);
	CHECK(netin_line(&n, MAX, &s) == NETIN_TIMEOUT, "pause on a pipe");
	n.deadline = clock_mono_ms();
	CHECK(netin_line(&n, MAX, &s) == NETIN_TIMEOUT, "deadline");
	netin_free(&n);
	netin_init(&n, sv[0], NULL, 1);
	CHECK(netin_line(&n, MAX, &s) == NETIN_TIMEOUT, "pause on a socket");
	CHECK(netin_wait(&n, -1, 0) == NETIN_TIMEOUT, "wait");
	CHECK(write(p[1], "x", 1) == 1 && netin_wait(&n, p[0], 1000) ==
	    NETIN_OTHER, "the other descriptor");
	CHECK(write(sv[1], "x", 1) == 1 && netin_wait(&n, -1, 1000) ==
	    NETIN_DATA, "input");
	netin_free(&n);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(sv[i]);
	}
	test_end("timeouts");
}

/* What was read is given back, and comes first again. */
static void
test_blocks(void)
{
	struct netin n;
	struct span s;
	int p[2];

	if (pipe(p) == -1 || write(p[1], "one\r\ntwo", 8) != 8)
		err(1, "pipe");
	close(p[1]);
	netin_init(&n, p[0], NULL, 5);
	CHECK(netin_line(&n, MAX, &s) == NETIN_LINE, "line");
	CHECK_SPAN(netin_buffered(&n), "two", "buffered");
	CHECK(netin_prepend(&n, span_str("zero\r\n")) == 0, "prepend");
	CHECK(netin_line(&n, MAX, &s) == NETIN_LINE, "line");
	CHECK_SPAN(s, "zero", "prepended");
	CHECK(netin_block(&n, &s) == NETIN_DATA, "block");
	CHECK_SPAN(s, "two", "block");
	netin_consume(&n, 1);
	CHECK_SPAN(netin_buffered(&n), "wo", "consumed one");
	netin_consume(&n, 99);
	CHECK(netin_buffered(&n).len == 0, "consumed all");
	CHECK(netin_block(&n, &s) == NETIN_EOF, "end");
	CHECK(netin_prepend(&n, span_of(NULL, NETIN_BUF + 1)) == -1,
	    "too much to prepend");
	netin_free(&n);
	close(p[0]);
	test_end("blocks");
}

static void
test_out(void)
{
	struct netout o;
	char got[64], *big = calloc(1, NETOUT_BUF / 2);
	int p[2];

	if (pipe(p) == -1 || big == NULL)
		err(1, "pipe");
	netout_init(&o, p[1], 1);
	CHECK(netout_addf(&o, "%d %s\r\n", 250, "ok") == 0, "add");
	CHECK(o.buf.len == 8, "held back until the flush");
	CHECK(netout_flush(&o) == 0 && read(p[0], got, sizeof(got)) == 8 &&
	    memcmp(got, "250 ok\r\n", 8) == 0, "flushed");
	/* A pipe takes 64 KiB; nobody reads: the timeout ends it, for good. */
	for (int i = 0; i < 6; i++)
		(void)netout_add(&o, big, NETOUT_BUF / 2);
	CHECK(o.failed && netout_adds(&o, "x") == -1 &&
	    netout_flush(&o) == -1, "failure is sticky");
	netout_free(&o);
	free(big);
	close(p[0]);
	close(p[1]);
	test_end("output");
}

/* Every number of digits, and room that is asked for. */
static void
test_numbers(void)
{
	struct netout o;
	char want[32];
	unsigned char *p;
	size_t room;

	netout_init(&o, -1, 0);
	for (uint64_t n = 1, last = 0; n > last; last = n, n = n * 10 + 7)
		for (uint64_t k = n < 2 ? 0 : n - 2; k < n + 2; k++) {
			buf_clear(&o.buf);
			(void)netout_addu(&o, k);
			snprintf(want, sizeof(want), "%ju", (uintmax_t)k);
			CHECK_SPAN(buf_span(&o.buf), want, "number");
		}
	for (uint64_t k = 0; k < 20000; k++) {
		buf_clear(&o.buf);
		(void)netout_addu(&o, k);
		snprintf(want, sizeof(want), "%ju", (uintmax_t)k);
		CHECK_SPAN(buf_span(&o.buf), want, "number");
	}
	buf_clear(&o.buf);
	(void)netout_addu(&o, UINT64_MAX);
	CHECK_SPAN(buf_span(&o.buf), "18446744073709551615", "the largest");
	p = netout_room(&o, 100, &room);
	CHECK(p == o.buf.p + 20 && room == NETOUT_BUF - 20, "room");
	memset(p, 'x', room);
	netout_put(&o, room);
	CHECK(!o.failed && netout_room(&o, 1, &room) == NULL && o.failed,
	    "no room, and nowhere to write");
	netout_free(&o);
	test_end("numbers and room");
}

int
main(void)
{
	clock_init();
	test_lines();
	test_timeouts();
	test_drip();
	test_blocks();
	test_out();
	test_numbers();
	return test_done();
}
