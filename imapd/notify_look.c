/*
 * What NOTIFY tells of mailboxes that are not selected: STATUS and METADATA
 * responses, when what there is differs from what was told.
 */
#include <string.h>

#include "notify.h"
#include "status.h"

/* Which items of STATUS tell the difference: RFC 5465 sections 5.1 to 5.3. */
static unsigned
changed(const struct imap *im, const struct notify_box *b,
    const struct folder_status *st)
{
	const struct folder_status *was = &b->status;
	bool condstore = (im->enabled & EN_CONDSTORE) != 0;
	bool unseen = b->unseen_known && st->unseen != was->unseen;
	bool flags = st->highest_modseq != was->highest_modseq;
	unsigned items = 0;

	if (b->own > 0 && st->messages == was->messages + b->own &&
	    st->uidnext == b->own_next)
		return 0;		/* this session's own doing */
	if (st->messages != was->messages || st->uidnext != was->uidnext)
		items = ST_MESSAGES | ST_UIDNEXT | ST_UIDVALIDITY;
	if (st->uidvalidity != was->uidvalidity && (was->uidvalidity != 0 ||
	    st->messages > 0))
		items |= ST_MESSAGES | ST_UIDNEXT | ST_UIDVALIDITY;
	if (b->events & EV_FLAG && unseen)
		items |= ST_UNSEEN | ST_UIDVALIDITY;
	if (condstore && (items != 0 || (b->events & EV_FLAG && flags)))
		items |= ST_MODSEQ | ST_UIDVALIDITY;
	return items;
}

bool
notify_may_read(struct imap *im, struct notify_box *b, struct place *place)
{
	bool barred;

	if (place_find(im, b->raw, place) == -1)
		return false;
	barred = !(place->rights & ACL_READ);
	if (barred != b->barred)
		list_tell_access(im, b->raw, !barred);
	if (b->barred && !barred)	/* of which only the list was watched */
		im->notify->look_tree = true;
	b->barred = barred;
	return !barred;
}

void
notify_look_status(struct imap *im, struct notify_box *b)
{
	struct folder_status st;
	struct place place;
	unsigned items;

	b->look = false;
	if (!notify_may_read(im, b, &place) ||
	    folder_status(place.dir, &st) == -1)
		return;			/* it goes: the tree tells */
	items = b->known ? changed(im, b, &st) : 0;
	b->status = st;
	b->known = b->unseen_known = true;
	b->own = 0;
	if (items != 0)
		status_tell(im, b->raw, items, &st);
}

void
notify_first_status(struct imap *im, struct notify_box *b)
{
	unsigned items = ST_MESSAGES | ST_UIDNEXT | ST_UIDVALIDITY;

	if (!b->known || (im->view.folder != NULL &&
	    strcmp(b->raw, im->view.raw) == 0))
		return;
	if (b->events & EV_FLAG)
		items |= ST_UNSEEN | ST_MODSEQ;
	status_tell(im, b->raw, items, &b->status);
}

static uint64_t
hash(struct span s)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.p[i]) * 0x100000001b3ULL;
	return h;
}

/* The next name and what its value hashed to; false at the end. */
static bool
next_kept(struct cur *c, struct span *name, uint64_t *value)
{
	if (cur_end(c))
		return false;
	*name = cur_until(c, 0);
	*value = 0;
	if (cur_ch(c, 0))
		(void)cur_num(c, UINT64_MAX, value);
	return cur_ch(c, '\n');
}

static bool
was_so(const struct buf *kept, const struct meta_entry *e)
{
	struct span name;
	uint64_t value;
	struct cur c;

	cur_init(&c, buf_span(kept));
	while (next_kept(&c, &name, &value))
		if (span_eq(name, e->name))
			return value == hash(e->value);
	return false;
}

static void
tell_entry(struct imap *im, struct span wire, struct span name, bool *any)
{
	if (metadata_find(im->notify->own_entries, name) != NULL)
		return;
	if (!*any) {
		(void)netout_adds(&im->out, "* METADATA ");
		out_mailbox(im, wire);
	}
	(void)netout_adds(&im->out, " ");
	out_astring(&im->out, name);
	*any = true;
}

/* entry-list of RFC 5464 section 5: the names of all that changed or went. */
static void
tell_entries(struct imap *im, const char *raw, const struct buf *kept,
    const struct meta_entry *now)
{
	struct span name;
	uint64_t value;
	bool any = false;
	struct buf wire;
	struct cur c;

	buf_init(&wire, 4 * NAME_RAW_MAX);
	if (raw != NULL)
		(void)name_from_raw(raw, utf8_names(im), &wire);
	for (const struct meta_entry *e = now; e != NULL; e = e->next)
		if (!was_so(kept, e))
			tell_entry(im, buf_span(&wire), e->name, &any);
	cur_init(&c, buf_span(kept));
	while (next_kept(&c, &name, &value))
		if (metadata_find(now, name) == NULL)
			tell_entry(im, buf_span(&wire), name, &any);
	if (any)
		(void)netout_adds(&im->out, "\r\n");
	buf_free(&wire);
}

static void
keep(struct buf *kept, const struct meta_entry *e)
{
	buf_clear(kept);
	for (; e != NULL; e = e->next) {
		(void)buf_addspan(kept, e->name);
		(void)buf_addc(kept, 0);
		(void)buf_addf(kept, "%ju\n", (uintmax_t)hash(e->value));
	}
}

void
notify_look_meta(struct imap *im, struct notify_box *b, const char *raw)
{
	struct notify *n = im->notify;
	struct buf *kept = b == NULL ? &n->account : &b->meta;
	bool *known = b == NULL ? &n->account_known : &b->meta_known;
	struct arena arena = im->arena;
	struct meta_entry *now;
	struct place place;

	if (b != NULL)
		b->look_meta = false;
	if (place_find(im, raw == NULL ? "" : raw, &place) == -1 ||
	    !place.own)		/* others' annotations are theirs */
		return;
	arena_init(&im->arena, arena.max);
	if (metadata_load(place.dir, raw == NULL ? METADATA_ACCOUNT : METADATA_FILE,
	    &im->arena, &now) == 0) {
		if (*known)
			tell_entries(im, raw, kept, now);
		keep(kept, now);
		*known = true;
	}
	arena_free(&im->arena);
	im->arena = arena;
}
