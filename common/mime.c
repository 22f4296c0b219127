/*
 * MIME structure: RFC 2046 section 5.1 in one pass over the lines of a
 * message, with a stack of the boundaries that are open.  Nothing recurses;
 * memory grows with parts, of which there are at most MIME_PARTS_MAX.  Trusts
 * nothing: a missing end, an outer boundary inside an inner part, boundaries
 * that begin like others and headers that never end all have a result, and
 * every byte of the message is in some part.
 */
#include "mime.h"

#include <stdlib.h>

#include "chars.h"
#include "limits.h"
#include "lines.h"

#define BOUNDARIES_MAX	65536	/* bytes of all that are open: RFC 2046 section
				 * 5.1.1 allows 70 for one, some send more */
#define NO_BOUNDARY	SIZE_MAX
#define SLOTS		256	/* for MIME_DEPTH_MAX boundaries */
#define HASH_FIRST	0x811c9dc5u	/* FNV-1a */

struct open_multipart {
	size_t part, last_child;
	size_t at, len;			/* its boundary, in parser.boundaries */
	uint32_t hash;			/* of the boundary */
	size_t shadowed;		/* what parser.slots held before */
};

struct parser {
	struct mime_tree *t;
	struct cur c;
	struct span eol;		/* line end of the line taken last */
	size_t lines, lf;		/* line ends so far; those that are LF alone */
	size_t current;			/* the part that lines belong to */
	struct open_multipart *open;	/* MIME_DEPTH_MAX of them */
	size_t nopen;
	size_t slots[SLOTS];		/* by hash: the innermost in open, chained */
	struct buf boundaries;		/* of the open ones, one after another */
	size_t longest;			/* no boundary so far was longer */
	bool encoded;			/* this part's transfer encoding hides lines */
};

static struct mime_part *
part_of(const struct parser *ps, size_t i)
{
	return &ps->t->parts[i];
}

static size_t
offset(const struct parser *ps)
{
	return ps->t->message.len - cur_left(&ps->c);
}

/* The next line without its end, counted. */
static struct span
take_line(struct parser *ps)
{
	struct span line = cur_until(&ps->c, '\n');

	ps->eol = span_of(line.p + line.len, 0);
	if (!cur_ch(&ps->c, '\n'))
		return line;
	ps->lines++;
	ps->eol.len = 1;
	if (line.len > 0 && line.p[line.len - 1] == '\r') {
		line.len--;
		ps->eol.len = 2;
	} else {
		ps->lf++;
	}
	return line;
}

/* Over n bytes, which are lines with these ends. */
static void
pass_lines(struct parser *ps, size_t n, const struct lines *l)
{
	struct span s = cur_take(&ps->c, n);

	if (s.len == 0)
		return;
	ps->lines += l->lf;
	ps->lf += l->bare;
	ps->eol = span_of(s.p + s.len, 0);
	if (s.p[s.len - 1] == '\n')
		ps->eol.len = s.len > 1 && s.p[s.len - 2] == '\r' ? 2 : 1;
}

static void
take_lines(struct parser *ps, size_t n)
{
	struct lines l = { 0 };

	lines_count(span_of(ps->c.p, n), '\n', &l);
	pass_lines(ps, n, &l);
}

static uint32_t
hash_add(uint32_t hash, int byte)
{
	return (hash ^ (uint32_t)byte) * 0x01000193u;
}

/* Is the beginning of the line, len bytes with that hash, an open boundary? */
static size_t
find_exact(const struct parser *ps, struct span begin, uint32_t hash)
{
	size_t i = ps->slots[hash % SLOTS];
	const struct open_multipart *o;

	for (; i != NO_BOUNDARY; i = o->shadowed) {
		o = &ps->open[i];
		if (o->hash == hash && span_eq(begin,
		    span_of(ps->boundaries.p + o->at, o->len)))
			break;
	}
	return i;
}

/*
 * Which open boundary the line is: dash-boundary of RFC 2046 section 5.1.1.
 * It need only begin with it; of several the longest counts, then the
 * innermost.  One step for each byte of the line, however many are open.
 */
