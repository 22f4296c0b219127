/*
 * SEARCH and UID SEARCH: RFC 3501 section 6.4.4, with the result options of
 * RFC 4731 and RFC 9394, and the saved result of RFC 5182.
 */
#include "context.h"
#include "fetch.h"
#include "limit.h"
#include "limits.h"
#include "progress.h"
#include "search.h"

/* modifier-update: RFC 5465 section 8; the examples have a space before the list. */
static bool
parse_update(struct args *a, struct search_returns *ret)
{
	struct cur at = a->c;
	struct fetch f;

	(void)cur_ch(&at, ' ');
	if (cur_peek(&at) != '(')
		return true;
	a->c = at;
	if (!parse_fetch_items(a, &f))
		return false;
	ret->attributes = span_of(at.p, (size_t)(a->c.p - at.p));
	return true;
}

/* search-return-opt: RFC 4466 section 2.6.1. */
static bool
parse_return(struct args *a, struct search_returns *ret)
{
	static const struct { const char *name; unsigned bit; } table[] = {
		{ "MIN", RET_MIN }, { "MAX", RET_MAX }, { "ALL", RET_ALL },
		{ "COUNT", RET_COUNT }, { "SAVE", RET_SAVE },
		{ "PARTIAL", RET_PARTIAL }, { "RELEVANCY", RET_RELEVANCY },
		{ "UPDATE", RET_UPDATE }, { "CONTEXT", 0 },
	};
	struct span name;

	if (!parse_atom(a, &name))
		return false;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!span_isis(name, table[i].name))
			continue;
		ret->what |= table[i].bit;
		ret->fuzzy = ret->fuzzy || table[i].bit == RET_RELEVANCY;
		if (table[i].bit == RET_UPDATE)
			return parse_update(a, ret);
		return table[i].bit != RET_PARTIAL || (parse_sp(a) &&
		    parse_partial_range(a, &ret->partial));
	}
	return parse_fail(a, "Unknown result option");
}

/* "RETURN" SP "(" options ")": RFC 4731 section 3.1, RFC 9394 section 3.1. */
bool
parse_search_returns(struct args *a, struct search_returns *ret)
{
	ret->extended = true;
	if (!parse_sp(a) || !cur_ch(&a->c, '('))
		return parse_fail(a, "Result option list expected");
	if (!cur_ch(&a->c, ')')) {
		do {
			if (!parse_return(a, ret))
				return false;
		} while (cur_ch(&a->c, ' '));
		if (!cur_ch(&a->c, ')'))
			return parse_fail(a, "Unterminated list");
	}
	if (ret->what == 0)
		ret->what = RET_ALL;
	if (ret->what & RET_ALL && ret->what & RET_PARTIAL)
		return parse_fail(a, "ALL and PARTIAL exclude each other");
	return parse_sp(a);
}

/* "CHARSET" SP astring SP: false with *bad for one that is not known. */
bool
parse_search_charset(struct args *a, bool *bad)
{
	struct span name;

	if (!parse_sp(a) || !parse_astring(a, &name) || !parse_sp(a))
		return false;
	*bad = !span_isis(name, "US-ASCII") && !span_isis(name, "UTF-8");
	return true;
}

/* RFC 4731 section 3.2: with MIN or MAX alone, of these messages. */
static uint64_t
result_modseq(const struct search_cmd *c)
{
	const struct search_run *r = &c->run;
	unsigned what = c->ret.what & ~(unsigned)(RET_SAVE | RET_UPDATE);

	if (what == RET_MIN)
		return r->first_modseq;
	if (what == RET_MAX)
		return r->last_modseq;
	if (what == (RET_MIN | RET_MAX))
		return r->first_modseq > r->last_modseq ? r->first_modseq :
		    r->last_modseq;
	return r->modseq;
}

/* Is message i among those that UID and sequence sets leave to be searched? */
static bool
in_scope(const struct search_cmd *c, size_t i)
{
	const struct view *v = &c->run.im->view;
	uint32_t uid = folder_uid(v->folder, i);

	for (const struct search_key *k = c->root->child; k != NULL;
	    k = k->next) {
		if (k->not || (k->kind != K_UID && k->kind != K_SEQ))
			continue;
		if (!(k->kind == K_UID ? seqset_has(&k->set, uid) :
		    k->set.saved ? seqset_has(&v->saved, uid) :
		    seqset_has(&k->set, view_seq(v, i))))
			return false;
	}
	return true;
}

