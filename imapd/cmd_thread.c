/*
 * THREAD and UID THREAD: RFC 5256, ORDEREDSUBJECT and REFERENCES.
 */
#include "progress.h"
#include "search.h"
#include "thread.h"

/* All that matched, with what stands in their headers. */
static void
collect(struct search_run *r, struct thread_set *t, bool references)
{
	struct imap *im = r->im;
	size_t n = folder_count(im->view.folder);
	struct buf packed;
	struct facts f;

	buf_init(&packed, FACTS_MAX);
	for (size_t i = 0; i < n && !t->full; i++) {
		struct span none = span_of(NULL, 0);
		struct thread_node node = { .order = (uint32_t)i };

		progress(im, i, n);
		if (!search_matches(r, i) ||
		    search_facts(r, i, &packed, &f) == -1)
			continue;
		node.number = im->uid ? folder_uid(im->view.folder, i) :
		    view_seq(&im->view, i);
		node.date = f.date;
		node.reply = f.reply;
		node.subject = arena_copy(&im->arena, f.s[FACT_SUBJECT]);
		t->full = t->full || node.subject.p == NULL;
		thread_add(t, &node, references ? f.s[FACT_ID] : none,
		    references ? f.refs : none);
	}
	buf_free(&packed);
}

/* Does i begin a list of its own?  A child alone goes on in its parent's. */
static bool
opens(const struct thread_set *t, uint32_t i)
{
	uint32_t up = t->p[i].parent;

	return up == 0 || t->p[up].child != i ||
	    t->p[i].next != THREAD_NONE;
}

static void
enter(struct netout *o, const struct thread_set *t, uint32_t i)
{
	uint32_t up = t->p[i].parent;

	if (t->p[up].child == i && t->p[up].number != 0)
		(void)netout_adds(o, " ");
	if (opens(t, i))
		(void)netout_adds(o, "(");
	if (t->p[i].number != 0)
		(void)netout_addu(o, t->p[i].number);
}

/* thread-data: RFC 5256 section 5. */
static void
tell(struct netout *o, const struct thread_set *t)
{
	uint32_t i = t->p[0].child;

	(void)netout_adds(o, i == THREAD_NONE ? "* THREAD" : "* THREAD ");
	while (i != THREAD_NONE && i != 0) {
		enter(o, t, i);
		if (t->p[i].child != THREAD_NONE) {
			i = t->p[i].child;
			continue;
		}
		while (i != 0) {
			if (opens(t, i))
				(void)netout_adds(o, ")");
			if (t->p[i].next != THREAD_NONE) {
				i = t->p[i].next;
				break;
			}
			i = t->p[i].parent;
		}
	}
	(void)netout_adds(o, "\r\n");
}

static void
thread(struct imap *im, struct search_key *root, bool references)
{
	struct search_run r = { 0 };
	struct thread_set t;

	thread_init(&t, &im->arena);
	search_begin(&r, im, root);
	collect(&r, &t, references);
	search_end(&r);
	if ((references ? thread_by_references(&t) :
	    thread_by_subject(&t)) == -1) {
		reply_no(im, "LIMIT", "Too many messages for a tree");
		return;
	}
	tell(&im->out, &t);
	reply_ok(im, NULL, "Thread completed");
}

void
cmd_thread(struct imap *im, struct args *a)
{
	static const struct search_returns none;
	struct search_key *root;
	struct span alg;
	bool bad, references;

	if (!parse_sp(a) || !parse_atom(a, &alg)) {
		reply_args(im, a);
		return;
	}
	references = span_isis(alg, "REFERENCES");
	if (!references && !span_isis(alg, "ORDEREDSUBJECT")) {
		reply_bad(im, "Unknown threading algorithm");
		return;
	}
	if (!parse_search_charset(a, &bad)) {
		reply_args(im, a);
		return;
	}
	if ((root = search_program(im, a, bad, &none)) != NULL)
		thread(im, root, references);
}
