/*
 * Looks at a certificate and its key as a server will (tls.c), and at what a
 * client compares: the time and the name.  Trusts the files no more than tls.c
 * does.
 */
#include "tls_check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SOON	14	/* days: what renews by itself does so a month before */

/* A server asks nobody. */
static int
no_pass_phrase(char *buf, int size, int writing, void *asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return 0;
}

static void
check_key(SSL_CTX *ctx, const char *key, struct tls_verdict *v)
{
	bool asked = false;

	if (access(key, R_OK) == -1)
		return;
	SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &asked);
	/* One of another kind, as EC beside RSA, is taken, for a second certificate. */
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1)
		return;
	if (asked)
		snprintf(v->key, sizeof(v->key), "the key has a pass phrase, which "
		    "no server asks for; write it without: openssl pkey -in ...");
	else if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH ||
	    ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_CERTIFICATE_ASSIGNED)
		snprintf(v->key, sizeof(v->key), "this is the key of another "
		    "certificate than the first in cert.pem; write the one with "
		    "which that was made, and the chain with its own certificate "
		    "first");
	else
		snprintf(v->key, sizeof(v->key), "no private key in PEM form, "
		    "which begins with -----BEGIN PRIVATE KEY-----");
}

static void
check_time(const X509 *x, time_t now, struct tls_verdict *v)
{
	ASN1_TIME *t = ASN1_TIME_set(NULL, now);
	int days = 0, seconds = 0;

	if (t == NULL)
		return;
	if (ASN1_TIME_compare(X509_get0_notBefore(x), t) > 0)
		snprintf(v->time, sizeof(v->time), "it is not valid yet; see to "
		    "the clock of this machine, or to the certificate");
	else if (ASN1_TIME_compare(X509_get0_notAfter(x), t) <= 0)
		snprintf(v->time, sizeof(v->time), "it has expired, and clients "
		    "refuse it; renew it");
	else if (ASN1_TIME_diff(&days, &seconds, t,
	    X509_get0_notAfter(x)) == 1 && days < SOON)
		snprintf(v->time, sizeof(v->time), "it expires in %d days; renew "
		    "it", days);
	ASN1_TIME_free(t);
}

/* Not every one that is a certificate is good enough for the library. */
static void
cannot_use(struct tls_verdict *v)
{
	unsigned long e = ERR_peek_error();
	const char *why = ERR_GET_LIB(e) == ERR_LIB_PEM ? NULL :
	    ERR_reason_error_string(e);

	if (why == NULL)
		snprintf(v->cert, sizeof(v->cert), "no certificate in PEM form, "
		    "which begins with -----BEGIN CERTIFICATE-----");
	else
		snprintf(v->cert, sizeof(v->cert), "no server takes this "
		    "certificate: %s", why);
}

void
tls_check(const char *cert, const char *key, const char *host, time_t now,
    struct tls_verdict *v)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *x;

	memset(v, 0, sizeof(*v));
	if (ctx == NULL)
		return;
	if (access(cert, R_OK) == -1)
		snprintf(v->cert, sizeof(v->cert), "cannot be read: %s",
		    strerror(errno));
	else if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		cannot_use(v);
	else if ((x = SSL_CTX_get0_certificate(ctx)) != NULL) {
		check_time(x, now, v);
		if (X509_check_host(x, host, 0, 0, NULL) != 1)
			snprintf(v->name, sizeof(v->name), "it is not for %.100s, "
			    "so clients that come by this name refuse it", host);
		ERR_clear_error();
		check_key(ctx, key, v);
	}
	ERR_clear_error();
	SSL_CTX_free(ctx);
}
