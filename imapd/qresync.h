/*
 * Mod-sequences: what a client that was away has missed.  RFC 7162.
 */
#ifndef QRESYNC_H
#define QRESYNC_H

#include "imap.h"

/* The parameter of SELECT: RFC 7162 section 3.2.5. */
struct qresync {
	bool given;
	uint32_t uidvalidity;
	uint64_t modseq;
	bool has_known, has_match;
	struct seqset known;		/* UIDs */
	struct seqset match_seqs, match_uids;
};
/* "(" uidvalidity SP mod-sequence-value ... ")" */
bool	parse_qresync(struct args *, struct qresync *);
/* mod-sequence-value, or with zero mod-sequence-valzer. */
bool	parse_modseq(struct args *, bool zero, uint64_t *);

/* A CONDSTORE enabling command was given: RFC 7162 section 3.1. */
void	condstore_enable(struct imap *);
/* "* OK [HIGHESTMODSEQ n]" */
void	out_highest_modseq(struct imap *);
/*
 * "* VANISHED (EARLIER)" of what was expunged after since: of these UIDs (NULL: of
 * all that there ever were), and only above that one.  What the client
 * believes to be there is not told so.
 */
void	out_vanished_earlier(struct imap *, uint64_t since,
	    const struct seqset *uids, uint32_t above);
/* After SELECT: all that the client has missed. */
void	qresync_out(struct imap *, const struct qresync *);

#endif
