/*
 * Arguments of IMAP commands: one function per production of RFC 3501
 * section 9, over a cursor, without side effects.  The command is whole in
 * memory, literals as they came ("{3}" CRLF and three bytes).
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "arena.h"
#include "buf.h"
#include "seqset.h"

/*
 * Each parse_ function takes its production and returns true, or returns
 * false; then why tells the first reason and the position is unspecified.
 * Spans given out live as long as the command and the arena.
 */
struct args {
	struct cur c;
	struct arena *arena;
	const char *why;
	bool utf8;		/* bytes above 127 in quoted strings must be UTF-8 */
};

/* Sets why unless an earlier reason stands there.  Always false. */
bool	parse_fail(struct args *, const char *why);
bool	parse_sp(struct args *);
bool	parse_end(struct args *);	/* nothing may follow */
bool	parse_tag(struct args *, struct span *);
bool	parse_atom(struct args *, struct span *);
bool	parse_string(struct args *, struct span *);	/* quoted or literal */
bool	parse_literal8(struct args *, struct span *);	/* RFC 3516: NULs are fine */
bool	parse_astring(struct args *, struct span *);
/* NIL gives a span with p NULL. */
bool	parse_nstring(struct args *, struct span *);
bool	parse_list_mailbox(struct args *, struct span *);
bool	parse_number(struct args *, uint32_t *);
bool	parse_number64(struct args *, uint64_t *);	/* RFC 9051: number64 */
bool	parse_nz_number(struct args *, uint32_t *);
/* The arguments of LANGUAGE (RFC 5255): *list when there are none, *known when one
 * of them is a language that we speak. */
bool	parse_languages(struct args *, bool *list, bool *known);
/* An ID argument (RFC 2971): NIL or a list of pairs, with its limits. */
bool	parse_id(struct args *);
bool	parse_sequence_set(struct args *, struct seqset *);
/*
 * partial-range: RFC 9394 section 4.  from and to count results from 1, from
 * <= to; last: from the end.
 */
struct partial {
	bool given, last;
	uint32_t from, to;		/* as requested: 500:400 is 400:500 */
};
bool	parse_partial_range(struct args *, struct partial *);
/* Which of n results that are, counted from 0: *at and how many. */
uint64_t partial_window(const struct partial *, uint64_t n, uint64_t *at);
/* Days since 1970-01-01 of a date ("1-Feb-1994", quoted or not). */
bool	parse_date(struct args *, int64_t *day);
bool	parse_date_time(struct args *, time_t *);

/* System flags as MAIL_* bits, keywords as names. */
struct flag_list {
	unsigned flags;
	struct span *keywords;
	size_t nkeywords, cap;
	bool too_many;		/* keywords; those beyond 64 are not here */
};
bool	parse_flag(struct args *, struct flag_list *);
/* "(" flags ")"; with bare also flags without parentheses, as STORE has. */
bool	parse_flag_list(struct args *, struct flag_list *, bool bare);

/*
 * The marker of a literal that ends a line: "{" number ["+"] "}", or "~{" for a
 * literal8 (RFC 3516).  False: the line does not end in one.
 */
struct literal {
	uint64_t size;
	bool sync;		/* the client waits for "+" */
	bool binary;		/* literal8 */
	size_t at;		/* offset of the marker in the line */
};
bool	literal_at_end(struct span line, struct literal *);
/* What stands between a line's start and its end is a tag: for replies to lines
 * that cannot be parsed.  An empty span if it is not one. */
struct span line_tag(struct span line);

enum {
	IC_ATOM = 0x01,		/* ATOM-CHAR */
	IC_ASTRING = 0x02,	/* ASTRING-CHAR */
	IC_LIST = 0x04,		/* list-char */
	IC_TAG = 0x08,		/* ASTRING-CHAR except "+" */
	IC_QUOTED = 0x10,	/* TEXT-CHAR without quoted-specials; 8-bit too */
	IC_TEXT = 0x20,		/* TEXT-CHAR */
	IC_DIGIT = 0x40,
	IC_ALPHA = 0x80
};
extern const uint8_t imap_chars[256];

#endif
