/*
 * What SORT and THREAD must know of a header, taken out of it once: RFC 5256
 * section 2, RFC 5957 section 3.
 */
#ifndef FACTS_H
#define FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "limits.h"

/* Strings are folded (casemap.h), but for FACT_ID; len 0: there is none. */
enum fact {
	FACT_SUBJECT,			/* the base subject */
	FACT_FROM, FACT_TO, FACT_CC,	/* mailbox of the first address */
	FACT_SHOW_FROM, FACT_SHOW_TO,	/* its name, or the address */
	FACT_ID,			/* Message-ID, without quoting */
	FACT_N
};
struct facts {
	bool has_date, reply;
	int64_t date;			/* of the Date field, in UTC */
	struct span s[FACT_N];		/* inside the packed bytes */
	struct span refs;		/* for facts_reference */
};

#define FACTS_FORMAT	1	/* another when the packing, or what is packed, changes */

/* No packed facts are larger. */
#define FACTS_MAX	((FACT_N + IMAP_REFERENCES_MAX) * (IMAP_SORT_KEY_MAX + 2) + 9)

/* Appends the facts of a header, packed.  0, or -1 when out is full. */
int	facts_pack(struct span header, struct buf *out);
/* False: these are no packed facts. */
bool	facts_unpack(struct span packed, struct facts *);
/* What all messages of a thread have in common, as far as each one tells: the oldest
 * Message ID that it names, its own at last.  len 0: it names none. */
struct span facts_thread(const struct facts *);
/* Takes the next Message ID that the message refers to, oldest first. */
bool	facts_reference(struct span *refs, struct span *id);

#endif
