/*
 * Character sets of messages to UTF-8.  The only file that uses iconv(3).
 */
#ifndef CHARSET_H
#define CHARSET_H

#include "buf.h"

/*
 * Appends text, which is in charset (IANA name, any case), as well-formed UTF-8.  What cannot be
 * converted becomes U+FFFD; a charset that is unknown, empty or not used in
 * mail is taken for UTF-8 where the text is valid as that, else for ISO-8859-1.
 * 0, or -1 when out is full.  Keeps up to 32 converters open for the life of the process.
 */
int	charset_decode(struct span text, struct span charset, struct buf *out);
/* Length of the well-formed UTF-8 sequence at the beginning of text, which is
 * not empty (RFC 3629 section 4), or 0. */
size_t	charset_utf8_length(struct span text);
/*
 * Opens the converters of common charsets, because iconv_open(3) reads files:
 * to be called before a process is confined that will be able to read none.
 */
void	charset_prepare(void);
/*
 * The directory that iconv_open(3) reads converters from, for a process that will be
 * able to read that; "" where it needs none.  To be called first before it is confined.
 */
const char *charset_directory(void);

#endif
