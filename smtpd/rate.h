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
/* Counts more.  0, or -1 with errno: it may not have been counted. */
int	rate_add(int dir, const char *user, uint64_t messages,
	    uint64_t recipients);
/* limit 0 is none. */
bool	rate_over(uint64_t limit, uint64_t count);

/* One file.  0, or -1: not of that form. */
int	rate_parse(struct span, struct rate *);
/* Always RATE_SIZE bytes, so that one write replaces what was there. */
#define RATE_SIZE	48
void	rate_print(const struct rate *, char out[RATE_SIZE + 1]);

#endif
