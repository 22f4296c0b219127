/*
 * The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): who is
 * behind a proxy that speaks for its clients.  proxy_wants and proxy_parse are
 * pure; proxy_serve is the small process that reads such a header from a
 * client's descriptor, so that neither the listener nor a session has to.
 */
#ifndef PROXY_H
#define PROXY_H

#include <netinet/in.h>

#include <stdbool.h>

#include "buf.h"

#define PROXY_V1_MAX	107	/* a line of version 1, with its CRLF */
#define PROXY_MAX	4096	/* a header of version 2, whose TLVs we skip */

struct proxy {
	bool known;		/* the rest is set; else the proxy speaks for itself */
	struct in6_addr client;	/* IPv4 mapped */
	unsigned port;
};

/*
 * How many more bytes belong to the header that begins with these, at least: so
 * many can be read without touching what the client itself has sent.  0: it is
 * complete, or cannot be one.
 */
size_t	proxy_wants(struct span head);
/* A whole header.  0, or -1: it is none. */
int	proxy_parse(struct span head, struct proxy *);
/*
 * Reads a header from fd for at most PROXY_SECONDS and writes one line to out:
 * "ADDRESS PORT\n", or "-\n" where the proxy speaks for itself.  Exit code.
 */
int	proxy_serve(int fd, int out);
/* The line of proxy_serve back.  0, or -1. */
int	proxy_line_parse(struct span line, struct proxy *);
#define PROXY_LINE_MAX	80

#endif
