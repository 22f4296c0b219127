/*
 * What a server takes, against what a message is: sizes, 8-bit text, addresses
 * and headers beyond ASCII.
 */
#ifndef REMOTE_FIT_H
#define REMOTE_FIT_H

#include "remote_mail.h"
#include "remote_smtp.h"

/*
 * Makes the message ready for this server (mail_fit), and answers the
 * recipients whose addresses it cannot be given.  0, or -1: it cannot take the
 * message at all, or not now; why is in the verdict.
 */
int	fit_message(struct smtp *, struct mail *, struct remote_job *,
	    struct buf *answers, struct verdict *);
/* Must MAIL say SMTPUTF8 (RFC 6531 section 3.4)? */
bool	fit_utf8(const struct smtp *, const struct mail *,
	    const struct remote_job *);
/* Adds an address that fit_message has let pass, with a domain in A-labels where
 * the server lacks SMTPUTF8. */
void	fit_put_address(struct smtp *, const char *address);

#endif
