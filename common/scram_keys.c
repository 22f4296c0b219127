/*
 * The text of stored keys, without any cryptography: programs that only look
 * over the control files need no more.
 */
#include "scram.h"

#include <string.h>

#include "encode.h"

int
scram_octets(struct span text, size_t min, size_t max, unsigned char *out,
    size_t *n)
{
	struct buf b;
	int r = -1;

	buf_init(&b, max);
	if (base64_decode(text, &b) == 0 && b.len >= min) {
		memcpy(out, b.p, b.len);
		*n = b.len;
		r = 0;
	}
	buf_wipe(&b);
	return r;
}

int
scram_keys_parse(struct span s, struct scram_keys *k)
{
	struct cur c;
	size_t n;

	cur_init(&c, s);
	if (cur_num(&c, SCRAM_ITERATIONS_MAX, &k->iterations) == -1 ||
	    k->iterations < SCRAM_ITERATIONS_MIN || !cur_ch(&c, ',') ||
	    scram_octets(cur_until(&c, ','), 1, SCRAM_SALT_MAX, k->salt,
	    &k->salt_len) == -1 || !cur_ch(&c, ',') ||
	    scram_octets(cur_until(&c, ','), SHA256_SIZE, SHA256_SIZE,
	    k->stored_key, &n) == -1 || !cur_ch(&c, ','))
		return -1;
	return scram_octets(cur_rest(&c), SHA256_SIZE, SHA256_SIZE,
	    k->server_key, &n);
}

int
scram_keys_print(struct buf *out, const struct scram_keys *k)
{
	(void)buf_addf(out, "%ju,", (uintmax_t)k->iterations);
	(void)base64_encode(span_of(k->salt, k->salt_len), out);
	(void)buf_addc(out, ',');
	(void)base64_encode(span_of(k->stored_key, SHA256_SIZE), out);
	(void)buf_addc(out, ',');
	return base64_encode(span_of(k->server_key, SHA256_SIZE), out);
}
