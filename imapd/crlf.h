/*
 * Message bytes as IMAP sends them: every line ends in CRLF, no NUL.
 */
#ifndef CRLF_H
#define CRLF_H

#include "buf.h"
#include "netio.h"

/* Octets of s with CRLF line ends. */
uint64_t crlf_size(struct span s);
/* Sends octets [from, from + n) of s with CRLF line ends; they must exist. */
void	crlf_out(struct netout *, struct span s, uint64_t from, uint64_t n);
/* Appends s with CRLF line ends, NULs as they are.  0, or -1 when b is full. */
int	crlf_add(struct buf *b, struct span s);

#endif
