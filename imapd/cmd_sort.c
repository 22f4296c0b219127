/*
 * SORT and UID SORT: RFC 5256, the display names of RFC 5957, the result
 * options of RFC 5267 section 3 (ESORT) and RFC 9394.  All criteria of a message become one
 * string of bytes, so that the order of messages is that of bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "progress.h"
#include "search.h"

#define CRITERIA_MAX	16

enum { BY_ARRIVAL, BY_DATE, BY_SIZE, BY_SCORE, BY_FACT };
struct criterion {
	unsigned kind;		/* BY_FACT + enum fact */
	bool reverse;
};
struct sort_entry {
	uint64_t head;		/* the key's first bytes */
	struct span key;
	uint32_t i, number;	/* of the message; what the client calls it */
	unsigned char score;
};
struct sort_cmd {
	struct search_run run;
	struct search_key *root;
	struct search_returns ret;
	struct criterion by[CRITERIA_MAX];
	size_t nby;
	struct sort_entry *e;
	size_t n, cap;
	struct buf packed, key;
	bool full;
};

static bool
parse_criterion(struct args *a, struct criterion *by)
{
	static const struct { const char *name; unsigned kind; } table[] = {
		{ "ARRIVAL", BY_ARRIVAL }, { "CC", BY_FACT + FACT_CC },
		{ "DATE", BY_DATE }, { "DISPLAYFROM", BY_FACT + FACT_SHOW_FROM },
		{ "DISPLAYTO", BY_FACT + FACT_SHOW_TO },
		{ "FROM", BY_FACT + FACT_FROM }, { "RELEVANCY", BY_SCORE },
		{ "SIZE", BY_SIZE },
		{ "SUBJECT", BY_FACT + FACT_SUBJECT }, { "TO", BY_FACT + FACT_TO },
	};
	struct span name;

	if (!parse_atom(a, &name))
		return false;
	by->reverse = span_isis(name, "REVERSE");
	if (by->reverse && (!parse_sp(a) || !parse_atom(a, &name)))
		return false;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (span_isis(name, table[i].name)) {
			by->kind = table[i].kind;
			return true;
		}
	return parse_fail(a, "Unknown sort criterion");
}

