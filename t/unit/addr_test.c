/*
 * Addresses: our own table, the isemail suite at the level of RFC 5321, and
 * the address-list vectors of mail-parser.
 */
#include "addr.h"

#include "encode.h"
#include "header.h"
#include "json.h"

#define S63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const struct {
	const char *in, *text;		/* NULL: refused */
	bool utf8;
	enum addr_result r;
	bool needs_utf8, literal;
} mailboxes[] = {
	{ "a@b", "a@b", 0, ADDR_OK, 0, 0 },
	{ "Alice.B+c=d@Example.ORG", "Alice.B+c=d@example.org", 0, ADDR_OK, 0, 0 },
	{ "\"a\"@b", "a@b", 0, ADDR_OK, 0, 0 },
	{ "\"a\\b\"@b", "ab@b", 0, ADDR_OK, 0, 0 },
	{ "\"a b\"@b", "\"a b\"@b", 0, ADDR_OK, 0, 0 },
	{ "\"a\\\"b\\\\\"@b", "\"a\\\"b\\\\\"@b", 0, ADDR_OK, 0, 0 },
	{ "\"a..b\"@b", "\"a..b\"@b", 0, ADDR_OK, 0, 0 },
	{ "\"\"@b", "\"\"@b", 0, ADDR_OK, 0, 0 },
	{ "\"a@c\"@b", "\"a@c\"@b", 0, ADDR_OK, 0, 0 },
	{ "a@[192.0.2.1]", "a@[192.0.2.1]", 0, ADDR_OK, 0, 1 },
	{ "a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]", 0, ADDR_OK, 0, 1 },
	{ "a@[192.0.2.01]", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@[192.0.2]", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@[192.0.2.1", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@[2001:db8::1]", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@[IPv6:fe80::1%eth0]", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@[x:y]", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@[]", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b.", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@.b", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b..c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@-b", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b-", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b--c.d", "a@b--c.d", 0, ADDR_OK, 0, 0 },
	{ "a@b_c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "@b", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ ".a@b", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a.@b", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a..b@c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a b@c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b\n", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b\r\nRCPT TO:<c@d>", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "\"a\nb\"@c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "\"a\\\nb\"@c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "\"a@b", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "\"a\"b@c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b@c", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b,c@d", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ "a@b>", NULL, 0, ADDR_SYNTAX, 0, 0 },
	{ S63 "x@b", S63 "x@b", 0, ADDR_OK, 0, 0 },
	{ S63 "xy@b", NULL, 0, ADDR_TOOLONG, 0, 0 },
	{ "a@" S63, "a@" S63, 0, ADDR_OK, 0, 0 },
	{ "a@x" S63, NULL, 0, ADDR_TOOLONG, 0, 0 },
	{ "a@" S63 "." S63 "." S63 "." S63, "a@" S63 "." S63 "." S63 "." S63,
	    0, ADDR_OK, 0, 0 },
	{ "a@" S63 "." S63 "." S63 "." S63 ".b", NULL, 0, ADDR_TOOLONG, 0, 0 },
	{ "\xc3\xa4@b", NULL, 0, ADDR_UTF8, 0, 0 },
	{ "\xc3\xa4@b", "\xc3\xa4@b", 1, ADDR_OK, 1, 0 },
	{ "a@b\xc3\xbc" "cher.example", "a@b\xc3\xbc" "cher.example", 1,
	    ADDR_OK, 1, 0 },
	{ "\"\xc3\xa4 b\"@c", "\"\xc3\xa4 b\"@c", 1, ADDR_OK, 1, 0 },
	{ "\xf0\x9f\x93\xac@b", "\xf0\x9f\x93\xac@b", 1, ADDR_OK, 1, 0 },
	{ "\xc3@b", NULL, 1, ADDR_UTF8, 0, 0 },
	{ "\xe4@b", NULL, 1, ADDR_UTF8, 0, 0 },
	{ "\xc0\xaf@b", NULL, 1, ADDR_UTF8, 0, 0 },		/* overlong */
	{ "\xe0\x80\xaf@b", NULL, 1, ADDR_UTF8, 0, 0 },
	{ "\xed\xa0\x80@b", NULL, 1, ADDR_UTF8, 0, 0 },		/* surrogate */
	{ "\xf4\x90\x80\x80@b", NULL, 1, ADDR_UTF8, 0, 0 },	/* > 10FFFF */
	{ "a\xc2\x85@b", NULL, 1, ADDR_UTF8, 0, 0 },		/* C1 */
	{ "a@b\xe3\x80\x82" "c", NULL, 1, ADDR_SYNTAX, 0, 0 },	/* U+3002 */
	{ "a@b\xc2\x80", NULL, 1, ADDR_UTF8, 0, 0 },
};

static void
test_mailboxes(void)
{
	struct addr a;

	for (size_t i = 0; i < sizeof(mailboxes) / sizeof(mailboxes[0]); i++) {
		const char *in = mailboxes[i].in;

		CHECK(parse_mailbox(span_str(in), mailboxes[i].utf8, &a) ==
		    mailboxes[i].r, in);
		CHECK_SPAN(span_str(a.text),
		    mailboxes[i].text == NULL ? "" : mailboxes[i].text, in);
		CHECK(a.utf8 == mailboxes[i].needs_utf8, in);
		CHECK(a.literal == mailboxes[i].literal, in);
	}
	CHECK(parse_mailbox(span_of("a\0b@c", 5), true, &a) == ADDR_SYNTAX,
	    "NUL");
	CHECK(parse_mailbox(span_of("\"\0\"@c", 5), true, &a) == ADDR_SYNTAX,
	    "NUL quoted");
	test_end("mailboxes");
}

static const struct {
	const char *in, *text, *rest;	/* text NULL: refused */
	bool forward;
} paths[] = {
	{ "<>", "", "", false },
	{ "<> SIZE=1", "", " SIZE=1", false },
	{ "<>", NULL, "", true },
	{ "<a@b> BODY=8BITMIME", "a@b", " BODY=8BITMIME", false },
	{ "<a@b>x", "a@b", "x", true },
	{ "<@r:a@b>", "a@b", "", true },
	{ "<@r,@s.t:a@b>", "a@b", "", false },
	{ "<@r,s:a@b>", NULL, "", false },
	{ "<@r a@b>", NULL, "", false },
	{ "<postmaster>", "postmaster", "", true },
	{ "<PostMaster>", "postmaster", "", true },
	{ "<postmaster>", NULL, "", false },
	{ "<root>", NULL, "", true },
	{ "<postmaster@>", NULL, "", true },
	{ "a@b", NULL, "", true },
	{ "<a@b", NULL, "", true },
	{ "< a@b>", NULL, "", true },
	{ "<a@b >", NULL, "", true },
	{ "<;id@>", NULL, "", false },		/* CVE-2020-7247 */
	{ "<\"a>b\"@c>", "\"a>b\"@c", "", true },
	{ "<<a@b>>", NULL, "", true },
	{ "", NULL, "", true },
	{ "<", NULL, "", false },
};

static void
test_paths(void)
{
	struct addr a;
	struct cur c;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		enum addr_result r;

		cur_init(&c, span_str(paths[i].in));
		r = paths[i].forward ? parse_forward_path(&c, false, &a) :
		    parse_reverse_path(&c, false, &a);
		CHECK((r == ADDR_OK) == (paths[i].text != NULL), paths[i].in);
		if (r != ADDR_OK || paths[i].text == NULL)
			continue;
		CHECK_SPAN(span_str(a.text), paths[i].text, paths[i].in);
		CHECK_SPAN(cur_rest(&c), paths[i].rest, paths[i].in);
	}
	cur_init(&c, span_str("<\"a b\\\"\"@C.D>"));
	CHECK(parse_forward_path(&c, false, &a) == ADDR_OK, "parts");
	CHECK_SPAN(addr_local(&a), "\"a b\\\"\"", "parts");
	CHECK_SPAN(span_str(addr_domain(&a)), "c.d", "parts");
	cur_init(&c, span_str("<>"));
	CHECK(parse_reverse_path(&c, false, &a) == ADDR_OK, "null");
	CHECK_SPAN(span_str(addr_domain(&a)), "", "null");
	CHECK(is_domain(span_str("a.b-c"), false), "is_domain");
	CHECK(!is_domain(span_str("a.b-c "), false), "is_domain");
	CHECK(!is_domain(span_str(""), false), "is_domain");
	CHECK(is_address_literal(span_str("[192.0.2.1]")), "literal");
	CHECK(!is_address_literal(span_str("[192.0.2.1]x")), "literal");
	CHECK(!is_address_literal(span_str("192.0.2.1")), "literal");
	test_end("paths");
}

/* What each item of a list is: name|local@domain|comment, groups in braces. */
static void
show_item(void *arg, const struct addr_item *it)
{
	struct buf *out = arg;

	if (it->kind == ADDR_GROUP_END) {
		buf_adds(out, "}");
		return;
	}
	addr_clean(it->name, ADDR_CLEAN_PHRASE, out);
	if (it->kind == ADDR_GROUP_START) {
		buf_adds(out, "{");
		return;
	}
	buf_adds(out, "|");
	addr_clean(it->local, ADDR_CLEAN_KEEP, out);
	buf_adds(out, "@");
	addr_clean(it->domain, ADDR_CLEAN_KEEP, out);
	buf_adds(out, "|");
	buf_addspan(out, it->comment);
	buf_adds(out, ";");
}

static const struct { const char *in, *items; size_t bad; } lists[] = {
	{ "", "", 0 },
	{ "  \r\n ", "", 0 },
	{ ",,,", "", 0 },
	{ "a@b", "|a@b|;", 0 },
	{ "root", "|root@|;", 0 },
	{ "a@b, c@d", "|a@b|;|c@d|;", 0 },
	{ "A B <a@b>", "A B|a@b|;", 0 },
	{ "\"A, B\" <a@b>, c@d", "A, B|a@b|;|c@d|;", 0 },
	{ "A <>", "A|@|;", 0 },
	{ "A\r\n B\t <a@b>", "A B|a@b|;", 0 },
	{ "Joe Q. Public <j@p>", "Joe Q. Public|j@p|;", 0 },
	{ "a@b (A (deep) B)", "|a@b|A (deep) B;", 0 },
	{ "pete(his) @ silly.(x) test(host)", "|pete@silly.test|host;", 0 },
	{ "g: a@b, C <c@d>;, e@f", "g{|a@b|;C|c@d|;}|e@f|;", 0 },
	{ "g:;", "g{}", 0 },
	{ "g: a@b", "g{|a@b|;}", 0 },
	{ "x:a@b;y:c@d;e@f", "x{|a@b|;}y{|c@d|;}|e@f|;", 0 },
	{ "<@r,@s:a@b>", "|a@b|;", 0 },
	{ "a@b <c@d>", "a@b|c@d|;", 0 },
	{ "[list] A <a@b>", "[list] A|a@b|;", 0 },
	{ "\"a b\"@c", "|\"a b\"@c|;", 0 },
	{ "\"a\".b@c", "|\"a\".b@c|;", 0 },
	{ "a..b@c", "|a..b@c|;", 0 },
	{ "a@[192.0.2.1]", "|a@[192.0.2.1]|;", 0 },
	{ "M\xc3\xbcller <a@b>", "M\xc3\xbcller|a@b|;", 0 },
	{ "<a@b> c, d@e", "|a@b|;|d@e|;", 1 },
	{ "a b, c@d", "|c@d|;", 1 },
	{ "a@, c@d", "|c@d|;", 1 },
	{ "@b, c@d", "|c@d|;", 1 },
	{ "<a@b, c@d", "|c@d|;", 1 },
	{ "<a@b", "", 1 },
	{ "\"a, c@d", "", 1 },
	{ "(a, c@d", "", 1 },
	{ "a@b, (c", "|a@b|;", 1 },
	{ "g: h: a@b;, c@d", "g{}|c@d|;", 1 },
	{ ">, a@b", "|a@b|;", 1 },
	{ "\\, a@b", "|a@b|;", 1 },
	{ "a@[b, c@d", "", 1 },
	{ "\"", "", 1 },
	{ "a@b\"", "|a@b|;", 1 },
};

static void
test_lists(void)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_clear(&out);
		CHECK(parse_address_list(span_str(lists[i].in), show_item,
		    &out) == lists[i].bad, lists[i].in);
		CHECK_SPAN(buf_span(&out), lists[i].items, lists[i].in);
	}
	buf_free(&out);
	test_end("address lists");
}

