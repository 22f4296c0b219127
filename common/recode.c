/*
 * The structure of a message as it streams by: header, boundaries (RFC 2046
 * section 5.1.1), bodies; a stack of the boundaries that are open, nothing
 * recurses.  Holds one header, the beginning of a line that may be a boundary,
 * and a piece of output.  Trusts nothing: a message without an end, an outer
 * boundary inside an inner part and headers without a body all have a result.
 * Both passes see the same bytes and so the same headers in the same order.
 */
#include "recode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "recode_part.h"

#define BOUNDARY_LONG	256	/* RFC 2046 allows 70; a longer one is none */
#define HOLD_MAX	(BOUNDARY_LONG + 8)	/* of a line that may be one */
#define OUT_FLUSH	32768
#define OUT_MAX		(2 * HEADER_MAX)

enum state { IN_HEADER, IN_BODY, OUTSIDE };	/* OUTSIDE: preamble, epilogue */

struct level {
	size_t at, len;			/* its boundary, in boundaries */
	bool digest;
	bool sealed;			/* it, or one around it */
};

struct recode {
	enum recode_pass pass;
	enum recode_to to;
	enum recode_form form;
	struct recode_plan *plan;
	recode_out *put;
	void *arg;
	bool cr;			/* the last byte was a CR, not yet used */
	enum state state;
	struct buf header;		/* so far, with LF */
	size_t header_line;		/* where its last line begins */
	bool bad;			/* a line was no field: what follows decides */
	size_t bad_line;		/* where that begins */
	bool whole;			/* it is a message's, not a part's */
	bool digest_part;		/* it begins inside a multipart/digest */
	bool kept;			/* OUTSIDE, but within what is signed */
	bool midline;
	bool skip;			/* the rest of a boundary line */
	bool skip_kept;			/* which is within what is signed */
	struct buf hold;		/* beginning of a line, not yet judged */
	struct level open[MIME_DEPTH_MAX];
	size_t nopen;
	struct buf boundaries;
	size_t parts;			/* headers that have ended */
	struct part part;		/* the last of them */
	struct part_facts facts;
	struct coder coder;
	struct buf out;
};

struct recode *
recode_new(enum recode_pass pass, enum recode_to to, enum recode_form form,
    struct recode_plan *plan, recode_out *put, void *arg)
{
	struct recode *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->pass = pass;
	r->to = to;
	r->form = form;
	r->plan = plan;
	r->put = put;
	r->arg = arg;
	r->whole = true;
	buf_init(&r->header, HEADER_MAX);
	buf_init(&r->hold, HOLD_MAX);
	buf_init(&r->boundaries, MIME_DEPTH_MAX * BOUNDARY_LONG * 2);
	buf_init(&r->out, OUT_MAX);
	if (buf_room(&r->header, 1) != NULL)
		return r;
	recode_free(r);
	return NULL;
}

void
recode_free(struct recode *r)
{
	if (r == NULL)
		return;
	buf_free(&r->header);
	buf_free(&r->hold);
	buf_free(&r->boundaries);
	buf_free(&r->out);
	free(r);
}

void
recode_plan_free(struct recode_plan *plan)
{
	free(plan->how);
	memset(plan, 0, sizeof(*plan));
}

/* --- the plan --- */

static void
plan_set(struct recode *r, unsigned how)
{
	struct recode_plan *p = r->plan;
	size_t i = r->parts - 1, cap = p->cap * 2 + 16;
	unsigned char *more;

	if (i >= p->cap) {
		if ((more = realloc(p->how, cap)) == NULL) {
			r->out.bad = true;
			return;
		}
		p->how = more;
		p->cap = cap;
	}
	p->how[i] = (unsigned char)how;
	if (i >= p->n)
		p->n = i + 1;
}

static bool
is_sealed(const struct recode *r, size_t levels)
{
	return levels > 0 && r->open[levels - 1].sealed;
}

static unsigned
how_now(const struct recode *r)
{
	const struct recode_plan *p = r->plan;

	if (r->pass == RECODE_ONCE)
		return part_decide_label(&r->part, is_sealed(r, r->nopen),
		    r->to);
	return r->parts <= p->n ? p->how[r->parts - 1] : CODER_KEEP;
}

/* --- bodies --- */

static void
body_begin(struct recode *r, enum state state, unsigned how)
{
	enum coder_mode mode = (enum coder_mode)(how & PART_HOW_MODE);

	r->state = state;
	r->midline = false;
	memset(&r->facts, 0, sizeof(r->facts));
	/* A multipart's own text is for nobody: RFC 2046 section 5.1.1. */
	r->kept = state == OUTSIDE && is_sealed(r, r->nopen - 1);
	if (state == OUTSIDE)
		mode = r->kept ? CODER_KEEP : CODER_SCRUB;
	coder_begin(&r->coder, mode, &r->out);
}

