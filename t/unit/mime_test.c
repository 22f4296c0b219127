/*
 * MIME structure: our own tables, parameters, hostile shapes, and the
 * messages of mime4j and MIME-tools with the trees that mime4j gives them.
 */
#include "mime.h"

#include <string.h>
#include <time.h>

#include "encode.h"
#include "json.h"
#include "limits.h"

/* The tree as text: type[child child], with lines of leaves. */
static void
show(const struct mime_tree *t, size_t i, struct buf *out)
{
	const struct mime_part *p = &t->parts[i];

	buf_addspan(out, p->type);
	buf_adds(out, "/");
	buf_addspan(out, p->subtype);
	if (p->first_child == 0) {
		buf_adds(out, "(");
		buf_addspan(out, mime_body(t, p));
		buf_adds(out, ")");
		return;
	}
	buf_adds(out, "[");
	for (size_t c = p->first_child; c != 0; c = t->parts[c].next)
		show(t, c, out);
	buf_adds(out, "]");
}

#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\n\n"

static const struct { const char *in, *tree; } messages[] = {
	{ "", "text/plain()" },
	{ "body", "text/plain(body)" },
	{ "A: b\n", "text/plain()" },
	{ "A: b\n\nbody\n", "text/plain(body\n)" },
	{ "Content-Type: text\n\nx", "text/plain(x)" },
	{ "Content-Type: TEXT / (c) Html ; x\n\nx", "TEXT/Html(x)" },
	{ "Content-Type:\n image/png\nContent-Type: text/html\n\n",
	    "image/png()" },
	{ MIXED("x") "pre\n--x\n\none\n--x\nA: b\n\ntwo\n\n--x--\nepi\n",
	    "multipart/mixed[text/plain(one)text/plain(two\n)]" },
	{ "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\n--a b \t\r\n"
	    "\r\none\r\n--a b--", "multipart/mixed[text/plain(one)]" },
	{ MIXED("x") "--x\n\none", "multipart/mixed[text/plain(one)]" },
	{ MIXED("x") "--x\n", "multipart/mixed[text/plain()]" },
	{ MIXED("x") "--x\n--x\n--x--\n",
	    "multipart/mixed[text/plain()text/plain()]" },
	{ MIXED("x") "--x\n\n--x--\n", "multipart/mixed[text/plain()]" },
	{ MIXED("x") "--x\nA: b\n--x--\n", "multipart/mixed[text/plain()]" },
	{ MIXED("x") "none\n", "multipart/mixed(none\n)" },
	{ MIXED("x") "--x--\nepi\n", "multipart/mixed(--x--\nepi\n)" },
	{ "Content-Type: multipart/mixed\n\n--x\n\na\n",
	    "multipart/mixed(--x\n\na\n)" },
	{ MIXED("x") "--x\n\na\n--x--\n\n--x\n\nb\n",
	    "multipart/mixed[text/plain(a)]" },
	/* the outer boundary ends what is open inside */
	{ MIXED("x") "--x\n" MIXED("y") "--y\n\na\n--x\n\nb\n--x--\n",
	    "multipart/mixed[multipart/mixed[text/plain(a)]text/plain(b)]" },
	/* one is the beginning of the other */
	{ MIXED("x") "--x\n" MIXED("xy") "--xy\n\na\n--xy--\n--x\n\nb\n--x--\n",
	    "multipart/mixed[multipart/mixed[text/plain(a)]text/plain(b)]" },
	{ MIXED("xy") "--xy\n" MIXED("x") "--x\n\na\n--x--\n--xy\n\nb\n--xy--\n",
	    "multipart/mixed[multipart/mixed[text/plain(a)]text/plain(b)]" },
	/* the same boundary twice */
	{ MIXED("x") "--x\n" MIXED("x") "--x\n\na\n--x--\n--x\n\nb\n--x--\n",
	    "multipart/mixed[multipart/mixed[text/plain(a)]text/plain(b)]" },
	{ "Content-Type: message/rfc822\n\nA: b\n\nbody\n",
	    "message/rfc822[text/plain(body\n)]" },
	{ "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n"
	    "\nQQ==\n", "message/rfc822(QQ==\n)" },
	{ "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\n"
	    "A: b\n\nx", "message/rfc822[message/rfc822[text/plain(x)]]" },
	{ MIXED("x") "--x\nContent-Type: message/rfc822\n\n" MIXED("y")
	    "--y\n\na\n--y--\n--x\n\nb\n--x--\n",
	    "multipart/mixed[message/rfc822[multipart/mixed[text/plain(a)]]"
	    "text/plain(b)]" },
	{ MIXED("x") "--x\nContent-Type: message/rfc822\n\n--x\n\nb\n--x--\n",
	    "multipart/mixed[message/rfc822[text/plain()]text/plain(b)]" },
	{ "Content-Type: multipart/digest; boundary=x\n\n--x\n\nA: b\n\nbody\n"
	    "--x\nContent-Type: text/plain\n\nc\n--x--\n",
	    "multipart/digest[message/rfc822[text/plain(body)]text/plain(c)]" },
	{ "Content-Type: message/partial\n\nA: b\n\nx", "message/partial(A: b\n"
	    "\nx)" },
	{ "Content-Type: multipart/mixed; boundary==?utf-8?q?x?=\n\n--x\n\na",
	    "multipart/mixed[text/plain(a)]" },
};

