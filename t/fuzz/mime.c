/*
 * MIME: the tree is a tree, its parts lie inside each other, its line counts
 * are those of the bytes.
 */
#include "mime.h"

#include <stdint.h>
#include <stdlib.h>

#include "limits.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_lines(struct span s, size_t lines, size_t lf)
{
	size_t n = 0, bare = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '\n')
			continue;
		n++;
		bare += i == 0 || s.p[i - 1] != '\r';
	}
	if (n != lines || bare != lf)
		abort();
}

static void
check_part(const struct mime_tree *t, size_t i)
{
	const struct mime_part *p = &t->parts[i], *up = &t->parts[p->parent];
	size_t at, children = 0;

	if (p->header > p->body || p->body > p->end ||
	    p->end > t->message.len || p->depth > MIME_DEPTH_MAX ||
	    p->type.len == 0 || p->subtype.len == 0)
		abort();
	if (i > 0 && (p->parent >= i || p->header < up->body ||
	    p->end > (up->end > p->body ? up->end : p->body) ||
	    p->depth != up->depth + 1 || (!up->multipart && !up->message)))
		abort();
	for (at = p->first_child; at != 0; at = t->parts[at].next) {
		if (at <= i || at >= t->nparts || t->parts[at].parent != i)
			abort();
		children++;
	}
	if ((children > 0) != (p->multipart || p->message) ||
	    (p->message && children != 1) || (p->multipart && p->message))
		abort();
	check_lines(mime_header(t, p), p->header_lines, p->header_lf);
	check_lines(mime_body(t, p), p->body_lines, p->body_lf);
}

/* RFC822.SIZE is made of these counts. */
static void
check_whole(const struct mime_tree *t)
{
	struct span s = t->message;
	size_t bare = 0;

	for (size_t i = 0; i < s.len; i++)
		bare += s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r');
	if (t->parts[0].header_lf + t->parts[0].body_lf != bare)
		abort();
}

static void
check_param(void *arg, struct span name, struct span value, bool extended)
{
	struct buf *out = arg;

	if (name.len == 0)
		abort();
	if (extended)
		mime_decode_extended(value, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size), value;
	const unsigned path[] = { 1, 2, 1, 1 };
	struct mime_tree t;
	struct buf out;

	buf_init(&out, 1 << 20);
	if (mime_parse(in, &t) == -1)
		abort();
	if (t.nparts > MIME_PARTS_MAX || t.parts[0].header != 0 ||
	    t.parts[0].end != size)
		abort();
	check_whole(&t);
	for (size_t i = 0; i < t.nparts && i < 1000; i++)
		check_part(&t, i);
	for (size_t n = 0; n <= 4; n++)
		mime_find(&t, path, n);
	mime_free(&t);
	mime_params(in, &value, check_param, &out);
	buf_free(&out);
	return 0;
}
