/*
 * The chain of processes for one client (DESIGN.md section 2), the same for
 * smtpd, pop3d and imapd:
 *
 *	listener --fork--> session       parses the protocol, before login
 *	         --fork--> tls           between the socket and two pipes
 *	         --fork--> auth          one credential, one verdict; then maybe
 *	                                 the next session's
 *	         --fork--> mailbox       after login, as the owner
 *
 * A session that wants TLS answers the client, and exits with
 * CHAIN_EXIT_STARTTLS: all that it has read dies with it.  The listener, which still
 * has the socket, then starts a tls process and a new session behind it.  A
 * session that has logged in writes what it has read beyond the login to
 * conn->left_out and exits with CHAIN_EXIT_MAILBOX; the listener, told by the
 * auth process who it is, starts the mailbox process with that pipe as its
 * first input.  A mailbox process that is to be left (IMAP's
 * UNAUTHENTICATE) writes what it has read too far to conn->next_out and exits
 * with CHAIN_EXIT_SESSION; the listener starts a new session, with that pipe as
 * its first input.  The listener never reads a byte from the client.
 */
#ifndef CHAIN_H
#define CHAIN_H

#include <netinet/in.h>

#include "auth.h"
#include "control.h"
#include "sandbox.h"

/* Exit codes of a session to the listener; others are sysexits. */
#define CHAIN_EXIT_STARTTLS	40
#define CHAIN_EXIT_MAILBOX	41
#define CHAIN_EXIT_SESSION	42	/* of a mailbox */

/* Facts that the tls process tells the session before the first byte. */
struct tls_facts {
	char version[16];	/* "TLSv1.3" */
	char cipher[48];
	char sni[ADDR_DOMAIN_MAX + 1];
	unsigned bits;
	bool certificate;		/* the client has shown a good one */
};

struct conn {
	int in, out;			/* the client: a socket, pipes or files */
	char peer_text[64];		/* "192.0.2.7", "2001:db8::1" or "local" */
	unsigned peer_port;
	struct in6_addr peer_in6;	/* IPv4 mapped; :: where unknown */
	bool loopback;			/* both ends on this machine, or no network at all */
	char sid[17];			/* session id, the same over STARTTLS */
	bool socket;			/* from accept(2) or getpeername(2): fd 0 is one */
	bool tls;
	struct tls_facts *facts;	/* with tls; the listener has none */
	bool can_tls;			/* STARTTLS may be offered */
	bool after_starttls;		/* no greeting: the client speaks next */
	/* Where the service can go back to a session; 0: none. */
	int next_out;			/* mailbox: the facts of TLS, and what it has read too far */
	int first_in;			/* session: reads that to its end before in */
	int auth_out, auth_in;		/* for auth_ask; -1: no auth */
	int left_out;			/* session: for its mailbox; -1: none */
	unsigned variant;		/* the service's own: smtp, submission, lmtp */
};

struct chain_service {
	const char *name;		/* "smtpd" */
	bool auth;			/* sessions get pipes to an auth process */
	unsigned protocol;		/* FOR_...: what their logins are for */
	bool returns;			/* a mailbox may exit with CHAIN_EXIT_SESSION */
	bool chroot_spool;		/* session's root: the spool, else the empty directory */
	const struct sandbox_role *session_role;
	const struct sandbox_role *mailbox_role;	/* NULL: none */
	/* In the mailbox process, as its owner and before it is confined: sets the
	 * paths that it may use, the account's own among them, and returns how many.
	 * NULL: the account's own. */
	size_t (*reach)(const struct control *, const struct account *,
	    const struct sandbox_path **);
	/* Called in the listener after each (re)load of the control files. */
	int (*prepare)(struct control *);
	/* Called there too, as root, for what sessions find open: so many
	 * descriptors from first on, which it fills by dup3(2), each with
	 * O_CLOEXEC, or leaves as they are. */
	unsigned kept;
	void (*place)(struct control *, int first);
	/* Called in the session process after fork and before privileges go. */
	int (*before)(struct control *, struct conn *);
	/* The session, confined.  Returns the exit code. */
	int (*session)(struct control *, struct conn *);
	/* After login, confined to account->maildir, as its owner; that may be missing.  first: input that
	 * the session had read (a pipe to read to its end before conn->in), or -1. */
	int (*mailbox)(struct control *, struct conn *, struct account *,
	    int first);
	/* What to write to a client that is over a limit, or when the control
	 * files are broken (a full line with CRLF). */
	const char *busy, *broken;
};

struct chain_options {
	const char *listen[16];		/* -l host:port, may be repeated */
	size_t nlisten;
	bool implicit_tls;		/* the first byte is TLS: 465, 993, 995 */
	unsigned variant;
};

/*
 * Looks at fd 0 (or -l) and serves: returns when there is nothing more to serve (one connection,
 * SIGTERM).  The result is the program's exit code.
 */
int	chain_run(const struct chain_service *, struct control *,
	    const struct chain_options *);
/*
 * The control files did not load: tells a client that is on fd 0 and 1 already
 * so, where it can read it without TLS.  The caller has logged why.
 */
void	chain_not_configured(const struct chain_service *,
	    const struct chain_options *);

#endif
