/*
 * Looks at a certificate and its key as a server will, before it does.  For
 * posthouse check, which is linked with OpenSSL.
 */
#ifndef TLS_CHECK_H
#define TLS_CHECK_H

#include <time.h>

/* One line each, what is wrong and how to mend it; "" where all is well. */
struct tls_verdict {
	char cert[200], key[200];	/* no server can serve with it */
	char time[200], name[200];	/* clients may refuse it */
};

/*
 * Reads both files (PEM).  host is the name by which clients come.  A key that this
 * process may not read is not looked at.
 */
void	tls_check(const char *cert, const char *key, const char *host, time_t now,
	    struct tls_verdict *);

#endif
