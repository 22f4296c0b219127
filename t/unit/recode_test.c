/*
 * Recoding: tables of messages with what becomes of them for each road, every
 * one cut at every place; and whole messages of others, decoded again.
 */
#include "recode.h"

#include <errno.h>

#include "encode.h"
#include "limits.h"
#include "mime.h"
#include "test.h"

static int
collect(void *arg, struct span s)
{
	return buf_addspan(arg, s);
}

/* In pieces: [0,cut), [cut,n). */
static int
pass(enum recode_pass pass, enum recode_to to, enum recode_form form,
    struct span in, size_t cut, struct recode_plan *plan, struct buf *out)
{
	struct recode *r = recode_new(pass, to, form, plan, collect, out);
	int got;

	got = recode_add(r, span_of(in.p, cut)) == -1 ||
	    recode_add(r, span_of(in.p + cut, in.len - cut)) == -1 ||
	    recode_end(r) == -1 ? -1 : 0;
	recode_free(r);
	return got;
}

static int
convert(enum recode_to to, enum recode_form form, struct span in, size_t cut,
    struct recode_plan *plan, struct buf *out)
{
	memset(plan, 0, sizeof(*plan));
	if (pass(RECODE_SURVEY, to, form, in, cut, plan, NULL) == -1)
		return -1;
	return pass(RECODE_PLANNED, to, form, in, cut, plan, out);
}

#define L100	"aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
		"ffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijjjjjjjjjjj"
#define L1000	L100 L100 L100 L100 L100 L100 L100 L100 L100 L100

