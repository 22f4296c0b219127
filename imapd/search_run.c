/*
 * A search program against the messages of the selected mailbox, one by one:
 * for SEARCH, SORT and THREAD alike.
 */
#include "search_text.h"

#include "clock.h"
#include "context.h"
#include "fields.h"
#include "kept.h"
#include "qresync.h"

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

static void
note_modseq(struct search_run *r, uint64_t modseq)
{
	if (r->modseq == 0)
		r->first_modseq = modseq;
	r->last_modseq = modseq;
	if (modseq > r->modseq)
		r->modseq = modseq;
}

static bool
has_blob(const struct search_run *r, unsigned kind, uint32_t format)
{
	return folder_blob_get(r->m.folder, r->m.i, kind, format).p != NULL;
}

/* Whatever the header was read for: no search, no sorting and no list of messages shall read it again. */
static void
keep_header(struct search_run *r)
{
	if (!has_blob(r, FOLDER_BLOB_SEARCH, KEPT_FORMAT))
		text_keep_fields(r, message_header(&r->m));
	if (!has_blob(r, FOLDER_BLOB_FIELDS, FIELDS_FORMAT))
		(void)fields_keep(&r->m, &r->fields);
}

bool
search_matches(struct search_run *r, size_t i)
{
	static const enum message_need needs[COST_N] = {
		NEED_NOTHING, NEED_NOTHING, NEED_NOTHING, NEED_HEADER,
		NEED_TREE
	};
	enum search_result res = SEARCH_UNKNOWN;

	r->i = i;
	r->score = 100;
	buf_clear(&r->grams);
	r->has_kept = false;
	message_begin(&r->m, i);
	for (unsigned cost = 0; cost < COST_N && res == SEARCH_UNKNOWN; cost++) {
		if ((r->costs >> cost & 1) == 0)
			continue;
		if (message_need(&r->m, needs[cost]) == -1)
			return false;	/* it has gone: it matches nothing */
		if (cost == COST_HEADER)
			keep_header(r);
		res = search_eval(r, r->root, (enum search_cost)cost);
	}
	if (res == SEARCH_YES && r->wants_modseq)
		note_modseq(r, folder_modseq(r->m.folder, i));
	return res == SEARCH_YES;
}

struct search_key *
search_program(struct imap *im, struct args *a, bool bad_charset,
    const struct search_returns *ret)
{
	struct search_key *root;

	if (bad_charset) {
		if (ret->what & RET_SAVE)
			view_save(&im->view, &(struct seqset){ 0 });
		reply_no(im, "BADCHARSET (US-ASCII UTF-8)",
		    "Unknown charset");
		return NULL;
	}
	if ((root = parse_search_program(a)) == NULL || !parse_end(a)) {
		reply_args(im, a);
		return NULL;
	}
	if (im->enabled & EN_UIDONLY && search_has_numbers(root)) {
		reply_uid_required(im);
		return NULL;
	}
	if (ret->what & RET_UPDATE && context_has(im, im->tag)) {
		reply_bad(im, "A search with this tag is being updated");
		return NULL;
	}
	if (ret->fuzzy && !search_is_fuzzy(root)) {
		reply_bad(im, "RELEVANCY without FUZZY");
		return NULL;
	}
	return root;
}

void
search_begin(struct search_run *r, struct imap *im, struct search_key *root)
{
	r->im = im;
	r->root = root;
	r->now = clock_now();
	r->wants_modseq = search_has_modseq(root);
	if (r->wants_modseq)
		condstore_enable(im);
	buf_init(&r->grams, GRAMS_MAX);
	buf_init(&r->fields, FIELDS_MAX);
	buf_init(&r->header, FIELDS_MAX);
	buf_init(&r->kept, FOLDER_BLOB_MAX);
	r->costs = search_costs(root) | 1u << COST_INDEX;
	if ((r->costs & (1u << COST_HEADER | 1u << COST_BODY)) != 0)
		r->costs |= 1u << COST_KEPT;
	message_init(&r->m, im->view.folder);
	resolve_sets(&im->view, root);
}

