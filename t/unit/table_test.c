/*
 * The keyed index: duplicates in their order, quoted keys, continued lines,
 * hash collisions, and a million lines in the time and for the look-up that
 * table.h promises.
 */
#include <time.h>

#include "t/unit/dir.h"

#define MANY	1000000
#define BUILD_SECONDS 4.0	/* about 0.5 here; the rest is for a loaded machine */

static struct control c;

static int
build(struct table *t, const char *text, const struct table_format *f)
{
	struct buf b;

	buf_init(&b, CONTROL_TABLE_MAX);
	buf_adds(&b, text);
	c.nerrors = 0;
	c.error[0] = '\0';
	memset(t, 0, sizeof(*t));
	return table_build(t, &c, "x", &b, f);
}

static bool
has(const struct table *t, const char *key, const char *value, unsigned line)
{
	struct span v;
	unsigned l;

	return table_find(t, span_str(key), &v, &l) && span_is(v, value) &&
	    l == line;
}

static void
check_forms(void)
{
	static const struct table_format plain = { ':', false, false, NULL };
	static const struct table_format spaced = { ' ', false, true, NULL };
	static const struct table_format folded = { ':', true, true, NULL };
	struct table t;
	struct span v;
	size_t at = 0;

	CHECK(build(&t, "# c: 1\nA@b.c: one \n\n  a@B.c:two\nx:\nz\n"
	    "\"q:\\\" x\"@b.c:y:z\nA@b.c:three", &plain) == 0, "build");
	CHECK(c.nerrors == 0 && t.nslots == 6, c.error);
	CHECK(has(&t, "a@b.C", "one", 2), "first");
	CHECK(table_next(&t, span_str("a@b.c"), &at, &v, NULL) &&
	    span_is(v, "one"), "order 1");
	CHECK(table_next(&t, span_str("a@b.c"), &at, &v, NULL) &&
	    span_is(v, "two"), "order 2");
	CHECK(table_next(&t, span_str("a@b.c"), &at, &v, NULL) &&
	    span_is(v, "three"), "order 3");
	CHECK(!table_next(&t, span_str("a@b.c"), &at, &v, NULL), "order 4");
	CHECK(has(&t, "x", "", 5) && has(&t, "z", "", 6), "no value");
	CHECK(has(&t, "\"q:\\\" x\"@b.c", "y:z", 7), "quoted key");
	CHECK(!table_find(&t, span_str("a"), NULL, NULL), "not a prefix");
	CHECK(!table_find(&t, span_str(""), NULL, NULL), "empty key");
	table_free(&t);

	CHECK(build(&t, "a.b \t c d\n*\tmx:\n", &spaced) == 0, "spaced");
	CHECK(has(&t, "a.b", "c d", 1) && has(&t, "*", "mx:", 2), "spaced");
	table_free(&t);

	CHECK(build(&t, "a: b,\n  c,\n\td\n# e\nf: g\n", &folded) == 0, "folded");
	CHECK(c.nerrors == 0 && has(&t, "a", "b,\n  c,\n\td", 1), c.error);
	CHECK(has(&t, "f", "g", 5), "after folded");
	table_free(&t);
}

static void
check_errors(void)
{
	static const struct { const char *text, *error; bool folded; } bad[] = {
		{ "a:1\nb:2\nA:3\n", "x:3: \"A\" stands in line 1", false },
		{ ":1\n", "x:1: the line has nothing before", false },
		{ "a:1\r\n", "x:1: the line ends in CR LF", false },
		{ "ok:1\na:\x01\n", "x:2: there is a control byte (0x01)", false },
		{ "  a: b\n", "x:1: an indented line continues", true },
		{ "a: b\n\n c\n", "x:3: an indented line continues", true },
	};
	struct table t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct table_format f = { ':', bad[i].folded, true, NULL };

		CHECK(build(&t, bad[i].text, &f) == 0, bad[i].text);
		CHECK(c.nerrors == 1 && strstr(c.error, bad[i].error) != NULL,
		    c.error);
		table_free(&t);
	}
}

/* Two keys with one FNV-1a hash must not hide each other or count as equal. */
static void
check_collision(void)
{
	static const struct table_format f = { ':', false, true, NULL };
	struct table t;

	CHECK(build(&t, "costarring:1\nliquid:2\nx:3\n", &f) == 0, "build");
	CHECK(c.nerrors == 0, c.error);
	CHECK(has(&t, "costarring", "1", 1) && has(&t, "liquid", "2", 2),
	    "both are found");
	table_free(&t);
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
check_many(void)
{
	static const struct table_format f = { ':', false, true, NULL };
	struct table t;
	struct buf b;
	char key[64], value[64];
	double start;
	size_t wrong = 0;

	buf_init(&b, CONTROL_TABLE_MAX);
	for (unsigned i = 0; i < MANY; i++)
		buf_addf(&b, "user%u@example.org:%u\n", i, i);
	memset(&t, 0, sizeof(t));
	start = seconds();
	CHECK(table_build(&t, &c, "x", &b, &f) == 0, "build");
	printf("table: %u lines in %.2f s\n", MANY, seconds() - start);
	CHECK(seconds() - start < BUILD_SECONDS, "building is fast");
	start = seconds();
	for (unsigned i = 0; i < MANY; i += 7) {
		snprintf(key, sizeof(key), "User%u@example.org", i);
		snprintf(value, sizeof(value), "%u", i);
		if (!has(&t, key, value, i + 1))
			wrong++;
	}
	CHECK(wrong == 0, "all are found");
	printf("table: %.2f us a look-up\n", (seconds() - start) * 7 * 1e6 / MANY);
	CHECK((seconds() - start) * 7 / MANY < 50e-6, "looking up is fast");
	table_free(&t);
}

int
main(void)
{
	snprintf(c.dir, sizeof(c.dir), "d");
	check_forms();
	check_errors();
	check_collision();
	check_many();
	return failures != 0;
}