/* The first message to search: RFC 9738 section 3.1. */
static size_t
first(struct search_cmd *c)
{
	size_t i = folder_count(c->run.im->view.folder), from = 0;
	uint32_t left = limit_messages(c->run.im);

	if (left == 0)
		return 0;
	for (; i > 0; i--) {
		if (!in_scope(c, i - 1))
			continue;
		if (left-- == 0) {
			c->lowest = folder_uid(c->run.im->view.folder, from);
			return from;
		}
		from = i - 1;
	}
	return 0;
}

static void
run(struct search_cmd *c)
{
	struct imap *im = c->run.im;
	size_t n = folder_count(im->view.folder);

	for (size_t i = first(c); i < n && !c->full; i++) {
		uint32_t uid = folder_uid(im->view.folder, i);

		progress(im, i, n);
		if (!search_matches(&c->run, i))
			continue;
		if (seqset_append(&c->found, &im->arena, im->uid ? uid :
		    view_seq(&im->view, i)) == -1 ||
		    (c->ret.what & (RET_SAVE | RET_UPDATE) &&
		    seqset_append(&c->uids, &im->arena, uid) == -1) ||
		    (c->ret.fuzzy && buf_addc(&c->scores,
		    (unsigned char)c->run.score) == -1))
			c->full = true;
	}
}

static void
tell_plain(struct imap *im, const struct search_cmd *c)
{
	const struct seqset *s = &c->found;

	(void)netout_adds(&im->out, "* SEARCH");
	for (size_t i = 0; i < s->n; i++)
		for (uint64_t v = s->r[i].lo; v <= s->r[i].hi; v++)
			(void)netout_addf(&im->out, " %ju", (uintmax_t)v);
	if (c->run.modseq > 0)		/* RFC 7162 section 3.1.6 */
		(void)netout_addf(&im->out, " (MODSEQ %ju)",
		    (uintmax_t)c->run.modseq);
	(void)netout_adds(&im->out, "\r\n");
}

static void
out_set(struct netout *o, const struct seqset *s)
{
	struct buf b;

	buf_init(&b, 24 * s->n + 1);
	(void)seqset_print(s, &b);
	(void)netout_add(o, b.p, b.len);
	buf_free(&b);
}

/* The results that PARTIAL names. */
static struct seqset
window(struct search_cmd *c, const struct seqset *all)
{
	struct seqset s;
	uint64_t at, n = partial_window(&c->ret.partial, seqset_count(all),
	    &at);

	if (seqset_slice(all, &c->run.im->arena, at, n, &s) == -1)
		c->full = true;
	return s;
}

/* ret-data-partial: RFC 9394 section 4. */
static void
tell_partial(struct imap *im, const struct search_cmd *c)
{
	const char *minus = c->ret.partial.last ? "-" : "";

	(void)netout_addf(&im->out, " PARTIAL (%s%u:%s%u ", minus,
	    c->ret.partial.from, minus, c->ret.partial.to);
	if (c->some.n == 0)
		(void)netout_adds(&im->out, "NIL");
	else
		out_set(&im->out, &c->some);
	(void)netout_adds(&im->out, ")");
}

/* Of what is told: all, or what PARTIAL names. */
static void
tell_scores(struct imap *im, const struct search_cmd *c)
{
	uint64_t at = 0, n = c->scores.len;

	if (c->ret.what & RET_PARTIAL)
		n = partial_window(&c->ret.partial, n, &at);
	search_tell_scores(&im->out, c->scores.p == NULL ? NULL :
	    c->scores.p + at, (size_t)n);
}

/* ESEARCH: RFC 4731 section 3.1; the numbers are left out when nothing matched. */
static void
tell_extended(struct imap *im, const struct search_cmd *c)
{
	const struct seqset *s = &c->found;

	(void)netout_adds(&im->out, "* ESEARCH ");
	search_correlator(im, im->tag, c->mailbox);
	(void)netout_adds(&im->out, im->uid ? " UID" : "");
	if (c->ret.what & RET_MIN && s->n > 0)
		(void)netout_addf(&im->out, " MIN %u", s->r[0].lo);
	if (c->ret.what & RET_MAX && s->n > 0)
		(void)netout_addf(&im->out, " MAX %u", s->r[s->n - 1].hi);
	if (c->ret.what & RET_COUNT)
		(void)netout_addf(&im->out, " COUNT %ju",
		    (uintmax_t)seqset_count(s));
	if (c->ret.what & RET_ALL && s->n > 0) {
		(void)netout_adds(&im->out, " ALL ");
		out_set(&im->out, s);
	}
	if (c->ret.what & RET_PARTIAL)
		tell_partial(im, c);
	if (c->run.modseq > 0)
		(void)netout_addf(&im->out, " MODSEQ %ju",
		    (uintmax_t)result_modseq(c));
	if (c->ret.what & RET_RELEVANCY)
		tell_scores(im, c);
	(void)netout_adds(&im->out, "\r\n");
}

