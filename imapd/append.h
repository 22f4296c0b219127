/*
 * What APPEND and REPLACE put together.
 */
#ifndef APPEND_H
#define APPEND_H

#include "imap.h"

/*
 * The bytes that an URL of CATENATE names, with CRLF line ends: RFC 4469 section
 * 3, with ";PARTIAL=" of RFC 5092.  NULL, or why there are none.
 */
const char *url_fetch(struct imap *, struct span url, struct buf *out);

#endif