/* What stands between parts is made clean, or kept within what is signed. */
static void
look_between(struct recode *r, const struct part_facts *f, bool kept)
{
	bool cannot = f->binary || (f->body8 && r->to == RECODE_7BIT);

	r->plan->prohibited |= kept && cannot;
	r->plan->needed |= !kept && (cannot || f->longline);
}

static void
look_boundary(struct recode *r, struct span line, bool kept)
{
	struct part_facts f = { .longline = false };

	if (r->pass == RECODE_PLANNED)
		return;
	part_look(&f, line);
	look_between(r, &f, kept);
}

static void
body_end(struct recode *r, bool boundary)
{
	struct recode_plan *p = r->plan;
	const struct part_facts *f = &r->facts;
	unsigned how;

	if (r->pass != RECODE_SURVEY)
		coder_end(&r->coder, boundary);
	if (r->pass == RECODE_PLANNED)
		return;
	if (r->state == OUTSIDE) {
		look_between(r, f, r->kept);
		return;
	}
	how = part_decide(&r->part, f, is_sealed(r, r->nopen), r->to, p);
	if (r->pass == RECODE_SURVEY)
		plan_set(r, how);
	else if (how != CODER_KEEP && f->binary &&
	    r->coder.mode == CODER_KEEP)
		p->prohibited = true;
}

static void
body_text(struct recode *r, struct span s)
{
	if (r->pass != RECODE_PLANNED)
		part_look(&r->facts, s);
	if (r->pass != RECODE_SURVEY)
		coder_text(&r->coder, s);
	r->midline = true;
}

static void
body_eol(struct recode *r)
{
	if (r->pass != RECODE_PLANNED)
		part_look_eol(&r->facts);
	if (r->pass != RECODE_SURVEY)
		coder_eol(&r->coder);
	r->midline = false;
}

/* --- headers --- */

static void
header_begin(struct recode *r, bool whole, bool digest_part)
{
	r->state = IN_HEADER;
	r->whole = whole;
	r->digest_part = digest_part;
	r->header_line = 0;
	r->bad = false;
	buf_clear(&r->header);
}

static void
look_header(struct recode *r)
{
	struct part_facts f = { .longline = false };
	struct span line;
	struct cur c;

	cur_init(&c, buf_span(&r->header));
	while (!cur_end(&c)) {
		line = cur_until(&c, '\n');
		part_look(&f, line);
		part_look_eol(&f);
		cur_ch(&c, '\n');
	}
	r->plan->header8 |= f.body8;
	r->plan->binary |= f.binary;
	/* From the wire there is no encoding for these. */
	r->plan->prohibited |= f.binary && r->form == RECODE_CRLF;
	r->plan->longline |= f.longline;
	r->plan->needed |= f.longline && !is_sealed(r, r->nopen);
}

static void
put_header(struct recode *r, unsigned how, bool empty_line)
{
	struct span header = buf_span(&r->header);

	if (is_sealed(r, r->nopen))
		buf_addspan(&r->out, header);
	else
		part_put_header(&r->part, header, how, r->whole, r->to,
		    &r->out);
	if (empty_line || how != CODER_KEEP)
		buf_addc(&r->out, '\n');
}

/* Opens the part as a multipart; false: it is none, or there are too many, and
 * it is one body that must stay as it is. */
static bool
push_level(struct recode *r, size_t at)
{
	size_t len = r->boundaries.len - at;

	if (!r->part.multipart)
		return false;
	if (r->boundaries.bad || len > BOUNDARY_LONG ||
	    r->nopen == MIME_DEPTH_MAX || r->parts >= MIME_PARTS_MAX) {
		r->boundaries.len = at;
		r->boundaries.bad = false;
		r->part.opaque = true;
		return false;
	}
	r->open[r->nopen] = (struct level){ .at = at, .len = len,
	    .digest = r->part.digest,
	    .sealed = r->part.sealed || is_sealed(r, r->nopen) };
	r->nopen++;
	return true;
}

/* The header is complete; empty_line: with the line that ends it. */
static void
header_end(struct recode *r, bool empty_line)
{
	size_t at = r->nopen == 0 ? 0 :
	    r->open[r->nopen - 1].at + r->open[r->nopen - 1].len;
	bool message, multipart;
	unsigned how = CODER_KEEP;

	r->boundaries.len = at;
	part_parse(buf_span(&r->header), r->digest_part, &r->part,
	    &r->boundaries);
	r->parts++;
	message = r->part.message && r->parts < MIME_PARTS_MAX;
	if (r->pass != RECODE_PLANNED)
		look_header(r);
	if (r->pass == RECODE_SURVEY)
		plan_set(r, CODER_KEEP);
	else {
		if (!r->part.multipart && !message)
			how = how_now(r);
		put_header(r, how, empty_line);
	}
	/* The header of a signed multipart is not signed: pushed behind it. */
	multipart = push_level(r, at);
	if (message)
		header_begin(r, true, false);
	else
		body_begin(r, multipart ? OUTSIDE : IN_BODY, how);
}

