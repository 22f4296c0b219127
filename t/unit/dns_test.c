/*
 * Answers of a name server, made here byte by byte, and host names.
 */
#include "dns.h"

#include "test.h"

#include <arpa/nameser.h>

/* An answer in the making; counts are set at the end. */
struct message {
	unsigned char p[4096];
	size_t len;
	unsigned answers;
};

static void
put(struct message *m, const void *p, size_t n)
{
	memcpy(m->p + m->len, p, n);
	m->len += n;
}

static void
put16(struct message *m, unsigned v)
{
	unsigned char b[2] = { (unsigned char)(v >> 8), (unsigned char)v };

	put(m, b, 2);
}

static void
put_name(struct message *m, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");
		unsigned char len = (unsigned char)n;

		put(m, &len, 1);
		put(m, name, n);
		name += n + (name[n] == '.');
	}
	put(m, "", 1);
}

static void
begin(struct message *m, const char *name, unsigned type, unsigned rcode)
{
	memset(m, 0, sizeof(*m));
	put16(m, 4711);
	put16(m, 0x8180 | rcode);
	put16(m, 1);
	for (int i = 0; i < 3; i++)
		put16(m, 0);
	put_name(m, name);
	put16(m, type);
	put16(m, ns_c_in);
}

static void
record(struct message *m, const char *name, unsigned type, const void *data,
    size_t n)
{
	put_name(m, name);
	put16(m, type);
	put16(m, ns_c_in);
	put16(m, 0);
	put16(m, 60);
	put16(m, (unsigned)n);
	put(m, data, n);
	m->p[7] = (unsigned char)++m->answers;
}

/* MX and CNAME hold a name. */
static void
name_record(struct message *m, const char *owner, unsigned type, int pref,
    const char *host)
{
	struct message data = { .len = 0 };

	if (pref >= 0)
		put16(&data, (unsigned)pref);
	put_name(&data, host);
	record(m, owner, type, data.p, data.len);
}

static enum dns_result
parse(const struct message *m, const char *name, int type,
    struct dns_answer *a)
{
	/* In memory of exactly that size, so that a read beyond is seen. */
	unsigned char *p = malloc(m->len);
	enum dns_result r;

	memcpy(p, m->p, m->len);
	r = dns_parse(span_of(p, m->len), name, type, a);
	free(p);
	return r;
}

static void
test_mx(void)
{
	static struct dns_answer a;
	struct message m;

	begin(&m, "example.org", ns_t_mx, 0);
	name_record(&m, "EXAMPLE.org", ns_t_mx, 20, "B.example.org");
	name_record(&m, "example.org", ns_t_mx, 10, "a.example.org");
	name_record(&m, "other.example", ns_t_mx, 1, "evil.example");
	CHECK(parse(&m, "example.org", ns_t_mx, &a) == DNS_OK, "mx");
	CHECK(a.n == 2, "others' records do not count");
	CHECK(a.mx[0].pref == 20, "preference");
	CHECK_SPAN(span_str(a.mx[0].host), "b.example.org", "lower case");

	begin(&m, "none.example", ns_t_mx, 0);
	name_record(&m, "none.example", ns_t_mx, 0, "");
	CHECK(parse(&m, "none.example", ns_t_mx, &a) == DNS_OK, "null MX");
	CHECK(a.n == 1 && a.mx[0].host[0] == '\0', "null MX");

	begin(&m, "example.org", ns_t_mx, 0);
	name_record(&m, "example.org", ns_t_mx, 1, "a b.example.org");
	CHECK(parse(&m, "example.org", ns_t_mx, &a) == DNS_TEMP, "bad host");

	begin(&m, "example.org", ns_t_mx, 0);
	for (int i = 0; i < 100; i++)
		name_record(&m, "example.org", ns_t_mx, i, "h.example.org");
	CHECK(parse(&m, "example.org", ns_t_mx, &a) == DNS_OK &&
	    a.n == DNS_MX_MAX, "at most DNS_MX_MAX");
	begin(&m, "example.org", ns_t_mx, 0);
	for (int i = 100; i > 0; i--)
		name_record(&m, "example.org", ns_t_mx, i, "h.example.org");
	CHECK(parse(&m, "example.org", ns_t_mx, &a) == DNS_OK &&
	    a.n == DNS_MX_MAX, "at most DNS_MX_MAX");
	for (size_t i = 0; i < a.n; i++)
		CHECK(a.mx[i].pref <= DNS_MX_MAX, "and these are the best");
	test_end("MX records");
}