static const struct {
	const char *what;
	enum recode_to to;
	const char *in, *out;		/* out NULL: the same */
	bool needed, prohibited;
} rows[] = {
	{ "nothing to do", RECODE_7BIT, "A: b\n\ntext\n", NULL, false, false },
	{ "8-bit on an 8-bit road", RECODE_8BIT, "A: b\n\nf\xc3\xbcr\n", NULL,
	    false, false },
	{ "no MIME at all, UTF-8", RECODE_7BIT,
	    "Subject: x\n\ngr\xc3\xbc\xc3\x9f euch alle, bis bald einmal  \n"
	    ".\nFrom here\na=b\n",
	    "Subject: x\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "gr=C3=BC=C3=9F euch alle, bis bald einmal =20\n"
	    "=2E\nFrom=20here\na=3Db\n", true, false },
	{ "no MIME at all, not UTF-8", RECODE_7BIT,
	    "Subject: x\n\ngr\xfc\xdf euch alle, bis bald\n",
	    "Subject: x\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "gr=FC=DF euch alle, bis bald\n", true, false },
	{ "mostly 8-bit text is shorter in base64; line ends are CRLF",
	    RECODE_7BIT, "MIME-Version: 1.0\n"
	    "Content-type: text/plain; charset=koi8-r\n"
	    "Content-transfer-encoding: 8bit\nX: y\n\n\xf0\xd2\xc9\n\xd7\xc5\n",
	    "MIME-Version: 1.0\nContent-type: text/plain; charset=koi8-r\n"
	    "X: y\nContent-Transfer-Encoding: base64\n\n8NLJDQrXxQ0K\n", true,
	    false },
	{ "a label that is too large, and wrong", RECODE_7BIT,
	    "MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n\nplain\n",
	    "MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n\nplain\n",
	    false, false },
	{ "multipart: each part by itself, the whole labelled anew, preamble "
	    "and epilogue nobody's", RECODE_7BIT,
	    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
	    "Content-Transfer-Encoding: 8bit\n\npr\xe9\n--b\n\nplain\n--b\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\nund jetzt f\xc3\xbcr alle\n"
	    "--b\nContent-Type: application/x\n\n\x01\xff\x02\n--b--\n"
	    "\xe9pi\n",
	    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
	    "Content-Transfer-Encoding: 7bit\n\npr?\n--b\n\nplain\n--b\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "und jetzt f=C3=BCr alle\n"
	    "--b\nContent-Type: application/x\n"
	    "Content-Transfer-Encoding: base64\n\nAf8C\n--b--\n?pi\n", true,
	    false },
	{ "an embedded message is entered, never encoded", RECODE_7BIT,
	    "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
	    "Subject: in\n\nsch\xc3\xb6ne Gr\xc3\xbc\xc3\x9f" "e von innen "
	    "und aussen\n",
	    "Content-Type: message/rfc822\n"
	    "MIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n\n"
	    "Subject: in\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "sch=C3=B6ne Gr=C3=BC=C3=9Fe von innen und aussen\n", true, false },
	{ "a digest's parts are messages", RECODE_7BIT,
	    "Content-Type: multipart/digest; boundary=\"d\"\n\n--d\n\n"
	    "Subject: in\n\nein \xc3\xbc unter vielen anderen\n--d--\n",
	    "Content-Type: multipart/digest; boundary=\"d\"\n\n--d\n\n"
	    "Subject: in\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "ein =C3=BC unter vielen anderen\n--d--\n", true, false },
	{ "what is signed stays, and does not pass", RECODE_7BIT,
	    "Content-Type: multipart/signed; boundary=s\n\n--s\n"
	    "Content-Transfer-Encoding: 8bit\n\nf\xc3\xbcr\n--s\n\nsig\n"
	    "--s--\n", NULL, false, true },
	{ "nor does text between the parts of what is signed", RECODE_7BIT,
	    "Content-Type: multipart/signed; boundary=s\n\n--s\n"
	    "Content-Type: multipart/mixed; boundary=m\n\nf\xc3\xbcr\n"
	    "--m\n\nplain\n--m--\n--s--\n", NULL, false, true },
	{ "what stands behind a boundary is thrown away", RECODE_7BIT,
	    "Content-Type: multipart/mixed; boundary=m\n\n"
	    "--m\xc3\xbc\n\nplain\n--m--\n",
	    "Content-Type: multipart/mixed; boundary=m\n\n"
	    "--m\n\nplain\n--m--\n", true, false },
	{ "a line of CR alone ends a header", RECODE_7BIT,
	    "Content-Type: multipart/signed; boundary=s\n\n--s\n"
	    "\xe4\n\r\r\n--s--\n",
	    "Content-Type: multipart/signed; boundary=s\n\n--s\n"
	    "\xe4\n\r\n--s--\n", false, true },
	{ "what is signed and plain passes as it is", RECODE_7BIT,
	    "Content-Type: multipart/mixed; boundary=m\n\n--m\n"
	    "Content-Type: multipart/signed; boundary=s\n\n--s\n"
	    "Content-Transfer-Encoding: 8bit\n\nplain  \n--s\n\nsig\n--s--\n"
	    "--m\n\nde l'\xc3\xa9t\xc3\xa9 dernier, qui fut beau\n--m--\n",
	    "Content-Type: multipart/mixed; boundary=m\n\n--m\n"
	    "Content-Type: multipart/signed; boundary=s\n\n--s\n"
	    "Content-Transfer-Encoding: 8bit\n\nplain  \n--s\n\nsig\n--s--\n"
	    "--m\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "de l'=C3=A9t=C3=A9 dernier, qui fut beau\n--m--\n", true, false },
	{ "message/partial must stay: RFC 2046 section 5.2.2", RECODE_7BIT,
	    "Content-Type: message/partial; id=x\n\n\xff\n", NULL, false, true },
	{ "message/global may be encoded: RFC 6532 section 3.7", RECODE_7BIT,
	    "MIME-Version: 1.0\nContent-Type: message/global\n\n\xc3\xbc\n",
	    "MIME-Version: 1.0\nContent-Type: message/global\n"
	    "Content-Transfer-Encoding: base64\n\nw7wNCg==\n", true, false },
	{ "a long line of text", RECODE_8BIT, "A: b\n\nx" L1000 "\n",
	    "A: b\nMIME-Version: 1.0\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nx" "*", true,
	    false },
	{ "base64 in one long line", RECODE_8BIT,
	    "Content-Transfer-Encoding: base64\n\n" L1000 "AAAA\n",
	    "Content-Transfer-Encoding: base64\n\n*", true, false },
	{ "quoted-printable in one long line", RECODE_8BIT,
	    "Content-Transfer-Encoding: quoted-printable\n\n=c3=bc=\nx= =zz\n"
	    L1000 "=\nend\n",
	    "Content-Transfer-Encoding: quoted-printable\n\n=C3=BC=\n"
	    "x=3D =3Dzz\n*", true, false },
	{ "a long header field", RECODE_8BIT,
	    "To: a,\n b\nX: " L100 " " L100 L100 L100 L100 L100 L100 L100 L100
	    " " L100 " c\nB: c\n\n",
	    "To: a,\n b\nX: " L100 " " L100 L100 L100 L100 L100 L100 L100 L100
	    "\n " L100 " c\nB: c\n\n", true, false },
	{ "a header without a body, a body without an empty line", RECODE_7BIT,
	    "A: b\nno field \xff\n",
	    "A: b\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nno field =FF\n",
	    true, false },
	{ "one line that is no field, in front of one that is", RECODE_7BIT,
	    "A: b\nno field\nContent-Type: text/html\n\nx \xff y z a b\n",
	    "A: b\nno field\nContent-Type: text/html\nMIME-Version: 1.0\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "x =FF y z a b\n", true, false },
	{ "two of them", RECODE_7BIT, "A: b\nno field\nnor this\nB: c\n",
	    "A: b\n\nno field\nnor this\nB: c\n", false, false },
	{ "nothing becomes a boundary that was none", RECODE_7BIT,
	    "Content-Type: multipart/mixed; boundary=\"?\"\n\n--\xff\n--?\n"
	    "Content-Type: text/plain; charset=utf-8\n\n-- \nf\xc3\xbcr "
	    "Sie und alle\n--?--\n",
	    "Content-Type: multipart/mixed; boundary=\"?\"\n\n --?\n--?\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n=2D-=20\n"
	    "f=C3=BCr Sie und alle\n--?--\n", true, false },
	{ "no end of anything", RECODE_7BIT,
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\nA: b\n--b\n\n"
	    "\xff", "Content-Type: multipart/mixed; boundary=b\n\n--b\nA: b\n"
	    "--b\nContent-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: base64\n\n/w==\n", true, false },
	{ "an outer boundary ends an inner multipart", RECODE_7BIT,
	    "Content-Type: multipart/mixed; boundary=o\n\n--o\n"
	    "Content-Type: multipart/mixed; boundary=i\n\n--i\n\nin\n--o\n\n"
	    "\xff\xff\xff\n--o--\n",
	    "Content-Type: multipart/mixed; boundary=o\n\n--o\n"
	    "Content-Type: multipart/mixed; boundary=i\n\n--i\n\nin\n--o\n"
	    "Content-Type: text/plain; charset=unknown-8bit\n"
	    "Content-Transfer-Encoding: base64\n\n////\n--o--\n", true, false },
};

/* Does it end in "*"?  Then only what stands before it is compared. */
static bool
same(struct span got, const char *want)
{
	size_t n = strlen(want);

	if (n > 0 && want[n - 1] == '*')
		return got.len >= n - 1 && memcmp(got.p, want, n - 1) == 0;
	return span_is(got, want);
}

static void
check_row(size_t i, size_t cut)
{
	struct span in = span_str(rows[i].in);
	struct recode_plan plan;
	struct buf out;

	buf_init(&out, 1 << 20);
	CHECK(convert(rows[i].to, RECODE_LF, in, cut, &plan, &out) == 0,
	    rows[i].what);
	CHECK(plan.needed == rows[i].needed &&
	    plan.prohibited == rows[i].prohibited, rows[i].what);
	if (!same(buf_span(&out), rows[i].out == NULL ? rows[i].in :
	    rows[i].out)) {
		CHECK(false, rows[i].what);
		printf("# cut %zu:\n%.*s\n", cut, (int)out.len,
		    (const char *)out.p);
	}
	for (size_t k = 0, line = 0; k < out.len; k++) {
		line = out.p[k] == '\n' ? 0 : line + 1;
		CHECK(line <= SMTP_TEXT_MAX, rows[i].what);
	}
	buf_free(&out);
	recode_plan_free(&plan);
}

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].in);

		for (size_t cut = 0; cut <= n; cut += n > 500 ? 7 : 1)
			check_row(i, cut);
	}
	test_end("messages, each cut everywhere");
}

/* RFC 3030 section 3: what a binary part holds is not changed by a byte. */
static void
test_binary(void)
{
	static const char wire[] = "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n"
	    "Content-Transfer-Encoding: binary\r\n\r\n--b\r\n"
	    "Content-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n"
	    "a\0\r\nb\nc\rd--b\n\r\r\n\r\n--b--\r\n";
	struct span in = span_of(wire, sizeof(wire) - 1);
	struct recode_plan plan = { .n = 0 };
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t cut = 0; cut <= in.len; cut++) {
		buf_clear(&out);
		CHECK(pass(RECODE_ONCE, RECODE_8BIT, RECODE_CRLF, in, cut,
		    &plan, &out) == 0, "binary");
		CHECK_SPAN(buf_span(&out), "MIME-Version: 1.0\n"
		    "Content-Type: multipart/mixed; boundary=b\n"
		    "Content-Transfer-Encoding: 8bit\n\n--b\n"
		    "Content-Type: image/x\n"
		    "Content-Transfer-Encoding: base64\n\n"
		    "YQANCmIKYw1kLS1iCg0NCg==\n--b--\n", "binary");
	}
	CHECK(plan.binary && !plan.prohibited, "binary, labelled");
	recode_plan_free(&plan);
	buf_clear(&out);
	CHECK(pass(RECODE_ONCE, RECODE_8BIT, RECODE_CRLF,
	    span_str("A: b\r\n\r\nx\ny\r\n"), 3, &plan, &out) == 0, "binary");
	CHECK(plan.binary && plan.prohibited, "binary without a label");
	recode_plan_free(&plan);
	buf_free(&out);
	test_end("binary parts, in one pass");
}

