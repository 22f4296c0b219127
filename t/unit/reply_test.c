/*
 * Replies of SMTP servers and what EHLO offers.
 * LINK: deliver/remote_reply.c
 */
#include "deliver/remote_reply.h"

#include "limits.h"
#include "test.h"

/* Lines are separated by LF here; state is that after the last. */
static const struct {
	const char *lines;
	enum reply_state state;
	unsigned code;
	const char *dsn, *text;
} replies[] = {
	{ "250 ok", REPLY_DONE, 250, "", "250 ok" },
	{ "250", REPLY_DONE, 250, "", "250 " },
	{ "250 ", REPLY_DONE, 250, "", "250 " },
	{ "250-a", REPLY_MORE, 250, "", "250 a" },
	{ "250-a\n250 b", REPLY_DONE, 250, "", "250 a / b" },
	{ "250-\n250 b", REPLY_DONE, 250, "", "250  / b" },
	{ "550 5.1.1 no such user", REPLY_DONE, 550, "5.1.1", "550 5.1.1 no such user" },
	{ "550-5.1.1 no\n550-5.1.1 such\n550 5.1.1 user", REPLY_DONE, 550, "5.1.1", "550 5.1.1 no / such / user" },
	{ "550-5.1.1 no\n550 5.2.2 full", REPLY_DONE, 550, "5.1.1", "550 5.1.1 no / 5.2.2 full" },
	{ "550-no\n550 5.1.1 such", REPLY_DONE, 550, "5.1.1", "550 no / 5.1.1 such" },
	{ "550-4.1.1 no\n550 such", REPLY_DONE, 550, "", "550 4.1.1 no / such" },
	{ "550 5.1.1", REPLY_DONE, 550, "5.1.1", "550 5.1.1" },
	{ "550 4.1.1 which?", REPLY_DONE, 550, "", "550 4.1.1 which?" },
	{ "550 5.1.1x", REPLY_DONE, 550, "", "550 5.1.1x" },
	{ "550 5.1", REPLY_DONE, 550, "", "550 5.1" },
	{ "550 5..1 a", REPLY_DONE, 550, "", "550 5..1 a" },
	{ "550 5.1234.1 a", REPLY_DONE, 550, "", "550 5.1234.1 a" },
	{ "550 5.999.999 a", REPLY_DONE, 550, "5.999.999", "550 5.999.999 a" },
	{ "450 4.2.0 <a@b>: Greylisted", REPLY_DONE, 450, "4.2.0", "450 4.2.0 <a@b>: Greylisted" },
	{ "554 a\tb\033[2Jc\177", REPLY_DONE, 554, "", "554 a?b?[2Jc?" },
	{ "554 gr\303\274n", REPLY_DONE, 554, "", "554 gr\303\274n" },
	{ "554 gr\374n", REPLY_DONE, 554, "", "554 gr?n" },
	{ "599 x", REPLY_DONE, 599, "", "599 x" },
	{ "", REPLY_BAD, 0, "", NULL },
	{ "25", REPLY_BAD, 0, "", NULL },
	{ "2500 ok", REPLY_BAD, 0, "", NULL },
	{ "250ok", REPLY_BAD, 0, "", NULL },
	{ "150 ok", REPLY_BAD, 0, "", NULL },
	{ "650 ok", REPLY_BAD, 0, "", NULL },
	{ "2x0 ok", REPLY_BAD, 0, "", NULL },
	{ " 250 ok", REPLY_BAD, 0, "", NULL },
	{ "ok", REPLY_BAD, 0, "", NULL },
	{ "250-a\n251 b", REPLY_BAD, 0, "", NULL },
	{ "250-a\n550 b", REPLY_BAD, 0, "", NULL },
	{ "250-a\nhello", REPLY_BAD, 0, "", NULL },
	{ "HTTP/1.1 400 Bad Request", REPLY_BAD, 0, "", NULL },
};

static enum reply_state
feed(struct reply *r, const char *lines)
{
	enum reply_state s = REPLY_MORE;
	struct span text;
	struct cur c;

	cur_init(&c, span_str(lines));
	do {
		s = reply_line(r, cur_until(&c, '\n'), &text);
	} while (s == REPLY_MORE && cur_ch(&c, '\n'));
	return s;
}

static void
test_replies(void)
{
	struct reply r;

	reply_init(&r);
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		const char *in = replies[i].lines;

		reply_clear(&r);
		CHECK(feed(&r, in) == replies[i].state, in);
		if (replies[i].state == REPLY_BAD)
			continue;
		CHECK(r.code == replies[i].code, in);
		CHECK_SPAN(span_str(r.dsn), replies[i].dsn, in);
		CHECK_SPAN(buf_span(&r.text), replies[i].text, in);
	}
	reply_free(&r);
	test_end("replies");
}

static void
test_bounds(void)
{
	static char line[2000] = "250-";
	struct reply r;
	struct span text;
	enum reply_state s = REPLY_MORE;
	int n = 0;

	memset(line + 4, 'x', sizeof(line) - 5);
	reply_init(&r);
	while (s == REPLY_MORE) {
		s = reply_line(&r, span_str(line), &text);
		n++;
	}
	CHECK(s == REPLY_BAD, "endless reply");
	CHECK(n == SMTP_REPLY_LINES + 1, "lines of an endless reply");
	CHECK(r.cut && !r.text.bad && r.text.len <= REPLY_TEXT_MAX + 3, "cut");
	CHECK(memcmp(r.text.p + r.text.len - 3, "...", 3) == 0, "mark of a cut");
	reply_free(&r);
	test_end("bounds of a reply");
}

/* Every first byte, every length: no crash, and nothing but the grammar. */
static void
test_bytes(void)
{
	struct reply r;
	struct span text;
	unsigned char line[5] = "250 x";

	reply_init(&r);
	for (size_t at = 0; at < sizeof(line); at++)
		for (int c = 0; c < 256; c++) {
			unsigned char old = line[at];

			line[at] = (unsigned char)c;
			for (size_t n = 0; n <= sizeof(line); n++) {
				reply_clear(&r);
				if (reply_line(&r, span_of(line, n), &text) !=
				    REPLY_BAD)
					CHECK(r.code >= 200 && r.code < 600,
					    "code");
			}
			line[at] = old;
		}
	reply_free(&r);
	test_end("every byte at every place");
}

static void
test_ehlo(void)
{
	static const char *const lines[] = { "PIPELINING", "size 35882577",
	    "8bitmime", "SMTPUTF8", "STARTTLS", "DSN", "AUTH LOGIN PLAIN CRAM-MD5",
	    "X-UNKNOWN 1 2 3", "" };
	struct ehlo e = { .size = false };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ehlo_line(&e, span_str(lines[i]));
	CHECK(e.pipelining && e.size && e.body8 && e.smtputf8 && e.starttls &&
	    e.dsn && e.auth_plain && e.auth_login, "all keywords");
	CHECK(e.size_max == 35882577, "SIZE");
	e = (struct ehlo){ .size = false };
	ehlo_line(&e, span_str("AUTH=LOGIN"));
	ehlo_line(&e, span_str("SIZE 99999999999999999999999"));
	ehlo_line(&e, span_str("PIPELININGX"));
	ehlo_line(&e, span_str("XSTARTTLS"));
	CHECK(e.auth_login && !e.auth_plain, "AUTH=");
	CHECK(e.size && e.size_max == 0, "a SIZE that is no number");
	CHECK(!e.pipelining && !e.starttls, "longer words");
	test_end("EHLO keywords");
}

int
main(void)
{
	test_replies();
	test_bounds();
	test_bytes();
	test_ehlo();
	return test_done();
}
