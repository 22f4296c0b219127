/*
 * A PROXY header read as it must be: never beyond its end, and the same however
 * it comes in pieces; what is understood makes a line that is read back.
 */
#include <arpa/inet.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_line(const struct proxy *p)
{
	char address[INET6_ADDRSTRLEN], line[PROXY_LINE_MAX];
	struct proxy back;

	inet_ntop(AF_INET6, &p->client, address, sizeof(address));
	snprintf(line, sizeof(line), "%s %u\n", address, p->port);
	if (p->port > 65535 || proxy_line_parse(span_str(line), &back) == -1 ||
	    !back.known || back.port != p->port ||
	    memcmp(&back.client, &p->client, sizeof(p->client)) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };
	struct proxy p;
	size_t n = 0, want;

	while ((want = proxy_wants(span_of(data, n))) > 0 && n + want <= size)
		n += want;
	if (n > PROXY_MAX)
		abort();
	if (want == 0 && proxy_parse(span_of(data, n), &p) == 0 && p.known)
		check_line(&p);
	/* A header that is understood is one that ends where it says. */
	if (proxy_parse(in, &p) == 0 && (want != 0 || n != size))
		abort();
	(void)proxy_line_parse(in, &p);
	return 0;
}
