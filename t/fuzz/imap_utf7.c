/*
 * Mailbox names: what decodes encodes to the same, and a name that is taken
 * cannot leave the mail directory and comes back as it was written.
 * LINK: imapd/name.c
 */
#include "utf7.h"

#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "imapd/name.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct buf utf8, again;
	char raw[NAME_RAW_MAX + 1];

	if (size > 4096)
		return 0;
	buf_init(&utf8, 65536);
	buf_init(&again, 65536);
	if (utf7_decode(in, &utf8) == 0 && (!is_utf8(buf_span(&utf8)) ||
	    utf7_encode(buf_span(&utf8), &again) == -1 ||
	    !span_eq(buf_span(&again), in)))
		abort();
	buf_clear(&utf8);
	buf_clear(&again);
	if (utf7_encode(in, &again) == 0 && (utf7_decode(buf_span(&again),
	    &utf8) == -1 || !span_eq(buf_span(&utf8), in)))
		if (!span_haschr(in, 0))	/* NUL has no place in a name */
			abort();
	if (name_to_raw(in, false, raw) == NULL) {
		if (strchr(raw, '/') != NULL || strstr(raw, "..") != NULL ||
		    raw[0] == '.')
			abort();
		buf_clear(&again);
		if (name_from_raw(raw, false, &again) == -1 ||
		    !span_iseq(buf_span(&again), in))
			abort();
	}
	buf_free(&utf8);
	buf_free(&again);
	return 0;
}
