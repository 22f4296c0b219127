/*
 * Where to connect: hosts of a destination in order, and their addresses.
 */
#ifndef REMOTE_TARGET_H
#define REMOTE_TARGET_H

#include "dns.h"
#include "remote.h"

struct targets {
	struct dns_mx mx[DNS_MX_MAX];
	size_t n;
	unsigned port;
	const char *domain;	/* whose MX hosts they are, borrowed */
	bool literal;		/* mx[0].host is an address */
};
/*
 * Hosts for domain by the route: the smarthost, the address literal, MX hosts without ourselves, or
 * the domain itself (RFC 5321 section 5.1).  0, or -1 and the verdict.
 */
int	targets_find(const struct route *, const char *domain,
	    const char *own_name, struct targets *, struct verdict *);
/* Addresses of host i, at least one.  0, or -1 and the verdict. */
int	targets_addr(const struct targets *, size_t i,
	    struct sockaddr_storage *, size_t *n, struct verdict *);
/* "[192.0.2.1]:25" */
void	target_text(const struct sockaddr_storage *, char *out, size_t size);
/*
 * Connects to the first two untried addresses, the second a little later if
 * the first has not answered, and takes whichever does first; tried is set for
 * those that failed and for the one that won (*which).  The socket, or -1: errno
 * (EADDRNOTAVAIL: the route's source address is not ours).
 */
int	target_connect(const struct route *, const struct sockaddr_storage *,
	    size_t n, bool *tried, unsigned timeout, size_t *which);

#endif
