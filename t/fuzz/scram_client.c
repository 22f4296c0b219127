/*
 * Two messages of a SCRAM server, one line each, as deliver-remote gets them of any host: no bytes pass for a proof that
 * the server knows the password, which is another one each time, and what is answered is one message.
 */
#include "scram_client.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "limits.h"

#define NONCE	"fyko+d2lbbFgONRv9qkxdawL"	/* so that saved inputs get past it */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* As many iterations as it may ask of us would take seconds. */
static bool
is_dear(struct span challenge)
{
	const unsigned char *p = memmem(challenge.p, challenge.len, ",i=", 3);
	size_t left = p == NULL ? 0 : challenge.len - (size_t)(p - challenge.p);

	return left > 3 + 4 && p[3 + 4] >= '0' && p[3 + 4] <= '9';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char password[17];
	struct span challenge, final;
	struct scram_client s;
	struct buf out;
	struct cur c;

	if (password[0] == '\0') {
		clock_init();
		random_hex64(password);
	}
	cur_init(&c, span_of(data, size));
	challenge = cur_until(&c, '\n');
	(void)cur_ch(&c, '\n');
	final = cur_rest(&c);
	if (is_dear(challenge))
		return 0;
	buf_init(&out, 4 * CRED_MAX);
	if (scram_client_first(&s, span_str("a=b,c"), span_str(NONCE), &out) ==
	    -1 || memmem(out.p, out.len, "n=a=3Db=2Cc,", 12) == NULL)
		abort();
	buf_clear(&out);
	if (scram_client_final(&s, span_str(password), challenge, &out) == 0) {
		/* It goes on from our nonce, and has no more fields than it should. */
		if (out.len < 9 + sizeof(NONCE) - 1 + 3 + 44 ||
		    memcmp(out.p, "c=biws,r=" NONCE, 9 + sizeof(NONCE) - 1) !=
		    0 || memcmp(out.p + out.len - 47, ",p=", 3) != 0 ||
		    memchr(out.p + 7, ',', out.len - 7 - 47) != NULL)
			abort();
		if (scram_client_check(&s, final))
			abort();
	}
	scram_client_free(&s);
	buf_free(&out);
	return 0;
}
