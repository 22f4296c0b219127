/*
 * Slowing down who guesses passwords.  What is known of failures stands in a
 * file of fixed-size text records, so that every auth process sees what the
 * others saw; it may be deleted at any time.
 *
 * Each failure costs GUESS_WINDOW / limit seconds of patience for the client's
 * network and for the name that was tried.  What has been spent comes back with
 * time.  Who has spent more than a window waits before he is answered; a
 * network that goes on is not answered at all for a while.  A network from which
 * the account has logged in lately is judged by its own failures only, so that
 * a stranger's guesses lock nobody out.
 */
#ifndef GUESS_H
#define GUESS_H

#include <netinet/in.h>

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "digest.h"

#define GUESS_LINE	128	/* bytes of a record, with its LF */
#define GUESS_WAYS	8	/* records that one key may take */
#define GUESS_SETS	2048	/* of net and user; as many of pair */
#define GUESS_FILE_SIZE	(GUESS_LINE * GUESS_WAYS * (2 * GUESS_SETS + 1))

/* The file; fd -1: nobody is slowed. */
struct guesses {
	int fd;
	unsigned limit;		/* failures in a window that cost nothing; 0: nobody is slowed */
	unsigned char key[SHA256_SIZE];	/* known to nobody else */
};

/* Opens path, or makes it.  0, or -1 with errno: g->fd is -1 and the key is a new one. */
int	guess_open(struct guesses *g, const char *path, unsigned limit);

/* One attempt. */
struct guess {
	char net[64];		/* "192.0.2.0/24"; "": this machine */
	char user[400];		/* the name as tried, in lower case */
	char pair[GUESS_LINE];	/* the record of both; "": not looked for */
	uint64_t pair_set;
};
/* Of the client at addr, who tries name. */
void	guess_init(struct guess *, const struct in6_addr *addr, bool loopback,
	    const char *name);
/* To be called before the secret is looked at: counts the attempt as failed,
 * and says for how many milliseconds it must wait; -1: it must be refused, and
 * was not counted. */
int	guess_begin(const struct guesses *, struct guess *, uint64_t now);
/* The attempt has succeeded: takes it back, and remembers the network. */
void	guess_success(const struct guesses *, struct guess *, uint64_t now);

#endif
