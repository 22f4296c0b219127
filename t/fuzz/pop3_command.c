/*
 * POP3 command lines, and the same bytes as a message: stuffed in two pieces it is what it is in one.
 * LINK: pop3d/request.c pop3d/stuff.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pop3d/request.h"
#include "pop3d/stuff.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
line(struct span s)
{
	struct request r;
	uint64_t number[2];
	int n;

	if (request_parse(s, &r) != REQUEST_OK)
		return;
	if (r.verb.len == 0 || r.arg.len > r.raw.len || r.raw.len > s.len)
		abort();
	n = request_numbers(r.arg, number, 2);
	if (n < -1 || n > 2 || (n == 0) != (r.arg.len == 0))
		abort();
	for (int i = 0; i < n; i++)
		if (number[i] > UINT32_MAX)
			abort();
}

static size_t
message(const uint8_t *data, size_t size, size_t cut, unsigned char *out)
{
	struct stuff s;
	size_t n;

	stuff_init(&s);
	if (cut % 2 == 1)
		stuff_limit(&s, cut % 7);
	n = stuff_add(&s, data, cut, out);
	if (n > STUFF_ROOM(cut))
		abort();
	n += stuff_add(&s, data + cut, size - cut, out + n);
	n += stuff_end(&s, out + n);
	if (n > STUFF_ROOM(size))
		abort();
	if (n < 3 || memcmp(out + n - 3, ".\r\n", 3) != 0)
		abort();
	if (memmem(out, n - 3, "\r\n.\r\n", 5) != NULL)
		abort();		/* the client would stop here */
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *out = malloc(STUFF_ROOM(size));
	struct cur c;

	if (out == NULL)
		return 0;
	(void)message(data, size, size, out);
	(void)message(data, size, size / 2, out);
	(void)message(data, size, size / 3, out);
	free(out);
	cur_init(&c, span_of(data, size));
	while (!cur_end(&c)) {
		line(cur_until(&c, '\n'));
		(void)cur_ch(&c, '\n');
	}
	return 0;
}
