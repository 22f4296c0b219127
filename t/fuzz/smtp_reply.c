/*
 * An SMTP server's replies from any bytes: each line is one of a reply, and of an
 * EHLO reply as well.
 * LINK: deliver/remote_reply.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/remote_reply.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct reply *r)
{
	if (r->code < 200 || r->code > 599 || r->text.bad ||
	    r->text.len > REPLY_TEXT_MAX + 3)
		abort();
	if (r->dsn[0] != '\0' &&
	    dsn_length(span_str(r->dsn)) != strlen(r->dsn))
		abort();
	for (size_t i = 0; i < r->text.len; i++)
		if (r->text.p[i] < ' ' || r->text.p[i] == 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ehlo e = { .size = false };
	struct reply r;
	struct span text;
	struct cur c;

	reply_init(&r);
	cur_init(&c, span_of(data, size));
	while (!cur_end(&c)) {
		enum reply_state s = reply_line(&r, cur_until(&c, '\n'), &text);

		(void)cur_ch(&c, '\n');
		if (s != REPLY_BAD) {
			check(&r);
			ehlo_line(&e, text);
		}
		if (s != REPLY_MORE)
			reply_clear(&r);
	}
	reply_free(&r);
	return 0;
}
