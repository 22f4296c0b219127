/*
 * SEARCH and UID SEARCH: RFC 3501 section 6.4.4, with the result options of
 * RFC 4731 and the saved result of RFC 5182.
 */
#include "limits.h"
#include "search.h"

struct search_cmd {
	struct search_run run;
	struct search_key *root;
	struct search_returns ret;
	struct seqset found, uids;	/* uids: for SAVE */
	bool full;
};

/* "RETURN" SP "(" options ")": RFC 4731 section 3.1, RFC 4466. */
bool
parse_search_returns(struct args *a, struct search_returns *ret)
{
	static const struct { const char *name; unsigned bit; } table[] = {
		{ "MIN", RET_MIN }, { "MAX", RET_MAX }, { "ALL", RET_ALL },
		{ "COUNT", RET_COUNT }, { "SAVE", RET_SAVE },
	};
	struct span name;
	size_t i;

	ret->extended = true;
	if (!parse_sp(a) || !cur_ch(&a->c, '('))
		return parse_fail(a, "Result option list expected");
	if (!cur_ch(&a->c, ')')) {
		do {
			if (!parse_atom(a, &name))
				return false;
			for (i = 0; i < 5 && !span_isis(name,
			    table[i].name); i++)
				;
			if (i == 5)
				return parse_fail(a, "Unknown result option");
			ret->what |= table[i].bit;
		} while (cur_ch(&a->c, ' '));
		if (!cur_ch(&a->c, ')'))
			return parse_fail(a, "Unterminated list");
	}
	if (ret->what == 0)
		ret->what = RET_ALL;
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

static void
run(struct search_cmd *c)
{
	struct imap *im = c->run.im;
	size_t n = folder_count(im->view.folder);

	for (size_t i = 0; i < n && !c->full; i++) {
		uint32_t uid = folder_uid(im->view.folder, i);

		if (!search_matches(&c->run, i))
			continue;
		if (seqset_append(&c->found, &im->arena, im->uid ? uid :
		    view_seq(&im->view, i)) == -1 ||
		    (c->ret.what & RET_SAVE &&
		    seqset_append(&c->uids, &im->arena, uid) == -1))
			c->full = true;
	}
}

static void
tell_plain(struct imap *im, const struct seqset *s)
{
	(void)netout_adds(&im->out, "* SEARCH");
	for (size_t i = 0; i < s->n; i++)
		for (uint64_t v = s->r[i].lo; v <= s->r[i].hi; v++)
			(void)netout_addf(&im->out, " %ju", (uintmax_t)v);
	(void)netout_adds(&im->out, "\r\n");
}

/* ESEARCH: RFC 4731 section 3.1; the numbers are left out when nothing matched. */
static void
tell_extended(struct imap *im, const struct search_cmd *c)
{
	const struct seqset *s = &c->found;
	struct buf b;

	(void)netout_adds(&im->out, "* ESEARCH (TAG ");
	out_string(&im->out, im->tag);
	(void)netout_adds(&im->out, im->uid ? ") UID" : ")");
	if (c->ret.what & RET_MIN && s->n > 0)
		(void)netout_addf(&im->out, " MIN %u", s->r[0].lo);
	if (c->ret.what & RET_MAX && s->n > 0)
		(void)netout_addf(&im->out, " MAX %u", s->r[s->n - 1].hi);
	if (c->ret.what & RET_COUNT)
		(void)netout_addf(&im->out, " COUNT %ju",
		    (uintmax_t)seqset_count(s));
	if (c->ret.what & RET_ALL && s->n > 0) {
		buf_init(&b, 24 * s->n + 1);
		(void)seqset_print(s, &b);
		(void)netout_adds(&im->out, " ALL ");
		(void)netout_add(&im->out, b.p, b.len);
		buf_free(&b);
	}
	(void)netout_adds(&im->out, "\r\n");
}

/* RFC 5182 section 2.1 and 2.4: with MIN and MAX alone, only these are kept. */
static void
save(struct search_cmd *c)
{
	struct seqset s = c->uids;
	struct seq_range ends[2];
	unsigned what = c->ret.what & (RET_MIN | RET_MAX);

	if (s.n > 0 && what != 0 && !(c->ret.what & (RET_ALL | RET_COUNT))) {
		ends[0].lo = ends[0].hi = s.r[0].lo;
		ends[1].lo = ends[1].hi = s.r[s.n - 1].hi;
		s.r = what & RET_MIN ? &ends[0] : &ends[1];
		s.n = what == (RET_MIN | RET_MAX) &&
		    ends[0].lo != ends[1].lo ? 2 : 1;
	}
	view_save(&c->run.im->view, &s);
}

static void
search(struct search_cmd *c)
{
	struct imap *im = c->run.im;

	search_begin(&c->run, im, c->root);
	run(c);
	search_end(&c->run);
	if (c->full) {
		if (c->ret.what & RET_SAVE)
			view_save(&im->view, &(struct seqset){ 0 });
		reply_no(im, "LIMIT", "Too many results");
		return;
	}
	if (c->ret.what & RET_SAVE)
		save(c);
	if (c->ret.what == RET_SAVE)
		;			/* nothing is to be told */
	else if (c->ret.extended)
		tell_extended(im, c);
	else
		tell_plain(im, &c->found);
	reply_ok(im, NULL, "Search completed");
}

void
cmd_search(struct imap *im, struct args *a)
{
	struct search_cmd c = { .run.im = im };
	bool bad = false;

	if (!parse_sp(a) || (cur_word(&a->c, "RETURN") &&
	    !parse_search_returns(a, &c.ret)) || (cur_word(&a->c, "CHARSET") &&
	    !parse_search_charset(a, &bad))) {
		reply_args(im, a);
		return;
	}
	if (bad) {
		if (c.ret.what & RET_SAVE)
			view_save(&im->view, &(struct seqset){ 0 });
		reply_no(im, "BADCHARSET (US-ASCII UTF-8)",
		    "Unknown charset");
		return;
	}
	if ((c.root = parse_search_program(a)) == NULL || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	search(&c);
}
