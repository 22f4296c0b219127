/*
 * LIST and LSUB: RFC 3501 sections 6.3.8 and 6.3.9; the selection and return
 * options of RFC 5258, LIST-STATUS of RFC 5819, SPECIAL-USE of RFC 6154,
 * LIST-METADATA of RFC 9590, LIST-MYRIGHTS of RFC 8440.
 */
#include <string.h>

#include "list.h"
#include "match.h"
#include "metadata.h"
#include "status.h"

#define PATTERNS_MAX 100
#define PATTERN_MAX 1000

enum {
	SEL_SUBSCRIBED = 1, SEL_REMOTE = 2, SEL_RECURSIVE = 4,
	SEL_SPECIAL = 8,
	RET_SUBSCRIBED = 16, RET_CHILDREN = 32, RET_SPECIAL = 64,
	RET_STATUS = 128, RET_METADATA = 256, RET_MYRIGHTS = 512
};
struct list_option { const char *name; unsigned bit; };
static const struct list_option selections[] = {
	{ "SUBSCRIBED", SEL_SUBSCRIBED }, { "REMOTE", SEL_REMOTE },
	{ "RECURSIVEMATCH", SEL_RECURSIVE }, { "SPECIAL-USE", SEL_SPECIAL },
	{ NULL, 0 }
};
static const struct list_option returns[] = {
	{ "SUBSCRIBED", RET_SUBSCRIBED }, { "CHILDREN", RET_CHILDREN },
	{ "SPECIAL-USE", RET_SPECIAL }, { "STATUS", RET_STATUS },
	{ "METADATA", RET_METADATA }, { "MYRIGHTS", RET_MYRIGHTS },
	{ NULL, 0 }
};

struct list_cmd {
	struct span reference;
	struct span patterns[PATTERNS_MAX];
	size_t n;
	unsigned options, status;
	bool lsub, extended;
	struct meta_entry *entries;	/* RFC 9590 */
};

