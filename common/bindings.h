/*
 * What the tls process knows of a connection and the auth process needs: a text
 * on a pipe that no session ever holds.  Parser and printer.
 */
#ifndef BINDINGS_H
#define BINDINGS_H

#include "buf.h"

#define BINDING_MAX	64	/* octets of channel binding data */

/* Channel bindings: RFC 5929 section 3 (TLS 1.2 alone), RFC 9266. */
struct bindings {
	unsigned char exporter[BINDING_MAX], unique[BINDING_MAX];
	size_t exporter_len, unique_len;	/* 0: there is none */
	struct span addresses;	/* of the client's verified certificate, each with a LF; borrowed */
};

/* Lines "tls-exporter HEX", "tls-unique HEX", then addresses.  0, or -1: not of our making. */
int	bindings_parse(struct span, struct bindings *);
int	bindings_print(struct buf *, const struct bindings *);
/* The binding data of that name; p NULL: there is none. */
struct span bindings_find(const struct bindings *, struct span name);

#endif
