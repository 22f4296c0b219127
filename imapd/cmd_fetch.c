/*
 * FETCH and UID FETCH: RFC 3501 section 6.4.5.  All that a message's response
 * needs is read before its first byte is sent, so that a message that another
 * process has removed is left out whole.
 */
#include <errno.h>
#include <string.h>

#include "fetch.h"
#include "search.h"
#include "imapdate.h"
#include "limit.h"
#include "qresync.h"

struct fetch_cmd {
	struct fetch f;
	struct fetch_run run;
	size_t gone;
	bool unknown_cte;		/* RFC 3516 section 4.3 */
	uint64_t skip, left;		/* PARTIAL */
	uint32_t lowest;		/* of those that a limit has let through */
	bool over;			/* more than the limit lets through */
};

void
fetch_flags(struct fetch_run *r, const struct fetch_item *item)
{
	(void)item;
	out_flags(r->im, r->i);
}

void
fetch_uid(struct fetch_run *r, const struct fetch_item *item)
{
	(void)item;
	(void)netout_addu(&r->im->out, folder_uid(r->im->view.folder, r->i));
}

void
fetch_modseq(struct fetch_run *r, const struct fetch_item *item)
{
	(void)item;
	(void)netout_adds(&r->im->out, "(");
	(void)netout_addu(&r->im->out,
	    folder_modseq(r->im->view.folder, r->i));
	(void)netout_adds(&r->im->out, ")");
}

/* RFC 8514 section 4.3. */
void
fetch_savedate(struct fetch_run *r, const struct fetch_item *item)
{
	char text[IMAP_DATE_SIZE];
	time_t t;

	(void)item;
	if (folder_save_date(r->im->view.folder, r->i, &t) == -1) {
		(void)netout_adds(&r->im->out, "NIL");
		return;
	}
	imap_date_print(t, text);
	(void)netout_addf(&r->im->out, "\"%s\"", text);
}

/* RFC 8474 section 5.1. */
void
fetch_emailid(struct fetch_run *r, const struct fetch_item *item)
{
	char id[FOLDER_ID_SIZE];

	(void)item;
	if (folder_email_id(r->im->view.folder, r->i, id) == -1)
		(void)netout_adds(&r->im->out, "NIL");
	else
		(void)netout_addf(&r->im->out, "(%s)", id);
}

/* RFC 8474 section 5.2. */
void
fetch_threadid(struct fetch_run *r, const struct fetch_item *item)
{
	char id[FOLDER_ID_SIZE];

	(void)item;
	if (search_thread_id(&r->m, id) == -1)
		(void)netout_adds(&r->im->out, "NIL");
	else
		(void)netout_addf(&r->im->out, "(%s)", id);
}

void
fetch_internaldate(struct fetch_run *r, const struct fetch_item *item)
{
	char text[IMAP_DATE_SIZE];

	(void)item;
	imap_date_print(r->date, text);
	(void)netout_adds(&r->im->out, "\"");
	(void)netout_adds(&r->im->out, text);
	(void)netout_adds(&r->im->out, "\"");
}

void
fetch_size(struct fetch_run *r, const struct fetch_item *item)
{
	(void)item;
	(void)netout_addu(&r->im->out, r->size);
}

void
fetch_envelope(struct fetch_run *r, const struct fetch_item *item)
{
	struct span known = r->parsed.envelope;

	(void)item;
	if (known.p != NULL)
		(void)netout_add(&r->im->out, known.p, known.len);
	else
		envelope_out(&r->im->out, message_header(&r->m));
}

void
fetch_body(struct fetch_run *r, const struct fetch_item *item)
{
	(void)item;
	structure_out(&r->im->out, &r->m.tree, false);
}

void
fetch_bodystructure(struct fetch_run *r, const struct fetch_item *item)
{
	struct span known = r->parsed.structure;

	(void)item;
	if (known.p != NULL)
		(void)netout_add(&r->im->out, known.p, known.len);
	else
		structure_out(&r->im->out, &r->m.tree, true);
}

/* Can all that is asked of this message be decoded? */
static bool
decodable(struct fetch_cmd *c)
{
	for (struct fetch_item *p = c->f.first; c->f.binary && p != NULL;
	    p = p->next)
		if (p->binary && !binary_known(&c->run, p))
			return false;
	return true;
}