static void
count_item(void *arg, const struct addr_item *it)
{
	(void)it;
	++*(size_t *)arg;
}

/* Inputs made to be slow: a megabyte each, and quick all the same. */
static void
test_hostile_lists(void)
{
	static const char *const units[] = { "(", "\"a,", "<@a,", "a@b,", "a ",
	    "<", "[", "a:", "(,(", "\\", ".", "@", ",", ";", "\r\n ", "a.",
	    "<a@", "a@b <" };
	size_t n;
	struct buf b;

	buf_init(&b, 2 << 20);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		buf_clear(&b);
		while (b.len < (1 << 20))
			buf_adds(&b, units[i]);
		n = 0;
		parse_address_list(buf_span(&b), count_item, &n);
		CHECK(n <= 2 * ADDRESS_LIST_MAX, units[i]);
	}
	buf_free(&b);
	test_end("hostile address lists");
}

/*
 * isemail: accepted where its category is "valid", "valid for SMTP" or "valid
 * but a DNS check was not successful".  These verdicts differ, and why:
 */
static const struct { long id; const char *why; } isemail_differs[] = {
	{ 39, "longer than a path's 256 octets: RFC 5321 4.5.3.1 lets us take more" },
	{ 40, "the same" },
	{ 71, "\"::\" for one group: RFC 5321 says two, RFC 4291 one or more" },
};

