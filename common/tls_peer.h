/*
 * What OpenSSL tells of a connection.  Private to tls*.c.
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include <openssl/ssl.h>

#include "chain.h"

void	tls_peer_facts(SSL *, struct tls_facts *);
/* Channel bindings and the addresses of a verified client certificate, as bindings.h
 * has them, in one write of at most CRED_MAX bytes. */
void	tls_peer_for_auth(SSL *, int fd);

#endif
