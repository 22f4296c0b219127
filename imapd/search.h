/*
 * SEARCH programs: a tree of keys, and how one message is held against it.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include "facts.h"
#include "grams.h"
#include "imap.h"
#include "message.h"

enum search_kind {
	K_ALL, K_AND, K_OR,		/* children */
	K_FLAG,				/* (flags & flags) != 0 */
	K_RECENT, K_NEW, K_OLD, K_KEYWORD,
	K_MODSEQ, K_SEQ, K_UID,
	K_BEFORE, K_ON, K_SINCE, K_SAVEDBEFORE, K_SAVEDON, K_SAVEDSINCE,
	K_EMAILID, K_LARGER, K_SMALLER, K_YOUNGER, K_OLDER,
	K_SENTBEFORE, K_SENTON, K_SENTSINCE, K_THREADID, K_HEADER,
	K_BODY, K_TEXT
};
struct search_key {
	enum search_kind kind;
	bool not, fuzzy;
	unsigned flags;
	uint64_t number;		/* size, day, seconds, keyword bit */
	struct span name;		/* header field, keyword */
	struct span needle;		/* folded: find.h; or fuzzy.h */
	struct seqset set;
	struct search_key *child, *next;
};

enum search_result { SEARCH_NO, SEARCH_YES, SEARCH_UNKNOWN };
/* How much of a message an evaluation may read. */
enum search_cost { COST_INDEX, COST_FILE, COST_KEPT, COST_HEADER, COST_BODY,
	COST_N };

struct search_run {
	struct imap *im;
	struct search_key *root;
	struct message m;
	size_t i;
	time_t now;
	unsigned costs;			/* bits: steps that can tell anything */
	bool wants_modseq;		/* MODSEQ is in the program: RFC 7162 section 3.1.6 */
	uint64_t modseq;		/* the highest of those that matched; 0: none */
	uint64_t first_modseq, last_modseq;
	struct buf work, text, folded;	/* undone step by step */
	struct grams set;		/* being made */
	struct buf grams;		/* the message's sets, packed; len 0: none yet */
	struct buf fields, header;	/* what fields.h keeps of its header: packed; as it stands */
	struct buf kept;		/* the same of kept.h, packed */
	bool has_kept;			/* all that kept.h has of it */
	unsigned score;			/* of the message that matched: RFC 6203 */
};

/* What a client wants to be told: RFC 4731 section 3.1. */
enum { RET_MIN = 1, RET_MAX = 2, RET_ALL = 4, RET_COUNT = 8,
	RET_SAVE = 16, RET_PARTIAL = 32, RET_RELEVANCY = 64,
	RET_UPDATE = 128 };
struct search_returns {
	bool extended;			/* RETURN was given */
	unsigned what;
	bool fuzzy;			/* makes sense with FUZZY alone: RFC 6203 */
	struct partial partial;		/* RET_PARTIAL: RFC 9394 */
	struct span attributes;		/* of RET_UPDATE, "(...)": RFC 5465 section 7 */
};
/* A SEARCH of the mailbox in im->view. */
struct search_cmd {
	struct search_run run;
	struct search_key *root;
	struct span text;		/* the program as it came */
	struct search_returns ret;
	bool mailbox;			/* told with its results: RFC 7377 */
	struct seqset found, some;	/* some: those of PARTIAL */
	struct seqset uids;		/* for SAVE and UPDATE */
	struct buf scores;		/* for RELEVANCY, a byte each */
	bool full;
	uint32_t lowest;		/* the UID from which on a limit has let it look; 0: all */
};
/* cmd_search.c: ["RETURN" options SP] ["CHARSET" charset SP] program; false: the
 * reply is sent.  c has run.im alone. */
bool	search_parse(struct search_cmd *c, struct args *);
/* Runs it, tells, saves and keeps the results; false: they are too many. */
bool	search_one(struct search_cmd *);
/* SP "(" options ")" SP, after "RETURN". */
bool	parse_search_returns(struct args *, struct search_returns *);
/* SP charset SP: false with *bad for one that is not known. */
bool	parse_search_charset(struct args *, bool *bad);

/* search_parse.c: search-key *(SP search-key), RFC 3501 section 9.  The root is
 * an AND.  NULL: a->why.  Needles are folded as the charset's text. */
struct search_key *parse_search_program(struct args *);

/* Is there a FUZZY key? */
bool	search_is_fuzzy(const struct search_key *);
/* Is there a set of sequence numbers in the program?  UIDONLY does not take one. */
bool	search_has_numbers(const struct search_key *);
/* Is MODSEQ in it?  Then the results have the highest of theirs: RFC 7162. */
bool	search_has_modseq(const struct search_key *);

/*
 * search_run.c: the program that ends a command, or NULL and the tagged reply
 * is sent; "$" is emptied where RFC 5182 section 2.1 wants it.
 */
struct search_key *search_program(struct imap *, struct args *,
	    bool bad_charset, const struct search_returns *);
/* *r is zero. */
void	search_begin(struct search_run *r, struct imap *, struct search_key *root);
/* Does message i match?  One that has gone matches nothing. */
bool	search_matches(struct search_run *, size_t i);
void	search_end(struct search_run *);
/* What SORT and THREAD must know of message i, which matched: spans in
 * packed, which is cleared.  -1: it has gone, or cannot be read. */
int	search_facts(struct search_run *, size_t i, struct buf *packed,
	    struct facts *);

/* THREADID of a header, "T" and what folder_id_make makes of facts_thread; a
 * message that names nothing is a thread of its own: its EMAILID's digits. */
int	search_thread_id(struct message *, char out[FOLDER_ID_SIZE]);
/* search-correlator, "(TAG ...)"; with the name and the UIDVALIDITY of the
 * mailbox in im->view: RFC 7377 section 2.1. */
void	search_correlator(struct imap *, struct span tag, bool mailbox);
/* NOUPDATE for this command: RFC 5267 section 4.3.1. */
void	search_no_update(struct imap *);
/* "RELEVANCY" and a list of n scores. */
void	search_tell_scores(struct netout *, const unsigned char *, size_t n);

/* search_eval.c: may the message match, as far as cost tells? */
enum search_result search_eval(struct search_run *, struct search_key *,
	    enum search_cost);
/* The costs of the keys: bits. */
unsigned search_costs(const struct search_key *);
/* search_text.c.  fields: the header as far as the folder's cache has it, fields.h; p NULL: it has not.  kept: from that
 * cache, if it has the field. */
struct span search_fields(struct search_run *);
enum search_result search_kept(struct search_run *,
	    const struct search_key *);
bool	search_header(struct search_run *, const struct search_key *);
/* search_grams.c.  NO, or UNKNOWN: a BODY or TEXT key, asked of what the cache knows of the message's text; build: or of
 * what stands there (NEED_TREE), which is then cached. */
enum search_result search_grams(struct search_run *,
	    const struct search_key *, bool build);
bool	search_body(struct search_run *, const struct search_key *,
	    bool headers);

#endif