/* What was set is written down. */
static void
seen_end(void *arg)
{
	struct imap *im = arg;

	im->out.before = NULL;
	(void)folder_store_end(im->view.folder);
}

/* The messages whose responses wait for one write are marked with one lock; nobody waits for it while a client reads. */
static void
seen_begin(struct imap *im)
{
	if (im->out.before != NULL ||
	    folder_store_begin(im->view.folder) == -1)
		return;
	im->out.before = seen_end;
	im->out.before_arg = im;
}

/* Sets \Seen where reading does that.  -1: the message has gone. */
static int
mark_seen(struct fetch_cmd *c, size_t i, bool *changed)
{
	struct view *v = &c->run.im->view;
	unsigned flags = folder_flags(v->folder, i);

	*changed = false;
	if (!c->f.seen || !view_may(v, ACL_SEEN) || flags & MAIL_SEEN)
		return 0;
	seen_begin(c->run.im);
	if (folder_set(v->folder, i, flags | MAIL_SEEN,
	    folder_keywords(v->folder, i)) == -1)
		return errno == ENOENT ? -1 : 0;
	*changed = true;
	return 0;
}

static int
prepare(struct fetch_cmd *c, size_t i)
{
	struct fetch_run *r = &c->run;
	const struct mime_part *all;

	r->i = i;
	message_begin(&r->m, i);
	if (parsed_get(r, &c->f))
		return 0;
	if (message_need(&r->m, c->f.need) == -1)
		return -1;
	if (r->m.has == NEED_TREE) {	/* whose line ends are counted */
		all = &r->m.tree.parts[0];
		r->size = r->m.text.len + all->header_lf + all->body_lf;
	} else if (c->f.size && folder_size(r->m.folder, i, &r->size) == -1)
		return -1;
	if ((c->f.date || r->parsed.able) &&
	    folder_date(r->m.folder, i, &r->date) == -1)
		return -1;
	parsed_put(r);
	return 0;
}

/* What goes with \Seen that reading has set. */
static void
out_seen(struct fetch_cmd *c, size_t i)
{
	struct imap *im = c->run.im;

	if (!c->f.flags) {
		(void)netout_adds(&im->out, " FLAGS ");
		out_flags(im, i);
	}
	if (im->enabled & EN_CONDSTORE && !c->f.uid)
		(void)netout_addf(&im->out, " UID %u",
		    folder_uid(im->view.folder, i));
	if (im->enabled & EN_CONDSTORE && !c->f.modseq) {
		(void)netout_adds(&im->out, " MODSEQ ");
		fetch_modseq(&c->run, NULL);
	}
}

static int
fetch_one(void *arg, size_t i)
{
	struct fetch_cmd *c = arg;
	struct imap *im = c->run.im;
	const char *sep = "";
	bool changed;

	if (c->f.changed && folder_modseq(im->view.folder, i) <= c->f.since)
		return 0;
	if (prepare(c, i) == -1) {
		c->gone++;
		return im->out.failed ? -1 : 0;
	}
	if (!decodable(c)) {
		c->unknown_cte = true;
		return 0;
	}
	if (mark_seen(c, i, &changed) == -1) {
		c->gone++;
		return 0;
	}
	out_fetch(im, i);
	for (struct fetch_item *p = c->f.first; p != NULL; p = p->next) {
		(void)netout_adds(&im->out, sep);
		if (p->name != NULL) {
			(void)netout_adds(&im->out, p->name);
			(void)netout_adds(&im->out, " ");
		}
		p->print(&c->run, p);
		sep = " ";
	}
	if (changed)
		out_seen(c, i);
	(void)netout_adds(&im->out, ")\r\n");
	return im->out.failed ? -1 : 0;
}

static int
fetch_window(void *arg, size_t i)
{
	struct fetch_cmd *c = arg;

	if (c->skip > 0) {
		c->skip--;
		return 0;
	}
	if (c->left == 0)
		return -1;
	c->left--;
	return fetch_one(c, i);
}

static int
fetch_all(struct fetch_cmd *c, struct seqset *set)
{
	struct imap *im = c->run.im;
	uint64_t n = 0;

	if (!c->f.partial.given)
		return limit_each(im, set, im->uid, &c->gone, fetch_one, c,
		    &c->lowest);
	if (view_count(im, set, im->uid, NULL, &n) == -1)
		return -1;
	c->left = partial_window(&c->f.partial, n, &c->skip);
	c->over = limit_messages(im) > 0 && c->left > limit_messages(im);
	if (c->over)
		return 0;
	return view_each(im, set, im->uid, &c->gone, fetch_window, c);
}

