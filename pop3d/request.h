/*
 * A POP3 command line taken apart.
 */
#ifndef POP3_REQUEST_H
#define POP3_REQUEST_H

#include <stdint.h>

#include "buf.h"

/* A command line taken apart; spans into the line. */
struct request {
	struct span verb;
	struct span arg;		/* behind the first space, without blanks at the end */
	struct span raw;		/* the same with them: PASS */
};

enum request_result { REQUEST_OK, REQUEST_EMPTY, REQUEST_BYTES };

/* Takes a line apart: EMPTY no verb; BYTES control or 8-bit bytes outside PASS. */
enum request_result request_parse(struct span line, struct request *);
/* Decimal arguments: their count, or -1 when there is something else or more than max. */
int	request_numbers(struct span arg, uint64_t *number, unsigned max);

#endif
