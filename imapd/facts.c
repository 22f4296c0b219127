/*
 * Facts of a header.  Packed they are: flags and the date, then each string
 * after its length in two bytes, then the references in the same way.  Trusts
 * nothing: a packed form that does not add up is refused.
 */
#include "facts.h"

#include <string.h>

#include "addr.h"
#include "casemap.h"
#include "encode.h"
#include "header.h"
#include "limits.h"
#include "subject.h"

#define HAS_DATE	1
#define IS_REPLY	2
#define HEAD		9	/* flags, date */

struct scratch {
	struct buf a, b;
};

static void
add_string(struct buf *out, struct span s)
{
	if (s.len > IMAP_SORT_KEY_MAX)
		s.len = IMAP_SORT_KEY_MAX;
	buf_addc(out, (unsigned char)(s.len >> 8));
	buf_addc(out, (unsigned char)(s.len & 0xff));
	buf_addspan(out, s);
}

/* Text of a field or phrase, decoded and cut, in t->a. */
static struct span
decoded(struct scratch *t, struct span body)
{
	size_t n = 0;

	if (body.len > 4 * IMAP_SORT_KEY_MAX)
		body.len = 4 * IMAP_SORT_KEY_MAX;
	buf_clear(&t->a);
	buf_clear(&t->b);
	(void)header_unfold(body, &t->b);
	(void)words_decode(buf_span(&t->b), &t->a);
	for (size_t i = 0; i < t->a.len; i++)
		if (t->a.p[i] != '\0')
			t->a.p[n++] = t->a.p[i];
	return span_of(t->a.p, n < IMAP_SORT_KEY_MAX ? n : IMAP_SORT_KEY_MAX);
}

/* A subject with single spaces, none in front: RFC 5256 section 2.1, step 1. */
static struct span
readable(struct scratch *t, struct span body)
{
	struct span s = decoded(t, body);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = s.p[i] == '\t' ? ' ' : s.p[i];

		if (c != ' ' || (n > 0 && t->a.p[n - 1] != ' '))
			t->a.p[n++] = c;
	}
	return span_of(t->a.p, n);
}

/* Folded into t->b. */
static struct span
folded(struct scratch *t, struct span s)
{
	buf_clear(&t->b);
	(void)casemap_fold(s, &t->b);
	return buf_span(&t->b);
}

struct first {
	bool done;
	struct addr_item item;
};

static void
first_address(void *arg, const struct addr_item *item)
{
	struct first *f = arg;

	if (!f->done && item->kind != ADDR_GROUP_END) {
		f->item = *item;
		f->done = true;
	}
}

static struct span
clean(struct scratch *t, struct span raw, enum addr_clean how)
{
	buf_clear(&t->a);
	(void)addr_clean(raw, how, &t->a);
	return buf_span(&t->a);
}

/* The name as it is read, or mailbox@host, or mailbox: RFC 5957 section 3. */
static void
add_shown(struct buf *out, struct scratch *t, const struct addr_item *item)
{
	struct span name = span_of(NULL, 0);
	struct buf b;

	buf_init(&b, 8 * IMAP_SORT_KEY_MAX);
	if (item->name.len > 0)
		(void)addr_clean(item->name, ADDR_CLEAN_PHRASE, &b);
	else if (item->comment.p != NULL)
		(void)buf_addspan(&b, item->comment);
	if (b.len > 0)
		name = decoded(t, buf_span(&b));
	if (name.len == 0) {
		buf_clear(&b);
		(void)addr_clean(item->local, ADDR_CLEAN_PLAIN, &b);
		if (item->domain.len > 0)
			(void)buf_adds(&b, "@");
		(void)addr_clean(item->domain, ADDR_CLEAN_PLAIN, &b);
		name = buf_span(&b);
	}
	add_string(out, folded(t, name));
	buf_free(&b);
}

static void
add_mailbox(struct buf *out, struct scratch *t, const struct addr_item *item)
{
	if (item->kind == ADDR_GROUP_START)	/* as ENVELOPE has it */
		add_string(out, folded(t, clean(t, item->name,
		    ADDR_CLEAN_PHRASE)));
	else
		add_string(out, folded(t, clean(t, item->local,
		    ADDR_CLEAN_PLAIN)));
}

/* From, To and Cc: their mailboxes, then what is shown of the first two. */
static void
add_addresses(struct buf *out, struct scratch *t, const struct header_field *f)
{
	struct first first[3] = { { .done = false } };

	for (size_t i = 0; i < 3; i++) {
		(void)parse_address_list(f[i].body, first_address, &first[i]);
		if (first[i].done)
			add_mailbox(out, t, &first[i].item);
		else
			add_string(out, span_of(NULL, 0));
	}
	for (size_t i = 0; i < 2; i++)
		if (first[i].done)
			add_shown(out, t, &first[i].item);
		else
			add_string(out, span_of(NULL, 0));
}

