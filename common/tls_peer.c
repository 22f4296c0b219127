/*
 * What OpenSSL tells of a connection, for the session (tls_facts.c makes a line
 * of it) and for the auth process (bindings.h).  Names from the wire and from
 * certificates are hostile.
 */
#include "tls_peer.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "addr.h"
#include "bindings.h"
#include "file.h"

#define EXPORTER_LABEL	"EXPORTER-Channel-Binding"
#define EXPORTER_SIZE	32	/* octets: RFC 9266 section 2 */

void
tls_peer_facts(SSL *ssl, struct tls_facts *f)
{
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	int bits = 0;

	memset(f, 0, sizeof(*f));
	strlcpy(f->version, SSL_get_version(ssl), sizeof(f->version));
	strlcpy(f->cipher, SSL_CIPHER_get_name(cipher), sizeof(f->cipher));
	SSL_CIPHER_get_bits(cipher, &bits);
	f->bits = (unsigned)bits;
	if (sni != NULL)
		strlcpy(f->sni, sni, sizeof(f->sni));
	f->certificate = SSL_get0_peer_certificate(ssl) != NULL &&
	    SSL_get_verify_result(ssl) == X509_V_OK;
}

/* RFC 9266 section 2, and for TLS 1.2 what RFC 5929 section 3 has; there only
 * with the extended master secret (RFC 7627), without which both can be made
 * equal on two connections. */
static void
get_bindings(SSL *ssl, struct bindings *f)
{
	if (SSL_version(ssl) < TLS1_3_VERSION &&
	    SSL_get_extms_support(ssl) != 1)
		return;
	if (SSL_export_keying_material(ssl, f->exporter, EXPORTER_SIZE,
	    EXPORTER_LABEL, sizeof(EXPORTER_LABEL) - 1, NULL, 0, 0) == 1)
		f->exporter_len = EXPORTER_SIZE;
	if (SSL_version(ssl) < TLS1_3_VERSION)	/* the first Finished: no session is resumed here */
		f->unique_len = SSL_get_peer_finished(ssl, f->unique,
		    BINDING_MAX);
	if (f->unique_len > BINDING_MAX)
		f->unique_len = 0;
}

/* Only what is an address as we write them. */
static void
add_address(struct buf *out, const ASN1_STRING *s)
{
	int n = ASN1_STRING_length(s);
	struct addr a;

	if (n > 0 && parse_mailbox(span_of(ASN1_STRING_get0_data(s), (size_t)n),
	    true, &a) == ADDR_OK)
		(void)buf_addf(out, "%s\n", a.text);
}

/* RFC 5280 section 4.2.1.6: rfc822Name; the subject's emailAddress where there
 * is none (section 4.1.2.6). */
static void
get_addresses(X509 *cert, struct buf *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name,
	    NULL, NULL);
	const X509_NAME *subject = X509_get_subject_name(cert);
	int i, at = -1;

	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_EMAIL)
			add_address(out, n->d.rfc822Name);
	}
	GENERAL_NAMES_free(names);
	while (out->len == 0 && (at = X509_NAME_get_index_by_NID(subject,
	    NID_pkcs9_emailAddress, at)) >= 0)
		add_address(out, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(subject, at)));
}

void
tls_peer_for_auth(SSL *ssl, int fd)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	struct bindings f;
	struct buf out, addresses;

	memset(&f, 0, sizeof(f));
	buf_init(&out, CRED_MAX);
	buf_init(&addresses, CRED_MAX / 2);
	get_bindings(ssl, &f);
	if (cert != NULL && SSL_get_verify_result(ssl) == X509_V_OK)
		get_addresses(cert, &addresses);
	if (!addresses.bad)
		f.addresses = buf_span(&addresses);
	if (bindings_print(&out, &f) == 0)
		(void)file_write_all(fd, out.p, out.len);
	buf_wipe(&out);
	buf_free(&addresses);
}