/* sort-criteria = "(" sort-criterion *(SP sort-criterion) ")" */
static bool
parse_criteria(struct args *a, struct sort_cmd *c)
{
	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "Sort criteria expected");
	do {
		if (c->nby == CRITERIA_MAX)
			return parse_fail(a, "Too many sort criteria");
		if (!parse_criterion(a, &c->by[c->nby]))
			return false;
		if (c->by[c->nby++].kind == BY_SCORE)
			c->ret.fuzzy = true;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

/* Eight bytes in order of the number. */
static void
add_number(struct buf *key, int64_t number, unsigned char flip)
{
	uint64_t bits = (uint64_t)number ^ UINT64_C(1) << 63;
	unsigned char bytes[8];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(bits >> (56 - 8 * i) & 0xff) ^ flip;
	(void)buf_add(key, bytes, sizeof(bytes));
}

/* The string and a NUL, which it does not hold and which comes before all. */
static void
add_string(struct buf *key, struct span s, unsigned char flip)
{
	for (size_t i = 0; i < s.len; i++)
		buf_addc(key, s.p[i] ^ flip);
	buf_addc(key, flip);
}

static int
add_criterion(struct sort_cmd *c, const struct criterion *by, size_t i,
    const struct facts *f)
{
	unsigned char flip = by->reverse ? 0xff : 0;
	struct folder *folder = c->run.im->view.folder;
	uint64_t size = 0;
	time_t t = 0;

	switch (by->kind) {
	case BY_ARRIVAL:
		if (folder_date(folder, i, &t) == -1)
			return -1;
		add_number(&c->key, (int64_t)t, flip);
		return 0;
	case BY_SIZE:
		if (folder_size(folder, i, &size) == -1)
			return -1;
		add_number(&c->key, (int64_t)size, flip);
		return 0;
	case BY_DATE:
		add_number(&c->key, f->date, flip);
		return 0;
	case BY_SCORE:			/* the most relevant comes first */
		add_number(&c->key, -(int64_t)c->run.score, flip);
		return 0;
	default:
		add_string(&c->key, f->s[by->kind - BY_FACT], flip);
		return 0;
	}
}

/* In c->key.  -1: the message has gone. */
static int
make_key(struct sort_cmd *c, size_t i)
{
	struct facts f;
	bool header = false;

	buf_clear(&c->key);
	for (size_t k = 0; k < c->nby; k++)
		header = header || c->by[k].kind == BY_DATE ||
		    c->by[k].kind >= BY_FACT;
	if (header && search_facts(&c->run, i, &c->packed, &f) == -1)
		return -1;
	for (size_t k = 0; k < c->nby; k++)
		if (add_criterion(c, &c->by[k], i, &f) == -1)
			return -1;
	return 0;
}

static struct sort_entry *
new_entry(struct sort_cmd *c)
{
	struct arena *arena = &c->run.im->arena;
	size_t cap = c->cap == 0 ? 256 : c->cap * 2;
	struct sort_entry *e;

	if (c->n == c->cap) {
		if ((e = arena_alloc(arena, cap * sizeof(*e))) == NULL)
			return NULL;
		if (c->n > 0)
			memcpy(e, c->e, c->n * sizeof(*e));
		c->e = e;
		c->cap = cap;
	}
	return &c->e[c->n];
}

static int
add_entry(struct sort_cmd *c, size_t i)
{
	struct imap *im = c->run.im;
	struct sort_entry *e = new_entry(c);

	if (e == NULL)
		return -1;
	e->key = arena_copy(&im->arena, buf_span(&c->key));
	if (c->key.bad || e->key.p == NULL)
		return -1;
	e->head = 0;
	for (size_t k = 0; k < sizeof(e->head); k++)
		e->head = e->head << 8 | (k < e->key.len ? e->key.p[k] : 0);
	e->i = (uint32_t)i;
	e->score = (unsigned char)c->run.score;
	e->number = im->uid ? folder_uid(im->view.folder, i) :
	    view_seq(&im->view, i);
	c->n++;
	return 0;
}

static void
collect(struct sort_cmd *c)
{
	size_t n = folder_count(c->run.im->view.folder);

	for (size_t i = 0; i < n && !c->full; i++) {
		progress(c->run.im, i, n);
		if (search_matches(&c->run, i) && make_key(c, i) == 0)
			c->full = add_entry(c, i) == -1;
	}
}

/* No key is the beginning of another: strings end in what they do not hold. */
static int
compare(const void *a, const void *b)
{
	const struct sort_entry *x = a, *y = b;
	size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
	int r;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	r = memcmp(x->key.p, y->key.p, n);
	return r != 0 ? r : x->i < y->i ? -1 : x->i > y->i;
}

static void
tell_plain(struct netout *o, const struct sort_cmd *c)
{
	(void)netout_adds(o, "* SORT");
	for (size_t i = 0; i < c->n; i++) {
		(void)netout_adds(o, " ");
		(void)netout_addu(o, c->e[i].number);
	}
	if (c->run.modseq > 0)		/* RFC 7162 section 3.1.9 */
		(void)netout_addf(o, " (MODSEQ %ju)",
		    (uintmax_t)c->run.modseq);
	(void)netout_adds(o, "\r\n");
}

/* n results as a sequence-set in their order: RFC 5267 section 3.1. */
static void
out_results(struct netout *o, const struct sort_cmd *c, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++) {
		size_t last = i;

		while (last + 1 < from + n &&
		    c->e[last + 1].number == c->e[last].number + 1)
			last++;
		(void)netout_addf(o, "%s%u", i > from ? "," : "", c->e[i].number);
		if (last > i)
			(void)netout_addf(o, ":%u", c->e[last].number);
		i = last;
	}
}

/* ret-data-partial: RFC 9394 section 4. */
static void
tell_partial(struct netout *o, const struct sort_cmd *c)
{
	const struct partial *p = &c->ret.partial;
	const char *minus = p->last ? "-" : "";
	uint64_t at, n = partial_window(p, c->n, &at);

	(void)netout_addf(o, " PARTIAL (%s%u:%s%u ", minus, p->from, minus,
	    p->to);
	if (n == 0)
		(void)netout_adds(o, "NIL");
	else
		out_results(o, c, (size_t)at, (size_t)n);
	(void)netout_adds(o, ")");
}

/* As for SEARCH: RFC 4731 section 3.2, RFC 7162 section 3.1.10. */
static uint64_t
result_modseq(const struct sort_cmd *c)
{
	const struct folder *f = c->run.im->view.folder;
	unsigned what = c->ret.what & ~(unsigned)(RET_SAVE | RET_UPDATE);
	uint64_t first = folder_modseq(f, c->e[0].i);
	uint64_t last = folder_modseq(f, c->e[c->n - 1].i);

	if (what == RET_MIN || what == RET_MAX)
		return what == RET_MIN ? first : last;
	if (what == (RET_MIN | RET_MAX))
		return first > last ? first : last;
	return c->run.modseq;
}

