/*
 * SEARCH programs: a tree of keys, and how one message is held against it.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include "imap.h"
#include "message.h"

enum search_kind {
	K_ALL, K_AND, K_OR,		/* children */
	K_FLAG,				/* (flags & flags) != 0 */
	K_RECENT, K_NEW, K_OLD, K_KEYWORD,
	K_SEQ, K_UID,
	K_BEFORE, K_ON, K_SINCE, K_LARGER, K_SMALLER, K_YOUNGER, K_OLDER,
	K_SENTBEFORE, K_SENTON, K_SENTSINCE, K_HEADER,
	K_BODY, K_TEXT
};
struct search_key {
	enum search_kind kind;
	bool not;
	unsigned flags;
	uint64_t number;		/* size, day, seconds, keyword bit */
	struct span name;		/* header field, keyword */
	struct span needle;		/* folded */
	struct seqset set;
	struct search_key *child, *next;
};

enum search_result { SEARCH_NO, SEARCH_YES, SEARCH_UNKNOWN };
/* How much of a message an evaluation may read. */
enum search_cost { COST_INDEX, COST_FILE, COST_HEADER, COST_BODY, COST_N };

struct search_run {
	struct imap *im;
	struct message m;
	size_t i;
	time_t now;
	struct buf work, text;		/* decoded */
};

enum search_charset { CHARSET_OK, CHARSET_UNKNOWN };
/* search_parse.c: search-key *(SP search-key), RFC 3501 section 9.  The root is
 * an AND.  NULL: a->why.  Needles are folded as the charset's text. */
struct search_key *parse_search_program(struct args *);

/* search_eval.c: may the message match, as far as cost tells? */
enum search_result search_eval(struct search_run *, struct search_key *,
	    enum search_cost);
/* search_text.c */
bool	search_header(struct search_run *, struct span name,
	    struct span needle);
bool	search_body(struct search_run *, struct span needle, bool headers);

#endif
