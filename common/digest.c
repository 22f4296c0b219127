/*
 * Digests by OpenSSL.
 */
#include "digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

void
digest_init(void)
{
	unsigned char out[SHA256_SIZE];
	struct span x = span_str("x");

	(void)md5_sum(x, out);
	(void)sha256(x, out);
	(void)hmac_sha256(x, x, out);
	(void)pbkdf2_sha256(x, x, 1, out);
}

int
sha256(struct span text, unsigned char out[SHA256_SIZE])
{
	return EVP_Digest(text.p, text.len, out, NULL, EVP_sha256(), NULL) ==
	    1 ? 0 : -1;
}

int
md5_sum(struct span text, unsigned char out[MD5_SIZE])
{
	return EVP_Digest(text.p, text.len, out, NULL, EVP_md5(), NULL) == 1 ?
	    0 : -1;
}

int
hmac_sha256(struct span key, struct span text, unsigned char out[SHA256_SIZE])
{
	unsigned n = SHA256_SIZE;

	return HMAC(EVP_sha256(), key.p, (int)key.len, text.p, text.len, out,
	    &n) != NULL ? 0 : -1;
}

int
pbkdf2_sha256(struct span password, struct span salt, uint64_t iterations,
    unsigned char out[SHA256_SIZE])
{
	return PKCS5_PBKDF2_HMAC((const char *)password.p, (int)password.len,
	    salt.p, (int)salt.len, (int)iterations, EVP_sha256(), SHA256_SIZE,
	    out) == 1 ? 0 : -1;
}
