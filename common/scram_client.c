/*
 * SCRAM as a client.  Trusts nothing that the server says before it has shown
 * that it knows the password, and does not let it choose how long we calculate.
 */
#include "scram_client.h"

#include <string.h>

#include "encode.h"
#include "limits.h"

static struct span
hash_span(const unsigned char *hash)
{
	return span_of(hash, SHA256_SIZE);
}

/* saslname: RFC 5802 section 7. */
static void
put_name(struct buf *out, struct span name)
{
	struct cur c;
	int ch;

	cur_init(&c, name);
	while ((ch = cur_next(&c)) != -1) {
		if (ch == '=')
			buf_adds(out, "=3D");
		else if (ch == ',')
			buf_adds(out, "=2C");
		else
			buf_addc(out, (unsigned char)ch);
	}
}

int
scram_client_first(struct scram_client *s, struct span user,
    struct span nonce, struct buf *out)
{
	buf_init(&s->bare, CRED_MAX);
	buf_init(&s->nonce, SCRAM_NONCE_MAX);
	buf_addspan(&s->nonce, nonce);
	buf_adds(&s->bare, "n=");
	put_name(&s->bare, user);
	buf_adds(&s->bare, ",r=");
	buf_addspan(&s->bare, nonce);
	buf_adds(out, "n,,");		/* no channel binding */
	buf_addspan(out, buf_span(&s->bare));
	return s->bare.bad || s->nonce.bad || out->bad ? -1 : 0;
}

/* server-first-message: RFC 5802 section 7; an extension that we must know
 * ("m=") is not known. */
static int
parse_challenge(struct span message, struct span *nonce, struct buf *salt,
    uint64_t *iterations)
{
	struct cur c;

	cur_init(&c, message);
	if (!cur_word(&c, "r="))
		return -1;
	*nonce = cur_until(&c, ',');
	if (!cur_ch(&c, ',') || !cur_word(&c, "s=") ||
	    base64_decode(cur_until(&c, ','), salt) == -1 || salt->len == 0 ||
	    !cur_ch(&c, ',') || !cur_word(&c, "i=") ||
	    cur_num(&c, SCRAM_CLIENT_MAX, iterations) == -1 ||
	    *iterations < SCRAM_ITERATIONS_MIN)
		return -1;
	return cur_end(&c) || cur_ch(&c, ',') ? 0 : -1;
}

/* RFC 5802 section 3: both signatures over the messages so far. */
static void
sign(struct scram_client *s, struct span salted, struct span messages,
    unsigned char proof[SHA256_SIZE])
{
	unsigned char key[SHA256_SIZE], stored[SHA256_SIZE],
	    server[SHA256_SIZE];

	hmac_sha256(salted, span_str("Client Key"), key);
	sha256(hash_span(key), stored);
	hmac_sha256(hash_span(stored), messages, proof);
	hmac_sha256(salted, span_str("Server Key"), server);
	hmac_sha256(hash_span(server), messages, s->signature);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		proof[i] ^= key[i];
	buf_zero(key, sizeof(key));
	buf_zero(stored, sizeof(stored));
	buf_zero(server, sizeof(server));
}

static int
answer(struct scram_client *s, struct span password, struct span challenge,
    struct span nonce, struct span salt, uint64_t iterations, struct buf *out)
{
	unsigned char salted[SHA256_SIZE], proof[SHA256_SIZE];
	size_t from = out->len;
	struct buf messages;
	int r = -1;

	buf_init(&messages, 4 * CRED_MAX);
	buf_adds(out, "c=biws,r=");	/* "n,," */
	buf_addspan(out, nonce);
	buf_addspan(&messages, buf_span(&s->bare));
	buf_addc(&messages, ',');
	buf_addspan(&messages, challenge);
	buf_addc(&messages, ',');
	if (!out->bad)
		buf_add(&messages, out->p + from, out->len - from);
	if (!messages.bad) {
		pbkdf2_sha256(password, salt, iterations, salted);
		sign(s, hash_span(salted), buf_span(&messages), proof);
		buf_adds(out, ",p=");
		r = base64_encode(hash_span(proof), out);
	}
	buf_zero(salted, sizeof(salted));
	buf_free(&messages);
	return r;
}

int
scram_client_final(struct scram_client *s, struct span password,
    struct span challenge, struct buf *out)
{
	struct span nonce, own = buf_span(&s->nonce);
	uint64_t iterations;
	struct buf salt;
	int r = -1;

	buf_init(&salt, SCRAM_SALT_MAX);
	/* The server's nonce is ours and something of its own behind it. */
	if (parse_challenge(challenge, &nonce, &salt, &iterations) == 0 &&
	    nonce.len > own.len && memcmp(nonce.p, own.p, own.len) == 0)
		r = answer(s, password, challenge, nonce, buf_span(&salt),
		    iterations, out);
	buf_free(&salt);
	return r;
}

bool
scram_client_check(const struct scram_client *s, struct span final)
{
	unsigned char differ = 0;
	struct buf got;
	struct cur c;
	bool ok;

	buf_init(&got, SHA256_SIZE + 1);
	cur_init(&c, final);
	ok = cur_word(&c, "v=") &&
	    base64_decode(cur_until(&c, ','), &got) == 0 &&
	    got.len == SHA256_SIZE;
	for (size_t i = 0; ok && i < SHA256_SIZE; i++)
		differ |= got.p[i] ^ s->signature[i];
	buf_free(&got);
	return ok && differ == 0;
}

void
scram_client_free(struct scram_client *s)
{
	buf_free(&s->bare);
	buf_free(&s->nonce);
	buf_zero(s->signature, sizeof(s->signature));
}
