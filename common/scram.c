/*
 * SCRAM-SHA-256.  The messages come from a client and are hostile; the keys
 * come from passwords.  Refuses extensions that it does not know, as RFC 5802
 * section 5.1 demands for "m=", and a binding flag that tells of a downgrade.
 * SASLprep (RFC 4013) is left to who sets the password: posthouse-deviations(7).
 */
#include "scram.h"

#include <string.h>

#include "encode.h"
#include "secret.h"

static struct span
hash_span(const unsigned char hash[SHA256_SIZE])
{
	return span_of(hash, SHA256_SIZE);
}

/* RFC 5802 section 3: SaltedPassword, ClientKey, StoredKey, ServerKey. */
static void
derive(const struct scram_keys *in, struct span password,
    unsigned char stored[SHA256_SIZE], unsigned char server[SHA256_SIZE])
{
	unsigned char salted[SHA256_SIZE], client[SHA256_SIZE];

	pbkdf2_sha256(password, span_of(in->salt, in->salt_len),
	    in->iterations, salted);
	hmac_sha256(hash_span(salted), span_str("Client Key"), client);
	hmac_sha256(hash_span(salted), span_str("Server Key"), server);
	sha256(hash_span(client), stored);
	buf_zero(salted, sizeof(salted));
	buf_zero(client, sizeof(client));
}

void
scram_keys_derive(struct scram_keys *k, struct span password)
{
	derive(k, password, k->stored_key, k->server_key);
}

bool
scram_keys_match(const struct scram_keys *k, struct span password)
{
	unsigned char stored[SHA256_SIZE], server[SHA256_SIZE];
	bool ok;

	derive(k, password, stored, server);
	ok = same_bytes(hash_span(stored), hash_span(k->stored_key));
	buf_zero(stored, sizeof(stored));
	buf_zero(server, sizeof(server));
	return ok;
}

/* RFC 5802 section 7: gs2-cbind-flag. */
static int
parse_flag(struct cur *c, struct scram *s)
{
	if (cur_ch(c, 'n') || cur_ch(c, 'y')) {
		s->flag = c->p[-1];
		return 0;
	}
	if (!cur_ch(c, 'p') || !cur_ch(c, '='))
		return -1;
	s->flag = 'p';
	s->binding_name = cur_until(c, ',');
	return s->binding_name.len > 0 ? 0 : -1;
}

/* "x=value" up to the next comma. */
static int
parse_attribute(struct cur *c, unsigned char name, struct span *value)
{
	if (!cur_ch(c, name) || !cur_ch(c, '='))
		return -1;
	*value = cur_until(c, ',');
	return value->len > 0 ? 0 : -1;
}

/* RFC 5802 section 7: c-nonce, printable ASCII but no comma. */
static bool
nonce_is_good(struct span nonce)
{
	for (size_t i = 0; i < nonce.len; i++)
		if (nonce.p[i] <= ' ' || nonce.p[i] >= 0x7f)
			return false;
	return nonce.len <= SCRAM_NONCE_MAX;
}

enum scram_result
scram_first(struct scram *s, bool plus, bool can_bind, struct span message)
{
	struct cur c;

	memset(s, 0, sizeof(*s));
	cur_init(&c, message);
	if (span_haschr(message, 0) || parse_flag(&c, s) == -1 ||
	    !cur_ch(&c, ',') || (cur_peek(&c) == 'a' &&
	    parse_attribute(&c, 'a', &s->authzid) == -1) || !cur_ch(&c, ','))
		return SCRAM_MALFORMED;
	s->header = span_of(message.p, message.len - cur_left(&c));
	s->client_bare = span_of(c.p, cur_left(&c));
	if (cur_peek(&c) == 'm')
		return SCRAM_REFUSED;
	if (parse_attribute(&c, 'n', &s->user) == -1 || !cur_ch(&c, ',') ||
	    parse_attribute(&c, 'r', &s->client_nonce) == -1 ||
	    !nonce_is_good(s->client_nonce))
		return SCRAM_MALFORMED;
	if ((s->flag == 'p') != plus || (s->flag == 'y' && can_bind))
		return SCRAM_REFUSED;
	return SCRAM_OK;
}