static void
test_trees(void)
{
	struct mime_tree t;
	struct buf got;

	buf_init(&got, 65536);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		buf_clear(&got);
		CHECK(mime_parse(span_str(messages[i].in), &t) == 0,
		    messages[i].in);
		show(&t, 0, &got);
		CHECK_SPAN(buf_span(&got), messages[i].tree, messages[i].in);
		CHECK(!t.truncated, messages[i].in);
		CHECK(t.parts[0].header == 0 &&
		    t.parts[0].end == strlen(messages[i].in), messages[i].in);
		mime_free(&t);
	}
	buf_free(&got);
	test_end("trees");
}

/* Sizes and lines, in LF and in CRLF. */
static void
test_sizes(void)
{
	static const char lf[] = MIXED("x") "pre\n--x\nA: b\n\n1\n2\n\n--x\n\n"
	    "3\n--x--\nepi\n";
	struct mime_tree t;
	const struct mime_part *p;
	struct buf crlf;

	buf_init(&crlf, 4096);
	for (const char *s = lf; *s != '\0'; s++)
		buf_adds(&crlf, *s == '\n' ? "\r\n" : (char[]){ *s, 0 });
	for (int i = 0; i < 2; i++) {
		struct span m = i == 0 ? span_str(lf) : buf_span(&crlf);
		size_t n = i == 0;	/* are line ends LF alone? */

		CHECK(mime_parse(m, &t) == 0 && t.nparts == 3, "parse");
		p = &t.parts[0];
		CHECK(p->header_lines == 2 && p->header_lf == 2 * n, "root");
		CHECK(p->body_lines == 12 && p->body_lf == 12 * n, "root");
		CHECK(mime_body(&t, p).len + p->body_lf == 48, "root");
		p = &t.parts[1];
		CHECK(p->header_lines == 2, "1");
		CHECK(p->body_lines == 2 && p->body_lf == 2 * n, "1");
		CHECK(mime_header(&t, p).len + p->header_lf == 8, "1");
		CHECK(mime_body(&t, p).len + p->body_lf == 6, "1");
		p = &t.parts[2];
		CHECK(p->header_lines == 1 && p->body_lines == 0, "2");
		CHECK(mime_body(&t, p).len == 1 && p->body_lf == 0, "2");
		CHECK(p->parent == 0 && p->depth == 1 && p->next == 0, "2");
		mime_free(&t);
	}
	buf_free(&crlf);
	test_end("sizes and lines");
}

