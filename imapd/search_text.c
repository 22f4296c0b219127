/*
 * What a person sees of a message: header fields with encoded-words decoded,
 * text parts with transfer encoding and charset decoded, both as UTF-8 and
 * compared by i;unicode-casemap (RFC 5051).  Of one part at most DECODED_MAX
 * decoded bytes are looked at.
 */
#include <string.h>

#include "casemap.h"
#include "encode.h"
#include "fields.h"
#include "find.h"
#include "fuzzy.h"
#include "kept.h"
#include "limits.h"
#include "search_text.h"

#define DECODED_MAX	(64 * (size_t)1048576)

void
text_begin(struct search_run *r)
{
	if (r->work.max != 0)
		return;
	buf_free(&r->work);
	buf_init(&r->work, DECODED_MAX);
	buf_free(&r->text);
	buf_init(&r->text, DECODED_MAX);
	buf_free(&r->folded);
	buf_init(&r->folded, DECODED_MAX);
}

/* The worst of the keys that matched is the message's score. */
static bool
text_is_near(struct search_run *r, struct span text, struct span needle)
{
	unsigned score;

	buf_clear(&r->folded);
	(void)casemap_fold(text, &r->folded);
	fuzzy_strip(&r->folded);
	if ((score = fuzzy_score(buf_span(&r->folded), needle)) == 0)
		return false;
	if (score < r->score)
		r->score = score;
	return true;
}

/* Folding ASCII is a part of finding; the rest is done when there is any. */
static bool
text_has(struct search_run *r, struct span text, const struct search_key *k)
{
	struct span needle = k->needle;

	if (k->fuzzy)
		return text_is_near(r, text, needle);
	if (find_folded(text, needle))
		return true;
	if (span_isascii(text))
		return false;
	buf_clear(&r->folded);
	(void)casemap_fold(text, &r->folded);
	return find_folded(buf_span(&r->folded), needle);
}

bool
text_of_field(struct search_run *r, struct span body)
{
	buf_clear(&r->work);
	buf_clear(&r->text);
	return header_unfold(body, &r->work) == 0 &&
	    (words_decode(buf_span(&r->work), &r->text) == 0 || !r->text.bad);
}

static bool
field_has(struct search_run *r, struct span body, const struct search_key *k)
{
	return k->needle.len == 0 ||
	    (text_of_field(r, body) && text_has(r, buf_span(&r->text), k));
}

static enum search_result
kept_has(struct search_run *r, struct span kept, const struct search_key *k)
{
	int field = kept_field(k->name), this;
	struct span text;

	while (kept.len > 0) {
		if (!kept_next(&kept, &this, &text))
			return SEARCH_UNKNOWN;
		if (this == field && (k->needle.len == 0 ||
		    text_has(r, text, k)))
			return SEARCH_YES;
	}
	return SEARCH_NO;
}

struct span
search_fields(struct search_run *r)
{
	struct span s = folder_blob_get(r->m.folder, r->m.i,
	    FOLDER_BLOB_FIELDS, FIELDS_FORMAT);

	buf_clear(&r->header);
	return s.p != NULL && fields_pick(s, UINT64_MAX, &r->header) ?
	    buf_span(&r->header) : span_of(NULL, 0);
}

enum search_result
search_kept(struct search_run *r, const struct search_key *k)
{
	struct span kept;

	if (kept_field(k->name) == -1)
		return SEARCH_UNKNOWN;
	text_begin(r);
	kept = folder_blob_get(r->m.folder, r->i, FOLDER_BLOB_SEARCH,
	    KEPT_FORMAT);
	if (kept.p != NULL)
		return kept_has(r, kept, k);
	if (!r->has_kept && search_fields(r).p != NULL)
		text_keep_fields(r, buf_span(&r->header));
	return r->has_kept ? kept_has(r, buf_span(&r->kept), k) :
	    SEARCH_UNKNOWN;
}

/* All or nothing: a header with a field that cannot be decoded is read again. */
void
text_keep_fields(struct search_run *r, struct span rest)
{
	struct header_field f;
	struct buf *b = &r->kept;
	bool ok = true;
	int field;

	text_begin(r);
	buf_clear(b);
	while (ok && header_field(&rest, &f))
		if ((field = kept_field(f.name)) != -1)
			ok = text_of_field(r, f.body) &&
			    kept_add(b, field, buf_span(&r->text)) == 0;
	if (ok)
		folder_blob_put(r->m.folder, r->i, FOLDER_BLOB_SEARCH,
		    KEPT_FORMAT, b->len > 0 ? b->p : (const void *)"", b->len);
	r->has_kept = ok;
}