static bool
isemail_explained(long id)
{
	for (size_t i = 0; i < sizeof(isemail_differs) /
	    sizeof(isemail_differs[0]); i++)
		if (isemail_differs[i].id == id)
			return true;
	return false;
}

/* The inside of the next <name>...</name> at or behind *p, or NULL. */
static char *
xml_element(char **p, const char *name, char *out, size_t size)
{
	char open[64], close[64], *start, *end;

	snprintf(open, sizeof(open), "<%s>", name);
	snprintf(close, sizeof(close), "</%s>", name);
	if ((start = strstr(*p, open)) == NULL ||
	    (end = strstr(start, close)) == NULL)
		return NULL;
	start += strlen(open);
	snprintf(out, size, "%.*s", (int)(end - start), start);
	*p = end;
	return out;
}

/* Entities; U+2400 to U+241F stand for control characters. */
static void
xml_decode(const char *s, struct buf *out)
{
	static const struct { const char *name; char c; } names[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' },
	};

	while (*s != '\0') {
		size_t i = 0;
		char *end;

		if (strncmp(s, "&#x", 3) == 0) {
			unsigned long v = strtoul(s + 3, &end, 16);

			if (v >= 0x2400 && v < 0x2420)
				v -= 0x2400;
			json_utf8(out, (unsigned)v);
			s = end + 1;
			continue;
		}
		for (; i < 5; i++)
			if (strncmp(s, names[i].name, strlen(names[i].name)) == 0)
				break;
		if (i < 5) {
			buf_addc(out, (unsigned char)names[i].c);
			s += strlen(names[i].name);
		} else {
			buf_addc(out, (unsigned char)*s++);
		}
	}
}

