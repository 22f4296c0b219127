/*
 * TLS by OpenSSL: the tls process of a chain.  With tls_relay.c and tls_peer.c
 * this is tls.so, which tls_load.c loads; what it calls of ours is the
 * program's own.  The listener loads certificate chains and never a private key;
 * each tls process loads the keys after the fork, and never parses the protocol
 * that it carries.  RFC 8446, 5246, 9325.
 */
#include "tls.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ex.h"
#include "file.h"
#include "limits.h"
#include "log.h"
#include "proc.h"
#include "sandbox.h"
#include "tls_peer.h"
#include "tls_relay.h"

#define TLS_NAMES_MAX	64	/* certificates by host name (SNI) */
#define TLS_CLIENT_CA	"client-ca.pem"

struct tls_stamp {		/* all zeroes: the file is not there */
	ino_t ino;
	struct timespec mtime;
};

struct tls_name {
	char host[ADDR_DOMAIN_MAX + 1];		/* "" for the default */
	SSL_CTX *ctx;
	struct tls_stamp stamp;
};

struct tls_server {
	struct tls_name names[TLS_NAMES_MAX];	/* names[0] is the default */
	size_t n;
	bool ask;			/* clients are asked for a certificate, if ca is there */
	struct tls_stamp ca, dir;	/* tls/client-ca.pem, tls */
};

static const int tls_calls[] = { -1 };
static const struct sandbox_role tls_role = {
	.name = "tls", .syscalls = tls_calls, .memory = CHAIN_TLS_MEMORY,
	.no_fork = true,
};

const char *
tls_reason(void)
{
	static char text[160];
	unsigned long e = ERR_get_error();

	if (e == 0)
		return errno != 0 ? strerror(errno) : "connection closed";
	if (ERR_SYSTEM_ERROR(e))
		strlcpy(text, strerror(ERR_GET_REASON(e)), sizeof(text));
	else if (ERR_reason_error_string(e) != NULL)
		strlcpy(text, ERR_reason_error_string(e), sizeof(text));
	else
		ERR_error_string_n(e, text, sizeof(text));
	ERR_clear_error();
	return text;
}

static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_server *t = arg;

	(void)alert;
	if (host == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	/* Only compared: a name from the wire is never part of a path. */
	for (size_t i = 1; i < t->n; i++)
		if (strcasecmp(t->names[i].host, host) == 0) {
			SSL_set_SSL_CTX(ssl, t->names[i].ctx);
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
server_context(struct tls_server *t)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(ctx, TLS_CIPHERS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/*
	 * No session is resumed.  State of its own would outlive the process,
	 * and the key of tickets would have to be known to the listener and so
	 * to every session: who took one over could read the others' mail.  A
	 * mail session is long, a handshake takes a millisecond.  No ticket is
	 * sent, so no client tries; one with another server's ticket gets a
	 * full handshake, for which the context must have a name once client
	 * certificates are asked for.
	 */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"posthouse",
	    sizeof("posthouse") - 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, t);
	return ctx;
}

static void
tls_path(const struct control *c, const char *host, const char *file,
    char *out, size_t size)
{
	snprintf(out, size, "%s/tls/%s%s%s", c->dir, host,
	    host[0] != '\0' ? "/" : "", file);
}

/* Has it changed?  Takes the new state. */
static bool
stamp_update(struct tls_stamp *s, const char *path)
{
	struct tls_stamp old = *s;
	struct stat st;

	memset(s, 0, sizeof(*s));
	if (stat(path, &st) == 0) {
		s->ino = st.st_ino;
		s->mtime = st.st_mtim;
	}
	return memcmp(s, &old, sizeof(old)) != 0;
}

/* A certificate that is not good is as none: the client may have it for others. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

/* Asks clients for a certificate by one of these authorities. */
static int
ask_certificate(SSL_CTX *ctx, struct control *c)
{
	char path[512];

	tls_path(c, "", TLS_CLIENT_CA, path, sizeof(path));
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return 0;
	if (SSL_CTX_load_verify_locations(ctx, path, NULL) != 1) {
		control_error(c, "tls/" TLS_CLIENT_CA, 0, "no certificates in "
		    "PEM form: %s", tls_reason());
		return -1;
	}
	SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(path));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	return 0;
}

/* One certificate chain; host "" is tls/cert.pem itself. */
static int
add_name(struct tls_server *t, struct control *c, const char *host)
{
	struct tls_name *n = &t->names[t->n];
	char path[512];
	const char *file = path + strlen(c->dir) + 1;
	struct stat st;

	if (t->n == TLS_NAMES_MAX) {
		control_error(c, "tls", 0, "more than %d host names",
		    TLS_NAMES_MAX);
		return -1;
	}
	tls_path(c, host, "cert.pem", path, sizeof(path));
	if (stat(path, &st) == -1) {
		/* A link to a file, such as key.pem, is no host's directory. */
		if ((errno == ENOENT || errno == ENOTDIR) && host[0] != '\0')
			return 0;
		control_error(c, file, 0, "%s", strerror(errno));
		return -1;
	}
	if ((n->ctx = server_context(t)) == NULL ||
	    SSL_CTX_use_certificate_chain_file(n->ctx, path) != 1) {
		control_error(c, file, 0, "no certificate in PEM form: %s",
		    tls_reason());
		SSL_CTX_free(n->ctx);
		return -1;
	}
	strlcpy(n->host, host, sizeof(n->host));
	(void)stamp_update(&n->stamp, path);
	t->n++;
	if (t->ask && ask_certificate(n->ctx, c) == -1)
		return -1;
	return 0;
}

