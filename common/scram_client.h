/*
 * The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), for deliver-remote.
 * Pure functions.
 */
#ifndef SCRAM_CLIENT_H
#define SCRAM_CLIENT_H

#include <stdbool.h>

#include "buf.h"
#include "digest.h"

struct scram_client {
	struct buf bare;		/* client-first-message-bare */
	struct buf nonce;		/* ours */
	unsigned char signature[SHA256_SIZE];	/* the server's, as it must be */
};

/* nonce: printable ASCII without commas.  Appends the client-first-message.  0, or
 * -1: no memory, or a name that is too long; free it in any case. */
int	scram_client_first(struct scram_client *, struct span user,
	    struct span nonce, struct buf *out);
/*
 * Takes the server-first-message and appends the client-final-message.  0, or -1:
 * it is malformed, does not go on from our nonce, or asks for fewer than
 * SCRAM_ITERATIONS_MIN or more than SCRAM_CLIENT_MAX iterations.
 */
int	scram_client_final(struct scram_client *, struct span password,
	    struct span challenge, struct buf *out);
/* Does the server-final-message show that the server knows the password? */
bool	scram_client_check(const struct scram_client *, struct span final);
void	scram_client_free(struct scram_client *);

#endif