/* --- lines --- */

static void	header_cut_off(struct recode *);

/* dash-boundary: RFC 2046 section 5.1.1.  It need only begin with it; of several
 * the longest counts, then the innermost.  nopen: it is none. */
static size_t
find_boundary(const struct recode *r, struct span line, bool *final)
{
	size_t found = r->nopen, longest = 0;

	if (line.len < 2 || line.p[0] != '-' || line.p[1] != '-')
		return found;
	for (size_t i = r->nopen; i-- > 0;) {
		const struct level *l = &r->open[i];

		if (l->len > longest && line.len - 2 >= l->len &&
		    memcmp(line.p + 2, r->boundaries.p + l->at, l->len) == 0) {
			longest = l->len;
			found = i;
		}
	}
	*final = line.len >= longest + 4 && line.p[longest + 2] == '-' &&
	    line.p[longest + 3] == '-';
	return found;
}

/* What stands behind a boundary in its line means nothing, and may be anything;
 * but it may be signed. */
static void
put_boundary(struct recode *r, size_t k, bool final, struct span line)
{
	const struct level *l = &r->open[k];

	if (is_sealed(r, k))
		buf_addspan(&r->out, line);
	else {
		buf_adds(&r->out, "--");
		buf_add(&r->out, r->boundaries.p + l->at, l->len);
		buf_adds(&r->out, final ? "--" : "");
	}
	buf_addc(&r->out, '\n');
}

/* A boundary line of level k: what is open inside it has ended. */
static void
pass_boundary(struct recode *r, size_t k, bool final, struct span line)
{
	header_cut_off(r);
	body_end(r, true);
	r->skip_kept = is_sealed(r, k);
	look_boundary(r, line, r->skip_kept);
	put_boundary(r, k, final, line);
	r->nopen = k + 1;
	if (!final) {
		header_begin(r, false, r->open[k].digest);
		return;
	}
	body_begin(r, OUTSIDE, CODER_KEEP);
	r->nopen = k;
}

static bool
take_boundary(struct recode *r, struct span line)
{
	bool final = false;
	size_t k = find_boundary(r, line, &final);

	if (k == r->nopen)
		return false;
	if (!final && r->parts >= MIME_PARTS_MAX) {
		r->nopen = 0;		/* the rest is one part */
		return false;
	}
	pass_boundary(r, k, final, line);
	return true;
}

static void	line_text(struct recode *, struct span);
static void	line_end(struct recode *);

/*
 * The header ends in front of the line that was no field, and that and what has
 * come since is body.  The empty line is put between them, for what is converted
 * may look like a field.
 */
static void
bad_header(struct recode *r)
{
	struct buf copy;
	struct cur c;

	r->bad = false;
	buf_init(&copy, HEADER_MAX);
	buf_add(&copy, r->header.p + r->bad_line,
	    r->header.len - r->bad_line);
	r->header.len = r->bad_line;
	header_end(r, !is_sealed(r, r->nopen));
	cur_init(&c, buf_span(&copy));
	while (!cur_end(&c)) {
		line_text(r, cur_until(&c, '\n'));
		if (cur_ch(&c, '\n'))
			line_end(r);
	}
	r->out.bad |= copy.bad;
	buf_free(&copy);
}

/* As if the empty line had come. */
static void
header_cut_off(struct recode *r)
{
	while (r->state == IN_HEADER) {
		if (r->bad)
			bad_header(r);
		else
			header_end(r, false);
	}
}

/* A boundary may end a header too. */
static bool
header_boundary(struct recode *r)
{
	size_t at = r->header_line;
	struct buf line;
	bool final, taken;

	if (find_boundary(r, span_of(r->header.p + at, r->header.len - at),
	    &final) == r->nopen)
		return false;
	buf_init(&line, HEADER_MAX);
	buf_add(&line, r->header.p + at, r->header.len - at);
	r->header.len = at;
	taken = take_boundary(r, buf_span(&line));
	if (!taken)
		buf_addspan(&r->header, buf_span(&line));
	r->out.bad |= line.bad;
	buf_free(&line);
	return taken;
}

/* Nothing, or in the spool's form a CR (one more than the line's end has), which is a line's end
 * to who reads this. */
static bool
is_empty_line(const struct recode *r)
{
	size_t at = r->header_line, n = r->header.len - at;

	return n == 0 || (n == 1 && r->header.p[at] == '\r' &&
	    r->form == RECODE_LF);
}