static int
add_hosts(struct tls_server *t, struct control *c)
{
	char path[512];
	struct dirent *e;
	DIR *d;
	int r = 0;

	tls_path(c, "", "", path, sizeof(path));
	if ((d = opendir(path)) == NULL)
		return 0;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strchr(e->d_name, '.') != NULL &&
		    e->d_type != DT_REG && strlen(e->d_name) <=
		    ADDR_DOMAIN_MAX)
			r = add_name(t, c, e->d_name);
	closedir(d);
	return r;
}

static void
tls_server_free(struct tls_server *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		SSL_CTX_free(t->names[i].ctx);
	free(t);
}

static struct tls_server *
tls_server_load(struct control *c, bool ask)
{
	struct tls_server *t = calloc(1, sizeof(*t));
	unsigned errors = c->nerrors;
	char path[512];
	bool bad;

	if (t == NULL) {
		control_error(c, "tls", 0, "out of memory");
		return NULL;
	}
	tzset();	/* OpenSSL compares times: a tls process can read no file for it */
	t->ask = ask;
	tls_path(c, "", "", path, sizeof(path));
	(void)stamp_update(&t->dir, path);
	tls_path(c, "", TLS_CLIENT_CA, path, sizeof(path));
	(void)stamp_update(&t->ca, path);
	c->nerrors = 0;		/* of the certificates, not of the control files */
	bad = add_name(t, c, "") == -1 || add_hosts(t, c) == -1;
	c->nerrors = errors;
	if (bad) {
		tls_server_free(t);
		return NULL;
	}
	return t;
}

/* Also when a host's directory has come or gone. */
static bool
changed(struct tls_server *t, const struct control *c)
{
	char path[512];
	bool yes;

	tls_path(c, "", "", path, sizeof(path));
	yes = stamp_update(&t->dir, path);
	tls_path(c, "", TLS_CLIENT_CA, path, sizeof(path));
	yes = stamp_update(&t->ca, path) || yes;
	for (size_t i = 0; i < t->n; i++) {
		tls_path(c, t->names[i].host, "cert.pem", path, sizeof(path));
		yes = stamp_update(&t->names[i].stamp, path) || yes;
	}
	return yes;
}

static void
tls_server_refresh(struct tls_server **t, struct control *c)
{
	struct tls_server *new;

	if (*t == NULL || !changed(*t, c))
		return;
	if ((new = tls_server_load(c, (*t)->ask)) == NULL) {
		log_warn("%s; the certificate that was loaded before stays "
		    "in use", c->error);
		return;
	}
	tls_server_free(*t);
	*t = new;
}

/* A key with a pass phrase is no key: nobody is there to ask. */
static int
no_pass_phrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

/* Still with the listener's rights; afterwards nothing can be opened. */
static int
load_keys(struct tls_server *t, const struct control *c)
{
	char path[512];

	for (size_t i = 0; i < t->n; i++) {
		tls_path(c, t->names[i].host, "key.pem", path, sizeof(path));
		SSL_CTX_set_default_passwd_cb(t->names[i].ctx, no_pass_phrase);
		/* Looked at again: one of another kind is taken, for a second certificate. */
		if (SSL_CTX_use_PrivateKey_file(t->names[i].ctx, path,
		    SSL_FILETYPE_PEM) != 1 ||
		    SSL_CTX_check_private_key(t->names[i].ctx) != 1) {
			log_warn("%s: no private key that fits cert.pem: %s",
			    path, tls_reason());
			return -1;
		}
	}
	return 0;
}

static void
log_tls(const struct conn *conn, const struct tls_facts *f, const char *error)
{
	struct log l;

	log_begin(&l, "tls");
	log_str(&l, "sid", conn->sid);
	log_str(&l, "peer", conn->peer_text);
	if (f == NULL)
		log_text(&l, "handshake failed: %s", error);
	else {
		log_str(&l, "tls", f->version);
		log_text(&l, "%s%s%s%s", f->cipher, f->sni[0] == '\0' ? "" :
		    " ", f->sni, f->certificate ? ", client certificate" : "");
	}
	log_end(&l);
}

static int
tls_serve(struct tls_server *t, struct control *c, const struct conn *conn,
    int sock_in, int sock_out, int plain_in, int plain_out, int facts_out,
    const char *empty)
{
	static const struct sandbox_path nothing[1];
	struct tls_facts facts;
	SSL *ssl;

	if (load_keys(t, c) == -1)
		return EX_CONFIG;
	if ((ssl = SSL_new(t->names[0].ctx)) == NULL ||
	    SSL_set_rfd(ssl, sock_in) != 1 || SSL_set_wfd(ssl, sock_out) != 1)
		return EX_SOFTWARE;
	SSL_set_accept_state(ssl);
	if (sandbox_enter(&tls_role, empty, &c->set.tls_user, nothing, 0,
	    !c->set.sandbox) == -1) {
		log_warn_errno("tls: cannot give up privileges");
		return EX_OSERR;
	}
	if (tls_relay_handshake(ssl, sock_in, sock_out,
	    c->set.command_timeout) == -1) {
		log_tls(conn, NULL, tls_reason());
		return EX_PROTOCOL;
	}
	tls_peer_facts(ssl, &facts);
	if (facts_out != -1) {
		tls_peer_for_auth(ssl, facts_out);
		close(facts_out);
	}
	if (tls_facts_write(plain_out, &facts) == -1)
		return EX_OK;
	log_tls(conn, &facts, NULL);
	return tls_relay(ssl, sock_in, sock_out, plain_in, plain_out,
	    c->set.command_timeout);
}

const struct tls tls_functions = {
	.server_load = tls_server_load,
	.server_free = tls_server_free,
	.server_refresh = tls_server_refresh,
	.serve = tls_serve,
};
