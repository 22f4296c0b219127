/*
 * DNS by libc's resolver.  RESOLVER=address:port in the environment names the server
 * instead of resolv.conf (tests; ignored in set-id programs).
 */
#ifndef DNS_H
#define DNS_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "limits.h"

#define DNS_MX_MAX 20		/* hosts taken from one answer */
#define DNS_ADDR_MAX 32		/* addresses taken for one host */

enum dns_result {
	DNS_OK,
	DNS_NONE,		/* the name exists, no such record */
	DNS_NXDOMAIN,
	DNS_TEMP		/* timeout, SERVFAIL, malformed answer */
};

struct dns_mx { unsigned pref; char host[ADDR_DOMAIN_MAX + 1]; };

/* Reads RESOLVER and resolv.conf; call before privileges go.  0 or -1. */
int	dns_init(void);
/* Reads them again, where resolv.conf may have changed.  0 or -1. */
int	dns_again(void);
/* MX hosts by preference, equals in random order.  DNS_OK with *n == 0 and *null is the
 * null MX (RFC 7505).  At most DNS_MX_MAX. */
enum dns_result dns_mx(const char *domain, struct dns_mx *, size_t *n,
	    bool *null);
/* IPv6 and IPv4 addresses of host, port filled in. */
enum dns_result dns_addr(const char *host, unsigned port,
	    struct sockaddr_storage *, size_t *n);

/* An address in digits, of either family: no host's name, whatever an MX record says. */
bool	dns_is_address(const char *);
/* A host name of letters, digits, "-" and "_", no final dot. */
bool	dns_is_host(const char *);

/*
 * The parser alone, over the bytes of one answer, without any I/O: for the
 * look-ups above, tests and fuzzing.  type is the record's number (MX 15, A 1,
 * AAAA 28).
 */
struct dns_answer {
	char name[1025];		/* whose records these are, CNAMEs followed */
	bool alias;			/* at least one CNAME was followed */
	bool dropped;			/* a record was unusable */
	size_t n;			/* of the array that fits the type */
	struct dns_mx mx[DNS_MX_MAX];	/* in the server's order */
	struct sockaddr_storage addr[DNS_ADDR_MAX];
};
enum dns_result dns_parse(struct span msg, const char *name, int type,
    struct dns_answer *);

#endif
