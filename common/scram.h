/*
 * SCRAM-SHA-256 (RFC 5802, RFC 7677): the stored keys of a password, and the
 * server's side of the exchange.  Pure functions.
 */
#ifndef SCRAM_H
#define SCRAM_H

#include <stdbool.h>

#include "buf.h"
#include "digest.h"
#include "limits.h"

/* What is kept of a password: RFC 5802 section 3. */
struct scram_keys {
	uint64_t iterations;
	size_t salt_len;
	unsigned char salt[SCRAM_SALT_MAX];
	unsigned char stored_key[SHA256_SIZE], server_key[SHA256_SIZE];
};

/* "ITERATIONS,SALT,STOREDKEY,SERVERKEY", all but the first in base64.  0 or -1. */
int	scram_keys_parse(struct span, struct scram_keys *);
int	scram_keys_print(struct buf *, const struct scram_keys *);
/* Base64 that gives between min and max octets.  0, or -1. */
int	scram_octets(struct span text, size_t min, size_t max,
	    unsigned char *out, size_t *n);
/* Fills in both keys from the password, salt, salt_len and iterations. */
void	scram_keys_derive(struct scram_keys *, struct span password);
/* Does the password give these keys?  In the same time, whatever the answer. */
bool	scram_keys_match(const struct scram_keys *, struct span password);

/* The server's side of one exchange; the spans are borrowed from the messages,
 * which must stay as long. */
struct scram {
	struct span header;	/* GS2 header of the first message */
	int flag;		/* its binding flag: 'n', 'y' or 'p' */
	struct span binding_name;	/* of flag 'p' */
	struct span authzid, user;	/* still escaped: scram_name */
	struct span client_nonce, client_bare;
	struct span nonce, without_proof;	/* of the final message */
	unsigned char proof[SHA256_SIZE];
	struct span cbind;	/* c=, in base64 */
};

enum scram_result {
	SCRAM_OK,
	SCRAM_MALFORMED,	/* not in the grammar */
	SCRAM_REFUSED		/* well-formed, and not acceptable: extension, downgrade */
};

/*
 * client-first-message: RFC 5802 section 7.  can_bind: SCRAM-SHA-256-PLUS was
 * offered, so that the flag 'y' tells of somebody who removed it (section 6).
 */
enum scram_result scram_first(struct scram *, bool plus, bool can_bind,
	    struct span message);
/* A saslname without its escapes ("=2C", "=3D").  0, or -1. */
int	scram_name(struct span, struct buf *out);
/* Appends the server-first-message; nonce is the server's part. */
int	scram_challenge(const struct scram *, struct span nonce,
	    const struct scram_keys *, struct buf *out);
/*
 * client-final-message.  challenge is what scram_challenge gave, binding the
 * channel binding data that flag 'p' promised (else empty).
 */
enum scram_result scram_final(struct scram *, struct span challenge,
	    struct span binding, struct span message);
/* Does the proof show the password of these keys?  Then the server-final-message
 * is appended to out. */
bool	scram_verify(const struct scram *, struct span challenge,
	    const struct scram_keys *, struct buf *out);

#endif