int
scram_name(struct span name, struct buf *out)
{
	struct cur c;

	cur_init(&c, name);
	while (!cur_end(&c)) {
		if (cur_word(&c, "=2C"))
			(void)buf_addc(out, ',');
		else if (cur_word(&c, "=3D"))
			(void)buf_addc(out, '=');
		else if (cur_peek(&c) == '=')
			return -1;
		else
			(void)buf_addc(out, (unsigned char)cur_next(&c));
	}
	return out->bad ? -1 : 0;
}

int
scram_challenge(const struct scram *s, struct span nonce,
    const struct scram_keys *k, struct buf *out)
{
	(void)buf_adds(out, "r=");
	(void)buf_addspan(out, s->client_nonce);
	(void)buf_addspan(out, nonce);
	(void)buf_adds(out, ",s=");
	(void)base64_encode(span_of(k->salt, k->salt_len), out);
	return buf_addf(out, ",i=%ju", (uintmax_t)k->iterations);
}

/* Is c= the header that came first, and the binding that both sides see? */
static bool
binding_is_good(const struct scram *s, struct span binding)
{
	struct buf want, got;
	bool ok;

	buf_init(&want, 2 * SASL_MESSAGE_MAX);
	buf_init(&got, 2 * SASL_MESSAGE_MAX);
	(void)buf_addspan(&want, s->header);
	(void)buf_addspan(&want, binding);
	ok = !want.bad && base64_decode(s->cbind, &got) == 0 &&
	    same_bytes(buf_span(&want), buf_span(&got));
	buf_free(&want);
	buf_free(&got);
	return ok;
}

enum scram_result
scram_final(struct scram *s, struct span challenge, struct span binding,
    struct span message)
{
	struct span nonce, value;
	struct cur c, ours;
	size_t n;

	cur_init(&ours, challenge);
	cur_init(&c, message);
	if (span_haschr(message, 0) ||
	    parse_attribute(&ours, 'r', &nonce) == -1 ||
	    parse_attribute(&c, 'c', &s->cbind) == -1 || !cur_ch(&c, ',') ||
	    parse_attribute(&c, 'r', &s->nonce) == -1)
		return SCRAM_MALFORMED;
	for (;;) {		/* extensions, then the proof as the last */
		s->without_proof = span_of(message.p,
		    message.len - cur_left(&c));
		if (!cur_ch(&c, ','))
			return SCRAM_MALFORMED;
		if (cur_ch(&c, 'p'))
			break;
		if (cur_next(&c) == -1 || !cur_ch(&c, '='))
			return SCRAM_MALFORMED;
		(void)cur_until(&c, ',');
	}
	if (!cur_ch(&c, '='))
		return SCRAM_MALFORMED;
	value = cur_rest(&c);
	if (scram_octets(value, SHA256_SIZE, SHA256_SIZE, s->proof, &n) == -1)
		return SCRAM_MALFORMED;
	if (!same_bytes(nonce, s->nonce) || !binding_is_good(s, binding))
		return SCRAM_REFUSED;
	return SCRAM_OK;
}

/* RFC 5802 section 3: StoredKey must be the hash of ClientProof XOR
 * ClientSignature. */
static bool
proof_fits(const struct scram *s, struct span auth_message,
    const struct scram_keys *k)
{
	unsigned char key[SHA256_SIZE], hash[SHA256_SIZE];
	bool ok;

	hmac_sha256(hash_span(k->stored_key), auth_message, key);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		key[i] ^= s->proof[i];
	sha256(hash_span(key), hash);
	ok = same_bytes(hash_span(hash), hash_span(k->stored_key));
	buf_zero(key, sizeof(key));
	return ok;
}

bool
scram_verify(const struct scram *s, struct span challenge,
    const struct scram_keys *k, struct buf *out)
{
	unsigned char signature[SHA256_SIZE];
	struct buf m;
	bool ok;

	buf_init(&m, 4 * SASL_MESSAGE_MAX);
	(void)buf_addspan(&m, s->client_bare);
	(void)buf_addc(&m, ',');
	(void)buf_addspan(&m, challenge);
	(void)buf_addc(&m, ',');
	(void)buf_addspan(&m, s->without_proof);
	hmac_sha256(hash_span(k->server_key), buf_span(&m), signature);
	ok = !m.bad && proof_fits(s, buf_span(&m), k) &&
	    buf_adds(out, "v=") == 0 &&
	    base64_encode(hash_span(signature), out) == 0;
	buf_free(&m);
	return ok;
}