/* "(" options ")": list-select-opts and return options of RFC 5258 section 6. */
static bool
parse_options(struct args *a, struct list_cmd *l,
    const struct list_option *table)
{
	struct span name;
	size_t i;

	l->extended = true;
	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "Option list expected");
	if (cur_ch(&a->c, ')'))
		return true;
	do {
		if (!parse_atom(a, &name))
			return false;
		for (i = 0; table[i].name != NULL &&
		    !span_isis(name, table[i].name); i++)
			;
		if (table[i].name == NULL)
			return parse_fail(a, "Unknown LIST option");
		l->options |= table[i].bit;
		if (table[i].bit == RET_STATUS && (!parse_sp(a) ||
		    !parse_status_items(a, &l->status)))
			return false;
		if (table[i].bit == RET_METADATA && (!parse_sp(a) ||
		    cur_peek(&a->c) != '(' ||
		    !parse_metadata_entries(a, &l->entries)))
			return parse_fail(a, "List of entries expected");
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

/* mbox-or-pat: RFC 5258 section 6. */
static bool
parse_patterns(struct args *a, struct list_cmd *l)
{
	if (!cur_ch(&a->c, '(')) {
		l->n = 1;
		return parse_list_mailbox(a, &l->patterns[0]);
	}
	l->extended = true;
	do {
		if (l->n == PATTERNS_MAX)
			return parse_fail(a, "Too many patterns");
		if (!parse_list_mailbox(a, &l->patterns[l->n++]))
			return false;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

static bool
parse_list(struct args *a, struct list_cmd *l)
{
	if (!parse_sp(a))
		return false;
	if (!l->lsub && cur_peek(&a->c) == '(' &&
	    (!parse_options(a, l, selections) || !parse_sp(a)))
		return false;
	if (!parse_astring(a, &l->reference) || !parse_sp(a) ||
	    !parse_patterns(a, l))
		return false;
	if (!l->lsub && cur_word(&a->c, " RETURN ") &&
	    !parse_options(a, l, returns))
		return false;
	if (!parse_end(a))
		return false;
	/* RFC 5258 section 3.1: RECURSIVEMATCH is nothing by itself. */
	if (l->options & SEL_RECURSIVE && !(l->options &
	    (SEL_SUBSCRIBED | SEL_SPECIAL)))
		return parse_fail(a, "RECURSIVEMATCH needs another option");
	return true;
}

/* Reference and pattern together; INBOX in any case. */
static bool
join(struct imap *im, const struct list_cmd *l, struct span *pattern)
{
	struct buf b;
	struct span s;
	bool ok;

	buf_init(&b, PATTERN_MAX);
	(void)buf_addspan(&b, l->reference);
	(void)buf_addspan(&b, *pattern);
	ok = !b.bad;
	if (ok && b.len >= 5 && span_isis(span_of(b.p, 5), "INBOX") &&
	    (b.len == 5 || b.p[5] == '/' || b.p[5] == '*' || b.p[5] == '%'))
		memcpy(b.p, "INBOX", 5);
	s = ok ? arena_copy(&im->arena, buf_span(&b)) : span_of(NULL, 0);
	buf_free(&b);
	*pattern = s;
	return s.p != NULL;
}

static bool
matches(const struct list_cmd *l, const struct list_name *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (list_match(l->patterns[i], p->wire))
			return true;
	return false;
}

struct attributes {
	struct netout *o;
	const char *sep;
};

static void
attribute(struct attributes *at, bool has, const char *name)
{
	if (!has || name == NULL)
		return;
	(void)netout_adds(at->o, at->sep);
	(void)netout_adds(at->o, name);
	at->sep = " ";
}

static void
attribute_span(struct attributes *at, struct span s)
{
	if (s.len == 0)
		return;
	(void)netout_adds(at->o, at->sep);
	(void)netout_add(at->o, s.p, s.len);
	at->sep = " ";
}

static bool
may_read(const struct imap *im, const struct list_name *p)
{
	struct place place;

	return place_find(im, p->raw, &place) == 0 && place.rights & ACL_READ;
}

/* What the options select has STATUS, or \Noselect instead: RFC 5819 section 2. */
static void
tell(struct imap *im, const struct list_cmd *l, const struct list_name *p,
    bool selected, bool below)
{
	struct attributes at = { &im->out, "" };
	bool status = l->options & RET_STATUS && p->exists && selected;
	/* RFC 5258 section 3, RFC 9051 section 7.3.1. */
	bool known = l->extended || (im->enabled & EN_REV2) != 0;
	bool wants_subscribed = (l->options &
	    (SEL_SUBSCRIBED | RET_SUBSCRIBED)) != 0;

	(void)netout_addf(&im->out, "* %s (", l->lsub ? "LSUB" : "LIST");
	if (l->lsub) {
		attribute(&at, !p->subscribed || !p->exists, "\\Noselect");
	} else {
		attribute(&at, !p->exists, known ? "\\NonExistent" :
		    "\\Noselect");
		attribute(&at, status && !may_read(im, p), "\\Noselect");
		attribute(&at, p->children, "\\HasChildren");
		attribute(&at, !p->children, "\\HasNoChildren");
		attribute(&at, wants_subscribed && p->subscribed,
		    "\\Subscribed");
		attribute_span(&at, p->use);
	}
	(void)netout_adds(&im->out, ") \"/\" ");
	out_mailbox(im, p->wire);
	if (below)
		(void)netout_adds(&im->out,
		    " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	(void)netout_adds(&im->out, "\r\n");
	if (l->options & RET_MYRIGHTS && p->exists && selected)
		(void)myrights_out(im, p->raw);
	if (status)
		(void)status_out(im, p->raw, l->status);
	if (l->options & RET_METADATA && p->exists && selected)
		(void)metadata_out(im, p->raw, l->entries);
}

void
list_tell(struct imap *im, const struct list_name *p, struct span old)
{
	struct attributes at = { &im->out, "" };

	(void)netout_adds(&im->out, "* LIST (");
	attribute(&at, !p->exists, "\\NonExistent");
	attribute(&at, p->children, "\\HasChildren");
	attribute(&at, !p->children, "\\HasNoChildren");
	attribute(&at, p->subscribed, "\\Subscribed");
	attribute_span(&at, p->use);
	(void)netout_adds(&im->out, ") \"/\" ");
	out_mailbox(im, p->wire);
	if (old.len > 0) {
		(void)netout_adds(&im->out, " (\"OLDNAME\" (");
		out_mailbox(im, old);
		(void)netout_adds(&im->out, "))");
	}
	(void)netout_adds(&im->out, "\r\n");
}

void
list_tell_access(struct imap *im, const char *raw, bool access)
{
	struct buf wire;

	buf_init(&wire, 4 * NAME_RAW_MAX);
	(void)name_from_raw(raw, utf8_names(im), &wire);
	(void)netout_addf(&im->out, "* LIST (%s) \"/\" ", access ? "" :
	    "\\NoAccess");
	out_mailbox(im, buf_span(&wire));
	(void)netout_adds(&im->out, "\r\n");
	buf_free(&wire);
}

/* RFC 3501 section 6.3.9: with "%" a parent stands for what is subscribed below it. */
static bool
lsub_shows(const struct list_cmd *l, const struct list_name *p)
{
	struct span pat = l->patterns[0];

	return p->subscribed || (p->subscribed_below && pat.len > 0 &&
	    pat.p[pat.len - 1] == '%');
}

/* RFC 5258 section 3.5: a parent stands for what is selected below it, when that does not match. */
static bool
tells_below(const struct list_cmd *l, const struct list_tree *t, size_t i)
{
	const struct list_name *p = &t->names[i];
	size_t n = p->wire.len;

	if (!(l->options & SEL_RECURSIVE) || !p->subscribed_below)
		return false;
	for (size_t k = i + 1; k < t->n && t->names[k].wire.len > n &&
	    memcmp(t->names[k].wire.p, p->wire.p, n) == 0 &&
	    t->names[k].wire.p[n] == '/'; k++)
		if (t->names[k].subscribed && !matches(l, &t->names[k]))
			return true;
	return false;
}

static void
show(struct imap *im, const struct list_cmd *l, const struct list_tree *t)
{
	for (size_t i = 0; i < t->n && !im->out.failed; i++) {
		const struct list_name *p = &t->names[i];
		bool below, selected;

		if (!matches(l, p))
			continue;
		if (l->lsub) {
			if (lsub_shows(l, p))
				tell(im, l, p, true, false);
			continue;
		}
		below = tells_below(l, t, i);
		selected = l->options & SEL_SUBSCRIBED ? p->subscribed :
		    p->exists || p->children;
		if (l->options & SEL_SPECIAL && p->use.len == 0)
			selected = false;
		if (selected || below)
			tell(im, l, p, selected, below);
	}
}

static void
list(struct imap *im, struct args *a, bool lsub)
{
	struct list_cmd *l = arena_alloc(&im->arena, sizeof(*l));
	struct list_tree t;
	bool subscriptions;

	l->lsub = lsub;
	if (!parse_list(a, l)) {
		reply_args(im, a);
		return;
	}
	/* RFC 3501 section 6.3.8: an empty name asks for the separator. */
	if (!lsub && !l->extended && l->patterns[0].len == 0) {
		(void)netout_adds(&im->out,
		    "* LIST (\\Noselect) \"/\" \"\"\r\n");
		reply_ok(im, NULL, "List completed");
		return;
	}
	for (size_t i = 0; i < l->n; i++)
		if (!join(im, l, &l->patterns[i])) {
			reply_no(im, "CANNOT", "Pattern too long");
			return;
		}
	subscriptions = lsub || l->options & (SEL_SUBSCRIBED | RET_SUBSCRIBED);
	if (list_load(im, &t, subscriptions) == -1) {
		reply_errno(im, "cannot list mailboxes");
		return;
	}
	if (!lsub)
		list_special_use(im, &t);
	show(im, l, &t);
	reply_ok(im, NULL, lsub ? "Lsub completed" : "List completed");
}

void
cmd_list(struct imap *im, struct args *a)
{
	list(im, a, false);
}

void
cmd_lsub(struct imap *im, struct args *a)
{
	list(im, a, true);
}
