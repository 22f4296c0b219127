/*
 * GETMETADATA and SETMETADATA: RFC 5464, and what CREATE and LIST need of it
 * (RFC 6154, RFC 9590).  "Private" and "shared" are both of the one account.
 */
#include <errno.h>
#include <string.h>

#include "limits.h"
#include "notify.h"

struct get_cmd {
	bool has_max;
	uint64_t max, longest;		/* longest: of those over max */
	int depth;			/* -1: without end */
	struct span mailbox;		/* as the client has it; none: the account */
	const struct meta_entry *wanted;
};

/* entry: RFC 5464 section 3.2 and 5; made lower case, for names have none. */
static bool
parse_entry(struct args *a, struct span *name)
{
	struct buf b;
	struct span s;
	bool ok;

	if (!parse_astring(a, &s))
		return false;
	buf_init(&b, METADATA_NAME_MAX);
	ok = (s.len > 9 && span_isis(span_of(s.p, 9), "/private/")) ||
	    (s.len > 8 && span_isis(span_of(s.p, 8), "/shared/"));
	for (size_t i = 0; ok && i < s.len; i++) {
		ok = s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '*' &&
		    s.p[i] != '%' && (s.p[i] != '/' || (i + 1 < s.len &&
		    s.p[i + 1] != '/')) && buf_addc(&b,
		    (unsigned char)ascii_lower(s.p[i])) == 0;
	}
	*name = arena_copy(a->arena, buf_span(&b));
	buf_free(&b);
	return (ok && name->p != NULL) || parse_fail(a, "Invalid entry name");
}

static bool
add_name(struct args *a, struct meta_entry ***last)
{
	struct meta_entry *e = arena_alloc(a->arena, sizeof(*e));

	if (e == NULL)
		return parse_fail(a, "Command too large");
	**last = e;
	*last = &e->next;
	return parse_entry(a, &e->name);
}

