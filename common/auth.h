/*
 * Credentials: what a session writes to the auth process, and what comes back.
 * A session never sees a stored secret, the auth process never sees the
 * protocol.
 */
#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>

#include "control.h"

struct conn;

enum auth_verdict {
	AUTH_OK,
	AUTH_FAILED,		/* wrong name or secret: the same for both */
	AUTH_DISABLED,		/* the secret was right, and text says why that is not enough */
	AUTH_OTHER_NAME,	/* the client asked to act for another account */
	AUTH_MALFORMED,		/* not a message of the mechanism */
	AUTH_TEMP,		/* cannot be checked now, or too many failures before */
	AUTH_CHALLENGE		/* text is the next challenge, in base64 */
};

struct auth_result {
	enum auth_verdict verdict;
	char user[ADDR_MAX + 1];	/* canonical account, when AUTH_OK */
	char text[CRED_MAX];		/* may be "" */
};

/*
 * One turn of a SASL exchange: writes one record of at most CRED_MAX bytes to out and waits for one line
 * on in.  protocol ("imap") and mechanism begin an exchange; NULL goes on with it.
 * response: the client's; NULL: it gave none at the beginning, or cancels later.
 * 0, or -1 (the process is gone).
 */
int	auth_turn(int out, int in, const char *protocol, const char *mechanism,
	    const struct span *response, struct auth_result *);
/* Asks for a name and a plain secret (USER and PASS, LOGIN), as mechanism PLAIN does. */
int	auth_ask(int out, int in, const char *protocol, struct span user,
	    struct span secret, struct auth_result *);
/* Asks for APOP (RFC 1939 section 7): stamp is the greeting's, with its angle
 * brackets, digest the client's 32 hexadecimal digits. */
int	auth_apop(int out, int in, struct span user, struct span digest,
	    const char *stamp, struct auth_result *);

/* What the auth process is given and has opened while it still could. */
struct auth_files {
	int in;				/* records of the session */
	int session_out;		/* answers */
	int account_out;		/* for the listener, or -1 */
	unsigned protocols;		/* FOR_...: what its session can be */
	struct span facts;		/* what the tls process tells of the connection (bindings.h) */
	const struct passwords *passwords;
	const struct guesses *guesses;
	int shadow;			/* shadow(5); -1: no account needs it */
	int checker_out, checker_in;	/* to the checkpassword program; -1: none */
};

/*
 * The auth process, confined: serves one exchange for the client conn, logs the outcome,
 * tells the session, and then the listener in one line: the account, or "." for nobody.
 * Exit code; the listener is told when it is 0.  Failures take the same time whether the
 * account exists or not.
 */
int	auth_serve(struct control *, const struct conn *,
	    const struct auth_files *);

#endif
