/*
 * Credentials: what a session writes to the auth process, and what comes back.
 * A session never sees a stored secret, the auth process never sees the
 * protocol.
 */
#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>

#include "control.h"

enum auth_verdict {
	AUTH_OK,
	AUTH_FAILED,		/* wrong name or secret: the same for both */
	AUTH_TEMP,		/* passwords cannot be read, hash not known */
	AUTH_DISABLED
};

struct auth_result {
	enum auth_verdict verdict;
	char user[ADDR_MAX + 1];	/* canonical account, when AUTH_OK */
	char text[128];			/* for the client, when disabled; may be "" */
};

/*
 * Asks for a plain secret (AUTH PLAIN, LOGIN, USER and PASS): writes one record of at most CRED_MAX
 * bytes to out, waits for one line on in.  0, or -1 (the process is gone).
 * The secret is not kept.
 */
int	auth_ask(int out, int in, const char *protocol, struct span user,
	    struct span secret, struct auth_result *);

/*
 * The auth process: reads one record from in, checks it against passwords (and
 * users), writes the verdict line to session_out and, when AUTH_OK and
 * account_out is not -1, the account's address to account_out.  Exit code.
 * Takes the same time whether the account exists or not.
 */
int	auth_serve(struct control *, int in, int session_out, int account_out);

#endif