static void
isemail_case(char *test)
{
	char text[1024], category[64], *p = test;
	long id = strtol(strchr(test, '"') + 1, NULL, 10);
	struct buf in;
	struct addr a;
	bool want, got;

	if (xml_element(&p, "address", text, sizeof(text)) == NULL)
		text[0] = '\0';
	if (xml_element(&p, "category", category, sizeof(category)) == NULL)
		category[0] = '\0';
	want = strcmp(category, "ISEMAIL_VALID_CATEGORY") == 0 ||
	    strcmp(category, "ISEMAIL_RFC5321") == 0 ||
	    strcmp(category, "ISEMAIL_DNSWARN") == 0;
	buf_init(&in, 4096);
	xml_decode(text, &in);
	got = parse_mailbox(buf_span(&in), false, &a) == ADDR_OK;
	if ((got == want) == isemail_explained(id))
		printf("# isemail %ld: %s: %s, we say %d\n", id, text, category,
		    got);
	CHECK((got == want) != isemail_explained(id), "isemail");
	buf_free(&in);
}

static void
test_isemail(void)
{
	char *text, *p, *next;
	struct buf b;
	size_t n = 0;

	if (!test_data("address/isemail/tests.xml", &b)) {
		test_skip("isemail", "no test material");
		return;
	}
	text = buf_cstr(&b);
	for (p = strstr(text, "<test id="); p != NULL; p = next, n++) {
		next = strstr(p + 1, "<test id=");
		if (next != NULL)
			next[-1] = '\0';
		isemail_case(p);
	}
	CHECK(n == 164, "all cases are there");
	buf_free(&b);
	test_end("isemail tests.xml");
}

/* mail-parser's vectors: these differ, and why. */
static const struct { size_t n; const char *why; } vectors_differ[] = {
	{ 8, "they join all comments to the name, we give the last" },
	{ 9, "a backslash before a line end quotes it, not the \")\" behind" },
	{ 10, "a comment is no address" },
	{ 11, "a comment is no address" },
	{ 13, "the route is dropped, spaces around a dot are no part" },
	{ 14, "spaces around a dot are no part" },
	{ 37, "a URI is no address" }, { 38, "a URI" }, { 39, "a URI" },
	{ 40, "a URI" }, { 41, "a URI" }, { 43, "a URI" }, { 44, "a URI" },
	{ 45, "a URI" }, { 46, "a URI" }, { 47, "a URI" },
	{ 55, "words behind an address are not its name" },
};

