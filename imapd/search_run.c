/*
 * A search program against the messages of the selected mailbox, one by one:
 * for SEARCH, SORT and THREAD alike.
 */
#include "search.h"

#include "clock.h"

/* "*" in the sets of the program: what it means is known only now. */
static void
resolve_sets(const struct view *v, struct search_key *k)
{
	size_t n = folder_count(v->folder);

	for (; k != NULL; k = k->next) {
		if (k->kind == K_SEQ)
			seqset_resolve(&k->set, (uint32_t)v->told);
		else if (k->kind == K_UID)
			seqset_resolve(&k->set, n == 0 ? 0 :
			    folder_uid(v->folder, n - 1));
		resolve_sets(v, k->child);
	}
}

bool
search_matches(struct search_run *r, size_t i)
{
	static const enum message_need needs[COST_N] = {
		NEED_NOTHING, NEED_NOTHING, NEED_HEADER, NEED_TREE
	};
	enum search_result res = SEARCH_UNKNOWN;

	r->i = i;
	message_begin(&r->m, i);
	for (unsigned cost = 0; cost < COST_N && res == SEARCH_UNKNOWN; cost++) {
		if (message_need(&r->m, needs[cost]) == -1)
			return false;	/* it has gone: it matches nothing */
		res = search_eval(r, r->root, (enum search_cost)cost);
	}
	return res == SEARCH_YES;
}

void
search_begin(struct search_run *r, struct imap *im, struct search_key *root)
{
	r->im = im;
	r->root = root;
	r->now = clock_now();
	message_init(&r->m, im->view.folder);
	resolve_sets(&im->view, root);
}

void
search_end(struct search_run *r)
{
	message_free(&r->m);
	buf_free(&r->work);
	buf_free(&r->text);
	buf_free(&r->folded);
}

/* RFC 9586 section 3.5 */
bool
search_has_numbers(const struct search_key *k)
{
	for (; k != NULL; k = k->next)
		if ((k->kind == K_SEQ && !k->set.saved) ||
		    search_has_numbers(k->child))
			return true;
	return false;
}
