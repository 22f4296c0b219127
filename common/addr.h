/*
 * Mail addresses: the one parser for envelopes (RFC 5321 section 4.1.2,
 * RFC 6531) and header fields (RFC 5322 section 3.4).  Accepts or refuses;
 * never completes or repairs (CVE-2020-7247).
 */
#ifndef ADDR_H
#define ADDR_H

#include <stdbool.h>

#include "buf.h"
#include "limits.h"

/*
 * A parsed address in canonical text: local part unquoted where quoting is not
 * needed, else quoted minimally; domain lower-cased (ASCII).  "" is the null
 * reverse-path; a local part without domain occurs only for "postmaster".
 */
struct addr {
	char text[ADDR_MAX + 8];	/* local@domain, "" for <> */
	size_t local_len;		/* of text, the (possibly quoted) local part */
	bool utf8;			/* needs SMTPUTF8 */
	bool literal;			/* domain is an address literal: [192.0.2.1] */
};

enum addr_result {
	ADDR_OK,
	ADDR_SYNTAX,		/* not in the grammar: 501 5.1.3 / 5.1.7 */
	ADDR_TOOLONG,		/* a limit of RFC 5321 4.5.3.1: 501 */
	ADDR_UTF8		/* non-ASCII where utf8 was not allowed, or ill-formed */
};

/* The part after "@", or "" where there is none.  Borrowed. */
const char *addr_domain(const struct addr *);
struct span addr_local(const struct addr *);	/* as in text */

/*
 * Reverse-path and Forward-path at the cursor, "<...>" and nothing else; a
 * source route is parsed and dropped (RFC 5321 Appendix C).  The cursor then
 * stands behind ">".  parse_forward_path accepts <postmaster> too.
 */
enum addr_result parse_reverse_path(struct cur *, bool utf8, struct addr *);
enum addr_result parse_forward_path(struct cur *, bool utf8, struct addr *);
/* A bare mailbox local@domain that fills the whole span: control files, argv. */
enum addr_result parse_mailbox(struct span, bool utf8, struct addr *);
/* A Domain or address literal that fills the whole span (EHLO): RFC 5321 4.1.2. */
bool	is_domain(struct span, bool utf8);
bool	is_address_literal(struct span);
/* Well-formed UTF-8 (RFC 3629) without NUL. */
bool	is_utf8(struct span);

/*
 * RFC 5322 address-list (with obs- syntax, groups and comments) of an unfolded
 * or folded field body.  Calls each for every mailbox, and for the start and
 * the end of every group (an open group is ended at the end of the body).
 * What cannot be parsed is skipped up to the next comma and counted, and so
 * is, as one, what follows ADDRESS_LIST_MAX items.  Returns the count: not 0
 * means that not every address was reported.
 */
struct addr_item {
	struct span name;	/* display name or group name, raw; p NULL: none */
	struct span local;	/* raw local part: quotes, comments and all */
	struct span domain;	/* raw domain; len 0: none ("root") */
	struct span comment;	/* inside of the last comment; p NULL: none */
	enum { ADDR_MAILBOX, ADDR_GROUP_START, ADDR_GROUP_END } kind;
};
size_t	parse_address_list(struct span body,
	    void (*each)(void *arg, const struct addr_item *), void *arg);
/*
 * Appends a raw span of an item without comments and folding:
 * KEEP for a local part or domain as it goes on the wire, PLAIN the same with
 * quoting removed (IMAP ENVELOPE), PHRASE a display name with quoting removed
 * and single spaces between words (then words_decode).  0 or -1.
 */
enum addr_clean { ADDR_CLEAN_KEEP, ADDR_CLEAN_PLAIN, ADDR_CLEAN_PHRASE };
int	addr_clean(struct span raw, enum addr_clean, struct buf *out);

#endif
