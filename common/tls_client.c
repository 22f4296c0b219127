/*
 * TLS as a client, for deliver-remote: over a connected socket, blocking once
 * the handshake is done.  Trusts no certificate unless it is told whose to
 * demand; an opportunistic connection is no worse than a plain one.
 */
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "tls_peer.h"
#include "tls_relay.h"

struct tls_client {
	SSL_CTX *ctx;
	SSL *ssl;
};

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" as the address alone. */
static bool
literal_address(const char *host, char *out, size_t size)
{
	struct cur c;

	cur_init(&c, span_str(host));
	if (!cur_ch(&c, '['))
		return false;
	(void)cur_word(&c, "IPv6:");
	return span_cstr(cur_until(&c, ']'), out, size) == 0;
}

/* Whom the certificate must be for: RFC 9525 section 6; an address stands in a
 * subjectAltName of its own kind.  It is looked at in any case, so that the log
 * can tell; only the route says whether it matters. */
static int
client_verify(struct tls_client *t, const char *host, bool verify)
{
	char address[64];

	SSL_CTX_set_default_verify_paths(t->ctx);
	SSL_set_verify(t->ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
	    NULL);
	SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (literal_address(host, address, sizeof(address)))
		return X509_VERIFY_PARAM_set1_ip_asc(
		    SSL_get0_param(t->ssl), address) == 1 ? 0 : -1;
	return SSL_set1_host(t->ssl, host) == 1 ? 0 : -1;
}

static struct tls_client *
client_new(int fd, const char *host, bool verify)
{
	struct tls_client *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	if ((t->ctx = SSL_CTX_new(TLS_client_method())) == NULL)
		goto fail;
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(t->ctx, TLS_CIPHERS);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	if ((t->ssl = SSL_new(t->ctx)) == NULL || SSL_set_fd(t->ssl, fd) != 1)
		goto fail;
	/* A literal has no name to send: RFC 6066 section 3. */
	if (host[0] != '[' && SSL_set_tlsext_host_name(t->ssl, host) != 1)
		goto fail;
	if (client_verify(t, host, verify) == -1)
		goto fail;
	SSL_set_connect_state(t->ssl);
	return t;
fail:
	tls_client_end(t);
	return NULL;
}

const char *
tls_client_untrusted(const struct tls_client *t)
{
	long v = SSL_get_verify_result(t->ssl);

	return v == X509_V_OK ? NULL : X509_verify_cert_error_string(v);
}

struct tls_client *
tls_client_start(int fd, const char *host, bool verify, unsigned seconds,
    char *error, size_t size, struct tls_facts *facts)
{
	struct tls_client *t;
	long v;
	int r;

	errno = 0;
	ERR_clear_error();
	if ((t = client_new(fd, host, verify)) == NULL) {
		strlcpy(error, tls_reason(), size);
		return NULL;
	}
	r = tls_relay_handshake(t->ssl, fd, fd, seconds);
	if (r == -1 || file_nonblock(fd, 0) == -1) {
		v = SSL_get_verify_result(t->ssl);
		strlcpy(error, verify && v != X509_V_OK ?
		    X509_verify_cert_error_string(v) : tls_reason(), size);
		tls_client_end(t);
		return NULL;
	}
	if (facts != NULL)
		tls_peer_facts(t->ssl, facts);
	return t;
}

/* OpenSSL's result as read(2) and write(2) would give it. */
static long
client_result(struct tls_client *t, int r)
{
	if (r > 0)
		return r;
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;		/* the socket's own timeout */
		return -1;
	case SSL_ERROR_SYSCALL:
		if (errno == 0)
			errno = ECONNRESET;
		return -1;
	default:
		ERR_clear_error();
		errno = EPROTO;
		return -1;
	}
}

long
tls_client_read(struct tls_client *t, void *p, size_t n)
{
	errno = 0;
	return client_result(t, SSL_read(t->ssl, p,
	    n > INT32_MAX ? INT32_MAX : (int)n));
}

long
tls_client_write(struct tls_client *t, const void *p, size_t n)
{
	errno = 0;
	return client_result(t, SSL_write(t->ssl, p,
	    n > INT32_MAX ? INT32_MAX : (int)n));
}

void
tls_client_end(struct tls_client *t)
{
	if (t == NULL)
		return;
	if (t->ssl != NULL)
		(void)SSL_shutdown(t->ssl);
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	free(t);
}
