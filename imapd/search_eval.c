/*
 * One message against a search program, in steps of rising cost: index, file
 * facts, cache, header, body.  A step that cannot tell says UNKNOWN; most messages are
 * decided before their file is opened.
 */
#include <string.h>

#include "search.h"

static enum search_result
yes(bool b)
{
	return b ? SEARCH_YES : SEARCH_NO;
}

static enum search_result
invert(enum search_result r)
{
	return r == SEARCH_UNKNOWN ? r : yes(r == SEARCH_NO);
}

static int64_t
day_of(int64_t t)
{
	return (t >= 0 ? t : t - 86399) / 86400;
}

static enum search_result
compare_day(enum search_kind kind, int64_t day, int64_t want)
{
	if (kind == K_BEFORE || kind == K_SENTBEFORE || kind == K_SAVEDBEFORE)
		return yes(day < want);
	if (kind == K_ON || kind == K_SENTON || kind == K_SAVEDON)
		return yes(day == want);
	return yes(day >= want);
}

static enum search_result
eval_index(struct search_run *r, const struct search_key *k)
{
	struct folder *f = r->im->view.folder;
	unsigned flags = folder_flags(f, r->i);
	int bit;

	switch (k->kind) {
	case K_ALL:
		return SEARCH_YES;
	case K_FLAG:
		return yes((flags & k->flags) != 0);
	case K_RECENT:
		return yes(folder_recent(f, r->i));
	case K_OLD:
		return yes(!folder_recent(f, r->i));
	case K_NEW:
		return yes(folder_recent(f, r->i) && !(flags & MAIL_SEEN));
	case K_KEYWORD:
		bit = folder_keyword_bit(f, k->name, false);
		return yes(bit >= 0 && bit < 64 &&
		    folder_keywords(f, r->i) >> bit & 1);
	case K_MODSEQ:
		return yes(folder_modseq(f, r->i) >= k->number);
	case K_SEQ:
		if (!k->set.saved)
			return yes(seqset_has(&k->set,
			    view_seq(&r->im->view, r->i)));
		return yes(seqset_has(&r->im->view.saved,
		    folder_uid(f, r->i)));
	case K_UID:
		return yes(seqset_has(&k->set, folder_uid(f, r->i)));
	default:
		return SEARCH_UNKNOWN;
	}
}

static enum search_result
eval_file(struct search_run *r, const struct search_key *k)
{
	struct folder *f = r->im->view.folder;
	char id[FOLDER_ID_SIZE];
	uint64_t size;
	time_t t;

	if (k->kind == K_LARGER || k->kind == K_SMALLER) {
		if (folder_size(f, r->i, &size) == -1)
			return SEARCH_NO;
		return yes(k->kind == K_LARGER ? size > k->number :
		    size < k->number);
	}
	if (k->kind == K_EMAILID)
		return yes(folder_email_id(f, r->i, id) == 0 &&
		    span_is(k->name, id));
	if (k->kind >= K_SAVEDBEFORE && k->kind <= K_SAVEDSINCE)
		return folder_save_date(f, r->i, &t) == -1 ? SEARCH_NO :
		    compare_day(k->kind, day_of(t), (int64_t)k->number);
	if (folder_date(f, r->i, &t) == -1)
		return SEARCH_NO;
	if (k->kind == K_YOUNGER)
		return yes(t >= r->now - (time_t)k->number);
	if (k->kind == K_OLDER)
		return yes(t <= r->now - (time_t)k->number);
	return compare_day(k->kind, day_of(t), (int64_t)k->number);
}

/* The day that the Date field names, in its own zone: RFC 3501 section 6.4.4. */
static enum search_result
eval_sent(struct search_run *r, const struct search_key *k)
{
	struct header_field f;
	time_t t;
	int zone;

	if (!header_find(message_header(&r->m), "Date", &f) ||
	    date_parse(f.body, &t, &zone) == -1)
		return SEARCH_NO;
	return compare_day(k->kind, day_of((int64_t)t + zone * 60),
	    (int64_t)k->number);
}

static enum search_cost
cost_of(enum search_kind kind)
{
	if (kind <= K_UID)
		return COST_INDEX;
	if (kind <= K_OLDER)
		return COST_FILE;
	return kind <= K_HEADER ? COST_HEADER : COST_BODY;
}

unsigned
search_costs(const struct search_key *k)
{
	unsigned costs = 0;

	for (; k != NULL; k = k->next)
		costs |= k->kind == K_AND || k->kind == K_OR ?
		    search_costs(k->child) : 1u << cost_of(k->kind);
	return costs;
}

static enum search_result
eval_one(struct search_run *r, const struct search_key *k)
{
	char id[FOLDER_ID_SIZE];

	switch (cost_of(k->kind)) {
	case COST_INDEX:
		return eval_index(r, k);
	case COST_FILE:
		return eval_file(r, k);
	case COST_HEADER:
		if (k->kind == K_THREADID)
			return yes(search_thread_id(&r->m, id) == 0 &&
			    span_is(k->name, id));
		return k->kind == K_HEADER ? yes(search_header(r, k)) :
		    eval_sent(r, k);
	default:
		return yes(search_body(r, k, k->kind == K_TEXT));
	}
}

/* What the cache can tell. */
static enum search_result
eval_kept(struct search_run *r, const struct search_key *k)
{
	if (k->kind == K_HEADER)
		return search_kept(r, k);
	return cost_of(k->kind) == COST_BODY ? search_grams(r, k, false) :
	    SEARCH_UNKNOWN;
}

/* Depth is bounded by the parser. */
static enum search_result
eval_list(struct search_run *r, struct search_key *k, enum search_cost cost)
{
	enum search_result decisive = k->kind == K_OR ? SEARCH_YES : SEARCH_NO;
	enum search_result all = invert(decisive), one;

	for (struct search_key *c = k->child; c != NULL; c = c->next) {
		one = search_eval(r, c, cost);
		if (one == decisive)
			return one;
		if (one == SEARCH_UNKNOWN)
			all = one;
	}
	return all;
}

enum search_result
search_eval(struct search_run *r, struct search_key *k, enum search_cost cost)
{
	enum search_result res;

	if (k->kind == K_AND || k->kind == K_OR)
		res = eval_list(r, k, cost);
	else if (cost_of(k->kind) > cost)
		res = cost == COST_KEPT ? eval_kept(r, k) : SEARCH_UNKNOWN;
	else
		res = eval_one(r, k);
	return k->not ? invert(res) : res;
}
