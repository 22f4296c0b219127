/*
 * Message content as it comes over the wire, block by block: the end of DATA,
 * dot transparency, line ends, and the header's field names.  No I/O.
 */
#ifndef SMTPD_DATA_H
#define SMTPD_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "limits.h"

/* Header fields that were seen: bits. */
#define SEEN_DATE	1u
#define SEEN_MESSAGE_ID	2u
#define SEEN_FROM	4u

enum data_fault {
	FAULT_NONE,
	FAULT_SIZE,		/* larger than limit */
	FAULT_LINE,		/* a line longer than rules.line */
	FAULT_HEADER,		/* HEADER_MAX or HEADER_FIELDS_MAX */
	FAULT_LOOP,		/* more than RECEIVED_MAX Received fields */
	FAULT_MEMORY,
	FAULT_SEALED,		/* BINARYMIME in what must not be changed */
	FAULT_BARE,		/* a CR or LF alone: nothing after it is read */
	FAULT_NUL		/* the same for NUL */
};

enum data_status {
	DATA_MORE,		/* all was taken, the end was not seen */
	DATA_END,		/* CRLF.CRLF was taken and nothing behind it */
	DATA_REFUSED		/* FAULT_BARE or FAULT_NUL */
};

enum data_state {		/* where the next byte stands */
	AT_START,		/* behind CRLF, or first of all */
	IN_LINE,
	AFTER_CR,
	AFTER_DOT,		/* behind CRLF "." */
	AFTER_DOT_CR
};

struct data_rules {
	uint64_t size, line;	/* most octets on the wire, and in a line */
	bool dots;		/* DATA: dot transparency; BDAT has none */
	bool lf_ends;		/* a bare LF ends a line, else FAULT_BARE */
	bool cr_spaces;		/* a bare CR is a space, else FAULT_BARE */
	const char *domain;	/* of addresses without one in the header; NULL: they stay */
};

struct data {
	/* set by data_init */
	struct data_rules rules;
	/* Called once when the header ends, to add fields to out; may be NULL. */
	void (*header_end)(void *arg, unsigned seen, struct buf *out);
	void *arg;
	/* state */
	enum data_state state;
	bool header;		/* still in the header */
	struct buf line;	/* a header line that is not complete */
	struct buf held;	/* an address field, until all of it is there */
	bool holding;
	bool judged;		/* the same, too long to be kept: out has it */
	uint64_t line_len, size, header_size;
	unsigned fields, received, seen;
	bool id_follows;	/* Message-ID in the next line, which is folded */
	char message_id[MESSAGE_ID_MAX + 1];	/* without brackets; "": none, or longer */
	enum data_fault fault;	/* the first; from then on out gets nothing */
};

void	data_init(struct data *, const struct data_rules *);
void	data_free(struct data *);
/*
 * Takes bytes (at most NETIN_BUF at a time), appends the content with LF line ends to out, and says
 * in *used how many bytes it took.  A message with a fault other than BARE and NUL is read to its end.
 */
enum data_status data_feed(struct data *, struct span, size_t *used,
	    struct buf *out);
/* BDAT: the last octet was given.  Completes the last line. */
void	data_finish(struct data *, struct buf *out);
/* A field with addresses that is longer goes on as it is, and so does one that
 * would grow beyond the second. */
#define DATA_HELD_MAX	65536
#define DATA_QUALIFIED_MAX 262144
/* Room that out needs beyond what is in it. */
#define DATA_OUT_MAX	(65536 + 8192 + DATA_QUALIFIED_MAX)

#endif
