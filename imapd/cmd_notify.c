/*
 * The NOTIFY command: RFC 5465 section 3.1.  What it asks for is parsed whole, in
 * memory that stays, before anything of what was asked for earlier is given up.
 */
#include <stdlib.h>
#include <string.h>

#include "ex.h"
#include "limits.h"
#include "log.h"
#include "notify.h"
#include "progress.h"
#include "qresync.h"

#define GROUPS_MAX	100

struct notify_cmd {
	struct notify *n;
	bool status;
	bool bad_event;			/* one that is not known: BADEVENT */
	bool has_selected;
};
struct group {
	struct notify_group *g;
	bool selected, delayed;
	struct fetch *fetch;
};

static const struct { const char *name; unsigned bit; } events[] = {
	{ "MessageNew", EV_NEW }, { "MessageExpunge", EV_EXPUNGE },
	{ "FlagChange", EV_FLAG }, { "MailboxName", EV_NAME },
	{ "SubscriptionChange", EV_SUBSCRIPTION },
	{ "MailboxMetadataChange", EV_METADATA },
	{ "ServerMetadataChange", EV_SERVER },
};
#define NEVENTS (sizeof(events) / sizeof(events[0]))

/* "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"] */
static bool
parse_attributes(struct args *a, struct group *g)
{
	struct cur at = a->c;

	if (!cur_ch(&at, ' ') || cur_peek(&at) != '(')
		return true;
	a->c = at;
	if (!g->selected)
		return parse_fail(a, "FETCH attributes are for SELECTED");
	if ((g->fetch = arena_alloc(a->arena, sizeof(*g->fetch))) == NULL)
		return parse_fail(a, "Command too large");
	return parse_fetch_items(a, g->fetch);
}

/* event: RFC 5465 section 8. */
static bool
parse_event(struct args *a, struct notify_cmd *c, struct group *g)
{
	struct span name;
	size_t i;

	if (!parse_atom(a, &name))
		return false;
	for (i = 0; i < NEVENTS && !span_isis(name, events[i].name); i++)
		;
	if (i == NEVENTS) {
		c->bad_event = true;
		return true;
	}
	if (g->selected && !(events[i].bit & EV_MESSAGE))
		return parse_fail(a, "SELECTED is for events of messages");
	g->g->events |= events[i].bit;
	return events[i].bit != EV_NEW || parse_attributes(a, g);
}

/* events: RFC 5465 section 8, with the rules of section 5. */
static bool
parse_events(struct args *a, struct notify_cmd *c, struct group *g)
{
	unsigned got;

	if (cur_word(&a->c, "NONE"))
		return true;
	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "List of events expected");
	do {
		if (!parse_event(a, c, g))
			return false;
	} while (cur_ch(&a->c, ' '));
	if (!cur_ch(&a->c, ')'))
		return parse_fail(a, "Unterminated list");
	got = g->g->events & EV_MESSAGE;
	return got == 0 || c->bad_event || (got & EV_NEW && got & EV_EXPUNGE) ||
	    parse_fail(a, "MessageNew and MessageExpunge go together, and "
	    "with FlagChange");
}

/* "selected" and "selected-delayed" stand alone; what else there is, filter.c
 * knows. */
static bool
parse_filter(struct args *a, struct group *g)
{
	struct cur at = a->c;
	struct span name;

	if (parse_atom(a, &name) && (span_isis(name, "selected") ||
	    span_isis(name, "selected-delayed"))) {
		g->selected = true;
		g->delayed = name.len > strlen("selected");
		return true;
	}
	a->c = at;
	a->why = NULL;
	g->g->filter = filter_parse_one(a);
	if (g->g->filter == NULL)
		return false;
	return g->g->filter->kind != FILTER_SUBTREE_ONE ||
	    parse_fail(a, "Unknown kind of mailboxes");
}

/* event-group: RFC 5465 section 8. */
static bool
parse_group(struct args *a, struct notify_cmd *c, struct notify_group ***last)
{
	struct notify *n = c->n;
	struct group g = { 0 };

	if ((g.g = arena_alloc(a->arena, sizeof(*g.g))) == NULL)
		return parse_fail(a, "Command too large");
	if (!cur_ch(&a->c, '(') || !parse_filter(a, &g) || !parse_sp(a) ||
	    !parse_events(a, c, &g))
		return parse_fail(a, "Event group expected");
	if (!cur_ch(&a->c, ')'))
		return parse_fail(a, "Unterminated event group");
	if (!g.selected) {
		**last = g.g;
		*last = &g.g->next;
		return true;
	}
	if (c->has_selected)
		return parse_fail(a, "SELECTED stands there twice");
	c->has_selected = true;
	n->selected = g.g->events;
	n->delayed = g.delayed;
	n->fetch = g.fetch;
	return true;
}

