/*
 * The PROXY protocol: proxy-protocol.txt sections 2.1 and 2.2.  Trusts nothing
 * of the bytes, only that whoever may send them was listed by the
 * administrator.  Refuses what a proxy for TCP never sends: datagrams, ports
 * with a sign, addresses of two families, headers without an end.
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "file.h"
#include "limits.h"

#define V2_FIXED	16	/* signature, command, family, length */

static const unsigned char v2_signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00,
    0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };
static const char v1_signature[] = "PROXY ";

/* Does head begin as signature does, as far as it goes? */
static bool
begins(struct span head, const void *signature, size_t n)
{
	return memcmp(head.p, signature, head.len < n ? head.len : n) == 0;
}

static size_t
v2_length(struct span head)
{
	return V2_FIXED + ((size_t)head.p[14] << 8 | head.p[15]);
}

size_t
proxy_wants(struct span head)
{
	if (head.len == 0)
		return 1;
	if (begins(head, v1_signature, sizeof(v1_signature) - 1))
		return head.len >= PROXY_V1_MAX ||
		    head.p[head.len - 1] == '\n' ? 0 : 1;
	if (!begins(head, v2_signature, sizeof(v2_signature)))
		return 0;
	if (head.len < V2_FIXED)
		return V2_FIXED - head.len;
	if (v2_length(head) > PROXY_MAX || head.len > v2_length(head))
		return 0;
	return v2_length(head) - head.len;
}

static void
set_client(struct proxy *p, int family, const void *address, unsigned port)
{
	memset(&p->client, 0, sizeof(p->client));
	if (family == AF_INET) {
		p->client.s6_addr[10] = p->client.s6_addr[11] = 0xff;
		memcpy(&p->client.s6_addr[12], address, 4);
	} else {
		memcpy(&p->client, address, 16);
	}
	p->port = port;
	p->known = true;
}

/* An address up to the next blank, in the family's own form. */
static bool
parse_address(struct cur *c, int family, void *out)
{
	char text[INET6_ADDRSTRLEN + 1];

	return span_cstr(cur_until(c, ' '), text, sizeof(text)) == 0 &&
	    cur_ch(c, ' ') && inet_pton(family, text, out) == 1;
}

static bool
parse_port(struct cur *c, unsigned *port)
{
	bool zero = cur_peek(c) == '0';
	const unsigned char *start = c->p;
	uint64_t n;

	if (cur_num(c, 65535, &n) == -1 || (zero && c->p - start > 1))
		return false;
	*port = (unsigned)n;
	return true;
}

/* Section 2.1: PROXY TCP4 source destination port port CRLF */
static int
parse_v1(struct span head, struct proxy *p)
{
	unsigned char source[16], destination[16];
	unsigned port, port_there;
	int family = AF_INET;
	struct span line;
	struct cur c;

	line = span_of(head.p + sizeof(v1_signature) - 1,
	    head.len - (sizeof(v1_signature) - 1) - 2);
	if (memcmp(line.p + line.len, "\r\n", 2) != 0 ||
	    span_haschr(line, '\n'))
		return -1;
	cur_init(&c, line);
	if (cur_word(&c, "UNKNOWN") && (cur_end(&c) || cur_ch(&c, ' ')))
		return 0;
	if (cur_word(&c, "TCP6 "))
		family = AF_INET6;
	else if (!cur_word(&c, "TCP4 "))
		return -1;
	if (!parse_address(&c, family, source) ||
	    !parse_address(&c, family, destination) ||
	    !parse_port(&c, &port) || !cur_ch(&c, ' ') ||
	    !parse_port(&c, &port_there) || !cur_end(&c))
		return -1;
	set_client(p, family, source, port);
	return 0;
}

/* Section 2.2: version and command, family and protocol, length, addresses. */
static int
parse_v2(struct span head, struct proxy *p)
{
	const unsigned char *a = head.p + V2_FIXED;
	size_t n = head.len - V2_FIXED;

	if (head.p[12] == 0x20)		/* LOCAL: the proxy's own connection */
		return 0;
	if (head.p[12] != 0x21)
		return -1;
	switch (head.p[13]) {
	case 0x00:			/* UNSPEC */
	case 0x31:			/* a Unix socket */
		return 0;
	case 0x11:			/* TCP over IPv4 */
		if (n < 12)
			return -1;
		set_client(p, AF_INET, a, (unsigned)a[8] << 8 | a[9]);
		return 0;
	case 0x21:			/* TCP over IPv6 */
		if (n < 36)
			return -1;
		set_client(p, AF_INET6, a, (unsigned)a[32] << 8 | a[33]);
		return 0;
	default:
		return -1;
	}
}

int
proxy_parse(struct span head, struct proxy *p)
{
	memset(p, 0, sizeof(*p));
	if (head.len >= V2_FIXED && head.len <= PROXY_MAX &&
	    begins(head, v2_signature, sizeof(v2_signature)))
		return head.len == v2_length(head) ? parse_v2(head, p) : -1;
	if (head.len >= sizeof(v1_signature) + 1 && head.len <= PROXY_V1_MAX &&
	    begins(head, v1_signature, sizeof(v1_signature) - 1))
		return parse_v1(head, p);
	return -1;
}

/* Waits for input until the time is over. */
static bool
await_input(int fd, uint64_t deadline)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t now;
	int r;

	do {
		now = clock_mono_ms();
		r = now >= deadline ? 0 : poll(&pfd, 1, (int)(deadline - now));
	} while (r == -1 && errno == EINTR);
	return r == 1;
}

/* 0 and a whole header in head, or -1: none came. */
static int
read_header(int fd, struct buf *head)
{
	uint64_t deadline = clock_mono_ms() + PROXY_SECONDS * 1000;
	unsigned char *room;
	size_t want;
	ssize_t n;

	while ((want = proxy_wants(buf_span(head))) > 0) {
		if (!await_input(fd, deadline) ||
		    (room = buf_room(head, want)) == NULL)
			return -1;
		n = read(fd, room, want);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return -1;
		head->len += (size_t)n;
	}
	return 0;
}

int
proxy_serve(int fd, int out)
{
	char line[PROXY_LINE_MAX] = "-\n", address[INET6_ADDRSTRLEN];
	struct proxy p;
	struct buf head;
	int r;

	buf_init(&head, PROXY_MAX);
	r = read_header(fd, &head);
	if (r == 0)
		r = proxy_parse(buf_span(&head), &p);
	buf_free(&head);
	if (r == -1)
		return EX_PROTOCOL;
	if (p.known) {
		inet_ntop(AF_INET6, &p.client, address, sizeof(address));
		snprintf(line, sizeof(line), "%s %u\n", address, p.port);
	}
	return file_write_all(out, line, strlen(line)) == 0 ? EX_OK :
	    EX_IOERR;
}

int
proxy_line_parse(struct span line, struct proxy *p)
{
	struct in6_addr address;
	unsigned port;
	struct cur c;

	memset(p, 0, sizeof(*p));
	if (span_is(line, "-\n"))
		return 0;
	cur_init(&c, line);
	if (!parse_address(&c, AF_INET6, &address) || !parse_port(&c, &port) ||
	    !cur_ch(&c, '\n') || !cur_end(&c))
		return -1;
	set_client(p, AF_INET6, &address, port);
	return 0;
}