/* The example of RFC 3501 section 6.4.5. */
static const char sections[] = MIXED("a")
    "--a\n\none\n"
    "--a\nContent-Type: application/octet-stream\n\ntwo\n"
    "--a\nContent-Type: message/rfc822\n\n" MIXED("b")
	"--b\n\nthree-one\n"
	"--b\nContent-Type: application/octet-stream\n\nthree-two\n"
	"--b--\n"
    "--a\n" MIXED("c")
	"--c\nContent-Type: image/gif\n\nfour-one\n"
	"--c\nContent-Type: message/rfc822\n\n" MIXED("d")
	    "--d\n\nfour-two-one\n"
	    "--d\n" "Content-Type: multipart/alternative; boundary=e\n\n"
		"--e\n\nfour-two-two-one\n"
		"--e\nContent-Type: text/richtext\n\nfour-two-two-two\n"
		"--e--\n"
	    "--d--\n"
	"--c--\n"
    "--a\nContent-Type: message/rfc822\n\nA: b\n\nfive\n"
    "--a--\n";

static const struct {
	unsigned path[5];
	size_t n;
	const char *type, *body;	/* body NULL: not compared */
} finds[] = {
	{ { 0 }, 0, "mixed", NULL }, { { 1 }, 1, "plain", "one" },
	{ { 2 }, 1, "octet-stream", "two" }, { { 3 }, 1, "rfc822", NULL },
	{ { 3, 1 }, 2, "plain", "three-one" },
	{ { 3, 2 }, 2, "octet-stream", "three-two" },
	{ { 4 }, 1, "mixed", NULL }, { { 4, 1 }, 2, "gif", "four-one" },
	{ { 4, 2 }, 2, "rfc822", NULL },
	{ { 4, 2, 1 }, 3, "plain", "four-two-one" },
	{ { 4, 2, 2 }, 3, "alternative", NULL },
	{ { 4, 2, 2, 1 }, 4, "plain", "four-two-two-one" },
	{ { 4, 2, 2, 2 }, 4, "richtext", "four-two-two-two" },
	{ { 5 }, 1, "rfc822", "A: b\n\nfive" },
	{ { 5, 1 }, 2, "plain", "five" },
	{ { 0 }, 1, NULL, NULL }, { { 6 }, 1, NULL, NULL },
	{ { 1, 1 }, 2, NULL, NULL }, { { 3, 3 }, 2, NULL, NULL },
	{ { 5, 2 }, 2, NULL, NULL }, { { 5, 1, 1 }, 3, NULL, NULL },
	{ { 4, 2, 2, 2, 1 }, 5, NULL, NULL },
};

static void
test_find(void)
{
	const unsigned one[] = { 1, 1 };
	struct mime_tree t;

	CHECK(mime_parse(span_str(sections), &t) == 0, "parse");
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		const struct mime_part *p = mime_find(&t, finds[i].path,
		    finds[i].n);
		char what[64];

		snprintf(what, sizeof(what), "find %zu", i);
		CHECK((p != NULL) == (finds[i].type != NULL), what);
		if (p == NULL || finds[i].type == NULL)
			continue;
		CHECK_SPAN(p->subtype, finds[i].type, what);
		if (finds[i].body != NULL)
			CHECK_SPAN(mime_body(&t, p), finds[i].body, what);
	}
	mime_free(&t);
	CHECK(mime_parse(span_str("A: b\n\nbody"), &t) == 0, "parse");
	CHECK(mime_find(&t, one, 1) == &t.parts[0], "1 of a plain message");
	CHECK(mime_find(&t, one, 2) == NULL, "1.1 of a plain message");
	mime_free(&t);
	test_end("sections");
}

static void
show_param(void *arg, struct span name, struct span value, bool extended)
{
	struct buf *out = arg;

	buf_addspan(out, name);
	buf_adds(out, extended ? "*=" : "=");
	buf_addspan(out, value);
	buf_adds(out, ";");
}

