/*
 * What the cache says of a message's text against the text itself: wherever a search finds a needle, the sets of
 * three-byte sequences do not say that it cannot be there.  Needles are pieces of the input, as it stands and decoded.
 * Then the input as sets out of a broken cache.
 */
#include "imapd/search_text.h"

#include <stdlib.h>
#include <string.h>

#include "casemap.h"
#include "charset.h"
#include "imapd/find.h"

/* LINK: imapd/grams.c imapd/search_grams.c imapd/search_text.c imapd/find.c imapd/fuzzy.c imapd/fields.c imapd/kept.c */

#define NEEDLES	48
#define TEXT_MAX ((size_t)1 << 24)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint32_t seed;
static struct buf put;

/* In place of a folder: one message, of which nothing is known. */
struct span
folder_blob_get(struct folder *f, size_t i, unsigned kind, uint32_t format)
{
	(void)f, (void)i, (void)kind, (void)format;
	return span_of(NULL, 0);
}

void
folder_blob_put(struct folder *f, size_t i, unsigned kind, uint32_t format,
    const void *p, size_t n)
{
	(void)f, (void)i, (void)kind, (void)format;
	buf_clear(&put);
	if (n > FOLDER_BLOB_MAX || buf_add(&put, p, n) == -1)
		abort();
}

struct span
message_header(const struct message *m)
{
	return m->text;
}

static uint32_t
pick(size_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return n == 0 ? 0 : (seed >> 8) % (uint32_t)n;
}

/* All that a search could look at, and more. */
static void
all_texts(struct search_run *r, struct buf *out)
{
	const struct mime_tree *t = &r->m.tree;
	struct header_field f;
	struct part_text p;

	for (size_t i = 0; i < t->nparts && i < 200; i++) {
		struct span rest = mime_header(t, &t->parts[i]);

		while (header_field(&rest, &f))
			if (text_of_field(r, f.body))
				(void)buf_addspan(out, buf_span(&r->text));
		text_of_part(r, &t->parts[i], &p);
		(void)buf_addspan(out, p.bytes);
		(void)charset_decode(p.bytes, p.charset, out);
	}
}

/* As the parser of SEARCH makes it. */
static void
make_needle(struct span from, struct buf *out)
{
	unsigned char s[24];
	size_t len = 3 + pick(14), at;

	buf_clear(out);
	if (len > from.len)
		return;
	at = pick(from.len - len + 1);
	memcpy(s, from.p + at, len);
	for (size_t i = 0; i < len; i++)
		if (((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') &&
		    pick(2) == 0)
			s[i] ^= 0x20;
	(void)casemap_fold(span_of(s, len), out);
	find_fold(out->p, out->len);
}

static void
ask(struct search_run *r, struct span needle, enum search_kind kind)
{
	static const unsigned char full[] = { 0, 0 };
	struct search_key k = { .kind = kind, .needle = needle };
	enum search_result res;

	buf_clear(&r->grams);
	(void)buf_add(&r->grams, put.p, put.len);
	res = search_grams(r, &k, false);
	if (res == SEARCH_YES)
		abort();
	buf_clear(&r->grams);
	(void)buf_add(&r->grams, full, sizeof(full));
	if (search_body(r, &k, kind == K_TEXT) && res == SEARCH_NO)
		abort();
}

static void
check_message(struct span in)
{
	struct search_run r = { .i = 0 };
	struct search_key k = { .kind = K_TEXT, .needle = span_str("xyz") };
	struct buf texts, needle;

	buf_init(&put, FOLDER_BLOB_MAX);
	buf_init(&texts, TEXT_MAX);
	buf_init(&needle, 4096);
	buf_init(&r.grams, GRAMS_MAX);
	if (mime_parse(in, &r.m.tree) == -1)
		abort();
	text_begin(&r);
	all_texts(&r, &texts);
	(void)search_grams(&r, &k, true);
	if (put.len < 2)
		abort();
	for (int i = 0; i < NEEDLES; i++) {
		make_needle(i % 3 == 0 ? in : buf_span(&texts), &needle);
		if (needle.len >= GRAMS_LEN)
			ask(&r, buf_span(&needle), i & 1 ? K_TEXT : K_BODY);
	}
	mime_free(&r.m.tree);
	buf_free(&r.work);
	buf_free(&r.text);
	buf_free(&r.folded);
	buf_free(&r.grams);
	buf_free(&texts);
	buf_free(&needle);
	buf_free(&put);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), set;

	seed = (uint32_t)size;
	for (size_t i = 0; i < size; i += 1 + size / 64)
		seed = seed * 31 + data[i];
	check_message(rest);
	while (rest.len > 0 && grams_next(&rest, &set)) {
		if (set.len > GRAMS_WORDS * 8)
			abort();
		(void)grams_may_hold(set, span_of(data, size < 40 ? size : 40));
	}
	return 0;
}
