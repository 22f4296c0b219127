/*
 * DNS look-ups: questions are asked by libc's resolver, which expands names,
 * too; answers are taken apart and judged here.  Trusts the name server's word but
 * not its bytes: a host name with other than letters, digits, "-" and "_" is
 * dropped, counts are limited, and a CNAME chain has an end.  No cache: that is
 * the name server's work.
 */
#include "dns.h"

#include <stdlib.h>	/* before nameser.h, whose <limits.h> is incomplete here */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/auxv.h>

#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

#define DNS_ANSWER_MAX	65535	/* what TCP can carry */
#define DNS_CNAME_MAX	8	/* aliases followed for one name */

static struct __res_state dns_state;
static bool	dns_ready;

/* RESOLVER=192.0.2.53:53 in place of resolv.conf's servers. */
static int
use_resolver(const char *value)
{
	char host[64];
	const char *colon = strrchr(value, ':');
	unsigned long port = NS_DEFAULTPORT;
	struct sockaddr_in *sin = &dns_state.nsaddr_list[0];
	char *end;

	if (colon != NULL) {
		port = strtoul(colon + 1, &end, 10);
		if (*end != '\0' || port == 0 || port > 65535)
			return -1;
	}
	if (span_cstr(span_of(value, colon == NULL ? strlen(value) :
	    (size_t)(colon - value)), host, sizeof(host)) == -1)
		return -1;
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &sin->sin_addr) != 1)
		return -1;
	dns_state.nscount = 1;
	return 0;
}

int
dns_init(void)
{
	const char *r = getenv("RESOLVER");

	if (dns_ready)
		return 0;
	if (res_ninit(&dns_state) == -1)
		return -1;
	if (r != NULL && r[0] != '\0' && getauxval(AT_SECURE) == 0 &&
	    use_resolver(r) == -1) {
		errno = EINVAL;
		return -1;
	}
	dns_ready = true;
	return 0;
}

int
dns_again(void)
{
	if (dns_ready)
		res_nclose(&dns_state);
	dns_ready = false;
	return dns_init();
}

/* RFC 1123 section 2.1 with "_", which appears in the wild; no final dot. */
bool
dns_is_host(const char *name)
{
	size_t label = 0, len = strlen(name);

	if (len == 0 || len > 253)
		return false;
	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;
		int low = ascii_lower(c);

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_')
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0;
}

bool
dns_is_address(const char *host)
{
	unsigned char to[16];

	return inet_pton(AF_INET, host, to) == 1 ||
	    inet_pton(AF_INET6, host, to) == 1;
}

struct record {
	char name[NS_MAXDNAME];
	unsigned type, class;
	struct span data;
};

/* Two bytes, the higher one first. */
static unsigned
get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* RFC 1035 section 4.1.2, and 4.1.3 if data is wanted.  -1: not all there. */
static int
next_record(struct span msg, size_t *at, bool data, struct record *r)
{
	const unsigned char *p = msg.p + *at;
	size_t need = data ? NS_RRFIXEDSZ : NS_QFIXEDSZ, left = msg.len - *at;
	int n = dn_expand(msg.p, msg.p + msg.len, p, r->name, sizeof(r->name));

	if (n == -1 || left - (size_t)n < need)
		return -1;
	p += n;
	left -= (size_t)n + need;
	r->type = get16(p);
	r->class = get16(p + 2);
	r->data = span_of(p + need, data ? get16(p + 8) : 0);
	if (left < r->data.len)
		return -1;
	*at = msg.len - left + r->data.len;
	return 0;
}

/* The place for a record of that preference: a new one, or that of the worst where there
 * is no more.  NULL: all are better. */
static struct dns_mx *
mx_place(struct dns_answer *a, unsigned pref)
{
	struct dns_mx *worst = &a->mx[0];

	if (a->n < DNS_MX_MAX)
		return &a->mx[a->n++];
	for (size_t i = 1; i < a->n; i++)
		if (a->mx[i].pref > worst->pref)
			worst = &a->mx[i];
	return worst->pref > pref ? worst : NULL;
}

/* RFC 1035 section 3.3.9. */
static void
take_mx(struct span msg, const struct record *r, struct dns_answer *a)
{
	struct dns_mx *mx;
	char host[NS_MAXDNAME];

	if (r->data.len < 3)
		return;
	if (dn_expand(msg.p, msg.p + msg.len, r->data.p + 2, host,
	    sizeof(host)) == -1)
		return;
	if (host[0] != '\0' && !dns_is_host(host) && !dns_is_address(host)) {
		a->dropped = true;
		return;
	}
	if ((mx = mx_place(a, get16(r->data.p))) == NULL)
		return;
	mx->pref = get16(r->data.p);
	strlcpy(mx->host, host, sizeof(mx->host));
	for (char *s = mx->host; *s != '\0'; s++)
		*s = (char)ascii_lower((unsigned char)*s);
}