static const struct { const char *in, *value, *params; } params[] = {
	{ "", "", "" }, { ";", "", "" }, { " text/plain ", "text/plain", "" },
	{ "a; b=c", "a", "b=c;" }, { "a;b = \"c;d\\\"\" ; e=f", "a", "b=c;d\";e=f;" },
	{ "a; b=c d.pdf ; e=f", "a", "b=c d.pdf;e=f;" },
	{ "a; b=c (comment); e=f", "a", "b=c;e=f;" },
	{ "a; b=c(1).pdf", "a", "b=c(1).pdf;" },
	{ "a; b=\"c", "a", "b=c;" }, { "a; b=\"c\r\n d\"", "a", "b=c d;" },
	{ "a; b; c=d", "a", "c=d;" }, { "a; =b; c=d", "a", "c=d;" },
	{ "a\n b=c\n d=e", "a", "b=c;d=e;" }, { "a; b=", "a", "b=;" },
	{ "a; b*=utf-8''%C3%A4", "a", "b*=utf-8''%C3%A4;" },
	{ "a; b*1=y; b*0=x; c=d; b*2=z", "a", "b=xyz;c=d;" },
	{ "a; b*0=x; b*2=z; c=d", "a", "b=x;c=d;" },
	{ "a; b*0*=utf-8''x%20; b*1=\"100%\"; b*2*=%21", "a",
	    "b*=utf-8''x%20100%25%21;" },
	{ "a; b*1=x", "a", "" }, { "a; *0=b; *=c; d=e", "a", "d=e;" }, { "a; B=c; b=d", "a", "B=c;b=d;" },
	{ "a; b*99999999999999999999=c", "a", "b=c;" },
};

static void
test_params(void)
{
	struct span value;
	struct buf got;

	buf_init(&got, 65536);
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		buf_clear(&got);
		CHECK(mime_params(span_str(params[i].in), &value, show_param,
		    &got) == 0, params[i].in);
		CHECK_SPAN(value, params[i].value, params[i].in);
		CHECK_SPAN(buf_span(&got), params[i].params, params[i].in);
	}
	buf_clear(&got);
	CHECK(mime_param(span_str("a; x=y; f*=iso-8859-1'de'%E4%zz%"), "F",
	    &got), "param");
	CHECK_SPAN(buf_span(&got), "\xc3\xa4%zz%", "extended");
	buf_clear(&got);
	CHECK(mime_param(span_str("a; f=\"=?utf-8?q?=C3=A4?=\""), "f", &got),
	    "param");
	CHECK_SPAN(buf_span(&got), "\xc3\xa4", "encoded-word");
	CHECK(!mime_param(span_str("a; f=b"), "g", &got), "none");
	buf_free(&got);
	test_end("parameters");
}

struct wanted_params { const struct json *list; size_t n; bool same; };

static void
match_param(void *arg, struct span name, struct span value, bool extended)
{
	struct wanted_params *w = arg;
	struct buf text;

	buf_init(&text, 65536);
	if (extended)
		mime_decode_extended(value, &text);
	else
		words_decode(value, &text);
	for (const struct json *j = w->list; j != NULL; j = j->next)
		if (span_isis(name, j->child->text) && span_eq(buf_span(&text),
		    json_span(j->child->next)))
			w->n++;
	buf_free(&text);
}

/* These of the vectors differ, and why. */
static const struct { size_t n; const char *why; } vectors_differ[] = {
	{ 31, "a quote inside bare text and a charset in every section" },
	{ 34, "white space between encoded-words goes (RFC 2047 6.2)" },
	{ 54, "a type is ASCII" },
	{ 59, "sections behind a gap are dropped, not sorted in" },
	{ 61, "a section is a number and nothing else" },
	{ 76, "a subtype is a token: \"/\" ends it" }, { 77, "the same" },
	{ 78, "the same" },
};

