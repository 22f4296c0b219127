/*
 * Facts of a TLS connection.  Private to tls*.c.
 */
#ifndef TLS_FACTS_H
#define TLS_FACTS_H

#include <openssl/ssl.h>

#include "chain.h"

void	tls_facts_get(SSL *, struct tls_facts *);
/* Channel bindings and the addresses of a verified client certificate, as bindings.h
 * has them, in one write of at most CRED_MAX bytes. */
void	tls_facts_for_auth(SSL *, int fd);

#endif
