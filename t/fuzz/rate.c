/*
 * What a user has submitted in an hour, in a file that every session may write: what is understood is printed as a record of
 * the one length, and that is taken as the same.
 * LINK: smtpd/rate.c
 */
#include "smtpd/rate.h"

#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[RATE_SIZE + 1];
	struct rate r, again;

	if (rate_parse(span_of(data, size), &r) == -1)
		return 0;
	rate_print(&r, text);
	if (strlen(text) != RATE_SIZE ||
	    rate_parse(span_str(text), &again) == -1 ||
	    r.since != again.since || r.messages != again.messages ||
	    r.recipients != again.recipients)
		abort();
	return 0;
}
