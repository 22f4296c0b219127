/*
 * STATUS items, for STATUS and for LIST ... RETURN (STATUS ...).
 */
#ifndef STATUS_H
#define STATUS_H

#include "imap.h"

/* "(" items ")": RFC 3501 section 6.3.10, as bits for status_out. */
bool	parse_status_items(struct args *, unsigned *items);
/* Sends "* STATUS name (...)".  0, or -1 with errno and nothing sent. */
int	status_out(struct imap *, const char *raw, unsigned items);

#endif
