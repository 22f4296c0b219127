/*
 * MIME structure of a message (RFC 2045, 2046): a tree of parts with offsets,
 * in one linear pass, whatever is broken.  Depth, parts and parameters are
 * limited (limits.h); beyond them the rest is one opaque part.
 */
#ifndef MIME_H
#define MIME_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "header.h"

struct mime_part {
	size_t header, body, end;	/* offsets into the message: header start, body start, end of body */
	size_t header_lines, body_lines;	/* line ends in them: size with CRLF = bytes + LF-only lines */
	struct span type, subtype;	/* as in the field; defaults text/plain filled in */
	struct span content_type;	/* whole folded body of Content-Type, for parameters; len 0: none */
	bool multipart, message;	/* has children / is message/rfc822 with one child */
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
/* 0, or -1 no memory.  message must live as long as the tree. */
int	mime_parse(struct span message, struct mime_tree *);
void	mime_free(struct mime_tree *);
/* Part by IMAP section numbers ("1.2" is {1,2}); NULL when there is none. */
const struct mime_part *mime_find(const struct mime_tree *,
	    const unsigned *path, size_t n);
/* Header of that part. */
struct span mime_header(const struct mime_tree *, const struct mime_part *);
struct span mime_body(const struct mime_tree *, const struct mime_part *);

/* Parameters of a structured field ("text/plain; charset=x; name*0=..."), RFC 2045 section 5.1 and 2231:
 * calls each with the name and the value (quoting removed, continuations joined, raw charset kept as
 * 2231 extended value when starred).  Returns the part before the first ';' in *value. */
int	mime_params(struct span field_body, struct span *value,
	    void (*each)(void *arg, struct span name, struct span value, bool extended), void *arg);

#endif
