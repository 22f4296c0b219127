/*
 * Message header: fields, folding, parameters, dates, and the encodings that
 * carry what ASCII cannot.  Over memory; no I/O.  Lines end in LF or CRLF.
 */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>
#include <time.h>

#include <stdint.h>

#include "buf.h"

struct header_field {
	struct span whole;	/* name to the last line end of the field */
	struct span name;
	struct span body;	/* after the colon, folded as it stands, without the last line end */
};

/*
 * Takes the next field off the front of *rest.  HEADER_FIELD: *f is set.
 * HEADER_END: *rest now stands behind the empty line, or at the end of the
 * bytes.  HEADER_BAD: a line that is neither field nor continuation; *rest
 * stands at it, and it is where the body begins (as if the empty line were
 * missing).  "From " lines, which an mbox may have left, are passed over.
 */
enum header_result { HEADER_FIELD, HEADER_END, HEADER_BAD };
enum header_result header_next(struct span *rest, struct header_field *f);
/*
 * As header_next for a reader of mail: one line that is no field, in front of one
 * that is, is passed over.  false: the header has ended, and *rest stands
 * where the body begins.
 */
bool	header_field(struct span *rest, struct header_field *f);
/* Length of the header in message, with the empty line: as header_field sees it. */
size_t	header_length(struct span message);
/* First field of that name (ASCII, no case), as header_field sees them: true and *f. */
bool	header_find(struct span message, const char *name,
	    struct header_field *f);
/* First fields of n names (at most 64) in one look at the header; name.p is NULL where there is none.  Returns a bit for each
 * name that stands there more than once. */
#define HEADER_NAME(s)	{ (const unsigned char *)(s), sizeof(s) - 1 }
uint64_t header_find_all(struct span header, const struct span *names,
	    size_t n, struct header_field *found);
/* Appends body unfolded (RFC 5322 section 2.2.3): line ends removed, outer
 * white space trimmed. 0 or -1. */
int	header_unfold(struct span body, struct buf *out);
/* Without white space and line ends at both ends. */
struct span header_trim(struct span);
/* Moves over white space, line ends and comments (RFC 5322 section 3.2.2). */
void	header_skip_cfws(struct cur *);

/*
 * RFC 5322 section 3.3 with obs-date (two-digit years, zone names; no zone is
 * UTC).  0 and the time, with zone in minutes east; -1: not a date.
 * date_print gives "Sun, 22 Nov 2026 00:00:00 +0000", always UTC.
 */
int	date_parse(struct span, time_t *, int *zone);
#define DATE_SIZE 40
void	date_print(time_t, char out[DATE_SIZE]);
/* A day as "2027-01-31" (UTC, from 1970 on) and its first second; 0 or -1. */
#define DAY_SIZE 11
int	day_parse(struct span, time_t *);
void	day_print(time_t, char out[DAY_SIZE]);

#endif