/* The leaves of a and b hold the same once they are decoded? */
static bool
leaf(const struct mime_tree *t, size_t i, struct buf *out)
{
	const struct mime_part *p = &t->parts[i];
	struct span body = mime_body(t, p);
	struct header_field f;
	struct span label = span_str("");

	if (p->multipart || p->message)
		return false;
	if (header_find(mime_header(t, p), "content-transfer-encoding", &f))
		label = header_trim(f.body);
	if (span_isis(label, "base64"))
		base64_decode_body(body, out);
	else if (span_isis(label, "quoted-printable"))
		qp_decode_body(body, out);
	else
		buf_addspan(out, body);
	/* CRLF and LF are the same here, and so is a missing last one. */
	for (size_t k = 0, n = out->len, o = 0; k < n; k++) {
		if (out->p[k] == '\r' && k + 1 < n && out->p[k + 1] == '\n')
			out->len--;
		else
			out->p[o++] = out->p[k];
	}
	while (out->len > 0 && (out->p[out->len - 1] == '\n' ||
	    out->p[out->len - 1] == '\r'))
		out->len--;
	return true;
}

static void
check_message(struct span in, const char *what)
{
	struct recode_plan plan;
	struct mime_tree a, b;
	struct buf out, one, two;

	buf_init(&out, 256 << 20);
	buf_init(&one, 64 << 20);
	buf_init(&two, 64 << 20);
	CHECK(convert(RECODE_7BIT, RECODE_LF, in, in.len / 2, &plan, &out) ==
	    0, what);
	for (size_t i = 0; i < out.len && !plan.prohibited && !plan.header8;
	    i++)
		if (out.p[i] > 0x7f) {
			CHECK(out.p[i] < 0x80, what);
			break;
		}
	CHECK(mime_parse(in, &a) == 0 && mime_parse(buf_span(&out), &b) == 0,
	    what);
	CHECK(a.nparts == b.nparts, what);
	for (size_t i = 0; i < a.nparts && i < b.nparts; i++) {
		buf_clear(&one);
		buf_clear(&two);
		if (leaf(&a, i, &one) && leaf(&b, i, &two))
			CHECK(span_eq(buf_span(&one), buf_span(&two)), what);
	}
	mime_free(&a);
	mime_free(&b);
	recode_plan_free(&plan);
	buf_free(&out);
	buf_free(&one);
	buf_free(&two);
}