static bool
content_type_same(const struct json *e, struct span message)
{
	struct wanted_params w = { .n = 0 };
	struct header_field f;
	struct mime_tree t;
	struct span value;
	size_t n = 0;
	bool same;

	if (e->kind != JSON_OBJECT || json_get(e, "c_subtype")->kind !=
	    JSON_STRING) {
		mime_parse(message, &t);
		same = span_is(t.parts[0].type, "text") &&
		    span_is(t.parts[0].subtype, "plain");
		mime_free(&t);
		return same;
	}
	mime_parse(message, &t);
	same = span_isis(t.parts[0].type, json_get(e, "c_type")->text) &&
	    span_isis(t.parts[0].subtype, json_get(e, "c_subtype")->text);
	mime_free(&t);
	if (json_get(e, "attributes") == NULL)
		return same;
	w.list = json_get(e, "attributes")->child;
	for (const struct json *j = w.list; j != NULL; j = j->next)
		n += strstr(j->child->text, "-language") == NULL;
	header_next(&message, &f);
	mime_params(f.body, &value, match_param, &w);
	return same && w.n == n;
}

static void
test_vectors(void)
{
	struct json *all = json_data("mime/mail-parser-rust/content_type.json");
	size_t n = 0;

	if (all == NULL) {
		test_skip("content-type vectors", "no test material");
		return;
	}
	for (const struct json *j = all->child; j != NULL; j = j->next, n++) {
		bool differs = false, same;
		struct buf text;

		for (size_t i = 0; i < sizeof(vectors_differ) /
		    sizeof(vectors_differ[0]); i++)
			differs = differs || vectors_differ[i].n == n;
		buf_init(&text, 65536);
		buf_adds(&text, "Content-Type:");
		buf_addspan(&text, json_span(json_get(j, "header")));
		same = content_type_same(json_get(j, "expected"),
		    buf_span(&text));
		if (same == differs)
			printf("# vector %zu: %.*s\n", n, (int)text.len,
			    (char *)text.p);
		CHECK(same != differs, "vector");
		buf_free(&text);
	}
	CHECK(n > 90, "all vectors are there");
	json_free(all);
	test_end("content-type vectors of mail-parser");
}

/* Structure in the tags of mime4j's expected files. */
static void
show_tags(const struct mime_tree *t, size_t i, struct buf *out)
{
	const struct mime_part *p = &t->parts[i];

	if (p->multipart) {
		buf_adds(out, "<multipart>");
		for (size_t c = p->first_child; c != 0; c = t->parts[c].next) {
			buf_adds(out, "<body-part>");
			show_tags(t, c, out);
			buf_adds(out, "</body-part>");
		}
		buf_adds(out, "</multipart>");
	} else if (p->message) {
		buf_adds(out, "<message>");
		show_tags(t, p->first_child, out);
		buf_adds(out, "</message>");
	} else {
		buf_adds(out, "<body>");
		for (struct span s = mime_body(t, p); s.len > 0; s.p++, s.len--)
			if (*s.p > ' ' && *s.p < 0x7f)
				buf_addc(out, *s.p);
		buf_adds(out, "</body>");
	}
}

/* The same of an expected file: without headers, preambles and epilogues;
 * entities decoded, and only printable characters. */
static void
show_expected(const char *xml, struct buf *out)
{
	static const char *const skip[] = { "header", "preamble", "epilogue" };
	static const struct { const char *name; char c; } names[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' },
	};
	char tag[64];

	while (*xml != '\0') {
		size_t i = 0;

		for (i = 0; i < 3; i++) {
			snprintf(tag, sizeof(tag), "<%s>", skip[i]);
			if (strncmp(xml, tag, strlen(tag)) == 0)
				break;
		}
		if (i < 3) {
			snprintf(tag, sizeof(tag), "</%s>", skip[i]);
			xml = strstr(xml, tag) + strlen(tag);
			continue;
		}
		for (i = 0; i < 5; i++)
			if (strncmp(xml, names[i].name,
			    strlen(names[i].name)) == 0)
				break;
		if (i < 5) {
			buf_addc(out, (unsigned char)names[i].c);
			xml += strlen(names[i].name);
			continue;
		}
		if (*xml > ' ' && *xml < 0x7f)
			buf_addc(out, (unsigned char)*xml);
		xml++;
	}
}