/*
 * What "$" becomes.  RFC 5182 section 2.4 and RFC 9394 section 3.2: with MIN,
 * MAX or PARTIAL, and neither ALL nor COUNT, only what these name.
 */
static void
save(struct search_cmd *c)
{
	const struct seqset *all = &c->uids;
	struct arena *arena = &c->run.im->arena;
	unsigned what = c->ret.what;
	struct seqset s = { 0 };

	if (all->n == 0 || what & (RET_ALL | RET_COUNT) ||
	    !(what & (RET_MIN | RET_MAX | RET_PARTIAL))) {
		view_save(&c->run.im->view, all);
		return;
	}
	if (what & RET_PARTIAL)
		s = window(c, all);
	if ((what & RET_MIN && seqset_add_range(&s, arena, all->r[0].lo,
	    all->r[0].lo) == -1) || (what & RET_MAX &&
	    seqset_add_range(&s, arena, all->r[all->n - 1].hi,
	    all->r[all->n - 1].hi) == -1))
		c->full = true;
	seqset_resolve(&s, 0);
	view_save(&c->run.im->view, &s);
}

/* A mailbox without results is silent where there are others: RFC 7377 section
 * 2.1. */
static void
tell(struct imap *im, const struct search_cmd *c)
{
	if (c->mailbox && c->found.n == 0)
		return;
	if (!c->ret.extended)
		tell_plain(im, c);
	else if (c->ret.what != RET_SAVE)
		tell_extended(im, c);
}

bool
search_one(struct search_cmd *c)
{
	struct imap *im = c->run.im;

	buf_init(&c->scores, folder_count(im->view.folder));
	search_begin(&c->run, im, c->root);
	run(c);
	search_end(&c->run);
	if (c->ret.what & RET_PARTIAL)
		c->some = window(c, &c->found);
	if (c->ret.what & RET_SAVE)
		save(c);
	if (c->full && c->ret.what & RET_SAVE)
		view_save(&im->view, &(struct seqset){ 0 });
	if (!c->full)
		tell(im, c);
	if (!c->full && c->ret.what & RET_UPDATE &&
	    context_add(c) == -1)
		search_no_update(im);
	buf_free(&c->scores);
	return !c->full;
}

/* RFC 9755 section 3: all is UTF-8 then. */
static bool
may_have_charset(const struct imap *im, struct args *a)
{
	return !(im->enabled & EN_UTF8) ||
	    parse_fail(a, "No CHARSET after ENABLE UTF8=ACCEPT");
}

bool
search_parse(struct search_cmd *c, struct args *a)
{
	struct imap *im = c->run.im;
	struct cur at;
	bool bad = false;

	if ((cur_word(&a->c, "RETURN") && !parse_search_returns(a, &c->ret)) ||
	    (cur_word(&a->c, "CHARSET") && (!may_have_charset(im, a) ||
	    !parse_search_charset(a, &bad)))) {
		reply_args(im, a);
		return false;
	}
	at = a->c;
	c->text = cur_rest(&at);
	c->root = search_program(im, a, bad, &c->ret);
	return c->root != NULL;
}

void
cmd_search(struct imap *im, struct args *a)
{
	struct search_cmd c = { .run.im = im };

	if (!parse_sp(a)) {
		reply_args(im, a);
		return;
	}
	if (!search_parse(&c, a))
		return;
	if (im->enabled & EN_REV2 && !c.ret.extended) {	/* RFC 9051 section 6.4.4 */
		c.ret.extended = true;
		c.ret.what = RET_ALL;
	}
	if (search_one(&c)) {
		limit_tell(im, c.lowest);
		reply_ok(im, NULL, "Search completed");
	} else {
		reply_no(im, "LIMIT", "Too many results");
	}
}