static size_t
find_boundary(const struct parser *ps, struct span line, bool *final)
{
	size_t found = NO_BOUNDARY, i;
	uint32_t hash = HASH_FIRST;
	struct cur c, begin;
	struct span s;

	cur_init(&c, line);
	if (ps->nopen == 0 || !cur_word(&c, "--"))
		return NO_BOUNDARY;
	begin = c;
	s = span_of(c.p, 0);
	while (!cur_end(&c) && s.len < ps->longest) {
		hash = hash_add(hash, cur_next(&c));
		s.len++;
		if ((i = find_exact(ps, s, hash)) != NO_BOUNDARY)
			found = i;
	}
	if (found == NO_BOUNDARY)
		return NO_BOUNDARY;
	cur_take(&begin, ps->open[found].len);
	*final = cur_word(&begin, "--");
	return found;
}

static bool
at_boundary(const struct parser *ps)
{
	struct cur look = ps->c;
	bool final;

	return cur_peek(&look) == '-' &&
	    find_boundary(ps, cur_until(&look, '\n'), &final) != NO_BOUNDARY;
}

/* Adds a part that begins at the cursor and makes it the current one. */
static int
add_part(struct parser *ps, size_t parent)
{
	struct mime_tree *t = ps->t;
	struct mime_part *p;
	size_t cap;

	if (t->nparts == t->cap) {
		cap = t->cap == 0 ? 4 : t->cap * 2;
		if ((p = reallocarray(t->parts, cap, sizeof(*p))) == NULL)
			return -1;
		t->parts = p;
		t->cap = cap;
	}
	ps->current = t->nparts++;
	p = part_of(ps, ps->current);
	*p = (struct mime_part){ .header = offset(ps), .parent = parent };
	if (ps->current > 0)
		p->depth = part_of(ps, parent)->depth + 1;
	return 0;
}

static bool
is_multipart(const struct mime_part *p)
{
	return span_isis(p->type, "multipart");
}

/* content: RFC 2045 section 5.1; what is not type "/" subtype is text/plain
 * (5.2), and in a digest a message (RFC 2046 section 5.1.5). */
static void
set_type(struct parser *ps, struct mime_part *p)
{
	const struct mime_part *up = part_of(ps, p->parent);
	struct cur c;

	cur_init(&c, p->content_type);
	header_skip_cfws(&c);
	p->type = cur_while(&c, chars, CH_TOKEN);
	header_skip_cfws(&c);
	if (p->type.len > 0 && cur_ch(&c, '/')) {
		header_skip_cfws(&c);
		p->subtype = cur_while(&c, chars, CH_TOKEN);
	}
	if (p->subtype.len > 0)
		return;
	p->type = span_str("text");
	p->subtype = span_str("plain");
	if (ps->current > 0 && p->content_type.len == 0 && is_multipart(up) &&
	    span_isis(up->subtype, "digest")) {
		p->type = span_str("message");
		p->subtype = span_str("rfc822");
	}
}

/* Content-Transfer-Encoding of anything but the three that change nothing. */
static bool
is_encoded(struct span body)
{
	struct span word;
	struct cur c;

	cur_init(&c, body);
	header_skip_cfws(&c);
	word = cur_while(&c, chars, CH_TOKEN);
	return span_isis(word, "base64") || span_isis(word, "quoted-printable");
}

/* Takes the next field; its lines are not counted.  False: the header has ended. */
static bool
take_field(struct parser *ps, struct header_field *f)
{
	struct span rest = span_of(ps->c.p, cur_left(&ps->c));
	bool found = header_field(&rest, f);

	cur_take(&ps->c, cur_left(&ps->c) - rest.len);
	return found;
}

/* Reads the header of the current part, up to the empty line, a boundary or
 * what is no field; the body begins there. */