#define NO_FIELD	"a line that is no field begins the body"
#define ENCODED		"an encoded message is one opaque part"
#define NO_PARTS	"a multipart without parts is one opaque part"

static const struct { const char *file, *why; } mime4j_differs[] = {
	{ "bad-newlines-multiple-parts-base64.msg", ENCODED },
	{ "base64encoded-rfc822message-nested.msg", ENCODED },
	{ "base64encoded-rfc822message.msg", ENCODED },
	{ "multi-2gifs-base64.msg", ENCODED },
	{ "basic-plain-with-bad-header-separator.msg", NO_FIELD },
	{ "malformedHeader-noheader.msg", NO_FIELD },
	{ "malformedHeaderStartsBody-nocrlfcrlf.msg", NO_FIELD },
	{ "malformedHeaderStartsBody-noheader.msg", NO_FIELD },
	{ "hdr-fakeout.msg", NO_FIELD },
	{ "missing-boundary.msg", NO_PARTS },
	{ "missing-inner-boundary.msg", NO_PARTS },
	{ "missing-inner-start-boundary.msg", NO_PARTS },
	{ "multipartnopart.msg", NO_PARTS },
	{ "badbound.msg", NO_PARTS },
};

static void
mime4j_case(const char *folder, const char *file)
{
	struct buf message, xml, got, want;
	struct mime_tree t;
	char name[512];
	bool differs = false, same;
	size_t at = 0;

	for (size_t i = 0; i < sizeof(mime4j_differs) /
	    sizeof(mime4j_differs[0]); i++)
		differs = differs || strcmp(mime4j_differs[i].file, file) == 0;
	snprintf(name, sizeof(name), "%s/%s", folder, file);
	CHECK(test_data(name, &message), file);
	snprintf(name, sizeof(name), "%s/%.*s.xml", folder,
	    (int)strlen(file) - 4, file);
	CHECK(test_data(name, &xml), file);
	buf_init(&got, 16 << 20);
	buf_init(&want, 16 << 20);
	CHECK(mime_parse(buf_span(&message), &t) == 0, file);
	buf_adds(&got, "<message>");
	show_tags(&t, 0, &got);
	buf_adds(&got, "</message>");
	show_expected(buf_cstr(&xml), &want);
	same = span_eq(buf_span(&got), buf_span(&want));
	if (same == differs) {
		while (at < got.len && at < want.len && got.p[at] == want.p[at])
			at++;
		at = at > 40 ? at - 40 : 0;
		printf("# %s\n# got  %.*s\n# want %.*s\n", file,
		    (int)(got.len - at < 160 ? got.len - at : 160),
		    (char *)got.p + at,
		    (int)(want.len - at < 160 ? want.len - at : 160),
		    (char *)want.p + at);
	}
	CHECK(same != differs, file);
	mime_free(&t);
	buf_free(&message);
	buf_free(&xml);
	buf_free(&got);
	buf_free(&want);
}

static void
test_mime4j(const char *folder)
{
	struct dirent **list;
	char path[1024];
	size_t cases = 0;
	int n;

	test_data_path(path, sizeof(path), folder);
	if ((n = scandir(path, &list, NULL, alphasort)) == -1) {
		test_skip(folder, "no test material");
		return;
	}
	for (int i = 0; i < n; i++) {
		size_t len = strlen(list[i]->d_name);

		if (len > 4 && strcmp(list[i]->d_name + len - 4, ".msg") == 0) {
			mime4j_case(folder, list[i]->d_name);
			cases++;
		}
		free(list[i]);
	}
	free(list);
	CHECK(cases > 25, "all messages are there");
	test_end(folder);
}