/* A line of a header is whole: field, continuation, the end, or no field; as
 * header_field() sees them. */
static void
header_eol(struct recode *r)
{
	size_t at = r->header_line;
	bool empty = is_empty_line(r), folded, bad;
	struct header_field f;
	struct span rest;

	if (empty && !r->bad) {
		r->header.len = at;
		header_end(r, true);
		return;
	}
	folded = at > 0 && !empty && (r->header.p[at] == ' ' ||
	    r->header.p[at] == '\t');
	buf_addc(&r->header, '\n');
	rest = span_of(r->header.p + at, r->header.len - at);
	bad = !folded && (empty || header_next(&rest, &f) == HEADER_BAD);
	r->header_line = r->header.len;
	if (bad && r->bad)
		bad_header(r);
	else if (bad) {
		r->bad = true;
		r->bad_line = at;
	} else if (!folded)
		r->bad = false;
}

/* Text of a body's line, as far as it cannot be a boundary. */
static void
hold_text(struct recode *r, struct span s)
{
	if (r->midline || (r->nopen == 0 && r->state == IN_BODY)) {
		body_text(r, s);
		return;
	}
	if (r->hold.len == 0 && s.p[0] != '-') {
		body_text(r, s);
		return;
	}
	if (s.len <= HOLD_MAX - r->hold.len) {
		buf_addspan(&r->hold, s);
		return;
	}
	/* It may go on as it likes: its beginning decides. */
	if (r->hold.len < HOLD_MAX) {
		size_t n = HOLD_MAX - r->hold.len;

		buf_add(&r->hold, s.p, n);
		s = span_of(s.p + n, s.len - n);
	}
	if (take_boundary(r, buf_span(&r->hold))) {
		look_boundary(r, s, r->skip_kept);
		buf_clear(&r->hold);
		r->skip = true;
		return;
	}
	body_text(r, buf_span(&r->hold));
	buf_clear(&r->hold);
	body_text(r, s);
}

static void
line_text(struct recode *r, struct span s)
{
	if (s.len == 0)
		return;
	if (r->skip)
		look_boundary(r, s, r->skip_kept);
	else if (r->state != IN_HEADER)
		hold_text(r, s);
	else {
		buf_addspan(&r->header, s);
		r->plan->prohibited |= span_haschr(s, '\n');	/* bare */
	}
}

static void
line_end(struct recode *r)
{
	if (r->skip)
		r->skip = false;
	else if (r->state == IN_HEADER) {
		if (!header_boundary(r))
			header_eol(r);
	} else if (r->hold.len == 0 ||
	    !take_boundary(r, buf_span(&r->hold))) {
		if (r->hold.len > 0)
			body_text(r, buf_span(&r->hold));
		body_eol(r);
	}
	buf_clear(&r->hold);
}

/* --- bytes --- */

static int
flush(struct recode *r, size_t least)
{
	if (r->header.bad || r->out.bad) {
		errno = ENOBUFS;
		return -1;
	}
	if (r->pass == RECODE_SURVEY)
		buf_clear(&r->out);
	if (r->out.len == 0 || r->out.len < least)
		return 0;
	if (r->put(r->arg, buf_span(&r->out)) == -1)
		return -1;
	buf_clear(&r->out);
	return 0;
}

/* The cursor stands behind text: how does its line go on?  A CR before the end
 * of the input waits for what comes next. */
static void
split_line(struct recode *r, struct cur *c, struct span text)
{
	bool lf = cur_ch(c, '\n'), cr = false;

	if (text.len > 0 && text.p[text.len - 1] == '\r') {
		text.len--;
		cr = true;
	}
	line_text(r, text);
	if (lf && (cr || r->form == RECODE_LF))
		line_end(r);
	else if (lf)
		line_text(r, span_str("\n"));
	else
		r->cr = cr;
}

int
recode_add(struct recode *r, struct span in)
{
	struct cur c;

	cur_init(&c, in);
	while (!cur_end(&c)) {
		if (r->cr) {
			r->cr = false;
			if (cur_ch(&c, '\n')) {
				line_end(r);
				continue;
			}
			line_text(r, span_str("\r"));
		}
		split_line(r, &c, cur_until(&c, '\n'));
		if (flush(r, OUT_FLUSH) == -1)
			return -1;
	}
	return 0;
}

int
recode_end(struct recode *r)
{
	if (r->cr)
		line_text(r, span_str("\r"));
	r->cr = false;
	if (r->state == IN_HEADER && r->header.len > r->header_line)
		line_end(r);
	if (r->hold.len > 0 && !take_boundary(r, buf_span(&r->hold)))
		body_text(r, buf_span(&r->hold));
	header_cut_off(r);
	body_end(r, false);
	return flush(r, 0);
}