static void
parse_header(struct parser *ps)
{
	struct mime_part *p = part_of(ps, ps->current);
	size_t lines = ps->lines, lf = ps->lf, end;
	const struct cur start = ps->c;
	struct header_field f;

	ps->encoded = false;
	while (!at_boundary(ps) && take_field(ps, &f)) {
		if (p->content_type.p == NULL &&
		    span_isis(f.name, "content-type"))
			p->content_type = f.body;
		else if (span_isis(f.name, "content-transfer-encoding"))
			ps->encoded = is_encoded(f.body);
	}
	end = offset(ps);
	ps->c = start;
	take_lines(ps, end - p->header);
	p->body = p->end = end;
	p->header_lines = ps->lines - lines;
	p->header_lf = ps->lf - lf;
	/* until the part is closed: what they were where the body began */
	p->body_lines = ps->lines;
	p->body_lf = ps->lf;
	set_type(ps, p);
}

static void
push_open(struct parser *ps, size_t at)
{
	struct open_multipart *o = &ps->open[ps->nopen];
	size_t len = ps->boundaries.len - at;
	uint32_t hash = HASH_FIRST;

	for (size_t i = at; i < ps->boundaries.len; i++)
		hash = hash_add(hash, ps->boundaries.p[i]);
	*o = (struct open_multipart){ .part = ps->current, .at = at,
	    .len = len, .hash = hash, .shadowed = ps->slots[hash % SLOTS] };
	ps->slots[hash % SLOTS] = ps->nopen++;
	if (len > ps->longest)
		ps->longest = len;
}

/* Closes the innermost until n are open. */
static void
pop_open(struct parser *ps, size_t n)
{
	while (ps->nopen > n) {
		const struct open_multipart *o = &ps->open[--ps->nopen];

		ps->slots[o->hash % SLOTS] = o->shadowed;
	}
}

/* Opens the current part as a multipart, if it has a boundary. */
static void
open_multipart(struct parser *ps)
{
	const struct mime_part *p = part_of(ps, ps->current);
	size_t at = 0;

	if (p->depth >= MIME_DEPTH_MAX || ps->nopen >= MIME_DEPTH_MAX) {
		ps->t->truncated = true;
		return;
	}
	if (ps->nopen > 0)
		at = ps->open[ps->nopen - 1].at + ps->open[ps->nopen - 1].len;
	ps->boundaries.len = at;
	if (mime_param(p->content_type, "boundary", &ps->boundaries) &&
	    ps->boundaries.len > at)
		push_open(ps, at);
	ps->boundaries.bad = false;	/* too long: as if there were none */
}

/* After its header: does the current part contain a message?  Then the header
 * of that is next. */
static bool
begins_message(struct parser *ps)
{
	const struct mime_part *p = part_of(ps, ps->current);

	if (!span_isis(p->type, "message") || ps->encoded ||
	    (!span_isis(p->subtype, "rfc822") &&
	    !span_isis(p->subtype, "global")))
		return false;
	if (p->depth < MIME_DEPTH_MAX && ps->t->nparts < MIME_PARTS_MAX)
		return true;
	ps->t->truncated = true;
	return false;
}

/* A new part at the cursor, with the messages that it begins with. */
static int
begin_part(struct parser *ps, size_t parent)
{
	if (add_part(ps, parent) == -1)
		return -1;
	parse_header(ps);
	while (begins_message(ps)) {
		size_t outer = ps->current;

		if (add_part(ps, outer) == -1)
			return -1;
		part_of(ps, outer)->message = true;
		part_of(ps, outer)->first_child = ps->current;
		parse_header(ps);
	}
	if (is_multipart(part_of(ps, ps->current)))
		open_multipart(ps);
	return 0;
}

/* Ends the current part and those around it, up to stop (not stop). */
static void
close_parts(struct parser *ps, size_t stop, size_t end, size_t lines,
    size_t lf)
{
	struct mime_part *p;

	for (; ps->current != stop; ps->current = p->parent) {
		p = part_of(ps, ps->current);
		/* an empty body has no line end to give to the boundary */
		p->end = end > p->body ? end : p->body;
		p->body_lines = lines > p->body_lines ? lines - p->body_lines : 0;
		p->body_lf = lf > p->body_lf ? lf - p->body_lf : 0;
		if (ps->current == 0)
			return;
	}
}

