/* Target lists: aliases, .forward files and includes, as sendmail reads them. */
#include "targets.h"
#include "t/unit/test.h"

/* Each target as a letter for its kind and its text, with " " between; "!" is
 * a broken one. */
static const struct { const char *in; bool lines; const char *out; } rows[] = {
	{ "a", false, "A:a@d.example" },
	{ "a, b@c.example,", false, "A:a@d.example A:b@c.example" },
	{ "a,\n\t b", false, "A:a@d.example A:b@d.example" },
	{ "a\nb\n", true, "A:a@d.example A:b@d.example" },
	{ "# comment, x\n\n  # y\na # b\n", true, "!" },
	{ "# comment, x\r\na\r\n#b\nc", true, "A:a@d.example A:c@d.example" },
	{ "\\alice, bob@x.example", true, "M:alice@d.example A:bob@x.example" },
	{ "\\alice@y.example", true, "M:alice@y.example" },
	{ "\"|/usr/bin/vacation alice\"", true, "P:/usr/bin/vacation alice" },
	{ "|/usr/bin/vacation alice, \\alice", true,
	    "P:/usr/bin/vacation alice M:alice@d.example" },
	{ "|\"/usr/bin/procmail -f-, x\"", true, "P:/usr/bin/procmail -f-, x" },
	{ "\"|IFS=' ' && exec /usr/bin/procmail -f- || exit 75 #alice\"", true,
	    "P:IFS=' ' && exec /usr/bin/procmail -f- || exit 75 #alice" },
	{ "|sh -c \"echo a, b\"", true, "P:sh -c \"echo a, b\"" },
	{ "\"|echo \\\"x\\\" \\\\y\"", true, "P:echo \"x\" \\y" },
	{ "|(cat)", true, "P:(cat)" },
	{ "| ", true, "!" }, { "\"|\"", true, "!" },
	{ "/var/log/mail.box", true, "F:/var/log/mail.box" },
	{ "\"/with space/box\"", true, "F:/with space/box" },
	{ ":include:/etc/list", false, "I:/etc/list" },
	{ "\":include: /etc/a list\"", false, "I:/etc/a list" },
	{ ":include:list", false, "!" },
	{ "<a@b.example>", true, "A:a@b.example" },
	{ "Alice A. <a@b.example> (home, sweet)", true, "A:a@b.example" },
	{ "a (at work)", true, "A:a@d.example" },
	{ "\"x, y\"@c.example, z", true, "A:\"x, y\"@c.example A:z@d.example" },
	{ "\"unclosed, a", false, "!" },
	{ "a (unclosed, b", false, "!" },
	{ "a b, c", false, "! A:c@d.example" },
	{ "a@b@c", false, "!" }, { "a;b", false, "!" }, { "@x", false, "!" },
	{ "", true, "" }, { " ,\n, ", true, "" }, { "\\", true, "!" },
	{ "\"", true, "!" }, { "\"\"", true, "A:\"\"@d.example" },
};

static void
test_lists(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct targets t;
		struct target_item item;
		const char *wrong;
		struct buf out;
		int r;

		buf_init(&out, 4096);
		targets_init(&t, span_str(rows[i].in), "d.example",
		    rows[i].lines);
		while ((r = targets_next(&t, &item, &wrong)) != 0) {
			if (out.len > 0)
				buf_addc(&out, ' ');
			if (r == -1)
				buf_addc(&out, '!');
			else
				buf_addf(&out, "%c:%s", "AMPFI"[item.kind],
				    item.addr.text[0] != '\0' ?
				    item.addr.text : item.text);
			CHECK((r == -1) == (wrong != NULL), rows[i].in);
		}
		CHECK_SPAN(buf_span(&out), rows[i].out, rows[i].in);
		buf_free(&out);
	}
	test_end("lists of targets");
}

static void
test_lines(void)
{
	const char *in = "a,\nb\n# c\n\"|x\"\na b\n";
	struct targets t;
	struct target_item item;
	const char *wrong;
	unsigned want[] = { 1, 2, 4, 5 };

	targets_init(&t, span_str(in), "d.example", true);
	for (size_t i = 0; i < 4; i++) {
		CHECK(targets_next(&t, &item, &wrong) == (i == 3 ? -1 : 1), in);
		CHECK(item.line == want[i], in);
	}
	test_end("line numbers");
}

static void
test_keys(void)
{
	struct targets t;
	struct target_item item;
	const char *wrong;
	struct target_item first;
	char key[5][17];

	targets_init(&t, span_str("a, \\a, |a, b, A@D.EXAMPLE"), "d.example",
	    false);
	for (int i = 0; i < 5; i++) {
		CHECK(targets_next(&t, &item, &wrong) == 1, "five");
		target_key(&item, key[i]);
		if (i == 0)
			first = item;
		CHECK(target_same(&first, &item) == (i == 0), key[i]);
		for (int j = 0; j < i && i < 4; j++)
			CHECK(strcmp(key[i], key[j]) != 0, "different");
	}
	test_end("keys");
}

int
main(void)
{
	test_lists();
	test_lines();
	test_keys();
	return test_done();
}