static bool
vector_explained(size_t n)
{
	for (size_t i = 0; i < sizeof(vectors_differ) /
	    sizeof(vectors_differ[0]); i++)
		if (vectors_differ[i].n == n)
			return true;
	return false;
}

/* Items in the form of the vectors: name<address>, one a line. */
static void
show_vector_item(void *arg, const struct addr_item *it)
{
	struct buf *out = arg, name;

	if (it->kind == ADDR_GROUP_END) {
		buf_adds(out, "}\n");
		return;
	}
	buf_init(&name, 65536);
	addr_clean(it->name, ADDR_CLEAN_PHRASE, &name);
	words_decode(buf_span(&name), out);
	if (it->name.len == 0 && it->comment.len > 0)
		words_decode(it->comment, out);
	else if (it->comment.len > 0) {
		buf_adds(out, " (");
		words_decode(it->comment, out);
		buf_adds(out, ")");
	}
	buf_free(&name);
	if (it->kind == ADDR_GROUP_START) {
		buf_adds(out, "{\n");
		return;
	}
	buf_adds(out, "<");
	addr_clean(it->local, ADDR_CLEAN_KEEP, out);
	if (it->domain.len > 0)
		buf_adds(out, "@");
	addr_clean(it->domain, ADDR_CLEAN_KEEP, out);
	buf_adds(out, ">\n");
}

static void
show_expected_list(const struct json *list, struct buf *out)
{
	for (const struct json *a = list->child; a != NULL; a = a->next) {
		const struct json *name = json_get(a, "name");
		const struct json *address = json_get(a, "address");

		if (name->kind == JSON_STRING)
			buf_addspan(out, json_span(name));
		buf_adds(out, "<");
		if (address->kind == JSON_STRING)
			buf_addspan(out, json_span(address));
		buf_adds(out, ">\n");
	}
}

static void
show_expected(const struct json *j, struct buf *out)
{
	const struct json *list = json_get(j, "List");

	if (list != NULL) {
		show_expected_list(list, out);
		return;
	}
	j = json_get(j, "Group");
	for (j = j == NULL ? NULL : j->child; j != NULL; j = j->next) {
		const struct json *name = json_get(j, "name");

		if (name->kind == JSON_STRING) {
			buf_addspan(out, json_span(name));
			buf_adds(out, "{\n");
		}
		show_expected_list(json_get(j, "addresses"), out);
		if (name->kind == JSON_STRING)
			buf_adds(out, "}\n");
	}
}

static void
test_vectors(void)
{
	struct json *all = json_data("mime/mail-parser-rust/address.json");
	struct buf got, want;
	size_t n = 0;

	if (all == NULL) {
		test_skip("address vectors", "no test material");
		return;
	}
	buf_init(&got, 65536);
	buf_init(&want, 65536);
	for (const struct json *j = all->child; j != NULL; j = j->next, n++) {
		struct span in = json_span(json_get(j, "header")), field;
		struct header_field f;
		struct buf text;

		/* their input is what follows the colon, and more */
		buf_init(&text, 65536);
		buf_adds(&text, "To:");
		buf_addspan(&text, in);
		field = buf_span(&text);
		CHECK(header_next(&field, &f) == HEADER_FIELD, "field");
		buf_clear(&got);
		buf_clear(&want);
		parse_address_list(f.body, show_vector_item, &got);
		show_expected(json_get(j, "expected"), &want);
		if (span_eq(buf_span(&got), buf_span(&want)) ==
		    vector_explained(n))
			printf("# vector %zu: %.*sgot: %.*swant: %.*s", n,
			    (int)in.len, (const char *)in.p, (int)got.len,
			    (char *)got.p, (int)want.len, (char *)want.p);
		CHECK(span_eq(buf_span(&got), buf_span(&want)) !=
		    vector_explained(n), "vector");
		buf_free(&text);
	}
	CHECK(n > 50, "all vectors are there");
	buf_free(&got);
	buf_free(&want);
	json_free(all);
	test_end("address vectors of mail-parser");
}

int
main(void)
{
	test_mailboxes();
	test_paths();
	test_lists();
	test_hostile_lists();
	test_isemail();
	test_vectors();
	return test_done();
}
