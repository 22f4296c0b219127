/*
 * A name server's answer from any bytes: the first byte chooses what was asked
 * for.  The name is always "a.example", as in the saved inputs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = { 1, 28, 15, 5 };
	struct dns_answer a = { .n = 0 };
	enum dns_result r;
	int type;

	if (size == 0)
		return 0;
	type = types[data[0] % 4];
	r = dns_parse(span_of(data + 1, size - 1), "a.example", type, &a);
	if ((r == DNS_OK) != (a.n > 0) && r != DNS_TEMP)
		abort();
	if (type == 15) {
		if (a.n > DNS_MX_MAX)
			abort();
		for (size_t i = 0; i < a.n; i++)
			if (a.mx[i].host[0] != '\0' &&
			    !dns_is_host(a.mx[i].host))
				abort();
	} else if (a.n > DNS_ADDR_MAX)
		abort();
	return 0;
}
