/* LINK: pop3d/stuff.c */
/* Byte-stuffing and line ends: every message cut at every place gives the same. */
#include "pop3d/stuff.h"

#include "test.h"

static const struct {
	const char *in, *out;
	const char *top0, *top1;	/* TOP 0 and 1, NULL: not looked at */
} rows[] = {
	{ "", ".\r\n", ".\r\n", ".\r\n" },
	{ "a", "a\r\n.\r\n", "a\r\n.\r\n", "a\r\n.\r\n" },
	{ "a\n", "a\r\n.\r\n", "a\r\n.\r\n", "a\r\n.\r\n" },
	{ "a\r\n", "a\r\n.\r\n", "a\r\n.\r\n", "a\r\n.\r\n" },
	{ ".", "..\r\n.\r\n", "..\r\n.\r\n", "..\r\n.\r\n" },
	{ ".\n", "..\r\n.\r\n", NULL, NULL },
	{ "..\n.\n", "...\r\n..\r\n.\r\n", NULL, NULL },
	{ "a.\n.b\nc.", "a.\r\n..b\r\nc.\r\n.\r\n", NULL, NULL },
	{ "\n", "\r\n.\r\n", "\r\n.\r\n", "\r\n.\r\n" },
	{ "\n\n.\n", "\r\n\r\n..\r\n.\r\n", "\r\n.\r\n", "\r\n\r\n.\r\n" },
	{ "\r\n.\r\n", "\r\n..\r\n.\r\n", "\r\n.\r\n", "\r\n..\r\n.\r\n" },
	{ "a\r", "a\r\r\n.\r\n", NULL, NULL },
	{ "a\r\r\nb", "a\r\r\nb\r\n.\r\n", NULL, NULL },
	{ "a\rb\n", "a\rb\r\n.\r\n", NULL, NULL },
	{ "h: 1\n\n1\n2\n3\n", "h: 1\r\n\r\n1\r\n2\r\n3\r\n.\r\n",
	    "h: 1\r\n\r\n.\r\n", "h: 1\r\n\r\n1\r\n.\r\n" },
	{ "h: 1\r\n\r\n.1\r\n2\r\n", "h: 1\r\n\r\n..1\r\n2\r\n.\r\n",
	    "h: 1\r\n\r\n.\r\n", "h: 1\r\n\r\n..1\r\n.\r\n" },
	{ "h: 1\n \nb\n", "h: 1\r\n \r\nb\r\n.\r\n", "h: 1\r\n \r\nb\r\n.\r\n",
	    NULL },
};

static size_t
convert(const char *in, size_t n, size_t cut1, size_t cut2, int top,
    unsigned char *out)
{
	const unsigned char *p = (const unsigned char *)in;
	struct stuff s;
	size_t o;

	stuff_init(&s);
	if (top >= 0)
		stuff_limit(&s, (uint64_t)top);
	o = stuff_add(&s, p, cut1, out);
	o += stuff_add(&s, p + cut1, cut2 - cut1, out + o);
	o += stuff_add(&s, p + cut2, n - cut2, out + o);
	return o + stuff_end(&s, out + o);
}

static void
check(const char *in, const char *want, int top)
{
	unsigned char out[256];
	size_t n = strlen(in);

	if (want == NULL)
		return;
	for (size_t a = 0; a <= n; a++)
		for (size_t b = a; b <= n; b++)
			CHECK_SPAN(span_of(out, convert(in, n, a, b, top,
			    out)), want, in);
}

int
main(void)
{
	static unsigned char worst[4096], out[STUFF_ROOM(sizeof(worst))];
	struct stuff s;
	size_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(rows[i].in, rows[i].out, -1);
		check(rows[i].in, rows[i].top0, 0);
		check(rows[i].in, rows[i].top1, 1);
		check(rows[i].in, rows[i].out, 1000);
	}
	test_end("at every buffer edge");
	for (size_t i = 0; i < sizeof(worst); i++)
		worst[i] = i % 2 == 0 ? '.' : '\n';
	stuff_init(&s);
	n = stuff_add(&s, worst, sizeof(worst), out);
	n += stuff_end(&s, out + n);
	CHECK(n == sizeof(worst) * 2 + 3, "dots and line ends");
	memset(worst, '\n', sizeof(worst));
	stuff_init(&s);
	n = stuff_add(&s, worst, sizeof(worst), out);
	CHECK(n == sizeof(worst) * 2, "line ends");
	stuff_init(&s);
	n = stuff_add(&s, (const unsigned char *)"a\0b\0", 4, out);
	CHECK(n == 4 && memcmp(out, "a\200b\200", 4) == 0, "NUL");
	test_end("room");
	return test_done();
}
