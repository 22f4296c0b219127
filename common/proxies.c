/*
 * The control file proxies: machines that speak for others, and how.  Nobody
 * who is not listed is believed.
 */
#include <stdlib.h>

#include "control_parts.h"

static const char *
proxy_add(struct control *c, struct span text)
{
	struct proxy_network n, *p;
	const char *wrong;
	struct span how;
	struct cur cur;

	cur_init(&cur, text);
	if ((wrong = network_parse(cur_nextword(&cur), &n.network)) != NULL)
		return wrong;
	how = span_trim(cur_rest(&cur));
	if (span_is(how, "proxy"))
		n.kind = PROXY_HEADER;
	else if (span_is(how, "xclient"))
		n.kind = PROXY_XCLIENT;
	else
		return "needs \"proxy\" or \"xclient\" behind the network";
	p = reallocarray(c->proxies, c->nproxies + 1, sizeof(*p));
	if (p == NULL)
		return "finds not enough memory";
	c->proxies = p;
	p[c->nproxies++] = n;
	return NULL;
}

void
proxies_load(struct control *c)
{
	struct control_lines l;
	const char *wrong;
	struct buf text;
	struct span s;

	buf_init(&text, CONTROL_SMALL_MAX);
	if (control_read(c, "proxies", &text, CONTROL_SMALL_MAX) == 1) {
		control_lines_init(&l, c, "proxies", buf_span(&text));
		while (control_lines_next(&l, &s))
			if ((wrong = proxy_add(c, s)) != NULL)
				control_error(c, "proxies", l.line,
				    "\"%.*s\" %s", (int)(s.len > 100 ? 100 :
				    s.len), (const char *)s.p, wrong);
	}
	buf_free(&text);
}

enum proxy_kind
control_proxy(const struct control *c, const struct in6_addr *addr)
{
	for (size_t i = 0; i < c->nproxies; i++)
		if (network_has(&c->proxies[i].network, addr))
			return c->proxies[i].kind;
	return PROXY_NONE;
}
