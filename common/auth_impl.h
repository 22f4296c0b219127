/*
 * One exchange of the auth process.  Private to auth_*.c.
 */
#ifndef AUTH_IMPL_H
#define AUTH_IMPL_H

#include "auth.h"
#include "chain.h"
#include "bindings.h"
#include "guess.h"
#include "passwords.h"

#define AUTH_LABEL_MAX	64	/* of an application password, in the log */

struct auth {
	struct control *control;
	const struct conn *conn;
	const struct auth_files *files;
	struct bindings facts;
	unsigned protocol;		/* FOR_IMAP ... */
	const char *mechanism;
	struct buf record;		/* the last one that the session wrote */
	struct span response;		/* in it */
	bool has_response, gone;	/* gone: cancelled, or the session has ended */
	struct span tried;		/* the name as given, in name_text */
	char name_text[ADDR_MAX + 1];
	char name[ADDR_MAX + 1];	/* canonical; "" cannot be one */
	bool counted;			/* guess_begin has been called */
	bool let_in;			/* and the session knows */
	struct guess guess;
	uint64_t began;			/* when the secret came, clock_mono_ms() */
	struct account account;
	bool exists;			/* account is the name's */
	struct buf lines;		/* of passwords */
	char why[160];			/* the outcome, for the log */
	char text[CRED_MAX / 2];	/* for the session, behind the verdict */
};

/* auth_serve.c */
/* Sends a challenge and reads the response.  false: the exchange is over. */
bool	auth_challenge(struct auth *, struct span);
/* The response in hand, or asks for one with this challenge. */
bool	auth_need(struct auth *, const char *challenge);
/* A name was given: who it is, and whether he must wait or go away.  AUTH_OK: go on. */
enum auth_verdict auth_name(struct auth *, struct span user);
/* Is the other name that a client gave (authzid) the same, or none at all? */
bool	auth_same_name(const struct auth *, struct span authzid);
/* The secret was right: may he come in, here, now, by this protocol? */
enum auth_verdict auth_permit(struct auth *);
/* Says why for the log; returns the verdict. */
enum auth_verdict auth_end(struct auth *, enum auth_verdict, const char *why);

/* auth_secret.c */
/* The next line of the account that is good for this protocol and day; *at is 0 first. */
bool	auth_line(const struct auth *, size_t *at, struct password_line *);
/* Is it the account's secret?  Looks wherever that is known. */
enum auth_verdict auth_secret(struct auth *, struct span secret);

/* auth_scram.c */
enum auth_verdict auth_scram(struct auth *);

/* auth_mech.c */
struct auth_mechanism {
	const char *name;
	unsigned bit;			/* of the setting; 0: not one of SASL */
	enum auth_verdict (*run)(struct auth *);
};
extern const struct auth_mechanism auth_mechanisms[];
extern const size_t auth_nmechanisms;

#endif
