/*
 * How much each user has submitted in the present hour, one text file for each
 * in the spool's rate/:
 *
 *	1795305600 17 40
 *
 * the second in which the hour began, messages, recipients.  The hour begins
 * with the first message.  Many sessions may count at once.
 */
#ifndef SMTPD_RATE_H
#define SMTPD_RATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"

struct rate {
	uint64_t since;			/* seconds; of this hour or one long ago */
	uint64_t messages, recipients;
};

/* The counts of user; dir is rate/.  0, or -1 with errno. */
int	rate_get(int dir, const char *user, struct rate *);
/* Adds more to *now, which becomes what the counts are or would be: 0; or -1 with
 * errno and nothing is counted, EDQUOT when *now is over limit. */
int	rate_add(int dir, const char *user, const struct rate *limit,
	    const struct rate *more, struct rate *now);
/* A limit of 0 is none. */
bool	rate_over(const struct rate *limit, const struct rate *now);

/* One file.  0, or -1: not of that form. */
int	rate_parse(struct span, struct rate *);
/* Always RATE_SIZE bytes, so that one write replaces what was there. */
#define RATE_SIZE	48
void	rate_print(const struct rate *, char out[RATE_SIZE + 1]);

#endif