/*
 * RFC 7162 section 3.2.6.  What has gone meanwhile, and is known to the client,
 * is told before.  "*" is the highest UID ever: what stood there may be gone.
 */
static void
fetch_vanished(struct imap *im, const struct fetch *f,
    const struct seqset *set)
{
	struct seqset uids = { 0 };

	(void)view_sync(im, true, true);
	if (im->view.folder == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		if (seqset_add_range(&uids, &im->arena, set->r[i].lo,
		    set->r[i].hi) == -1)
			return;
	seqset_resolve(&uids, folder_uidnext(im->view.folder) - 1);
	out_vanished_earlier(im, f->since, set->saved ? &im->view.saved :
	    &uids, 0);
}

void
fetch_new(struct imap *im, const struct fetch *f, size_t from, size_t n)
{
	struct fetch_cmd c = { .f = *f, .run.im = im };
	const struct view *v = &im->view;

	c.f.seen = false;
	view_tell_keywords(im);
	message_init(&c.run.m, v->folder);
	parsed_begin(&c.run, &c.f);
	for (size_t i = from; i < from + n && !im->out.failed; i++) {
		uint32_t uid = folder_uid(v->folder, i);

		if (uid < v->own_first || uid > v->own_last)
			(void)fetch_one(&c, i);
	}
	parsed_end(&c.run);
	message_free(&c.run.m);
}

static bool
parse_fetch(struct imap *im, struct args *a, struct fetch_cmd *c,
    struct seqset *set)
{
	if (!parse_sp(a) || !parse_sequence_set(a, set) || !parse_sp(a) ||
	    !parse_fetch_items(a, &c->f) || !parse_fetch_modifiers(a, &c->f) ||
	    !parse_end(a))
		return false;
	if ((c->f.partial.given || c->f.vanished) && !im->uid)
		return parse_fail(a, "PARTIAL and VANISHED are for UID FETCH");
	if (c->f.vanished && !(im->enabled & EN_QRESYNC))
		return parse_fail(a, "VANISHED needs ENABLE QRESYNC");
	if (c->f.changed && !c->f.modseq && !fetch_add_name(a, &c->f,
	    "MODSEQ"))
		return false;
	/* In UIDFETCH it is there already. */
	return !im->uid || c->f.uid || im->enabled & EN_UIDONLY ||
	    fetch_add_name(a, &c->f, "UID");
}

static void
finish(struct imap *im, const struct fetch_cmd *c)
{
	if (c->lowest > 0 && (c->unknown_cte || c->gone > 0))
		(void)netout_addf(&im->out, "* NO [MESSAGELIMIT %u %u] The "
		    "others were left out\r\n", limit_messages(im), c->lowest);
	else
		limit_tell(im, c->lowest);
	if (c->unknown_cte)
		reply_no(im, "UNKNOWN-CTE",
		    "A part has a transfer encoding that is not known");
	else if (c->gone > 0)
		reply_no(im, "EXPUNGEISSUED",
		    "Some of the messages are gone");
	else
		reply_ok(im, NULL, "Fetch completed");
}

void
cmd_fetch(struct imap *im, struct args *a)
{
	struct fetch_cmd c = { .run.im = im };
	struct seqset set;
	int r;

	if (!parse_fetch(im, a, &c, &set)) {
		reply_args(im, a);
		return;
	}
	if (c.f.modseq)
		condstore_enable(im);
	if (c.f.vanished)
		fetch_vanished(im, &c.f, &set);
	if (c.f.seen && view_may(&im->view, ACL_SEEN))
		(void)view_sync(im, false, im->uid);
	view_tell_keywords(im);
	message_init(&c.run.m, im->view.folder);
	parsed_begin(&c.run, &c.f);
	r = fetch_all(&c, &set);
	if (im->out.before != NULL)
		seen_end(im);
	if (r == -1)
		reply_bad(im, "No such message");
	else if (c.over)
		limit_refuse(im, 0);
	else
		finish(im, &c);
	parsed_end(&c.run);
	message_free(&c.run.m);
}
