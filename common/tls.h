/*
 * TLS: the only files that include OpenSSL are tls*.c.  For servers they are loaded
 * when TLS is first needed; deliver-remote is linked with them.
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>

#include "chain.h"
#include "control.h"

struct tls_server;		/* certificate chains and parameters, no private key */

/* What tls.so does, which holds all that a server needs of OpenSSL. */
struct tls {
	/*
	 * Reads the certificate chain(s) below CONTROL/tls.  NULL and control_error when one is
	 * broken, or there is none.  ask: clients are asked for a certificate where
	 * tls/client-ca.pem is.
	 */
	struct tls_server *(*server_load)(struct control *, bool ask);
	void (*server_free)(struct tls_server *);
	/* Loads anew when a certificate on disk has changed; keeps the old one, and logs, when the
	 * new one is broken. */
	void (*server_refresh)(struct tls_server **, struct control *);
	/*
	 * The tls process: reads the private key (still as root), enters its sandbox
	 * with empty as its root, does the handshake on sock_in/sock_out, writes one
	 * line of facts to plain_out, those for auth to facts_out (closed then; -1: none), and
	 * then copies both ways until the session has ended.  Returns the exit code.  conn is
	 * for the log.
	 */
	int (*serve)(struct tls_server *, struct control *,
	    const struct conn *, int sock_in, int sock_out, int plain_in,
	    int plain_out, int facts_out, const char *empty);
};
/* In tls.so alone. */
extern const struct tls tls_functions;

/*
 * Opens tls.so, which is beside the program, so that what is loaded later is what
 * was installed with it.  0, or -1 and why in error (one line).
 */
int	tls_find(char *error, size_t size);
/* Loads it, once; not in a process that is confined.  NULL: why is in error. */
const struct tls *tls_load(char *error, size_t size);

/* One line of facts (a name that is no plain host name is left out of them), 0 or -1. */
int	tls_facts_write(int fd, struct tls_facts *);
/* The session's side: reads that line from fd byte by byte; 0, or -1 (handshake failed). */
int	tls_read_facts(int fd, struct tls_facts *);

/* The client's side, for deliver-remote: a TLS client over a connected socket, blocking. */
struct tls_client;
/*
 * The handshake as client, in so many seconds altogether.  verify: the certificate
 * must be host's ("[192.0.2.1]": for that address) by a known authority.  NULL: why
 * is in error (one line).
 */
struct tls_client *tls_client_start(int fd, const char *host, bool verify,
	    unsigned seconds, char *error, size_t size, struct tls_facts *);
/* Why the certificate is not host's by a known authority; NULL when it is. */
const char *tls_client_untrusted(const struct tls_client *);
/* As read and write; -1 with errno. */
long	tls_client_read(struct tls_client *, void *, size_t);
long	tls_client_write(struct tls_client *, const void *, size_t);
void	tls_client_end(struct tls_client *);

#endif