/* notify-set: RFC 5465 section 8. */
static bool
parse_set(struct args *a, struct notify_cmd *c)
{
	struct notify_group **last = &c->n->groups;
	unsigned n = 0;

	c->status = cur_word(&a->c, " STATUS");
	do {
		if (++n > GROUPS_MAX)
			return parse_fail(a, "Too many event groups");
		if (!parse_sp(a) || !parse_group(a, c, &last))
			return false;
	} while (cur_peek(&a->c) == ' ');
	return parse_end(a);
}

static struct notify *
notify_new(void)
{
	struct notify *n = calloc(1, sizeof(*n));

	if (n == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	arena_init(&n->arena, 4 * (size_t)IMAP_COMMAND_MAX);
	n->fd = n->root = -1;
	for (int k = 0; k < WATCH_N; k++)
		n->chosen[k] = -1;
	buf_init(&n->account, IMAP_NOTIFY_META_MAX);
	return n;
}

/* The whole command once more, in the arena that stays. */
static bool
parse(struct args *a, struct notify_cmd *c)
{
	struct args b = { .arena = &c->n->arena, .utf8 = a->utf8 };
	struct span text = arena_copy(b.arena, cur_rest(&a->c));
	bool ok;

	if (text.p == NULL)
		return parse_fail(a, "Command too large");
	cur_init(&b.c, text);
	ok = cur_word(&b.c, " NONE") ? parse_end(&b) :
	    cur_word(&b.c, " SET") ? parse_set(&b, c) :
	    parse_fail(&b, "SET or NONE expected");
	a->why = b.why;
	return ok;
}

static void
refuse_event(struct imap *im)
{
	(void)buf_adds(&im->code, "BADEVENT (");
	for (size_t i = 0; i < NEVENTS; i++)
		(void)buf_addf(&im->code, "%s%s", i == 0 ? "" : " ",
		    events[i].name);
	(void)buf_adds(&im->code, ")");
	reply_no(im, NULL, "Unknown event");
}

/* The state from which changes will be told. */
static void
begin(struct imap *im, struct notify *n, bool status)
{
	for (size_t i = 0; i < n->n && !im->out.failed; i++) {
		struct notify_box *b = &n->box[i];

		progress(im, i, n->n);
		if (b->events & EV_METADATA && b->exists)
			notify_look_meta(im, b, b->raw);
		if (!(b->events & EV_MESSAGE) || !b->exists)
			continue;
		notify_look_status(im, b);
		if (status)
			notify_first_status(im, b);
	}
	if (n->look_account)
		notify_look_meta(im, NULL, NULL);
	n->look_account = false;
}

void
cmd_notify(struct imap *im, struct args *a)
{
	struct notify_cmd c = { .n = notify_new() };
	struct notify *old = im->notify;

	im->notify = c.n;
	if (!parse(a, &c) || c.bad_event) {
		notify_free(im);
		im->notify = old;
		if (c.bad_event)
			refuse_event(im);
		else
			reply_args(im, a);
		return;
	}
	if (notify_tree(im, c.n, false) == -1) {
		notify_free(im);
		im->notify = old;
		reply_no(im, "NOTIFICATIONOVERFLOW", "Too many mailboxes");
		return;
	}
	if (c.n->fetch != NULL && c.n->fetch->modseq)
		condstore_enable(im);
	im->notify = old;
	notify_free(im);
	im->notify = c.n;
	begin(im, c.n, c.status);
	reply_ok(im, NULL, "Notify completed");
}

/* RFC 5464 section 4.1: without NOTIFY, while a command runs. */
void
notify_metadata(struct imap *im)
{
	static struct filter personal = { .kind = FILTER_PERSONAL };
	struct notify_group *g;
	struct notify *n;

	if (im->notify != NULL && !im->notify->implied)
		return;
	notify_free(im);
	im->notify = n = notify_new();
	n->implied = true;
	n->selected = EV_MESSAGE;
	n->groups = g = arena_alloc(&n->arena, sizeof(*g));
	g->filter = &personal;
	g->events = (im->enabled & EN_METADATA ? EV_METADATA : 0) |
	    (im->enabled & EN_METADATA_SERVER ? EV_SERVER : 0);
	if (notify_tree(im, n, false) == -1)
		notify_free(im);
	else
		begin(im, n, false);
}
