/*
 * The mechanisms that are one or two messages long: PLAIN (RFC 4616), LOGIN,
 * EXTERNAL (RFC 4422 appendix A), and APOP (RFC 1939 section 7), which is none
 * of SASL.
 */
#include <string.h>

#include "auth_impl.h"
#include "digest.h"
#include "secret.h"

/* The name is known and the secret at hand. */
static enum auth_verdict
check(struct auth *a, struct span user, struct span authzid, struct span secret)
{
	enum auth_verdict v;

	if ((v = auth_name(a, user)) != AUTH_OK ||
	    (v = auth_secret(a, secret)) != AUTH_OK)
		return v;
	if (!auth_same_name(a, authzid))
		return auth_end(a, AUTH_OTHER_NAME, "asked to act for another");
	return auth_permit(a);
}

/* RFC 4616 section 2: [authzid] NUL authcid NUL passwd. */
static enum auth_verdict
plain(struct auth *a)
{
	struct span authzid, user, secret;
	struct cur c;

	if (!auth_need(a, ""))
		return AUTH_FAILED;
	cur_init(&c, a->response);
	authzid = cur_until(&c, 0);
	if (!cur_ch(&c, 0))
		return auth_end(a, AUTH_MALFORMED, "malformed response");
	user = cur_until(&c, 0);
	if (!cur_ch(&c, 0) || user.len == 0)
		return auth_end(a, AUTH_MALFORMED, "malformed response");
	secret = cur_rest(&c);
	if (span_haschr(secret, 0))
		return auth_end(a, AUTH_MALFORMED, "malformed response");
	return check(a, user, authzid, secret);
}

/* Never standardised; clients want these two texts. */
static enum auth_verdict
login(struct auth *a)
{
	enum auth_verdict v = AUTH_FAILED;
	struct buf user;

	if (!auth_need(a, "Username:"))
		return v;
	buf_init(&user, SASL_MESSAGE_MAX);
	if (buf_addspan(&user, a->response) == 0 &&
	    auth_challenge(a, span_str("Password:")))
		v = check(a, buf_span(&user), span_str(""), a->response);
	buf_free(&user);
	return v;
}

/* The first address of the certificate that is an account; or the one asked
 * for, if the certificate has it. */
static enum auth_verdict
external(struct auth *a)
{
	struct span authzid, address;
	struct account account;
	char name[ADDR_MAX + 1];
	struct cur c;

	if (!auth_need(a, ""))
		return AUTH_FAILED;
	authzid = a->response;
	cur_init(&c, a->facts.addresses);
	while (!cur_end(&c)) {
		address = cur_until(&c, '\n');
		(void)cur_ch(&c, '\n');
		if ((authzid.len > 0 && !span_iseq(address, authzid)) ||
		    span_cstr(address, name, sizeof(name)) == -1 ||
		    account_find(a->control, name, &account) == -1)
			continue;
		strlcpy(a->name_text, name, sizeof(a->name_text));
		a->tried = span_str(a->name_text);
		strlcpy(a->name, account.address, sizeof(a->name));
		a->account = account;
		a->exists = true;
		return auth_permit(a);
	}
	if (authzid.len > 0 && authzid.len <= ADDR_MAX) {
		memcpy(a->name_text, authzid.p, authzid.len);
		a->tried = span_of(a->name_text, authzid.len);
	}
	return auth_end(a, AUTH_FAILED, a->facts.addresses.len == 0 ?
	    "no certificate that is trusted" :
	    "no address of the certificate fits");
}

/* RFC 1939 section 7: the digest of the greeting's stamp and the secret, which
 * must be known as it is. */
static bool
apop_fits(struct span stored, struct span stamp, struct span digest)
{
	unsigned char md5[MD5_SIZE];
	char hex[2 * MD5_SIZE + 1];
	enum secret_kind kind;
	struct span rest;
	struct buf b;
	bool ok = false;

	if (secret_kind(stored, &kind, &rest) == -1 || kind != SECRET_PLAIN)
		return false;
	buf_init(&b, CRED_MAX + CONTROL_LINE_MAX);
	(void)buf_addspan(&b, stamp);
	if (secret_plain(rest, &b) == 0) {
		md5_sum(buf_span(&b), md5);
		for (size_t i = 0; i < MD5_SIZE; i++)
			snprintf(hex + 2 * i, 3, "%02x", md5[i]);
		ok = same_bytes(span_of(hex, sizeof(hex) - 1), digest);
	}
	buf_wipe(&b);
	return ok;
}

static enum auth_verdict
apop(struct auth *a)
{
	struct span user, digest, stamp;
	struct password_line p;
	enum auth_verdict v;
	size_t at = 0;
	bool ok = false;
	struct cur c;

	cur_init(&c, a->response);
	user = cur_until(&c, 0);
	(void)cur_ch(&c, 0);
	digest = cur_until(&c, 0);
	(void)cur_ch(&c, 0);
	stamp = cur_rest(&c);
	if ((v = auth_name(a, user)) != AUTH_OK)
		return v;
	while (auth_line(a, &at, &p))
		ok = apop_fits(p.secret, stamp, digest) || ok;
	return ok ? auth_permit(a) :
	    auth_end(a, AUTH_FAILED, "wrong name or digest");
}

const struct auth_mechanism auth_mechanisms[] = {
	{ "PLAIN", MECH_PLAIN, plain },
	{ "LOGIN", MECH_LOGIN, login },
	{ "SCRAM-SHA-256", MECH_SCRAM, auth_scram },
	{ "SCRAM-SHA-256-PLUS", MECH_SCRAM_PLUS, auth_scram },
	{ "EXTERNAL", MECH_EXTERNAL, external },
	{ "APOP", 0, apop },
};
const size_t auth_nmechanisms =
    sizeof(auth_mechanisms) / sizeof(*auth_mechanisms);
