/* Formats of UIDLs: what is taken, what is refused, and what comes out. */
#include "uidl.h"

#include "t/unit/test.h"

static const struct { const char *format, *out; } good[] = {
	{ "%08Xu%08Xv", "000000ff5968abcd" },
	{ "%v.%u", "1500031949.255" },
	{ "%u", "255" },
	{ "UID%u-%v", "UID255-1500031949" },
	{ "%05u", "00255" },
	{ "%5u", "  255" },		/* refused later: not a UIDL */
	{ "%Xu", "ff" },
	{ "%f", "1.a,S=9" },
	{ "%g", "guid" },
	{ "a%ub", "a255b" },
};

static const char *const bad[] = {
	"", "x", "%", "%v", "%z", "%m", "%21u", "%99999999999u", "%8f", "%Xg",
	"%u %v", "%u\n", "%u%", "\200%u",
};

static const struct { const char *s; bool ok; } names[] = {
	{ "a", true }, { "", false }, { "a b", false }, { "a\177", false },
	{ "\303\251", false }, { "!~", true },
	{ "1234567890123456789012345678901234567890123456789012345678901234567890",
	    true },
	{ "12345678901234567890123456789012345678901234567890123456789012345678901",
	    false },
};

int
main(void)
{
	struct uidl_parts p = { 255, 0x5968abcd, span_str("1.a,S=9"),
	    span_str("guid") };
	struct buf out;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		buf_init(&out, 100);
		CHECK(uidl_format_ok(span_str(good[i].format)), good[i].format);
		CHECK(uidl_format(span_str(good[i].format), &p, &out) == 0,
		    good[i].format);
		CHECK_SPAN(buf_span(&out), good[i].out, good[i].format);
		buf_free(&out);
	}
	p.guid = span_of("", 0);
	buf_init(&out, 100);
	CHECK(uidl_format(span_str("%g"), &p, &out) == 0, "no guid");
	CHECK_SPAN(buf_span(&out), "1.a,S=9", "no guid");
	buf_free(&out);
	test_end("formats");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!uidl_format_ok(span_str(bad[i])), bad[i]);
	test_end("what is no format");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(uidl_ok(span_str(names[i].s)) == names[i].ok, names[i].s);
	test_end("what may be sent");
	return test_done();
}