static void
test_others(const char *folder)
{
	char path[1024];
	struct dirent *e;
	struct buf in;
	DIR *d;
	size_t n = 0;

	test_data_path(path, sizeof(path), folder);
	if ((d = opendir(path)) == NULL) {
		test_skip(folder, "no test material");
		return;
	}
	while ((e = readdir(d)) != NULL) {
		buf_init(&in, 64 << 20);
		if (e->d_name[0] != '.' &&
		    file_read(dirfd(d), e->d_name, &in) == 0) {
			check_message(buf_span(&in), e->d_name);
			n++;
		}
		buf_free(&in);		/* a folder's name was read in part */
	}
	closedir(d);
	CHECK(n > 0, folder);
	test_end(folder);
}

static int
refuse(void *arg, struct span s)
{
	(void)arg;
	(void)s;
	errno = ENOSPC;
	return -1;
}

static void
test_limits(void)
{
	struct recode_plan plan = { .n = 0 };
	struct recode *r = recode_new(RECODE_ONCE, RECODE_7BIT, RECODE_LF,
	    &plan, refuse, NULL);
	static const char block[] = L1000 "\n ";
	int got = 0;

	CHECK(recode_add(r, span_str("A: b\n\ntext\n")) == -1 ||
	    recode_end(r) == -1, "out fails");
	CHECK(errno == ENOSPC, "errno of out");
	recode_free(r);
	r = recode_new(RECODE_SURVEY, RECODE_7BIT, RECODE_LF, &plan, NULL,
	    NULL);
	(void)recode_add(r, span_str("A: b\n "));
	for (size_t i = 0; i < HEADER_MAX / 1000 && got == 0; i++)
		got = recode_add(r, span_str(block));
	CHECK(got == -1 && errno == ENOBUFS, "an endless header");
	recode_free(r);
	recode_plan_free(&plan);
	test_end("limits");
}

int
main(void)
{
	test_rows();
	test_binary();
	test_limits();
	test_others("mime/mime4j/testmsgs");
	test_others("mime/mime4j/mimetools-testmsgs");
	test_others("mime/ruby-mail/emails/multi_charset");
	test_others("mime/ruby-mail/emails/mime_emails");
	test_others("mime/ruby-mail/emails/error_emails");
	test_others("corpora/spamassassin-subset/spam-2");
	test_others("corpora/notmuch/broken");
	return test_done();
}
