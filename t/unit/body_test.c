/*
 * Content for DATA: line ends, dots, and that no piece of it depends on where
 * it was cut.
 * LINK: deliver/remote_body.c
 */
#include "deliver/remote_body.h"

#include "test.h"

static const struct { const char *in, *out; } bodies[] = {
	{ "", ".\r\n" },
	{ "a\n", "a\r\n.\r\n" },
	{ "a", "a\r\n.\r\n" },
	{ "\n", "\r\n.\r\n" },
	{ ".\n", "..\r\n.\r\n" },
	{ ".", "..\r\n.\r\n" },
	{ "..\n", "...\r\n.\r\n" },
	{ ".a\n.b", "..a\r\n..b\r\n.\r\n" },
	{ "a.\n", "a.\r\n.\r\n" },
	{ "\n.\n", "\r\n..\r\n.\r\n" },
	{ "a\n\n.\n\nb\n", "a\r\n\r\n..\r\n\r\nb\r\n.\r\n" },
	/* CR LF in the spool is one line's end; any other CR is a space. */
	{ "a\r\n", "a\r\n.\r\n" },
	{ "a\r", "a \r\n.\r\n" },
	{ "\r", " \r\n.\r\n" },
	{ "\r\n", "\r\n.\r\n" },
	{ "\r\r\n", " \r\n.\r\n" },
	{ "a\rb\n", "a b\r\n.\r\n" },
	{ "a\r\r\rb\n", "a   b\r\n.\r\n" },
	/* What smuggles (CVE-2023-51764): none of it ends the data. */
	{ "a\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n" },
	{ "a\n.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n" },
	{ "a\r\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n" },
	{ "a\r\n.\rMAIL", "a\r\n.. MAIL\r\n.\r\n" },
	{ "a\r.\r\nMAIL", "a .\r\nMAIL\r\n.\r\n" },
	{ "a\r.\rMAIL", "a . MAIL\r\n.\r\n" },
	{ "a\n\r.\nMAIL", "a\r\n .\r\nMAIL\r\n.\r\n" },
};

/* Converts in pieces of the given size. */
static void
convert(struct span in, size_t piece, struct buf *out)
{
	struct body b = { .midline = false };
	struct cur c;
	unsigned char *room;

	buf_clear(out);
	cur_init(&c, in);
	do {
		struct span s = cur_take(&c, cur_left(&c) < piece ?
		    cur_left(&c) : piece);
		size_t n;

		room = buf_room(out, BODY_ROOM(s.len) + BODY_END);
		n = body_convert(&b, s, room);
		CHECK(n <= BODY_ROOM(s.len), "room");
		out->len += n;
	} while (!cur_end(&c));
	room = buf_room(out, BODY_END);
	out->len += body_end(&b, room);
}

static void
test_table(void)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for (size_t piece = 1; piece < 9; piece++) {
			convert(span_str(bodies[i].in), piece, &out);
			CHECK_SPAN(buf_span(&out), bodies[i].out, bodies[i].in);
		}
	buf_free(&out);
	test_end("contents");
}

/* All texts of six letters: bare CR and LF never leave, the end stands alone. */
static void
test_all(void)
{
	static const char letters[] = "\r\n.a";
	struct buf out;
	char text[7] = "";

	buf_init(&out, 4096);
	for (unsigned n = 0; n < 4096; n++) {
		size_t ends = 0;

		for (unsigned i = 0; i < 6; i++)
			text[i] = letters[n >> (2 * i) & 3];
		convert(span_str(text), 1 + n % 7, &out);
		for (size_t i = 0; i < out.len; i++) {
			bool lf = out.p[i] == '\n', cr = out.p[i] == '\r';

			CHECK(!lf || (i > 0 && out.p[i - 1] == '\r'), "bare LF");
			CHECK(!cr || (i + 1 < out.len && out.p[i + 1] == '\n'),
			    "bare CR");
			if (i >= 2 && out.len - i >= 1 && lf &&
			    out.p[i - 2] == '.' &&
			    (i == 2 || out.p[i - 3] == '\n'))
				ends++;
		}
		CHECK(ends == 1, "one end of data");
	}
	buf_free(&out);
	test_end("all short texts");
}

/* Lines of any length: none of more than 998 octets leaves, and what is put in
 * between is CRLF and a space; a dot where a piece begins is no end. */
static void
test_long_lines(void)
{
	static const size_t lengths[] = { 1, 997, 998, 999, 1994, 1995, 1996,
	    2992, 5000 };
	struct buf in, out;

	buf_init(&in, 8192);
	buf_init(&out, 32768);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		for (size_t piece = 1; piece < 6000; piece = piece * 3 + 1) {
			size_t line = 0, longest = 0, dots = 0;

			buf_clear(&in);
			for (size_t n = 0; n < lengths[i]; n++)
				buf_addc(&in, '.');
			buf_adds(&in, "\nx\n");
			convert(buf_span(&in), piece, &out);
			for (size_t n = 0; n < out.len; n++) {
				line = out.p[n] == '\n' ? 0 : line + 1;
				longest = line > longest ? line : longest;
				dots += out.p[n] == '.';
			}
			/* CR, and the stuffed dot of the first piece. */
			CHECK(longest <= 998 + 2, "longest line");
			CHECK(dots == lengths[i] + 2, "nothing lost");
			CHECK(lengths[i] > 998 || out.len == lengths[i] + 9,
			    "a line that is short enough stays whole");
			CHECK(span_eq(span_of(out.p + out.len - 8, 8),
			    span_str("\r\nx\r\n.\r\n")), "the end");
		}
	buf_free(&in);
	buf_free(&out);
	test_end("long lines are broken");
}

/* RFC 3030 section 2: a chunk has neither dots in front nor one at the end. */
static void
test_chunk(void)
{
	struct body b = { .chunk = true };
	unsigned char out[64];
	size_t n;

	n = body_convert(&b, span_str(".\n..a\r"), out);
	n += body_convert(&b, span_str("\n.x"), out + n);
	n += body_end(&b, out + n);
	CHECK_SPAN(span_of(out, n), ".\r\n..a\r\n.x\r\n", "chunk");
	test_end("chunks");
}

static void
test_facts(void)
{
	unsigned char text[100];
	struct body_facts f;
	char line[1200];

	memset(text, 'a', sizeof(text));
	memset(&f, 0, sizeof(f));
	body_look(&f, span_of(text, sizeof(text)));
	CHECK(!f.is8bit && !f.longline, "ASCII");
	for (size_t i = 0; i < sizeof(text); i++) {
		memset(&f, 0, sizeof(f));
		text[i] = 0x80;
		body_look(&f, span_of(text, sizeof(text)));
		CHECK(f.is8bit, "0x80");
		text[i] = 'a';
	}
	for (size_t len = 990; len < 1010; len++)
		for (size_t cut = 0; cut <= len; cut += 30) {
			memset(line, 'a', sizeof(line));
			line[len] = '\n';
			memset(&f, 0, sizeof(f));
			body_look(&f, span_str("short\n"));
			body_look(&f, span_of(line, cut));
			body_look(&f, span_of(line + cut, len + 1 - cut));
			CHECK(f.longline == (len > 998), "long line");
		}
	test_end("8-bit text and long lines are seen");
}

int
main(void)
{
	test_table();
	test_all();
	test_long_lines();
	test_chunk();
	test_facts();
	return test_done();
}