/* Without quoting, in t->a: RFC 5256 section 3, "normalize any msg-id". */
static struct span
unquoted(struct scratch *t, struct span s)
{
	if (!span_haschr(s, '"') && !span_haschr(s, '\\'))
		return s;
	buf_clear(&t->a);
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\\' && i + 1 < s.len)
			i++;
		else if (s.p[i] == '"')
			continue;
		(void)buf_addc(&t->a, s.p[i]);
	}
	return buf_span(&t->a);
}

/* The next "<...@...>" of *rest; many a message refers to <yes>, which is how
 * its sender answered a question.  False: there is none left. */
static bool
next_id(struct scratch *t, struct span *rest, struct span *id)
{
	struct cur c;

	cur_init(&c, *rest);
	for (;;) {
		(void)cur_until(&c, '<');
		if (!cur_ch(&c, '<'))
			return false;
		*id = cur_until(&c, '>');
		if (!cur_ch(&c, '>'))
			return false;
		*id = unquoted(t, header_trim(*id));
		if (span_haschr(*id, '@') && id->len <= IMAP_SORT_KEY_MAX &&
		    !span_haschr(*id, '<') && !span_haschr(*id, '\n'))
			break;
	}
	*rest = cur_rest(&c);
	return true;
}

/* References, the last of them if they are many, else the first of In-Reply-To. */
static void
add_references(struct buf *out, struct scratch *t, struct span references,
    struct span in_reply_to)
{
	struct span id, rest = references;
	size_t n = 0;

	while (next_id(t, &rest, &id))
		n++;
	if (n == 0 && next_id(t, &in_reply_to, &id))
		add_string(out, id);
	for (; n > 0 && next_id(t, &references, &id); n--)
		if (n <= IMAP_REFERENCES_MAX)
			add_string(out, id);
}

enum { SUBJECT, FROM, TO, CC, DATE, ID, IN_REPLY_TO, REFERENCES, NFIELDS };

static const struct span names[NFIELDS] = {
	HEADER_NAME("Subject"), HEADER_NAME("From"), HEADER_NAME("To"),
	HEADER_NAME("Cc"), HEADER_NAME("Date"), HEADER_NAME("Message-ID"),
	HEADER_NAME("In-Reply-To"), HEADER_NAME("References")
};

static void
add_head(struct buf *out, struct span date, bool reply)
{
	uint64_t bits = 0;
	time_t when;
	int zone;
	bool has = date.len > 0 && date_parse(date, &when, &zone) == 0;

	if (has)
		bits = (uint64_t)(int64_t)when;
	buf_addc(out, (unsigned char)((has ? HAS_DATE : 0) |
	    (reply ? IS_REPLY : 0)));
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_addc(out, (unsigned char)(bits >> shift & 0xff));
}

int
facts_pack(struct span header, struct buf *out)
{
	struct header_field found[NFIELDS];
	struct span subject, id;
	struct scratch t;
	bool reply = false;

	_Static_assert(TO == FROM + 1 && CC == FROM + 2, "add_addresses");
	buf_init(&t.a, 16 * IMAP_SORT_KEY_MAX);
	buf_init(&t.b, CASEMAP_GROWTH * IMAP_SORT_KEY_MAX);
	(void)header_find_all(header, names, NFIELDS, found);
	subject = subject_base(readable(&t, found[SUBJECT].body), &reply);
	add_head(out, found[DATE].body, reply);
	add_string(out, folded(&t, subject));
	add_addresses(out, &t, &found[FROM]);
	add_string(out, next_id(&t, &found[ID].body, &id) ? id :
	    span_of(NULL, 0));
	add_references(out, &t, found[REFERENCES].body,
	    found[IN_REPLY_TO].body);
	buf_free(&t.a);
	buf_free(&t.b);
	return out->bad ? -1 : 0;
}

static bool
take_string(struct cur *c, struct span *s)
{
	size_t n;

	if (cur_left(c) < 2 ||
	    (n = (size_t)c->p[0] << 8 | c->p[1]) > IMAP_SORT_KEY_MAX ||
	    n > cur_left(c) - 2)
		return false;
	*s = span_of(c->p + 2, n);
	c->p += 2 + n;
	return true;
}

bool
facts_unpack(struct span packed, struct facts *f)
{
	struct cur c;
	uint64_t bits = 0;

	if (packed.len < HEAD)
		return false;
	for (size_t i = 1; i < HEAD; i++)
		bits = bits << 8 | packed.p[i];
	f->has_date = packed.p[0] & HAS_DATE;
	f->reply = packed.p[0] & IS_REPLY;
	f->date = (int64_t)bits;
	cur_init(&c, span_of(packed.p + HEAD, packed.len - HEAD));
	for (int i = 0; i < FACT_N; i++)
		if (!take_string(&c, &f->s[i]))
			return false;
	f->refs = cur_rest(&c);
	return true;
}

bool
facts_reference(struct span *refs, struct span *id)
{
	struct cur c;

	cur_init(&c, *refs);
	if (!take_string(&c, id) || id->len == 0)
		return false;
	*refs = cur_rest(&c);
	return true;
}

struct span
facts_thread(const struct facts *f)
{
	struct span refs = f->refs, id;

	return facts_reference(&refs, &id) ? id : f->s[FACT_ID];
}
