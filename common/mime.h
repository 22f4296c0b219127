/*
 * MIME structure of a message (RFC 2045, 2046): a tree of parts with offsets,
 * in one linear pass, whatever is broken.  Depth, parts and parameters are
 * limited (limits.h); beyond them the rest belongs to the last part, opaque.
 */
#ifndef MIME_H
#define MIME_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "header.h"

struct mime_part {
	/* Offsets into the message: start of the header, of the body, end of the
	 * body (without the line end that belongs to the next boundary). */
	size_t header, body, end;
	/* Line ends in header and body, and those of them that are LF alone: the
	 * size with CRLF is bytes + lf. */
	size_t header_lines, body_lines, header_lf, body_lf;
	struct span type, subtype;	/* as in the field; defaults filled in */
	struct span content_type;	/* folded body of Content-Type; len 0: none */
	bool multipart;			/* has at least one child */
	bool message;			/* message/rfc822 or /global: has one child */
	size_t first_child, next;	/* indices into parts; 0: none */
	size_t parent;
	unsigned depth;
};
struct mime_tree {
	struct span message;
	struct mime_part *parts;	/* parts[0] is the message itself */
	size_t nparts, cap;
	bool truncated;			/* a limit was reached */
};
/*
 * 0, or -1 no memory (nothing to free then).  message must live as long as the
 * tree.  A multipart without a boundary parameter or without any boundary line,
 * and a message/rfc822 that is base64 or quoted-printable, has no child and is
 * opaque: multipart and message are false, type says what was claimed.
 */
int	mime_parse(struct span message, struct mime_tree *);
void	mime_free(struct mime_tree *);
/*
 * Part by IMAP section numbers ("1.2" is {1,2}; RFC 3501 section 6.4.5); NULL
 * when there is none.  n 0 is the message.  Where a number names the only part
 * of an embedded message, that message is returned: its header is the MIME
 * header, its body the part.  Likewise for a multipart in which none was found.
 */
const struct mime_part *mime_find(const struct mime_tree *,
	    const unsigned *path, size_t n);
/* Header (with the empty line) and body of that part. */
struct span mime_header(const struct mime_tree *, const struct mime_part *);
struct span mime_body(const struct mime_tree *, const struct mime_part *);

/*
 * Parameters of a structured field ("text/plain; charset=x; name*0=..."), RFC
 * 2045 section 5.1 and 2231: calls each with the name and the value in order
 * of first appearance: quoting removed, continuations joined; extended: still as
 * charset'language'percent-encoded.  *value is what stands before the first ";",
 * trimmed.  Spans given to each live only during the call.  At most
 * MIME_PARAMS_MAX parameters.  0, or -1 no memory.
 */
int	mime_params(struct span field_body, struct span *value,
	    void (*each)(void *arg, struct span name, struct span value,
	    bool extended), void *arg);
/*
 * Appends the first parameter of that name, extended values and encoded-words
 * (found where they may not be) decoded to UTF-8.  false: there is none.  Not for names
 * of files before they are cleaned: it may hold "/" and control bytes.
 */
bool	mime_param(struct span field_body, const char *name, struct buf *out);
/* An extended value (RFC 2231 section 4) as UTF-8. 0 or -1. */
int	mime_decode_extended(struct span value, struct buf *out);

#endif
