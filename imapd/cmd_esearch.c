/*
 * ESEARCH: one search of many mailboxes, RFC 7377.  They are opened one after the
 * other, in the place of the selected one, which stays open beside them; what one
 * has needed is given back before the next.
 */
#include <string.h>

#include "filter.h"
#include "limit.h"
#include "limits.h"
#include "qresync.h"
#include "search.h"

struct esearch {
	struct search_cmd c;
	struct filter *in;		/* NULL: the selected mailbox */
	bool limited;			/* in one of them: RFC 9738 */
};

/* esearch-source-opts: RFC 7377 section 4.  No scope option is defined. */
static bool
parse_sources(struct args *a, struct esearch *e)
{
	if (!parse_sp(a) || !cur_ch(&a->c, '('))
		return parse_fail(a, "Mailboxes in parentheses expected");
	if ((e->in = filter_parse(a)) == NULL)
		return false;
	if (cur_word(&a->c, " ("))
		return parse_fail(a, "Unknown scope option");
	return (cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list")) &&
	    parse_sp(a);
}

/* Is anything meant but the selected mailbox? */
static bool
has_others(const struct esearch *e)
{
	for (const struct filter *f = e->in; f != NULL; f = f->next)
		if (f->kind != FILTER_SELECTED)
			return true;
	return false;
}

/* The same program over another mailbox: "*" and keywords mean other messages
 * there, so it is read anew.  One that cannot be opened is ignored. */
static bool
search_other(struct imap *im, struct esearch *e, const char *raw)
{
	struct view view = im->view;
	struct arena arena = im->arena;
	struct args a = { .arena = &im->arena, .utf8 = utf8_names(im) };
	struct search_cmd c = { .run.im = im, .text = e->c.text,
	    .ret = e->c.ret, .mailbox = true };
	struct place place;
	struct folder *f;
	bool fits;

	if (place_find(im, raw, &place) == -1 || !(place.rights & ACL_READ) ||
	    (f = folder_open(place.dir, true)) == NULL)
		return true;
	c.ret.what &= ~(unsigned)RET_UPDATE;	/* RFC 7377 section 2.2 */
	arena_init(&im->arena, arena.max);
	view_open(&im->view, f, raw, true);
	cur_init(&a.c, c.text);
	c.root = parse_search_program(&a);
	fits = c.root != NULL && search_one(&c);
	e->limited = e->limited || c.lowest > 0;
	view_close(&im->view);
	arena_free(&im->arena);
	im->view = view;
	im->arena = arena;
	return fits;
}

/* Which to look at, the selected one apart: they move to the front. */
static size_t
choose(const struct imap *im, const struct esearch *e, struct list_tree *t,
    bool *selected)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (!filter_matches(e->in, &t->names[i]))
			continue;
		if (im->view.folder != NULL &&
		    strcmp(t->names[i].raw, im->view.raw) == 0)
			*selected = true;
		else
			t->names[n++] = t->names[i];
	}
	return n;
}

static void
search_all(struct imap *im, struct esearch *e)
{
	bool selected = e->in == NULL || filter_has(e->in, FILTER_SELECTED);
	struct list_tree t = { 0 };
	bool fits = true;
	size_t n = 0;

	view_follow(im);
	if (has_others(e)) {
		if (list_load(im, &t, filter_has(e->in, FILTER_SUBSCRIBED)) ==
		    -1) {
			reply_errno(im, "cannot list mailboxes");
			return;
		}
		n = choose(im, e, &t, &selected);
	}
	if (n > IMAP_MULTISEARCH_MAX) {		/* RFC 7377 section 2.4 */
		reply_no(im, "LIMIT", "Too many mailboxes, search a subtree");
		return;
	}
	if (search_has_modseq(e->c.root))
		condstore_enable(im);
	if (selected)
		fits = search_one(&e->c);
	else if (e->c.ret.what & RET_UPDATE)
		search_no_update(im);
	for (size_t i = 0; i < n && fits && !im->out.failed; i++)
		fits = search_other(im, e, t.names[i].raw);
	if (fits && (e->limited || e->c.lowest > 0))
		(void)buf_addf(&im->code, "MESSAGELIMIT %u",
		    limit_messages(im));
	if (fits)
		reply_ok(im, NULL, "Search completed");
	else
		reply_no(im, "LIMIT", "Too many results");
}

/* What must not be: RFC 7377 section 2.2.  NULL, or why. */
static const char *
refusal(const struct imap *im, const struct esearch *e)
{
	if (im->view.folder == NULL && (e->in == NULL ||
	    filter_has(e->in, FILTER_SELECTED) || e->c.ret.what & RET_UPDATE))
		return "No mailbox is selected";
	if (e->c.ret.what & RET_SAVE && has_others(e))
		return "SAVE is for the selected mailbox alone";
	return NULL;
}

void
cmd_esearch(struct imap *im, struct args *a)
{
	struct esearch e = { .c = { .run.im = im, .mailbox = true } };
	const char *why;

	im->uid = true;			/* RFC 7377 section 2.1 */
	if (!parse_sp(a) || (cur_word(&a->c, "IN") && !parse_sources(a, &e))) {
		reply_args(im, a);
		return;
	}
	if (!search_parse(&e.c, a))
		return;
	if (!e.c.ret.extended) {
		e.c.ret.extended = true;
		e.c.ret.what = RET_ALL;
	}
	if ((why = refusal(im, &e)) != NULL)
		reply_bad(im, why);
	else
		search_all(im, &e);
}
