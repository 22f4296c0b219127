/* Line ends in bulk against the plain way, for every beginning and many lengths of texts that are full of them. */
#include "lines.h"

#include "test.h"

#define SIZE 4000

static unsigned char text[SIZE];

/* rare: how far apart the bytes that matter are, about. */
static void
make_text(unsigned seed, unsigned rare)
{
	static const unsigned char special[] = "\n\n\n\r.--";
	uint64_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < SIZE; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		text[i] = (unsigned char)('a' + (x >> 40) % 26);
		if ((x >> 33) % rare == 0)
			text[i] = special[(x >> 50) % (sizeof(special) - 1)];
		if ((x >> 20) % (rare * 40) == 0)
			text[i] = 0;
		if ((x >> 12) % (rare * 10) == 0 && i > 2)
			memcpy(text + i - 2, "\n--", 3);
	}
}

static void
plain_count(struct span s, unsigned char before, struct lines *l)
{
	for (size_t i = 0; i < s.len; before = s.p[i++]) {
		l->lf += s.p[i] == '\n';
		l->bare += s.p[i] == '\n' && before != '\r';
	}
}

static size_t
plain_convert(struct span s, unsigned char before, bool stuff,
    unsigned char *out)
{
	unsigned char *o = out;

	for (size_t i = 0; i < s.len; before = s.p[i++]) {
		if (s.p[i] == '\n' && before != '\r')
			*o++ = '\r';
		if (s.p[i] == '.' && before == '\n' && stuff)
			*o++ = '.';
		*o++ = s.p[i] == 0 ? 0x80 : s.p[i];
	}
	return (size_t)(o - out);
}

static size_t
plain_find(struct span s)
{
	for (size_t i = 0; i + 1 < s.len; i++)
		if ((i == 0 || s.p[i - 1] == '\n') && s.p[i] == '-' &&
		    s.p[i + 1] == '-')
			return i;
	return s.len;
}

static void
check(struct span s, unsigned char before)
{
	static unsigned char want[LINES_ROOM(SIZE)], got[LINES_ROOM(SIZE) + 1];
	struct lines a = { 0 }, b = { 0 };
	size_t n, at;

	plain_count(s, before, &a);
	lines_count(s, before, &b);
	CHECK(a.lf == b.lf && a.bare == b.bare, "count");
	for (int stuff = 0; stuff < 2; stuff++) {
		n = plain_convert(s, before, stuff, want);
		got[2 * s.len + 1] = 0x55;
		CHECK(lines_convert(s.p, s.len, before, stuff, got) == n &&
		    memcmp(got, want, n) == 0, "convert");
		CHECK(got[2 * s.len + 1] == 0x55, "beyond the room");
	}
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	at = plain_find(s);
	CHECK(lines_find_dashes(s, &b) == at, "find");
	plain_count(span_of(s.p, at), '\n', &a);
	CHECK(a.lf == b.lf && a.bare == b.bare, "count before dashes");
}

int
main(void)
{
	static const unsigned char befores[] = { '\n', '\r', 'x' };

	for (unsigned rare = 1; rare < 2000; rare *= 3)
		for (unsigned seed = 0; seed < 20; seed++) {
			make_text(seed, rare);
			for (size_t from = 0; from < 70; from++)
				check(span_of(text + from, (from * 97 +
				    seed * 131) % (SIZE - 70)),
				    befores[(from + seed) % 3]);
		}
	memset(text, '\n', SIZE);
	check(span_of(text, SIZE), '\n');
	memset(text, 0, SIZE);
	check(span_of(text, SIZE), '\n');
	test_end("line ends in bulk");
	return test_done();
}
