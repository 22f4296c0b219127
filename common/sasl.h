/*
 * SASL (RFC 4422), the session's side, the same for all three protocols: which
 * mechanisms are offered, and passing messages between client and auth process.
 */
#ifndef SASL_H
#define SASL_H

#include "auth.h"
#include "chain.h"

/*
 * Appends the mechanisms that may be used on this connection now, each with
 * before in front of it ("AUTH=", " ").  Nothing where somebody could listen.
 */
void	sasl_mechanisms(const struct conn *, const struct settings *,
	    const char *before, struct buf *out);
/* May a password be sent here at all: TLS, this machine, or the setting plain-auth. */
bool	sasl_private(const struct conn *, const struct settings *);
/* The mechanism of that name, as auth_turn wants it, if it may be used here; else NULL. */
const char *sasl_find(const struct conn *, const struct settings *,
	    struct span name);

/* Is it a mechanism that the setting login-mechanisms leaves out? */
bool	sasl_refused(const struct settings *, struct span name);

/* One exchange. */
struct sasl {
	const struct conn *conn;
	struct auth_result result;
	bool running;			/* auth waits for a response */
};

enum sasl_step {
	SASL_GO_ON,		/* send result.text as the challenge, then sasl_line */
	SASL_DONE,		/* result.verdict is known */
	SASL_CANCELLED,		/* the client sent "*" */
	SASL_BAD_BASE64
};

/* Begins.  mechanism is from sasl_find, initial the initial response in base64 ("=" is
 * the empty one), or NULL. */
enum sasl_step sasl_start(struct sasl *, const struct conn *,
	    const char *protocol, const char *mechanism,
	    const struct span *initial);
/* Goes on with the line that the client sent to the challenge, without its line end. */
enum sasl_step sasl_line(struct sasl *, struct span line);
/* The exchange is over whatever its state: call it once for each sasl_start. */
void	sasl_end(struct sasl *);

#endif