static void
fill(struct buf *b, const char *unit, size_t n)
{
	for (; n > 0; n--)
		buf_adds(b, unit);
}

static void
test_hostile(void)
{
	static const char *const units[] = { "--x\n", "--x", "--x--\n", "--\n",
	    "--x\n" MIXED("y"), "--x\n" MIXED("x"), "-", "\n", "A:", "A: b\n",
	    "--x\nContent-Type: message/rfc822\n\n", "--x\nA: b\n\nc\n" };
	struct mime_tree t;
	struct buf b;
	char boundary[64];

	buf_init(&b, 64 << 20);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		buf_clear(&b);
		buf_adds(&b, MIXED("x"));
		while (b.len < (4 << 20))
			buf_adds(&b, units[i]);
		CHECK(mime_parse(buf_span(&b), &t) == 0, units[i]);
		CHECK(t.nparts <= MIME_PARTS_MAX, units[i]);
		CHECK(t.parts[0].end == b.len, units[i]);
		mime_free(&t);
	}
	buf_clear(&b);
	buf_adds(&b, MIXED("x"));
	fill(&b, "--x\n\na\n", 100000);
	CHECK(mime_parse(buf_span(&b), &t) == 0, "parts");
	CHECK(t.truncated && t.nparts == MIME_PARTS_MAX, "100,000 parts");
	CHECK(t.parts[t.nparts - 1].end == b.len, "the last has the rest");
	mime_free(&t);
	buf_clear(&b);
	for (int i = 0; i < 500; i++) {
		snprintf(boundary, sizeof(boundary), "--b%d\nContent-Type: "
		    "multipart/mixed; boundary=b%d\n\n", i, i + 1);
		buf_adds(&b, boundary + (i == 0 ? 5 : 0));
	}
	CHECK(mime_parse(buf_span(&b), &t) == 0, "depth");
	CHECK(t.truncated && t.parts[t.nparts - 1].depth == MIME_DEPTH_MAX,
	    "500 levels");
	mime_free(&t);
	buf_clear(&b);
	fill(&b, "Content-Type: message/rfc822\n\n", 500);
	CHECK(mime_parse(buf_span(&b), &t) == 0, "depth");
	CHECK(t.truncated && t.nparts == MIME_DEPTH_MAX + 1, "500 messages");
	mime_free(&t);
	buf_clear(&b);
	buf_adds(&b, "Content-Type: multipart/mixed");
	fill(&b, "; boundary*0=x", 100000);
	CHECK(mime_parse(buf_span(&b), &t) == 0 && t.nparts == 1, "parameters");
	mime_free(&t);
	buf_free(&b);
	test_end("hostile messages");
}

/* A megabyte of folded white space in a parameter: nothing is looked over twice. */
static void
test_folding(void)
{
	clock_t began = clock();
	struct span value;
	struct buf b, got;

	buf_init(&b, 2 << 20);
	buf_init(&got, 2 << 20);
	buf_adds(&b, "text/plain; a=b");
	fill(&b, "\n ", 500000);
	buf_adds(&b, "c; d=e");
	CHECK(mime_params(buf_span(&b), &value, show_param, &got) == 0 &&
	    (clock() - began) / CLOCKS_PER_SEC < 10, "linear");
	CHECK(got.len > 5 && memcmp(got.p + got.len - 5, ";d=e;", 5) == 0,
	    "the parameter behind it");
	buf_free(&b);
	buf_free(&got);
	test_end("folded parameters");
}

int
main(void)
{
	test_trees();
	test_sizes();
	test_find();
	test_params();
	test_hostile();
	test_folding();
	test_vectors();
	test_mime4j("mime/mime4j/testmsgs");
	test_mime4j("mime/mime4j/mimetools-testmsgs");
	return test_done();
}
