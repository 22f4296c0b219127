/*
 * Checking and making secrets.  A stored one that is not understood lets nobody
 * in.
 */
#include "secret.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>

#include "clock.h"

bool
same_bytes(struct span a, struct span b)
{
	unsigned char diff = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		diff |= a.p[i] ^ b.p[i];
	return diff == 0;
}

static bool
crypt_check(struct span stored, struct span secret)
{
	char setting[CRYPT_OUTPUT_SIZE], phrase[CRYPT_MAX_PASSPHRASE_SIZE];
	struct crypt_data data;
	const char *out;
	bool ok;

	if (span_cstr(stored, setting, sizeof(setting)) == -1 ||
	    span_cstr(secret, phrase, sizeof(phrase)) == -1)
		return false;
	memset(&data, 0, sizeof(data));
	out = crypt_rn(phrase, setting, &data, (int)sizeof(data));
	ok = out != NULL && same_bytes(span_str(out), stored);
	buf_zero(phrase, sizeof(phrase));
	buf_zero(&data, sizeof(data));
	return ok;
}

static bool
plain_check(struct span rest, struct span secret)
{
	struct buf b;
	bool ok;

	buf_init(&b, CONTROL_LINE_MAX);
	ok = secret_plain(rest, &b) == 0 && b.len > 0 &&
	    same_bytes(buf_span(&b), secret);
	buf_wipe(&b);
	return ok;
}

bool
secret_check(struct span stored, struct span secret)
{
	struct scram_keys keys;
	enum secret_kind kind;
	struct span rest;
	bool ok;

	if (secret_kind(stored, &kind, &rest) == -1)
		return false;
	if (kind == SECRET_PLAIN)
		return plain_check(rest, secret);
	if (kind == SECRET_CRYPT)
		return crypt_check(rest, secret);
	ok = scram_keys_parse(rest, &keys) == 0 &&
	    scram_keys_match(&keys, secret);
	buf_zero(&keys, sizeof(keys));
	return ok;
}

static int
crypt_make(struct span secret, bool fast, struct buf *out)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], rnd[16];
	char phrase[CRYPT_MAX_PASSPHRASE_SIZE];
	struct crypt_data data;
	const char *hash = NULL;
	int r = -1;

	memset(&data, 0, sizeof(data));
	random_bytes(rnd, sizeof(rnd));
	if (span_cstr(secret, phrase, sizeof(phrase)) == 0 &&
	    crypt_gensalt_rn(fast ? "$5$" : "$y$", fast ? 1000 : 0, rnd,
	    (int)sizeof(rnd), salt, (int)sizeof(salt)) != NULL)
		hash = crypt_rn(phrase, salt, &data, (int)sizeof(data));
	if (hash != NULL && hash[0] == '$')
		r = buf_adds(out, hash);
	buf_zero(phrase, sizeof(phrase));
	buf_zero(&data, sizeof(data));
	return r;
}

static int
scram_make(struct span secret, bool fast, const struct scram_keys *like,
    struct buf *out)
{
	struct scram_keys keys = { .iterations = fast ? SCRAM_ITERATIONS_MIN :
	    SCRAM_ITERATIONS, .salt_len = 16 };
	int r;

	random_bytes(keys.salt, keys.salt_len);
	if (like != NULL)
		keys = *like;
	scram_keys_derive(&keys, secret);
	(void)buf_adds(out, "{SCRAM-SHA-256}");
	r = scram_keys_print(out, &keys);
	buf_zero(&keys, sizeof(keys));
	return r;
}

int
secret_make(enum secret_kind kind, struct span secret, bool fast,
    const struct scram_keys *like, struct buf *out)
{
	if (secret.len == 0 || span_haschr(secret, 0)) {
		errno = EINVAL;
		return -1;
	}
	if (kind == SECRET_CRYPT)
		return crypt_make(secret, fast, out);
	if (kind == SECRET_SCRAM)
		return scram_make(secret, fast, like, out);
	(void)buf_adds(out, "{PLAIN}");
	for (size_t i = 0; i < secret.len; i++)
		if (secret.p[i] <= ' ' || secret.p[i] == 0x7f ||
		    secret.p[i] == ':' || secret.p[i] == '%')
			(void)buf_addf(out, "%%%02X", (unsigned)secret.p[i]);
		else
			(void)buf_addc(out, secret.p[i]);
	return out->bad ? -1 : 0;
}
