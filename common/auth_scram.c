/*
 * SCRAM-SHA-256 and -PLUS in the auth process (RFC 5802, 7677, 9266).  A name
 * that does not exist, or has no keys, is told a salt that is always the same
 * for it, and fails at the end as a wrong password does.
 */
#include <string.h>

#include "auth_impl.h"
#include "clock.h"
#include "encode.h"
#include "scram.h"
#include "secret.h"

#define NONCE_OCTETS	18

struct exchange {
	struct scram scram;
	struct buf first, challenge, user, last;
	struct scram_keys keys;		/* salt and iterations that the client is told */
};

/* Iterations as they are usual here, and a salt that only we could compute. */
static void
plausible_salt(const struct auth *a, struct scram_keys *k)
{
	unsigned char mac[SHA256_SIZE];
	struct scram_keys usual;
	struct password_line p;
	enum secret_kind kind;
	struct span rest;
	struct buf b;

	k->iterations = SCRAM_ITERATIONS;
	buf_init(&b, CONTROL_LINE_MAX);
	if (passwords_usual(a->files->passwords, &b) == 0 &&
	    password_line_parse(span_str(""), buf_span(&b), &p) == NULL &&
	    secret_kind(p.secret, &kind, &rest) == 0 &&
	    kind == SECRET_SCRAM && scram_keys_parse(rest, &usual) == 0)
		k->iterations = usual.iterations;
	buf_wipe(&b);
	hmac_sha256(span_of(a->files->guesses->key, SHA256_SIZE),
	    span_str(a->guess.user), mac);
	k->salt_len = 16;
	memcpy(k->salt, mac, k->salt_len);
}

/* Which salt and iterations the client is told.  Both are worked out for every
 * name, so that the time does not tell which it was. */
static void
choose_salt(const struct auth *a, struct scram_keys *k)
{
	struct password_line p;
	struct scram_keys own;
	enum secret_kind kind;
	struct span rest;
	size_t at = 0;

	plausible_salt(a, k);
	while (auth_line(a, &at, &p))
		if (secret_kind(p.secret, &kind, &rest) == 0 &&
		    kind == SECRET_SCRAM && scram_keys_parse(rest, &own) == 0) {
			*k = own;
			return;
		}
}

/* The keys of one line, if they belong to the salt that the client was told. */
static bool
line_keys(const struct password_line *p, const struct scram_keys *told,
    struct scram_keys *k)
{
	enum secret_kind kind;
	struct span rest;
	struct buf text;
	bool ok = false;

	if (secret_kind(p->secret, &kind, &rest) == -1 || kind == SECRET_CRYPT)
		return false;
	if (kind == SECRET_SCRAM)
		return scram_keys_parse(rest, k) == 0 &&
		    k->iterations == told->iterations &&
		    same_bytes(span_of(k->salt, k->salt_len),
		    span_of(told->salt, told->salt_len));
	*k = *told;
	buf_init(&text, CONTROL_LINE_MAX);
	ok = secret_plain(rest, &text) == 0 && text.len > 0;
	if (ok)
		scram_keys_derive(k, buf_span(&text));
	buf_wipe(&text);
	return ok;
}

static enum auth_verdict
verify(struct auth *a, struct exchange *x)
{
	char label[AUTH_LABEL_MAX] = "";
	struct scram_keys k = { .salt_len = 0 };
	struct password_line p;
	size_t at = 0, n = 0;
	bool ok = false;

	while (!ok && auth_line(a, &at, &p)) {
		if (!line_keys(&p, &x->keys, &k))
			continue;
		n++;
		ok = scram_verify(&x->scram, buf_span(&x->challenge), &k,
		    &x->last);
		if (ok)
			(void)span_cstr(p.label, label, sizeof(label));
	}
	buf_zero(&k, sizeof(k));
	if (ok)
		return auth_end(a, AUTH_OK, label);
	return auth_end(a, AUTH_FAILED, n > 0 ? "wrong password" :
	    a->exists ? "no keys for SCRAM" : "no such account");
}