static void
tell_scores(struct netout *o, const struct sort_cmd *c)
{
	uint64_t at = 0, n = c->n;
	struct buf b;

	if (c->ret.what & RET_PARTIAL)
		n = partial_window(&c->ret.partial, n, &at);
	buf_init(&b, c->n);
	for (uint64_t i = at; i < at + n; i++)
		(void)buf_addc(&b, c->e[i].score);
	search_tell_scores(o, b.p, b.len);
	buf_free(&b);
}

static void
tell_extended(struct imap *im, const struct sort_cmd *c)
{
	struct netout *o = &im->out;

	(void)netout_adds(o, "* ESEARCH (TAG ");
	out_string(o, im->tag);
	(void)netout_adds(o, im->uid ? ") UID" : ")");
	if (c->ret.what & RET_MIN && c->n > 0)
		(void)netout_addf(o, " MIN %u", c->e[0].number);
	if (c->ret.what & RET_MAX && c->n > 0)
		(void)netout_addf(o, " MAX %u", c->e[c->n - 1].number);
	if (c->ret.what & RET_COUNT)
		(void)netout_addf(o, " COUNT %zu", c->n);
	if (c->ret.what & RET_ALL && c->n > 0) {
		(void)netout_adds(o, " ALL ");
		out_results(o, c, 0, c->n);
	}
	if (c->ret.what & RET_PARTIAL)
		tell_partial(o, c);
	if (c->run.modseq > 0 && c->n > 0)
		(void)netout_addf(o, " MODSEQ %ju",
		    (uintmax_t)result_modseq(c));
	if (c->ret.what & RET_RELEVANCY)
		tell_scores(o, c);
	(void)netout_adds(o, "\r\n");
}

/* Is result i a part of "$"?  As for SEARCH: RFC 5182 section 2.4. */
static bool
is_saved(const struct sort_cmd *c, size_t i)
{
	unsigned what = c->ret.what;
	uint64_t at, n;

	if (what & (RET_ALL | RET_COUNT) ||
	    !(what & (RET_MIN | RET_MAX | RET_PARTIAL)) ||
	    (i == 0 && what & RET_MIN) || (i == c->n - 1 && what & RET_MAX))
		return true;
	n = what & RET_PARTIAL ? partial_window(&c->ret.partial, c->n, &at) : 0;
	return n > 0 && i >= at && i - at < n;
}

static void
save(struct sort_cmd *c)
{
	struct imap *im = c->run.im;
	struct seqset s = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		uint32_t uid = folder_uid(im->view.folder, c->e[i].i);

		if (is_saved(c, i) && seqset_add_range(&s, &im->arena, uid,
		    uid) == -1)
			c->full = true;
	}
	if (c->full)
		s.n = 0;
	seqset_resolve(&s, 0);
	view_save(&im->view, &s);
}

static void
sort(struct sort_cmd *c)
{
	struct imap *im = c->run.im;

	buf_init(&c->packed, FACTS_MAX);
	buf_init(&c->key, CRITERIA_MAX * (IMAP_SORT_KEY_MAX + 1));
	search_begin(&c->run, im, c->root);
	collect(c);
	search_end(&c->run);
	buf_free(&c->packed);
	buf_free(&c->key);
	if (c->n > 1 && !c->full)
		qsort(c->e, c->n, sizeof(*c->e), compare);
	if (c->ret.what & RET_SAVE)
		save(c);
	if (c->full) {
		reply_no(im, "LIMIT", "Too many messages to sort");
		return;
	}
	if (!c->ret.extended)
		tell_plain(&im->out, c);
	else if (c->ret.what != RET_SAVE)
		tell_extended(im, c);
	if (c->ret.what & RET_UPDATE)
		search_no_update(im);	/* CONTEXT=SORT is not there */
	reply_ok(im, NULL, "Sort completed");
}

void
cmd_sort(struct imap *im, struct args *a)
{
	struct sort_cmd c = { .run.im = im };
	bool bad;

	if (!parse_sp(a) || (cur_word(&a->c, "RETURN") &&
	    !parse_search_returns(a, &c.ret)) || !parse_criteria(a, &c) ||
	    !parse_search_charset(a, &bad)) {
		reply_args(im, a);
		return;
	}
	c.root = search_program(im, a, bad, &c.ret);
	if (c.root != NULL)
		sort(&c);
}