static void
test_others(void)
{
	static struct dns_answer a;
	struct message m;

	begin(&m, "h.example", ns_t_a, 0);
	record(&m, "h.example", ns_t_a, "\300\0\2\1", 4);
	record(&m, "h.example", ns_t_a, "\300\0\2", 3);
	CHECK(parse(&m, "h.example", ns_t_a, &a) == DNS_OK && a.n == 1,
	    "an address of three bytes is none");
	begin(&m, "h.example", ns_t_aaaa, 0);
	record(&m, "h.example", ns_t_aaaa, "0123456789abcdef", 16);
	CHECK(parse(&m, "h.example", ns_t_aaaa, &a) == DNS_OK && a.n == 1 &&
	    a.addr[0].ss_family == AF_INET6, "AAAA");
	test_end("A and AAAA records");
}

static void
test_alias(void)
{
	static struct dns_answer a;
	struct message m;

	begin(&m, "w.example", ns_t_a, 0);
	record(&m, "h.example", ns_t_a, "\300\0\2\1", 4);
	name_record(&m, "v.example", ns_t_cname, -1, "h.example");
	name_record(&m, "w.example", ns_t_cname, -1, "v.example");
	CHECK(parse(&m, "w.example", ns_t_a, &a) == DNS_OK && a.n == 1,
	    "chain in any order");
	CHECK_SPAN(span_str(a.name), "h.example", "its end");
	begin(&m, "w.example", ns_t_a, 0);
	name_record(&m, "w.example", ns_t_cname, -1, "h.example");
	CHECK(parse(&m, "w.example", ns_t_a, &a) == DNS_NONE && a.alias,
	    "alias alone");
	begin(&m, "w.example", ns_t_a, 0);
	name_record(&m, "w.example", ns_t_cname, -1, "v.example");
	name_record(&m, "v.example", ns_t_cname, -1, "w.example");
	CHECK(parse(&m, "w.example", ns_t_a, &a) == DNS_TEMP, "circle");
	test_end("aliases");
}

static void
test_codes(void)
{
	static struct dns_answer a;
	struct message m;

	for (unsigned rcode = 0; rcode < 16; rcode++) {
		enum dns_result want = rcode == 0 ? DNS_NONE :
		    rcode == 3 ? DNS_NXDOMAIN : DNS_TEMP;

		begin(&m, "example.org", ns_t_mx, rcode);
		CHECK(parse(&m, "example.org", ns_t_mx, &a) == want, "rcode");
	}
	/* Cut at every byte, and a pointer that points at itself. */
	begin(&m, "example.org", ns_t_mx, 0);
	name_record(&m, "example.org", ns_t_mx, 10, "a.example.org");
	for (size_t whole = m.len; m.len > 0; m.len--) {
		enum dns_result r = parse(&m, "example.org", ns_t_mx, &a);

		CHECK(m.len == whole ? r == DNS_OK : r != DNS_OK, "cut");
	}
	begin(&m, "example.org", ns_t_mx, 0);
	name_record(&m, "example.org", ns_t_mx, 10, "a.example.org");
	m.p[m.len++] = 0;
	CHECK(parse(&m, "example.org", ns_t_mx, &a) == DNS_TEMP, "more");
	m.p[11] = 1;
	CHECK(parse(&m, "example.org", ns_t_mx, &a) == DNS_TEMP, "half a record");
	begin(&m, "example.org", ns_t_mx, 0);
	record(&m, "example.org", ns_t_mx, "\0\12\300\72", 4);
	CHECK(parse(&m, "example.org", ns_t_mx, &a) != DNS_OK, "loop");
	test_end("codes and broken answers");
}

static void
test_hosts(void)
{
	static const char *const good[] = { "a", "a.b", "A-1.b_c", "1.2.3.4" };
	static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "a b",
	    "a/b", "a@b", "a\\.b", "a:b", "[1]", "\303\274.de" };
	char label[70], name[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(dns_is_host(good[i]), good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!dns_is_host(bad[i]), bad[i]);
	memset(label, 'a', sizeof(label));
	label[63] = '\0';
	CHECK(dns_is_host(label), "63 octets");
	label[63] = 'a';
	label[64] = '\0';
	CHECK(!dns_is_host(label), "64 octets");
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	name[253] = '\0';
	CHECK(dns_is_host(name), "253 octets");
	name[253] = '.';
	name[255] = '\0';
	CHECK(!dns_is_host(name), "255 octets");
	test_end("host names");
}

int
main(void)
{
	test_mx();
	test_others();
	test_alias();
	test_codes();
	test_hosts();
	return test_done();
}