/* client-first-message: who it is, and what he is told. */
static enum auth_verdict
first(struct auth *a, struct exchange *x)
{
	const struct settings *set = &a->control->set;
	bool plus = strcmp(a->mechanism, "SCRAM-SHA-256-PLUS") == 0;
	bool can_bind = a->conn->tls && (set->mechanisms & MECH_SCRAM_PLUS) != 0;
	unsigned char rnd[NONCE_OCTETS];
	enum scram_result r;
	enum auth_verdict v;
	struct buf nonce;

	if (buf_addspan(&x->first, a->response) == -1)
		return auth_end(a, AUTH_MALFORMED, "malformed response");
	r = scram_first(&x->scram, plus, can_bind, buf_span(&x->first));
	if (r == SCRAM_MALFORMED || (r == SCRAM_OK &&
	    scram_name(x->scram.user, &x->user) == -1))
		return auth_end(a, AUTH_MALFORMED, "malformed response");
	if (r == SCRAM_REFUSED)
		return auth_end(a, AUTH_FAILED, x->scram.flag == 'y' ?
		    "channel binding was hidden from the client" :
		    "extension or binding not possible");
	if ((v = auth_name(a, buf_span(&x->user))) != AUTH_OK)
		return v;
	choose_salt(a, &x->keys);
	random_bytes(rnd, sizeof(rnd));
	buf_init(&nonce, 2 * NONCE_OCTETS);
	(void)base64_encode(span_of(rnd, sizeof(rnd)), &nonce);
	r = scram_challenge(&x->scram, buf_span(&nonce), &x->keys,
	    &x->challenge) == 0 ? SCRAM_OK : SCRAM_MALFORMED;
	buf_free(&nonce);
	return r == SCRAM_OK ? AUTH_OK :
	    auth_end(a, AUTH_MALFORMED, "malformed response");
}

/* client-final-message. */
static enum auth_verdict
final(struct auth *a, struct exchange *x)
{
	struct span binding = span_of(NULL, 0);
	struct buf authzid;
	enum auth_verdict v;
	bool same;

	a->began = clock_mono_ms();
	if (x->scram.flag == 'p') {
		binding = bindings_find(&a->facts, x->scram.binding_name);
		if (binding.p == NULL)
			return auth_end(a, AUTH_FAILED,
			    "no such channel binding");
	}
	switch (scram_final(&x->scram, buf_span(&x->challenge), binding,
	    a->response)) {
	case SCRAM_MALFORMED:
		return auth_end(a, AUTH_MALFORMED, "malformed response");
	case SCRAM_REFUSED:
		return auth_end(a, AUTH_FAILED, "wrong channel binding");
	case SCRAM_OK:
		break;
	}
	if ((v = verify(a, x)) != AUTH_OK)
		return v;
	buf_init(&authzid, SASL_MESSAGE_MAX);
	same = scram_name(x->scram.authzid, &authzid) == 0 &&
	    auth_same_name(a, buf_span(&authzid));
	buf_free(&authzid);
	if (!same)
		return auth_end(a, AUTH_OTHER_NAME, "asked to act for another");
	return auth_permit(a);
}

enum auth_verdict
auth_scram(struct auth *a)
{
	enum auth_verdict v = AUTH_FAILED;
	struct exchange x;

	if (!auth_need(a, ""))
		return v;
	memset(&x, 0, sizeof(x));
	buf_init(&x.first, SASL_MESSAGE_MAX);
	buf_init(&x.challenge, SASL_MESSAGE_MAX);
	buf_init(&x.user, SASL_MESSAGE_MAX);
	buf_init(&x.last, SASL_MESSAGE_MAX);
	v = first(a, &x);
	if (v == AUTH_OK && auth_challenge(a, buf_span(&x.challenge)))
		v = final(a, &x);
	/* The server's own proof; what the client answers to it is empty. */
	if (v == AUTH_OK && !a->gone)
		(void)auth_challenge(a, buf_span(&x.last));
	buf_free(&x.first);
	buf_free(&x.challenge);
	buf_free(&x.user);
	buf_wipe(&x.last);
	buf_zero(&x, sizeof(x));
	return v;
}
