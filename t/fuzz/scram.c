/*
 * Two messages of a SCRAM client, one line each.  Nothing that was not made with
 * the password is let in; the password "pencil" is what no input knows.
 */
#include "scram.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scram_keys keys = { .iterations = SCRAM_ITERATIONS_MIN,
	    .salt_len = 1 };
	struct span first, final;
	struct buf challenge, out;
	struct scram s;
	struct cur c;

	if (keys.server_key[0] == 0)
		scram_keys_derive(&keys, span_str("pencil"));
	cur_init(&c, span_of(data, size));
	first = cur_until(&c, '\n');
	(void)cur_ch(&c, '\n');
	final = cur_rest(&c);
	buf_init(&challenge, size + 256);
	buf_init(&out, size + 256);
	for (int i = 0; i < 4; i++) {
		buf_clear(&challenge);
		buf_clear(&out);
		if (scram_first(&s, i & 1, i & 2, first) != SCRAM_OK)
			continue;
		if (s.flag == 'y' && (i & 2) != 0)
			abort();
		if (scram_name(s.user, &out) == 0 && out.len > s.user.len)
			abort();
		if (scram_challenge(&s, span_str("nonce"), &keys,
		    &challenge) == -1 || challenge.bad)
			abort();
		buf_clear(&out);
		if (scram_final(&s, buf_span(&challenge), span_str("binding"),
		    final) == SCRAM_OK && scram_verify(&s,
		    buf_span(&challenge), &keys, &out))
			abort();
	}
	buf_free(&challenge);
	buf_free(&out);
	return 0;
}
