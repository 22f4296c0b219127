/*
 * base64 and quoted-printable (RFC 2045, 4648), encoded-words (RFC 2047).
 * Bounded: output never exceeds what the buf may hold.
 */
#ifndef ENCODE_H
#define ENCODE_H

#include "buf.h"

/* Strict base64 (padding needed, nothing else allowed): for SASL.  0 or -1. */
int	base64_decode(struct span, struct buf *out);
int	base64_encode(struct span, struct buf *out);
/* Lenient decoders for message bodies: skip what is not in the alphabet. */
int	base64_decode_body(struct span, struct buf *out);
int	qp_decode_body(struct span, struct buf *out);
/* An unstructured or phrase body with encoded-words (RFC 2047) as UTF-8. */
int	words_decode(struct span, struct buf *out);
/* text (UTF-8) as encoded-words where it is not plain ASCII. */
int	words_encode(struct span text, struct buf *out);
/* Converts from charset (IANA name) to UTF-8 by iconv(3); what cannot be converted becomes
 * U+FFFD; an unknown charset is taken for ISO-8859-1 where not valid UTF-8. */
int	charset_decode(struct span text, struct span charset, struct buf *out);

#endif
