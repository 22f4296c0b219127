/*
 * Digests by libmd, which libbsd brings (the BSDs have it in libc).  OpenSSL is
 * for TLS alone: a process that checks a password need not map it.
 */
#include "digest.h"

#include <md5.h>
#include <sha2.h>
#include <string.h>

/* The two halves of an HMAC, each with its pad of the key taken in. */
struct hmac {
	SHA2_CTX inner, outer;
};

void
sha256(struct span text, unsigned char out[SHA256_SIZE])
{
	SHA2_CTX c;

	SHA256Init(&c);
	SHA256Update(&c, text.p, text.len);
	SHA256Final(out, &c);
}

void
md5_sum(struct span text, unsigned char out[MD5_SIZE])
{
	MD5_CTX c;

	MD5Init(&c);
	MD5Update(&c, text.p, text.len);
	MD5Final(out, &c);
}

static void
hmac_begin(struct hmac *h, struct span key)
{
	unsigned char pad[SHA256_BLOCK_LENGTH] = { 0 };

	if (key.len > sizeof(pad))
		sha256(key, pad);
	else if (key.len > 0)
		memcpy(pad, key.p, key.len);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	SHA256Init(&h->inner);
	SHA256Update(&h->inner, pad, sizeof(pad));
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256Init(&h->outer);
	SHA256Update(&h->outer, pad, sizeof(pad));
	buf_zero(pad, sizeof(pad));
}

/* inner has taken in the text. */
static void
hmac_end(SHA2_CTX *inner, const struct hmac *h, unsigned char out[SHA256_SIZE])
{
	SHA2_CTX outer = h->outer;

	SHA256Final(out, inner);
	SHA256Update(&outer, out, SHA256_SIZE);
	SHA256Final(out, &outer);
}

void
hmac_sha256(struct span key, struct span text, unsigned char out[SHA256_SIZE])
{
	struct hmac h;

	hmac_begin(&h, key);
	SHA256Update(&h.inner, text.p, text.len);
	hmac_end(&h.inner, &h, out);
	buf_zero(&h, sizeof(h));
}

void
pbkdf2_sha256(struct span password, struct span salt, uint64_t iterations,
    unsigned char out[SHA256_SIZE])
{
	static const unsigned char first[4] = { 0, 0, 0, 1 };
	unsigned char u[SHA256_SIZE];
	SHA2_CTX inner;
	struct hmac h;

	hmac_begin(&h, password);
	inner = h.inner;
	SHA256Update(&inner, salt.p, salt.len);
	SHA256Update(&inner, first, sizeof(first));
	hmac_end(&inner, &h, u);
	memcpy(out, u, SHA256_SIZE);
	for (uint64_t n = 1; n < iterations; n++) {
		inner = h.inner;
		SHA256Update(&inner, u, sizeof(u));
		hmac_end(&inner, &h, u);
		for (size_t i = 0; i < sizeof(u); i++)
			out[i] ^= u[i];
	}
	buf_zero(&h, sizeof(h));
	buf_zero(&inner, sizeof(inner));
	buf_zero(u, sizeof(u));
}
