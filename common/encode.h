/*
 * base64 and quoted-printable (RFC 2045, 4648), encoded-words (RFC 2047).
 * Bounded: output never exceeds what the buf may hold.  All append; 0, or -1
 * (bad input where the decoder is strict, or out is full).
 */
#ifndef ENCODE_H
#define ENCODE_H

#include "buf.h"
#include "charset.h"

/* Two hexadecimal digits at the cursor: the byte, or -1 and nothing is taken. */
int	hex_byte(struct cur *);
/* Strict base64 (padding needed, nothing else allowed): for SASL.  After -1
 * out may hold a part of it: wipe. */
int	base64_decode(struct span, struct buf *out);
int	base64_encode(struct span, struct buf *out);
/* Lenient decoders for message bodies: skip what is not in the alphabet. */
int	base64_decode_body(struct span, struct buf *out);
int	qp_decode_body(struct span, struct buf *out);
/*
 * An unstructured body, or a phrase from addr_clean, with its encoded-words as
 * UTF-8 and unfolded.  Never adds a line end or NUL that was encoded.  Not for
 * a whole address list: a decoded comma would look like a separator.
 */
int	words_decode(struct span, struct buf *out);
/*
 * text as encoded-words where it is not plain ASCII; several words are
 * separated by a space, where the caller may fold.  Plain words are not quoted.
 */
int	words_encode(struct span text, struct buf *out);

#endif