/* By way of the right type and memcpy: reading a sockaddr_storage through
 * another type's pointer is not C. */
static void
set_addr(struct sockaddr_storage *ss, int family, const void *addr,
    unsigned port)
{
	struct sockaddr_in s4 = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 s6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons((uint16_t)port) };

	memset(ss, 0, sizeof(*ss));
	if (family == AF_INET) {
		memcpy(&s4.sin_addr, addr, sizeof(s4.sin_addr));
		memcpy(ss, &s4, sizeof(s4));
	} else {
		memcpy(&s6.sin6_addr, addr, sizeof(s6.sin6_addr));
		memcpy(ss, &s6, sizeof(s6));
	}
}

static void
take_addr(const struct record *r, struct dns_answer *a)
{
	if (a->n >= DNS_ADDR_MAX)
		return;
	if (r->type == ns_t_a && r->data.len == 4)
		set_addr(&a->addr[a->n++], AF_INET, r->data.p, 0);
	else if (r->type == ns_t_aaaa && r->data.len == 16)
		set_addr(&a->addr[a->n++], AF_INET6, r->data.p, 0);
}

/* One pass over the answer section, n records that begin at, for those that
 * a->name owns.  True if a CNAME has changed a->name, and so another pass is
 * needed. */
static bool
take_records(struct span msg, size_t at, unsigned n, int type,
    struct dns_answer *a)
{
	char target[NS_MAXDNAME];
	struct record r;

	for (; n > 0 && next_record(msg, &at, true, &r) == 0; n--) {
		if (r.class != ns_c_in || strcasecmp(r.name, a->name) != 0)
			continue;
		if (r.type == ns_t_cname && type != ns_t_cname) {
			if (dn_expand(msg.p, msg.p + msg.len, r.data.p, target,
			    sizeof(target)) == -1 || !dns_is_host(target))
				return false;
			snprintf(a->name, sizeof(a->name), "%s", target);
			return true;
		}
		if ((int)r.type != type)
			continue;
		if (type == ns_t_mx)
			take_mx(msg, &r, a);
		else
			take_addr(&r, a);
	}
	return false;
}

/* RFC 1035 section 4.1.1: the four counts stand at 4, 6, 8 and 10.  Where the
 * answers begin; -1 if the message is not whole. */
static int
check_message(struct span msg, size_t *answers)
{
	size_t at = NS_HFIXEDSZ;
	struct record r;

	if (msg.len < NS_HFIXEDSZ || msg.len > DNS_ANSWER_MAX)
		return -1;
	for (size_t section = 0; section < 4; section++) {
		if (section == 1)
			*answers = at;
		for (unsigned n = get16(msg.p + 4 + section * 2); n > 0; n--)
			if (next_record(msg, &at, section > 0, &r) == -1)
				return -1;
	}
	return at == msg.len ? 0 : -1;
}

enum dns_result
dns_parse(struct span msg, const char *name, int type, struct dns_answer *a)
{
	size_t answers;
	int rcode, hops = 0;

	a->n = 0;
	a->alias = a->dropped = false;
	if ((size_t)snprintf(a->name, sizeof(a->name), "%s", name) >=
	    sizeof(a->name) || check_message(msg, &answers) == -1)
		return DNS_TEMP;
	rcode = msg.p[3] & 15;
	if (rcode != ns_r_noerror && rcode != ns_r_nxdomain)
		return DNS_TEMP;
	while (take_records(msg, answers, get16(msg.p + 6), type, a)) {
		a->alias = true;
		if (++hops > DNS_CNAME_MAX)
			return DNS_TEMP;
	}
	if (a->n > 0)
		return DNS_OK;
	if (rcode == ns_r_nxdomain)
		return DNS_NXDOMAIN;
	return a->dropped ? DNS_TEMP : DNS_NONE;
}

