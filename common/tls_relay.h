/*
 * Copying between a TLS connection and two pipes.  Private to tls.c.
 */
#ifndef TLS_RELAY_H
#define TLS_RELAY_H

#include <openssl/ssl.h>

/* The handshake within timeout seconds (0: no limit).  0 or -1. */
int	tls_relay_handshake(SSL *, int in, int out, unsigned timeout);
/* Copies until the session has closed plain_in and all of it was sent, or the
 * client has taken nothing of what waits for it for timeout seconds (0: no
 * limit). */
int	tls_relay(SSL *, int in, int out, int plain_in, int plain_out,
	    unsigned timeout);

#endif
