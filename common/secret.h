/*
 * Stored secrets: the second field of a line of passwords (posthouse-users(5)).
 */
#ifndef SECRET_H
#define SECRET_H

#include <stdbool.h>

#include "buf.h"
#include "scram.h"

enum secret_kind {
	SECRET_CRYPT,		/* "$y$...": what crypt(3) makes */
	SECRET_SCRAM,		/* "{SCRAM-SHA-256}...": scram_keys_print */
	SECRET_PLAIN		/* "{PLAIN}text", with ":", "%" and control bytes as %XX */
};

/* NULL, or what is wrong with a stored secret and how to mend it. */
const char *secret_wrong(struct span stored);
/* Which of them it is; *rest is what follows the mark.  0, or -1: none. */
int	secret_kind(struct span stored, enum secret_kind *, struct span *rest);
/* Appends the text of a SECRET_PLAIN (its rest).  0 or -1. */
int	secret_plain(struct span rest, struct buf *out);
/* Is this the secret?  Takes the time of its kind whatever the answer. */
bool	secret_check(struct span stored, struct span secret);
/* Appends a secret in its stored form, with a new salt; fast: at the least cost that the kind has, for
 * secrets that are random already, and tests.  like, if not NULL and SCRAM, gives salt and
 * iterations, so that SCRAM works with either of two passwords.  0 or -1. */
int	secret_make(enum secret_kind, struct span secret, bool fast,
	    const struct scram_keys *like, struct buf *out);
/* Compares without telling by its time where the first difference is. */
bool	same_bytes(struct span, struct span);

#endif