bool
search_header(struct search_run *r, const struct search_key *k)
{
	struct span rest = message_header(&r->m);
	struct header_field f;

	text_begin(r);
	if (r->has_kept && kept_field(k->name) != -1)
		return kept_has(r, buf_span(&r->kept), k) == SEARCH_YES;
	while (header_field(&rest, &f))
		if (span_iseq(f.name, k->name) && field_has(r, f.body, k))
			return true;
	return false;
}

/* All fields with their names: for TEXT, and for messages inside. */
static bool
header_has(struct search_run *r, struct span header,
    const struct search_key *k)
{
	struct header_field f;

	while (header_field(&header, &f)) {
		if (field_has(r, f.body, k))
			return true;
		/* The name and colon are text too. */
		if (!k->fuzzy && find_folded(f.whole, k->needle))
			return true;
	}
	return false;
}

static void
take_charset(void *arg, struct span name, struct span value, bool extended)
{
	struct part_text *t = arg;

	if (extended || !span_isis(name, "charset") || t->charset.len > 0 ||
	    value.len > sizeof(t->name))
		return;
	if (value.len > 0)
		memcpy(t->name, value.p, value.len);
	t->charset = span_of(t->name, value.len);
}

/* Undoes the transfer encoding: the bytes are in the message or in r->work. */
static struct span
transfer_decode(struct search_run *r, const struct mime_part *p)
{
	struct span body = mime_body(&r->m.tree, p), enc = span_of(NULL, 0);
	struct header_field f;
	int res;

	if (header_find(mime_header(&r->m.tree, p),
	    "Content-Transfer-Encoding", &f))
		enc = header_trim(f.body);
	buf_clear(&r->work);
	if (span_isis(enc, "base64"))
		res = base64_decode_body(body, &r->work);
	else if (span_isis(enc, "quoted-printable"))
		res = qp_decode_body(body, &r->work);
	else
		return body;
	(void)res;		/* what was decoded up to the limit is searched */
	return buf_span(&r->work);
}

void
text_of_part(struct search_run *r, const struct mime_part *p,
    struct part_text *t)
{
	struct span value;

	t->charset = span_of(NULL, 0);
	if (p->content_type.len > 0)
		(void)mime_params(p->content_type, &value, take_charset, t);
	if (t->charset.len == 0)
		t->charset = span_str("us-ascii");
	t->bytes = transfer_decode(r, p);
}

bool
text_keeps_ascii(struct span charset)
{
	static const char *const heads[] = { "us-ascii", "utf-8", "iso-8859-",
		"windows-125", "koi8-" };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (charset.len >= strlen(heads[i]) && span_isis(span_of(
		    charset.p, strlen(heads[i])), heads[i]))
			return true;
	return false;
}

static bool
part_has(struct search_run *r, const struct mime_part *p,
    const struct search_key *k)
{
	struct span needle = k->needle;
	struct part_text t;

	if (needle.len == 0)
		return true;
	text_of_part(r, p, &t);
	if (!k->fuzzy && span_isascii(needle) && text_keeps_ascii(t.charset)) {
		if (find_folded(t.bytes, needle))
			return true;
		if (span_isascii(t.bytes))
			return false;
	}
	buf_clear(&r->text);
	(void)charset_decode(t.bytes, t.charset, &r->text);
	return text_has(r, buf_span(&r->text), k);
}

bool
text_is(const struct mime_part *p)
{
	return !p->multipart && (span_isis(p->type, "text") || (p->first_child
	    == 0 && span_isis(p->type, "message")));
}

bool
search_body(struct search_run *r, const struct search_key *k, bool headers)
{
	const struct mime_tree *t = &r->m.tree;

	text_begin(r);
	if (search_grams(r, k, true) == SEARCH_NO)
		return false;
	for (size_t i = 0; i < t->nparts; i++) {
		const struct mime_part *p = &t->parts[i];
		bool inner = i > 0 && t->parts[p->parent].message;

		if ((headers || inner) &&
		    header_has(r, mime_header(t, p), k))
			return true;
		if (text_is(p) && part_has(r, p, k))
			return true;
	}
	return false;
}
