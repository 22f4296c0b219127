/*
 * What a sender asks about reports (RFC 3461): the parameters' grammar, and
 * which wishes hold for a recipient.
 */
#ifndef DSN_H
#define DSN_H

#include <stdbool.h>

#include "buf.h"

/* NOTIFY: RFC 3461 section 4.1. */
enum {
	DSN_SUCCESS = 1, DSN_FAILURE = 2, DSN_DELAY = 4,
	DSN_NEVER = 8		/* stands alone */
};
#define DSN_NOTIFY_SIZE	32	/* "SUCCESS,FAILURE,DELAY" and the NUL */

/* "NEVER" or a list of the others, any case: its bits; 0: not in the grammar. */
unsigned dsn_notify_parse(struct span);
/* The list for bits that are not 0. */
void	dsn_notify_print(unsigned, char out[DSN_NOTIFY_SIZE]);
/*
 * The wishes for a recipient with that index ("3", "3.1": job.h) when the
 * envelope's recipient has this list.  The only target of an alias ("3.0")
 * inherits all of them; one of several loses SUCCESS, for the alias is reported as
 * expanded: RFC 3461 sections 5.2.7.2 and 5.2.7.3 (c).  0: none were given.
 */
unsigned dsn_notify_of(const char *notify, struct span index);
/* Does the index name one of several targets? */
bool	dsn_is_expanded(struct span index);

/* xtext: RFC 3461 section 4. */
bool	dsn_is_xtext(struct span);
/* RET: RFC 3461 section 4.3. "FULL", "HDRS", or NULL. */
const char *dsn_ret_parse(struct span);
/* ENVID: RFC 3461 section 4.4. */
bool	dsn_is_envid(struct span);
/* ORCPT: RFC 3461 section 4.2; with utf8 also the form that RFC 6533 section 3 calls
 * utf-8-addr-unitext. */
bool	dsn_is_orcpt(struct span, bool utf8);

#endif
