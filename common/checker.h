/*
 * The checkpassword program of the setting of that name: who asks D. J.
 * Bernstein's interface of it.
 */
#ifndef CHECKER_H
#define CHECKER_H

#include "chain.h"
#include "control.h"

/*
 * Forks a process that waits for one name NUL secret NUL on *out, runs the program with
 * both, and answers with one letter on *in: 'y', 'n', or 't' (it could not say).
 * To be called before the sandbox is entered.  0, or -1 with errno.
 */
int	checker_start(const struct control *, const struct conn *, int *out,
	    int *in);

#endif
