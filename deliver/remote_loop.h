/*
 * Does a message go round between this host and itself?
 */
#ifndef REMOTE_LOOP_H
#define REMOTE_LOOP_H

#include "remote_mail.h"
#include "remote_smtp.h"

/* How many Received fields of the header were written by the host own. */
unsigned loop_hops(struct span header, const char *own);
/* Does the server give our name, and has the message been here OWN_HOPS_MAX times?
 * Then the verdict says so, and whose fault it is. */
bool	loop_found(const struct smtp *, const struct mail *,
	    const struct remote_job *, const struct route *, const char *own,
	    struct verdict *);
/* The failure: the domain's MX host is this host. */
void	loop_mx(const char *domain, const char *host, const char *own,
	    struct verdict *);

#endif