/* A boundary line, taken; end, lines and lf say where the content before it stopped. */
static int
pass_boundary(struct parser *ps, size_t k, bool final, size_t end,
    size_t lines, size_t lf)
{
	struct open_multipart *o = &ps->open[k];
	size_t parent = o->part, elder = o->last_child;

	if (!final && ps->t->nparts >= MIME_PARTS_MAX) {
		ps->t->truncated = true;
		pop_open(ps, 0);	/* the rest is one part */
		return 0;
	}
	close_parts(ps, parent, end, lines, lf);
	pop_open(ps, final ? k : k + 1);
	if (final)
		return 0;
	o->last_child = ps->t->nparts;
	if (begin_part(ps, parent) == -1)
		return -1;
	part_of(ps, parent)->multipart = true;
	if (elder == 0)
		part_of(ps, parent)->first_child = o->last_child;
	else
		part_of(ps, elder)->next = o->last_child;
	return 0;
}

/* To the next line that may be a boundary, or to the end. */
static void
skip_lines(struct parser *ps)
{
	struct span rest = span_of(ps->c.p, cur_left(&ps->c));
	struct lines l = { 0 };

	if (ps->nopen > 0)
		pass_lines(ps, lines_find_dashes(rest, &l), &l);
	else
		take_lines(ps, rest.len);
}

static int
parse_lines(struct parser *ps)
{
	for (skip_lines(ps); !cur_end(&ps->c); skip_lines(ps)) {
		size_t end = offset(ps) - ps->eol.len;
		size_t lines = ps->lines - (ps->eol.len > 0);
		size_t lf = ps->lf - (ps->eol.len == 1);
		struct span line = take_line(ps);
		bool final = false;
		size_t k;

		if ((k = find_boundary(ps, line, &final)) != NO_BOUNDARY &&
		    pass_boundary(ps, k, final, end, lines, lf) == -1)
			return -1;
	}
	return 0;
}

int
mime_parse(struct span message, struct mime_tree *t)
{
	struct parser ps = { .t = t };
	int r;

	*t = (struct mime_tree){ .message = message };
	ps.open = reallocarray(NULL, MIME_DEPTH_MAX, sizeof(*ps.open));
	if (ps.open == NULL)
		return -1;
	for (size_t i = 0; i < SLOTS; i++)
		ps.slots[i] = NO_BOUNDARY;
	buf_init(&ps.boundaries, BOUNDARIES_MAX);
	cur_init(&ps.c, message);
	r = begin_part(&ps, 0) == -1 || parse_lines(&ps) == -1 ? -1 : 0;
	if (r == 0)
		close_parts(&ps, SIZE_MAX, message.len, ps.lines, ps.lf);
	else
		mime_free(t);
	buf_free(&ps.boundaries);
	free(ps.open);
	return r;
}

void
mime_free(struct mime_tree *t)
{
	free(t->parts);
	*t = (struct mime_tree){ .parts = NULL };
}

static const struct mime_part *
child_of(const struct mime_tree *t, const struct mime_part *p, unsigned n)
{
	size_t i = p->first_child;

	for (; i != 0 && n > 1; n--)
		i = t->parts[i].next;
	return i == 0 || n == 0 ? NULL : &t->parts[i];
}

/* section-part: RFC 3501 section 6.4.5.  A message that is no multipart has
 * one part, which is itself; so has a multipart in which no part was found. */
const struct mime_part *
mime_find(const struct mime_tree *t, const unsigned *path, size_t n)
{
	const struct mime_part *p = &t->parts[0];
	bool itself = false;

	for (size_t i = 0; i < n && p != NULL; i++) {
		bool whole = i == 0;

		if (!whole && p->message) {
			p = &t->parts[p->first_child];
			whole = true;
			itself = false;
		}
		if (p->multipart)
			p = child_of(t, p, path[i]);
		else if (path[i] == 1 && (whole ||
		    (!itself && is_multipart(p))))
			itself = true;
		else
			p = NULL;
	}
	return p;
}

struct span
mime_header(const struct mime_tree *t, const struct mime_part *p)
{
	return span_of(t->message.p + p->header, p->body - p->header);
}

struct span
mime_body(const struct mime_tree *t, const struct mime_part *p)
{
	return span_of(t->message.p + p->body, p->end - p->body);
}