void
search_correlator(struct imap *im, struct span tag, bool mailbox)
{
	struct buf name;

	(void)netout_adds(&im->out, "(TAG ");
	out_string(&im->out, tag);
	if (mailbox) {
		view_follow(im);
		buf_init(&name, 4 * NAME_RAW_MAX);
		(void)name_from_raw(im->view.raw, utf8_names(im), &name);
		(void)netout_adds(&im->out, " MAILBOX ");
		out_mailbox(im, buf_span(&name));
		(void)netout_addf(&im->out, " UIDVALIDITY %u",
		    folder_uidvalidity(im->view.folder));
		buf_free(&name);
	}
	(void)netout_adds(&im->out, ")");
}

void
search_no_update(struct imap *im)
{
	(void)netout_adds(&im->out, "* NO [NOUPDATE ");
	out_string(&im->out, im->tag);
	(void)netout_adds(&im->out, "] Will not notify\r\n");
}

void
search_tell_scores(struct netout *o, const unsigned char *score, size_t n)
{
	(void)netout_adds(o, " RELEVANCY (");
	for (size_t i = 0; i < n; i++)
		(void)netout_addf(o, "%s%u", i > 0 ? " " : "", score[i]);
	(void)netout_adds(o, ")");
}

int
search_thread_id(struct message *m, char out[FOLDER_ID_SIZE])
{
	struct buf packed;
	struct facts f;
	int r = -1;

	buf_init(&packed, FACTS_MAX);
	if (facts_pack(message_header(m), &packed) == 0 &&
	    facts_unpack(buf_span(&packed), &f)) {
		r = folder_email_id(m->folder, m->i, out);
		out[0] = 'T';
		if (facts_thread(&f).len > 0)
			folder_id_make(facts_thread(&f), out + 1);
	}
	buf_free(&packed);
	return r;
}

/* From the folder's cache; or from the header, of which that may have what it takes, and then cached. */
static int
get_facts(struct search_run *r, size_t i, struct buf *packed, struct facts *f)
{
	struct folder *folder = r->im->view.folder;
	struct span header, s = folder_blob_get(folder, i, FOLDER_BLOB_FACTS,
	    FACTS_FORMAT);

	buf_clear(packed);
	if (s.p != NULL && buf_addspan(packed, s) == 0 &&
	    facts_unpack(buf_span(packed), f))
		return 0;
	buf_clear(packed);
	if ((header = search_fields(r)).p == NULL) {
		if (message_need(&r->m, NEED_HEADER) == -1)
			return -1;
		header = message_header(&r->m);
		keep_header(r);
	}
	if (facts_pack(header, packed) == -1 ||
	    !facts_unpack(buf_span(packed), f))
		return -1;
	folder_blob_put(folder, i, FOLDER_BLOB_FACTS, FACTS_FORMAT, packed->p,
	    packed->len);
	return 0;
}

/* The sent date is INTERNALDATE where no Date field can be read: RFC 5256
 * section 2.2. */
int
search_facts(struct search_run *r, size_t i, struct buf *packed,
    struct facts *f)
{
	time_t t;

	if (get_facts(r, i, packed, f) == -1)
		return -1;
	if (!f->has_date) {
		if (folder_date(r->im->view.folder, i, &t) == -1)
			return -1;
		f->date = (int64_t)t;
	}
	return 0;
}

void
search_end(struct search_run *r)
{
	folder_blob_flush(r->im->view.folder);
	message_free(&r->m);
	buf_free(&r->work);
	buf_free(&r->text);
	buf_free(&r->folded);
	buf_free(&r->grams);
	buf_free(&r->fields);
	buf_free(&r->header);
	buf_free(&r->kept);
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

bool
search_has_modseq(const struct search_key *k)
{
	for (; k != NULL; k = k->next)
		if (k->kind == K_MODSEQ || search_has_modseq(k->child))
			return true;
	return false;
}
