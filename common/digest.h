/*
 * SHA-256 and what is made of it, and MD5 for APOP.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include "buf.h"

#define SHA256_SIZE	32	/* octets */
#define MD5_SIZE	16

void	sha256(struct span text, unsigned char out[SHA256_SIZE]);
/* RFC 2104. */
void	hmac_sha256(struct span key, struct span text,
	    unsigned char out[SHA256_SIZE]);
/* For APOP (RFC 1939) and for nothing else: it is broken. */
void	md5_sum(struct span text, unsigned char out[MD5_SIZE]);
/* RFC 8018 section 5.2, one block of output. */
void	pbkdf2_sha256(struct span password, struct span salt,
	    uint64_t iterations, unsigned char out[SHA256_SIZE]);

#endif
