/*
 * BODY[section]<partial> and its RFC822 relatives: RFC 3501 section 6.4.5.
 * Which bytes a section means, and the literal that carries them.
 */
#include "crlf.h"
#include "fetch.h"
#include "fields.h"
#include "limits.h"

static void
label_text(struct netout *o, const struct section *s)
{
	static const char *const names[] = {
		[SEC_ALL] = "", [SEC_HEADER] = "HEADER",
		[SEC_FIELDS] = "HEADER.FIELDS (",
		[SEC_FIELDS_NOT] = "HEADER.FIELDS.NOT (",
		[SEC_TEXT] = "TEXT", [SEC_MIME] = "MIME"
	};

	(void)netout_adds(o, names[s->kind]);
	for (size_t i = 0; i < s->nfields; i++) {
		(void)netout_adds(o, i == 0 ? "" : " ");
		out_astring(o, s->fields[i]);
	}
	if (s->kind == SEC_FIELDS || s->kind == SEC_FIELDS_NOT)
		(void)netout_adds(o, ")");
}

void
fetch_label(struct netout *o, const struct fetch_item *item, const char *name)
{
	const struct section *s = item->section;

	(void)netout_adds(o, name);
	(void)netout_adds(o, "[");
	for (size_t i = 0; i < s->npath; i++) {
		(void)netout_adds(o, i == 0 ? "" : ".");
		(void)netout_addu(o, s->path[i]);
	}
	if (s->npath > 0 && s->kind != SEC_ALL)
		(void)netout_adds(o, ".");
	label_text(o, s);
	(void)netout_adds(o, "]");
	if (item->partial)
		(void)netout_addf(o, "<%ju>", (uintmax_t)item->from);
	(void)netout_adds(o, " ");
}

/* The message that HEADER and TEXT of part p are about: RFC 3501 says only a
 * message/rfc822 has them. */
static const struct mime_part *
inner(const struct mime_tree *t, const struct mime_part *p)
{
	return p->message && p->first_child != 0 ?
	    &t->parts[p->first_child] : NULL;
}

/* p NULL when there is no such part. */
static struct span
part_bytes(const struct mime_tree *t, const struct section *s)
{
	const struct mime_part *p = mime_find(t, s->path, s->npath);

	if (p != NULL && s->kind == SEC_MIME)
		return mime_header(t, p);
	if (p != NULL && s->kind != SEC_ALL) {
		p = inner(t, p);
		if (p != NULL && s->kind != SEC_TEXT)
			return mime_header(t, p);
	}
	return p == NULL ? span_of(NULL, 0) : mime_body(t, p);
}

static struct span
top_bytes(const struct message *m, const struct section *s)
{
	size_t n;

	if (s->kind == SEC_ALL)
		return m->text;
	n = header_length(m->text);
	if (s->kind == SEC_TEXT)
		return span_of(m->text.p + n, m->text.len - n);
	return span_of(m->text.p, n);
}

static bool
listed(const struct section *s, struct span name)
{
	for (size_t i = 0; i < s->nfields; i++)
		if (span_iseq(s->fields[i], name))
			return true;
	return false;
}

/* The fields that are asked for, and always an empty line. */
static void
filter_fields(struct span header, const struct section *s, struct buf *out)
{
	struct header_field f;

	while (header_field(&header, &f))
		if (listed(s, f.name) == (s->kind == SEC_FIELDS))
			(void)buf_addspan(out, f.whole);
	(void)buf_adds(out, "\r\n");
}

static void
out_bytes(struct netout *o, struct span s, const struct fetch_item *item)
{
	uint64_t n = crlf_size(s), from = 0;

	if (item->partial) {
		from = item->from < n ? item->from : n;
		n = item->count < n - from ? item->count : n - from;
	}
	(void)netout_adds(o, "{");
	(void)netout_addu(o, n);
	(void)netout_adds(o, "}\r\n");
	if (n > 0)
		crlf_out(o, s, from, n);
}

enum message_need
section_need(const struct section *s)
{
	if (s->npath > 0)
		return NEED_TREE;
	return s->kind == SEC_ALL || s->kind == SEC_TEXT ? NEED_WHOLE :
	    NEED_HEADER;
}

bool
section_bytes(const struct message *m, const struct section *s,
    struct span *bytes, struct buf *work)
{
	*bytes = s->npath > 0 ? part_bytes(&m->tree, s) : top_bytes(m, s);
	if (bytes->p == NULL && s->npath > 0)
		return false;
	if (s->kind == SEC_FIELDS || s->kind == SEC_FIELDS_NOT) {
		buf_init(work, bytes->len + 2);
		filter_fields(*bytes, s, work);
		*bytes = buf_span(work);
	}
	return true;
}

void
fetch_section(struct fetch_run *r, const struct fetch_item *item)
{
	struct netout *o = &r->im->out;
	struct span bytes;
	struct buf work;

	if (item->name == NULL)
		fetch_label(o, item, "BODY");
	if (item->section->kept != 0 && r->parsed.fields.p != NULL) {
		buf_clear(&r->parsed.picked);
		(void)fields_pick(r->parsed.fields, item->section->kept,
		    &r->parsed.picked);
		out_bytes(o, buf_span(&r->parsed.picked), item);
		return;
	}
	buf_init(&work, 0);
	if (section_bytes(&r->m, item->section, &bytes, &work))
		out_bytes(o, bytes, item);
	else
		(void)netout_adds(o, "NIL");
	buf_free(&work);
}
