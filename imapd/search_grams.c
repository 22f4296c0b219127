/*
 * BODY and TEXT without reading: what three-byte sequences stand in a message's text, in the folder's cache.  Two sets: of
 * what BODY looks at, and of the header fields that TEXT looks at as well.  A text goes into them in each of the
 * forms in which search_text.c compares it; so no says that it would not find the needle.
 */
#include "casemap.h"
#include "charset.h"
#include "find.h"
#include "search_text.h"

#define APART	4	/* ASCII bytes between two letters that no sequence bridges */

/* The end of a run of bytes that are not ASCII, with such as stand near it. */
static size_t
end_of_run(struct span s, size_t at)
{
	size_t n;

	for (;;) {
		while (at < s.len && s.p[at] >= 0x80)
			at++;
		n = span_ascii(span_of(s.p + at, s.len - at));
		if (n >= APART || at + n == s.len)
			return at;
		at += n;
	}
}

/* A text, also folded: where it is ASCII that changes nothing, so it is done only around what is not. */
static void
add_text(struct search_run *r, struct span s)
{
	const size_t near = GRAMS_LEN - 1;
	size_t at = span_ascii(s), end, from, to;

	grams_add(&r->set, s);
	while (at < s.len) {
		end = end_of_run(s, at);
		from = at < near ? 0 : at - near;
		to = s.len - end < near ? s.len : end + near;
		buf_clear(&r->folded);
		(void)casemap_fold(span_of(s.p + from, to - from), &r->folded);
		grams_add(&r->set, buf_span(&r->folded));
		at = end + span_ascii(span_of(s.p + end, s.len - end));
	}
}

/* Is the field's text as it stands a part of the field? */
static bool
is_plain(struct span body)
{
	return span_isascii(body) && !span_haschr(body, '\n') &&
	    !span_haschr(body, '=');
}

static void
add_header(struct search_run *r, struct span header)
{
	struct header_field f;

	while (header_field(&header, &f)) {
		if (!is_plain(f.body) && text_of_field(r, f.body))
			add_text(r, buf_span(&r->text));
		grams_add(&r->set, f.whole);
	}
}

static void
add_part(struct search_run *r, const struct mime_part *p)
{
	struct part_text t;
	bool ascii;

	text_of_part(r, p, &t);
	ascii = text_keeps_ascii(t.charset);
	if (ascii && span_isascii(t.bytes)) {
		grams_add(&r->set, t.bytes);
		return;
	}
	buf_clear(&r->text);
	(void)charset_decode(t.bytes, t.charset, &r->text);
	add_text(r, buf_span(&r->text));
	if (ascii && !span_eq(t.bytes, buf_span(&r->text)))
		grams_add(&r->set, t.bytes);
}

static bool
is_inner(const struct mime_tree *t, size_t i)
{
	return i > 0 && t->parts[t->parts[i].parent].message;
}

static void
make_sets(struct search_run *r)
{
	const struct mime_tree *t = &r->m.tree;

	text_begin(r);
	grams_clear(&r->set);
	for (size_t i = 0; i < t->nparts; i++) {
		if (is_inner(t, i))
			add_header(r, mime_header(t, &t->parts[i]));
		if (text_is(&t->parts[i]))
			add_part(r, &t->parts[i]);
	}
	(void)grams_pack(&r->set, &r->grams);
	grams_clear(&r->set);
	for (size_t i = 0; i < t->nparts; i++)
		if (!is_inner(t, i))
			add_header(r, mime_header(t, &t->parts[i]));
	(void)grams_pack(&r->set, &r->grams);
	folder_blob_put(r->m.folder, r->i, FOLDER_BLOB_GRAMS, GRAMS_FORMAT,
	    r->grams.p, r->grams.len);
}

static bool
have_sets(struct search_run *r, bool build)
{
	struct span s;

	if (r->grams.len > 0)
		return true;
	s = folder_blob_get(r->m.folder, r->i, FOLDER_BLOB_GRAMS,
	    GRAMS_FORMAT);
	if (s.p != NULL)
		(void)buf_addspan(&r->grams, s);
	else if (build)
		make_sets(r);
	if (r->grams.bad)
		buf_clear(&r->grams);
	return r->grams.len > 0;
}

enum search_result
search_grams(struct search_run *r, const struct search_key *k, bool build)
{
	struct span rest, set;

	if (k->fuzzy || k->needle.len < GRAMS_LEN || !have_sets(r, build))
		return SEARCH_UNKNOWN;
	rest = buf_span(&r->grams);
	if (!grams_next(&rest, &set) || grams_may_hold(set, k->needle))
		return SEARCH_UNKNOWN;
	return k->kind == K_TEXT && (!grams_next(&rest, &set) ||
	    grams_may_hold(set, k->needle)) ? SEARCH_UNKNOWN : SEARCH_NO;
}
