/*
 * PREVIEW: RFC 8970.  The first words of the first part that is text, plain rather
 * than HTML, made at each request: work is bounded by how much of the part is
 * looked at.
 */
#include <string.h>

#include "chars.h"
#include "charset.h"
#include "encode.h"
#include "fetch.h"
#include "mime.h"

#define PART_MAX	(128 * 1024)	/* bytes of a part, before decoding */
#define PREVIEW_MAX	200		/* characters: RFC 8970 section 3.3 */

struct preview {
	struct buf text;
	unsigned n;			/* characters */
	bool space;			/* one is due before the next */
};

/* The part to show: NULL when there is none. */
static const struct mime_part *
choose(const struct mime_tree *t)
{
	const struct mime_part *html = NULL, *p;
	struct header_field f;

	for (size_t i = 0; i < t->nparts; i++) {
		p = &t->parts[i];
		if (p->multipart || p->message || !span_isis(p->type, "text"))
			continue;
		if (header_find(mime_header(t, p), "Content-Disposition",
		    &f) && span_isis(header_trim(cur_until(&(struct cur){
		    f.body.p, f.body.p + f.body.len }, ';')), "attachment"))
			continue;
		if (span_isis(p->subtype, "plain"))
			return p;
		if (html == NULL && span_isis(p->subtype, "html"))
			html = p;
	}
	return html;
}

/* The beginning of the part as UTF-8. */
static void
decode(const struct mime_tree *t, const struct mime_part *p, struct buf *out)
{
	struct span body = mime_body(t, p), enc = span_of(NULL, 0);
	struct buf bytes, charset;
	struct header_field f;

	if (body.len > PART_MAX)
		body.len = PART_MAX;
	if (header_find(mime_header(t, p), "Content-Transfer-Encoding", &f))
		enc = header_trim(f.body);
	buf_init(&bytes, PART_MAX + 16);
	buf_init(&charset, 64);
	if (span_isis(enc, "base64"))
		(void)base64_decode_body(body, &bytes);
	else if (span_isis(enc, "quoted-printable"))
		(void)qp_decode_body(body, &bytes);
	else
		(void)buf_addspan(&bytes, body);
	if (p->content_type.len > 0)
		(void)mime_param(p->content_type, "charset", &charset);
	(void)charset_decode(buf_span(&bytes), buf_span(&charset), out);
	buf_free(&bytes);
	buf_free(&charset);
}

/* One character of UTF-8 at the cursor; white space and controls become one space between
 * words.  False: it is enough. */
static bool
add_char(struct preview *pv, struct cur *c)
{
	size_t n = charset_utf8_length(cur_rest(&(struct cur){ c->p,
	    c->end }));
	struct span ch = cur_take(c, n > 0 ? n : 1);

	if (ch.p[0] <= ' ' || ch.p[0] == 0x7f || n == 0) {
		pv->space = pv->n > 0;
		return true;
	}
	if (pv->space && ++pv->n < PREVIEW_MAX)
		(void)buf_addc(&pv->text, ' ');
	pv->space = false;
	if (pv->n >= PREVIEW_MAX)
		return false;
	(void)buf_addspan(&pv->text, ch);
	pv->n++;
	return true;
}

static bool
add_text(struct preview *pv, const char *text)
{
	struct cur c;

	cur_init(&c, span_str(text));
	while (!cur_end(&c))
		if (!add_char(pv, &c))
			return false;
	return true;
}

/* What a tag opens is not for reading: up to its end. */
static void
skip_element(struct cur *c, const char *end)
{
	while (!cur_end(c)) {
		(void)cur_until(c, '<');
		if (cur_word(c, end) || cur_next(c) == -1)
			return;
	}
}

/* "<" stands at the cursor: a tag, a comment, or something else that is not shown. */
static void
skip_tag(struct cur *c)
{
	static const struct { const char *name, *end; } hidden[] = {
		{ "<style", "</style" }, { "<script", "</script" },
		{ "<title", "</title" }, { "<!--", NULL },
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (!cur_word(c, hidden[i].name))
			continue;
		if (hidden[i].end != NULL)
			skip_element(c, hidden[i].end);
		else
			while (!cur_end(c) && !cur_word(c, "--"))
				(void)cur_next(c);
		break;
	}
	(void)cur_until(c, '>');
	(void)cur_ch(c, '>');
}

/* "&" stands at the cursor. */
static bool
add_entity(struct preview *pv, struct cur *c)
{
	static const struct { const char *name, *text; } entities[] = {
		{ "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" },
		{ "&quot;", "\"" }, { "&apos;", "'" }, { "&#39;", "'" },
		{ "&nbsp;", " " }, { "&#160;", " " }, { "&zwnj;", "" },
	};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (cur_word(c, entities[i].name))
			return add_text(pv, entities[i].text);
	return add_char(pv, c);
}

static void
add_html(struct preview *pv, struct cur *c)
{
	bool more = true;

	while (more && !cur_end(c)) {
		if (cur_peek(c) == '<') {
			skip_tag(c);
			pv->space = pv->n > 0;
		} else if (cur_peek(c) == '&') {
			more = add_entity(pv, c);
		} else {
			more = add_char(pv, c);
		}
	}
}

/* Lines that quote the message before say nothing of this one. */
static void
add_plain(struct preview *pv, struct cur *c)
{
	struct cur line;

	while (!cur_end(c)) {
		cur_init(&line, cur_until(c, '\n'));
		(void)cur_ch(c, '\n');
		while (cur_peek(&line) != '>' && !cur_end(&line))
			if (!add_char(pv, &line))
				return;
		pv->space = pv->n > 0;
	}
}

void
fetch_preview(struct fetch_run *r, const struct fetch_item *item)
{
	const struct mime_part *p = choose(&r->m.tree);
	struct preview pv = { .n = 0 };
	struct buf text;
	struct cur c;

	(void)item;
	buf_init(&text, 4 * PART_MAX);
	buf_init(&pv.text, 4 * PREVIEW_MAX + 16);
	if (p != NULL) {
		decode(&r->m.tree, p, &text);
		cur_init(&c, span_of(text.p, text.len));
		if (span_isis(p->subtype, "html"))
			add_html(&pv, &c);
		else
			add_plain(&pv, &c);
	}
	out_string(&r->im->out, pv.text.len > 0 ? buf_span(&pv.text) :
	    span_str(""));
	buf_free(&text);
	buf_free(&pv.text);
}