bool
parse_metadata_entries(struct args *a, struct meta_entry **list)
{
	struct meta_entry **last = list;

	*list = NULL;
	if (!cur_ch(&a->c, '('))
		return add_name(a, &last);
	do {
		if (!add_name(a, &last))
			return false;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

static bool
parse_option(struct args *a, struct get_cmd *g)
{
	struct span name, value;

	if (!parse_atom(a, &name) || !parse_sp(a))
		return false;
	if (span_isis(name, "MAXSIZE")) {
		g->has_max = true;
		return parse_number64(a, &g->max);
	}
	if (!span_isis(name, "DEPTH") || !parse_atom(a, &value))
		return parse_fail(a, "Unknown GETMETADATA option");
	g->depth = span_is(value, "0") ? 0 : span_is(value, "1") ? 1 :
	    span_isis(value, "infinity") ? -1 : -2;
	return g->depth != -2 || parse_fail(a, "Invalid DEPTH");
}

/* "(" options ")" SP, where a list of options stands here. */
static bool
parse_options(struct args *a, struct get_cmd *g)
{
	struct cur look = a->c;
	int ch;

	if (!cur_ch(&look, '('))
		return true;
	ch = ascii_lower(cur_peek(&look));
	if (ch < 'a' || ch > 'z')
		return true;		/* entries */
	a->c = look;
	do {
		if (!parse_option(a, g))
			return false;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') && parse_sp(a);
}

/* How many steps below top the entry stands; -1: not at or below it. */
static int
steps_below(struct span entry, struct span top)
{
	int n = 0;

	if (entry.len < top.len || memcmp(entry.p, top.p, top.len) != 0)
		return -1;
	if (entry.len > top.len && entry.p[top.len] != '/')
		return -1;
	for (size_t i = top.len; i < entry.len; i++)
		n += entry.p[i] == '/';
	return n;
}

static void
out_value(struct netout *o, struct span value)
{
	if (value.p == NULL || !span_haschr(value, 0)) {
		out_nstring(o, value);
		return;
	}
	(void)netout_addf(o, "~{%zu}\r\n", value.len);
	(void)netout_add(o, value.p, value.len);
}

static void
out_entry(struct imap *im, struct get_cmd *g, struct span name,
    struct span value, const char **sep)
{
	if (g->has_max && value.p != NULL && value.len > g->max) {
		if (value.len > g->longest)
			g->longest = value.len;
		return;
	}
	if (*sep == NULL) {
		(void)netout_adds(&im->out, "* METADATA ");
		out_mailbox(im, g->mailbox);
		(void)netout_adds(&im->out, " (");
	} else {
		(void)netout_adds(&im->out, *sep);
	}
	out_astring(&im->out, name);
	(void)netout_adds(&im->out, " ");
	out_value(&im->out, value);
	*sep = " ";
}

/* wire.len 0: the account. */
static void
out_entries(struct imap *im, struct get_cmd *g, struct span wire,
    const struct meta_entry *all)
{
	const char *sep = NULL;		/* nothing is told yet */
	const struct meta_entry *w, *e;
	int steps;

	g->mailbox = wire;
	for (w = g->wanted; w != NULL; w = w->next) {
		if (metadata_find(all, w->name) == NULL && g->depth == 0)
			out_entry(im, g, w->name, span_of(NULL, 0), &sep);
		for (e = all; e != NULL; e = e->next) {
			steps = steps_below(e->name, w->name);
			if (steps != -1 && (g->depth == -1 ||
			    steps <= g->depth))
				out_entry(im, g, e->name, e->value, &sep);
		}
	}
	if (sep != NULL)
		(void)netout_adds(&im->out, ")\r\n");
}

/* RFC 5464 section 3.3. */
#define ANNOTATION_READ	(ACL_READ | ACL_SEEN | ACL_WRITE | ACL_INSERT | ACL_POST)
#define ANNOTATION_WRITE (ACL_SEEN | ACL_WRITE | ACL_INSERT)

static bool
may_annotate(const struct place *p, unsigned rights)
{
	return p->rights & ACL_LOOKUP && p->rights & rights;
}

static bool
is_private(struct span name)
{
	return name.len > 9 && memcmp(name.p, "/private/", 9) == 0;
}

/* What is private to its owner is nobody else's. */
static struct meta_entry *
without_private(struct meta_entry *e)
{
	struct meta_entry *first = NULL, **last = &first;

	for (; e != NULL; e = e->next)
		if (!is_private(e->name)) {
			*last = e;
			last = &e->next;
		}
	*last = NULL;
	return first;
}

int
metadata_out(struct imap *im, const char *raw, const struct meta_entry *wanted)
{
	struct get_cmd g = { .wanted = wanted };
	struct meta_entry *all;
	struct place place;
	struct buf wire;

	if (place_find(im, raw, &place) == -1 ||
	    !may_annotate(&place, ANNOTATION_READ) ||
	    metadata_load(place.dir, METADATA_FILE, &im->arena, &all) == -1)
		return -1;
	if (!place.own)
		all = without_private(all);
	buf_init(&wire, 4 * NAME_RAW_MAX);
	(void)name_from_raw(raw, utf8_names(im), &wire);
	out_entries(im, &g, buf_span(&wire), all);
	buf_free(&wire);
	return 0;
}

/* The directory and file that hold a mailbox's annotations, or the account's.
 * False: the reply is sent. */
static bool
find_file(struct imap *im, struct span wire, unsigned rights, struct place *p,
    const char **file)
{
	*file = METADATA_FILE;
	if (wire.len > 0) {
		if (!place_named(im, wire, false, p))
			return false;
		return may_annotate(p, rights) ||
		    place_need(im, p, ACL_ALL);
	}
	*file = METADATA_ACCOUNT;
	return place_find(im, "", p) == 0;
}

void
cmd_getmetadata(struct imap *im, struct args *a)
{
	struct get_cmd g = { 0 };
	struct meta_entry *all, *wanted;
	struct place place;
	const char *file;
	struct span name;

	/* The grammar has the options before the mailbox, the examples after. */
	if (!parse_sp(a) || !parse_options(a, &g) ||
	    !parse_astring(a, &name) || !parse_sp(a) ||
	    !parse_options(a, &g) || !parse_metadata_entries(a, &wanted) ||
	    !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	g.wanted = wanted;
	if (!find_file(im, name, ANNOTATION_READ, &place, &file))
		return;
	if (metadata_load(place.dir, file, &im->arena, &all) == -1) {
		reply_errno(im, "cannot read annotations");
		return;
	}
	if (!place.own)
		all = without_private(all);
	out_entries(im, &g, name, all);
	if (g.longest > 0)
		(void)buf_addf(&im->code, "METADATA LONGENTRIES %ju",
		    (uintmax_t)g.longest);
	reply_ok(im, NULL, "Getmetadata completed");
}

/* entry-values: RFC 5464 section 5. */
static bool
parse_values(struct args *a, struct meta_entry **list)
{
	struct meta_entry **last = list, *e;

	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "List of entries and values expected");
	do {
		if ((e = arena_alloc(a->arena, sizeof(*e))) == NULL)
			return parse_fail(a, "Command too large");
		*last = e;
		last = &e->next;
		if (!parse_entry(a, &e->name) || !parse_sp(a) ||
		    !(cur_peek(&a->c) == '~' ? parse_literal8(a, &e->value) :
		    parse_nstring(a, &e->value)))
			return false;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

bool
metadata_is_use(struct span value)
{
	static const char *const uses[] = { "\\Archive", "\\Drafts",
		"\\Important", "\\Junk", "\\Sent", "\\Trash" };
	struct span one;
	struct cur c;
	size_t i;

	cur_init(&c, value);
	do {
		one = cur_until(&c, ' ');
		for (i = 0; i < sizeof(uses) / sizeof(uses[0]) &&
		    !span_isis(one, uses[i]); i++)
			;
		if (i == sizeof(uses) / sizeof(uses[0]))
			return false;
	} while (cur_ch(&c, ' '));
	return true;
}

/* False: the reply is sent. */
static bool
permitted(struct imap *im, const struct place *p, const struct meta_entry *e)
{
	for (; e != NULL; e = e->next) {
		if (!p->own && is_private(e->name)) {
			reply_no(im, "METADATA NOPRIVATE", "In a mailbox of "
			    "others all annotations are shared");
			return false;
		}
		if (e->value.len > METADATA_VALUE_MAX) {
			(void)buf_addf(&im->code, "METADATA MAXSIZE %u",
			    METADATA_VALUE_MAX);
			reply_no(im, NULL, "The value is too long");
			return false;
		}
		if (span_is(e->name, METADATA_USE) && e->value.p != NULL &&
		    !metadata_is_use(e->value)) {
			reply_no(im, "USEATTR", "Unknown special use");
			return false;
		}
	}
	return true;
}

void
cmd_setmetadata(struct imap *im, struct args *a)
{
	struct meta_entry *changes = NULL;
	struct place place;
	const char *file;
	struct span name;

	if (!parse_sp(a) || !parse_astring(a, &name) || !parse_sp(a) ||
	    !parse_values(a, &changes) || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	if (!find_file(im, name, ANNOTATION_WRITE, &place, &file) ||
	    !permitted(im, &place, changes))
		return;
	if (metadata_change(place.dir, file, &im->arena, changes) == 0) {
		notify_own_metadata(im, name.len > 0 ? place.raw : NULL, changes);
		reply_ok(im, NULL, "Setmetadata completed");
	} else if (errno == E2BIG) {
		reply_no(im, "METADATA TOOMANY", "Too many annotations");
	} else {
		reply_errno(im, "cannot write annotations");
	}
}