/* Asks, and asks again where the name server left an alias unresolved. */
static enum dns_result
lookup(const char *name, int type, struct dns_answer *a)
{
	static unsigned char answer[DNS_ANSWER_MAX];
	unsigned char query[NS_PACKETSZ];
	char now[ADDR_DOMAIN_MAX + 1];
	enum dns_result r = DNS_TEMP;
	int n;

	if (!dns_ready && dns_init() == -1)
		return DNS_TEMP;
	if (strlcpy(now, name, sizeof(now)) >= sizeof(now))
		return DNS_NXDOMAIN;
	for (int hop = 0; hop <= DNS_CNAME_MAX; hop++) {
		n = res_nmkquery(&dns_state, ns_o_query, now, ns_c_in, type,
		    NULL, 0, NULL, query, sizeof(query));
		if (n == -1)
			return DNS_NXDOMAIN;	/* no such name can exist */
		n = res_nsend(&dns_state, query, n, answer, sizeof(answer));
		if (n <= 0 || (size_t)n > sizeof(answer))
			return DNS_TEMP;
		r = dns_parse(span_of(answer, (size_t)n), now, type, a);
		/* An alias whose target was not in the answer: ask for it. */
		if (r != DNS_NONE || !a->alias)
			return r;
		strlcpy(now, a->name, sizeof(now));
	}
	return DNS_TEMP;
}

struct mx_key { uint64_t key; struct dns_mx mx; };

static int
mx_compare(const void *va, const void *vb)
{
	const struct mx_key *a = va, *b = vb;

	return a->key < b->key ? -1 : a->key > b->key;
}

/* Preference above, random bits below: one sort does both (RFC 5321 5.1). */
static void
mx_order(struct dns_mx *mx, size_t n)
{
	struct mx_key keys[DNS_MX_MAX];
	uint32_t r;

	for (size_t i = 0; i < n; i++) {
		random_bytes(&r, sizeof(r));
		keys[i].key = (uint64_t)mx[i].pref << 32 | r;
		keys[i].mx = mx[i];
	}
	/* cppcheck-suppress uninitvar */
	qsort(keys, n, sizeof(keys[0]), mx_compare);
	for (size_t i = 0; i < n; i++)
		mx[i] = keys[i].mx;
}

enum dns_result
dns_mx(const char *domain, struct dns_mx *mx, size_t *n, bool *null)
{
	struct dns_answer a = { .n = 0 };
	enum dns_result r = lookup(domain, ns_t_mx, &a);

	*n = 0;
	*null = false;
	if (r != DNS_OK)
		return r;
	/* RFC 7505 section 3: the root alone means no mail at all; among others
	 * it is a host that cannot be reached. */
	if (a.n == 1 && a.mx[0].host[0] == '\0') {
		*null = true;
		return DNS_OK;
	}
	for (size_t i = 0; i < a.n; i++)
		if (a.mx[i].host[0] != '\0')
			mx[(*n)++] = a.mx[i];
	mx_order(mx, *n);
	return *n > 0 ? DNS_OK : DNS_TEMP;
}

static void
add_addr(struct sockaddr_storage *out, size_t *n, unsigned port,
    const struct dns_answer *a)
{
	for (size_t i = 0; i < a->n && *n < DNS_ADDR_MAX; i++) {
		struct sockaddr_in s4;
		struct sockaddr_in6 s6;

		memcpy(&s4, &a->addr[i], sizeof(s4));
		memcpy(&s6, &a->addr[i], sizeof(s6));
		if (a->addr[i].ss_family == AF_INET6)
			set_addr(&out[(*n)++], AF_INET6, &s6.sin6_addr, port);
		else
			set_addr(&out[(*n)++], AF_INET, &s4.sin_addr, port);
	}
}

/* RFC 6761 section 6.3: this name is answered here, never asked for. */
static bool
is_localhost(const char *host, struct dns_answer *six, struct dns_answer *four)
{
	struct in_addr loopback = { .s_addr = htonl(INADDR_LOOPBACK) };

	if (strcasecmp(host, "localhost") != 0)
		return false;
	set_addr(&six->addr[0], AF_INET6, &in6addr_loopback, 0);
	set_addr(&four->addr[0], AF_INET, &loopback, 0);
	six->n = four->n = 1;
	return true;
}

enum dns_result
dns_addr(const char *host, unsigned port, struct sockaddr_storage *out,
    size_t *n)
{
	struct dns_answer six = { .n = 0 }, four = { .n = 0 };
	enum dns_result r6 = DNS_OK, r4 = DNS_OK;

	*n = 0;
	if (!is_localhost(host, &six, &four)) {
		r6 = lookup(host, ns_t_aaaa, &six);
		r4 = r6 == DNS_NXDOMAIN ? r6 : lookup(host, ns_t_a, &four);
	}
	if (r6 == DNS_OK)
		add_addr(out, n, port, &six);
	if (r4 == DNS_OK)
		add_addr(out, n, port, &four);
	if (*n > 0)
		return DNS_OK;
	/* One family unknown for now: the answer is not final. */
	if (r6 == DNS_TEMP || r4 == DNS_TEMP)
		return DNS_TEMP;
	return r4;
}
