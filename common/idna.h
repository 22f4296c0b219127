/*
 * Domains of other scripts as DNS knows them: RFC 5890, RFC 3492.
 */
#ifndef IDNA_H
#define IDNA_H

#include <stddef.h>

/*
 * The domain with every label that is not ASCII as an A-label ("xn--...");
 * what is ASCII stays as it is.  0, or -1: not UTF-8, too long for DNS or for
 * out.  A U-label is normalized and lower-case already (RFC 5890 section
 * 2.3.2.1): what is not names another domain, most likely none.
 */
int	idna_ascii(const char *domain, char *out, size_t size);

#endif
