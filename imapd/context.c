/*
 * Search contexts.  Only messages with a new mod-sequence are looked at again, so
 * an update costs what has changed.  Positions are always 0: the client keeps
 * results in the order of the mailbox (RFC 5267 section 4.3.3).
 */
#include "context.h"

#include <stdlib.h>
#include <string.h>

#include "ex.h"
#include "limits.h"
#include "log.h"

struct context {
	struct context *next;
	struct arena arena;		/* of tag and program */
	struct span tag;
	bool uid;
	bool mailbox;			/* told with the results: RFC 7377 */
	struct search_key *root;
	struct fetch *fetch;		/* wanted of new messages, or NULL */
	uint64_t modseq;		/* what changed later is not seen yet */
	uint32_t *uids;			/* that match, in order */
	size_t n, cap;
};

static void
add_uid(struct context *x, size_t at, uint32_t uid)
{
	uint32_t *p = x->uids;

	if (x->n == x->cap) {
		x->cap = x->cap == 0 ? 64 : x->cap * 2;
		if ((p = reallocarray(p, x->cap, sizeof(*p))) == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
		x->uids = p;
	}
	memmove(&p[at + 1], &p[at], (x->n - at) * sizeof(*p));
	p[at] = uid;
	x->n++;
}

/* Where uid is, or belongs. */
static size_t
place(const struct context *x, uint32_t uid)
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->uids[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
has(const struct context *x, size_t at, uint32_t uid)
{
	return at < x->n && x->uids[at] == uid;
}

static void
remove_uid(struct context *x, size_t at)
{
	x->n--;
	memmove(&x->uids[at], &x->uids[at + 1],
	    (x->n - at) * sizeof(*x->uids));
}

static void
context_free(struct context *x)
{
	arena_free(&x->arena);
	free(x->uids);
	free(x);
}

/* Numbers in a program mean what they meant when it came: as UIDs. */
static int
numbers_to_uids(struct imap *im, struct arena *arena, struct search_key *k)
{
	size_t n = folder_count(im->view.folder);

	for (; k != NULL; k = k->next) {
		struct seqset uids = { 0 };

		if (numbers_to_uids(im, arena, k->child) == -1)
			return -1;
		if (k->kind != K_SEQ)
			continue;
		for (size_t i = 0; i < n; i++) {
			uint32_t uid = folder_uid(im->view.folder, i);

			if ((k->set.saved ? seqset_has(&im->view.saved, uid) :
			    seqset_has(&k->set, view_seq(&im->view, i))) &&
			    seqset_append(&uids, arena, uid) == -1)
				return -1;
		}
		k->kind = K_UID;
		k->set = uids;
	}
	return 0;
}

/* RFC 5465 section 7. */
static int
keep_attributes(struct context *x, struct span text)
{
	struct args a = { .arena = &x->arena };

	if (text.len == 0)
		return 0;
	text = arena_copy(&x->arena, text);
	x->fetch = arena_alloc(&x->arena, sizeof(*x->fetch));
	if (text.p == NULL || x->fetch == NULL)
		return -1;
	cur_init(&a.c, text);
	return parse_fetch_items(&a, x->fetch) ? 0 : -1;
}

/* The program once more, in memory that stays. */
static int
keep_program(struct imap *im, struct context *x, struct span text)
{
	struct args a = { .arena = &x->arena };
	struct search_run r = { 0 };

	text = arena_copy(&x->arena, text);
	x->tag = arena_copy(&x->arena, im->tag);
	if (text.p == NULL || x->tag.p == NULL)
		return -1;
	cur_init(&a.c, text);
	if ((x->root = parse_search_program(&a)) == NULL)
		return -1;
	search_begin(&r, im, x->root);	/* resolves "*" */
	search_end(&r);
	return numbers_to_uids(im, &x->arena, x->root);
}

int
context_add(const struct search_cmd *cmd)
{
	struct imap *im = cmd->run.im;
	struct context *x, *c;
	size_t n = 0;

	for (c = im->view.contexts; c != NULL; c = c->next)
		n++;
	if (n >= IMAP_CONTEXTS_MAX)
		return -1;
	if ((x = calloc(1, sizeof(*x))) == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	arena_init(&x->arena, 4 * (size_t)IMAP_COMMAND_MAX);
	if (keep_program(im, x, cmd->text) == -1 ||
	    keep_attributes(x, cmd->ret.attributes) == -1) {
		context_free(x);
		return -1;
	}
	x->uid = im->uid;
	x->mailbox = cmd->mailbox;
	x->modseq = folder_highest_modseq(im->view.folder);
	for (size_t k = 0; k < cmd->uids.n; k++)
		for (uint64_t u = cmd->uids.r[k].lo; u <= cmd->uids.r[k].hi;
		    u++)
			add_uid(x, x->n, (uint32_t)u);
	x->next = im->view.contexts;
	im->view.contexts = x;
	return 0;
}

bool
context_fetches(const struct imap *im)
{
	for (const struct context *x = im->view.contexts; x != NULL; x = x->next)
		if (x->fetch != NULL)
			return true;
	return false;
}

void
context_attributes(struct imap *im, size_t i, struct arena *arena,
    struct fetch *f)
{
	for (struct context *x = im->view.contexts; x != NULL; x = x->next) {
		struct search_run r = { 0 };

		if (x->fetch == NULL)
			continue;
		search_begin(&r, im, x->root);
		if (search_matches(&r, i))
			fetch_merge(arena, f, x->fetch);
		search_end(&r);
	}
}

bool
context_has(const struct imap *im, struct span tag)
{
	for (const struct context *x = im->view.contexts; x != NULL; x = x->next)
		if (span_eq(x->tag, tag))
			return true;
	return false;
}

void
context_cancel(struct imap *im, struct span tag)
{
	struct context **at = &im->view.contexts, *x;

	while ((x = *at) != NULL)
		if (span_eq(x->tag, tag)) {
			*at = x->next;
			context_free(x);
		} else {
			at = &x->next;
		}
}

void
context_clear(struct view *v)
{
	struct context *x;

	while ((x = v->contexts) != NULL) {
		v->contexts = x->next;
		context_free(x);
	}
}

/* ret-data-addto and ret-data-removefrom: RFC 5267 section 5. */
static void
tell(struct imap *im, const struct context *x, const char *what,
    struct seqset *numbers)
{
	struct buf b;

	if (numbers->n == 0)
		return;
	seqset_resolve(numbers, 0);
	buf_init(&b, 24 * numbers->n + 1);
	(void)seqset_print(numbers, &b);
	(void)netout_adds(&im->out, "* ESEARCH ");
	search_correlator(im, x->tag, x->mailbox);
	(void)netout_addf(&im->out, "%s %s (0 ", x->uid ? " UID" : "", what);
	(void)netout_add(&im->out, b.p, b.len);
	(void)netout_adds(&im->out, ")\r\n");
	buf_free(&b);
}

static void
number(struct context *x, struct seqset *s, struct arena *arena, uint32_t uid,
    uint32_t seq)
{
	uint32_t n = x->uid ? uid : seq;

	if (seqset_add_range(s, arena, n, n) == -1)
		log_die(EX_TEMPFAIL, "out of memory");
}

void
context_gone(struct imap *im)
{
	const struct view *v = &im->view;

	for (struct context *x = im->view.contexts; x != NULL; x = x->next) {
		struct arena arena;
		struct seqset out = { 0 };

		arena_init(&arena, SIZE_MAX / 2);
		for (size_t k = 0; k < v->ngone; k++) {
			uint32_t uid = v->gone[k].uid;
			size_t at = place(x, uid);

			if (!has(x, at, uid))
				continue;
			remove_uid(x, at);
			number(x, &out, &arena, uid,
			    (uint32_t)v->gone[k].pos + 1);
		}
		tell(im, x, "REMOVEFROM", &out);
		arena_free(&arena);
	}
}

static void
look_again(struct imap *im, struct context *x)
{
	struct folder *f = im->view.folder;
	struct seqset in = { 0 }, out = { 0 };
	struct search_run r = { 0 };
	struct arena arena;
	size_t n = folder_count(f);

	arena_init(&arena, SIZE_MAX / 2);
	search_begin(&r, im, x->root);
	for (size_t i = 0; i < n; i++) {
		uint32_t uid = folder_uid(f, i);
		size_t at;
		bool now;

		if (folder_modseq(f, i) <= x->modseq)
			continue;
		at = place(x, uid);
		now = search_matches(&r, i);
		if (now == has(x, at, uid))
			continue;
		if (now)
			add_uid(x, at, uid);
		else
			remove_uid(x, at);
		number(x, now ? &in : &out, &arena, uid,
		    view_seq(&im->view, i));
	}
	search_end(&r);
	x->modseq = folder_highest_modseq(f);
	tell(im, x, "REMOVEFROM", &out);
	tell(im, x, "ADDTO", &in);
	arena_free(&arena);
}

void
context_changed(struct imap *im)
{
	for (struct context *x = im->view.contexts; x != NULL; x = x->next)
		if (folder_highest_modseq(im->view.folder) > x->modseq)
			look_again(im, x);
}

/* "CANCELUPDATE" 1*(SP quoted): RFC 5267 section 4.3.5. */
void
cmd_cancelupdate(struct imap *im, struct args *a)
{
	struct span tag;

	do {
		if (!parse_sp(a) || !parse_astring(a, &tag)) {
			reply_args(im, a);
			return;
		}
		context_cancel(im, tag);
	} while (cur_peek(&a->c) == ' ');
	if (!parse_end(a))
		reply_args(im, a);
	else
		reply_ok(im, NULL, "No further updates");
}
