/*
 * PROXY headers: who the client is, what is refused, and that no byte behind
 * the header is asked for.
 */
#include "proxy.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "ex.h"
#include "test.h"

#define SIG	"\r\n\r\n\0\r\nQUIT\n"
#define ROW(head, client, port)	{ head, sizeof(head) - 1, client, port }
#define BAD	"bad"		/* in place of a client */
#define OWN	"own"		/* the proxy speaks for itself */

static const struct { const char *head; size_t len; const char *client;
    unsigned port; } rows[] = {
	ROW("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n",
	    "::ffff:192.0.2.1", 56324),
	ROW("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n", "2001:db8::1", 0),
	ROW("PROXY UNKNOWN\r\n", OWN, 0),
	ROW("PROXY UNKNOWN a b 1 2\r\n", OWN, 0),
	ROW("PROXY UNKNOWNS\r\n", BAD, 0),
	ROW("PROXY UNKNOWN a\nb\r\n", BAD, 0),
	ROW("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\n", BAD, 0),
	ROW("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n", BAD, 0),
	ROW("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25 \r\n", BAD, 0),
	ROW("PROXY TCP4 192.0.2.1 198.51.100.1 65536 25\r\n", BAD, 0),
	ROW("PROXY TCP4 192.0.2.1 198.51.100.1 +1 25\r\n", BAD, 0),
	ROW("PROXY TCP4 192.0.2.1 198.51.100.1 01 25\r\n", BAD, 0),
	ROW("PROXY TCP4 192.0.2.01 198.51.100.1 1 25\r\n", BAD, 0),
	ROW("PROXY TCP4 192.0.2.1  198.51.100.1 1 25\r\n", BAD, 0),
	ROW("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", BAD, 0),
	ROW("PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", BAD, 0),
	ROW("PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n", BAD, 0),
	ROW("proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n", BAD, 0),
	ROW("PROXY \r\n", BAD, 0),
	ROW("EHLO client.example\r\n", BAD, 0),
	ROW(SIG "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x01\x01\x02\0\x19",
	    "::ffff:192.0.2.1", 258),
	ROW(SIG "\x21\x11\0\x10\xc0\0\x02\x01\xc6\x33\x64\x01\x01\x02\0\x19"
	    "\x04\0\x01x", "::ffff:192.0.2.1", 258),
	ROW(SIG "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\xff\xff\0\x19",
	    "2001:db8::1", 65535),
	ROW(SIG "\x20\0\0\0", OWN, 0),
	ROW(SIG "\x20\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x01\x01\x02\0\x19",
	    OWN, 0),
	ROW(SIG "\x21\0\0\0", OWN, 0),
	ROW(SIG "\x21\x31\0\x02xx", OWN, 0),
	ROW(SIG "\x21\x12\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x01\x01\x02\0\x19",
	    BAD, 0),
	ROW(SIG "\x21\x11\0\x0b\xc0\0\x02\x01\xc6\x33\x64\x01\x01\x02\0", BAD,
	    0),
	ROW(SIG "\x22\0\0\0", BAD, 0),
	ROW(SIG "\x11\0\0\0", BAD, 0),
	ROW("\r\n\r\n\0\r\nQUIX\n\x21\0\0\0", BAD, 0),
};

static void
test_rows(void)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span head = { (const unsigned char *)rows[i].head,
		    rows[i].len };
		bool bad = strcmp(rows[i].client, BAD) == 0;
		bool own = strcmp(rows[i].client, OWN) == 0;
		struct proxy p;

		CHECK((proxy_parse(head, &p) == -1) == bad, rows[i].head);
		if (bad)
			continue;
		CHECK(p.known == !own && p.port == rows[i].port, rows[i].head);
		if (!own)
			CHECK(strcmp(inet_ntop(AF_INET6, &p.client, text,
			    sizeof(text)), rows[i].client) == 0, rows[i].head);
		/* Every piece asks for more, and never for more than there is. */
		for (size_t n = 0; n < head.len; n++) {
			size_t want = proxy_wants(span_of(head.p, n));

			CHECK(want > 0 && n + want <= head.len, "wants");
			CHECK(proxy_parse(span_of(head.p, n), &p) == -1,
			    "a part is no header");
		}
		CHECK(proxy_wants(head) == 0, "whole");
	}
	test_end("headers");
}

/* The process: what the client sent behind the header stays in the socket. */
static void
test_serve(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool bad = strcmp(rows[i].client, BAD) == 0;
		char line[PROXY_LINE_MAX] = "", rest[16] = "";
		int sock[2], out[2], code;
		struct proxy p;
		ssize_t n;

		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0 &&
		    pipe(out) == 0, "sockets");
		CHECK(write(sock[1], rows[i].head, rows[i].len) ==
		    (ssize_t)rows[i].len && write(sock[1], "EHLO a\r\n", 8) == 8,
		    "write");
		shutdown(sock[1], SHUT_WR);
		code = proxy_serve(sock[0], out[1]);
		close(out[1]);
		n = read(out[0], line, sizeof(line));
		CHECK(code == (bad ? EX_PROTOCOL : EX_OK), rows[i].head);
		CHECK((n > 0) == !bad, rows[i].head);
		if (!bad) {
			CHECK(proxy_line_parse(span_of(line, (size_t)n), &p) ==
			    0 && p.port == rows[i].port, line);
			CHECK(read(sock[0], rest, sizeof(rest)) == 8 &&
			    memcmp(rest, "EHLO a\r\n", 8) == 0, "the rest");
		}
		close(out[0]);
		close(sock[0]);
		close(sock[1]);
	}
	test_end("the process");
}

static void
test_lines(void)
{
	static const char *const wrong[] = { "", "-", "x 1\n", "::1\n",
	    "::1 65536\n", "::1 1", "::1 1\nx", "192.0.2.1 1\n", "::1  1\n" };
	struct proxy p;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(proxy_line_parse(span_str(wrong[i]), &p) == -1, wrong[i]);
	CHECK(proxy_line_parse(span_str("-\n"), &p) == 0 && !p.known, "own");
	test_end("lines");
}

int
main(void)
{
	test_rows();
	test_serve();
	test_lines();
	return test_done();
}
