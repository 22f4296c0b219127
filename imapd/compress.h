/*
 * COMPRESS=DEFLATE (RFC 4978): a layer between the protocol and the client's descriptors.
 * Only a build with ZLIB=1 has it.
 */
#ifndef COMPRESS_H
#define COMPRESS_H

#include "netio.h"

struct compress;

/* Was this program built with it? */
bool	compress_built(void);
/*
 * From here on all that in reads is inflated and all that out writes is
 * deflated; both are flushed and empty.  Only where it is built.
 */
struct compress *compress_begin(struct netin *in, struct netout *out);
/*
 * Behind the last byte of a command stand some that make none, and may come later: reads them,
 * for so many seconds if they have begun.  0, or -1: there is more, or the client has left.
 */
int	compress_drain(struct compress *, unsigned seconds);
/* in and out are read and written as they are again.  NULL is nothing. */
void	compress_end(struct compress *, struct netin *in, struct netout *out);

#endif
