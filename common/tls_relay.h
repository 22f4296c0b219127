/*
 * What the tls files share: copying between a TLS connection and two pipes, the
 * handshake, and what there is to say about it.  Private to them.
 */
#ifndef TLS_RELAY_H
#define TLS_RELAY_H

#include <openssl/ssl.h>

#include "chain.h"

/* RFC 9325 section 4.2: forward secrecy and AEAD first; CBC with SHA-2 stays for
 * the mail servers that would otherwise fall back to no encryption at all. */
#define TLS_CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20:" \
	"ECDHE+AES:!SHA1:!aNULL:!eNULL"

/* OpenSSL's first reason, in its own words. */
const char *tls_reason(void);

/* The handshake, as the SSL's state is set, within timeout seconds (0: no limit).
 * 0 or -1; both descriptors are non-blocking afterwards. */
int	tls_relay_handshake(SSL *, int in, int out, unsigned timeout);
/* Copies until the session has closed plain_in and all of it was sent, or the
 * client has taken nothing of what waits for it for timeout seconds (0: no
 * limit). */
int	tls_relay(SSL *, int in, int out, int plain_in, int plain_out,
	    unsigned timeout);

#endif
