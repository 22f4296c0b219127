/*
 * Logging in at a smarthost (RFC 4954).
 */
#ifndef REMOTE_AUTH_H
#define REMOTE_AUTH_H

#include "remote_smtp.h"

/*
 * By SCRAM-SHA-256, PLAIN or LOGIN, whichever of them the server offers first in
 * this order.  0: done, or the route has no user.  -1: why is in the verdict, which
 * defers: a login that does not work is our configuration's fault.
 */
int	auth_login_as(struct smtp *, const struct route *, struct verdict *);

#endif
