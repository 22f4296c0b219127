/*
 * Mailbox filters.  A name costs a comparison for each mailbox, and names fit in
 * one command: the work is bounded by both.
 */
#include "filter.h"

#include <string.h>

static bool
parse_name(struct args *a, struct filter *f)
{
	char raw[NAME_RAW_MAX + 1];
	struct span name;
	const char **p;

	if (!parse_astring(a, &name))
		return false;
	if (name_to_raw(name, a->utf8, raw) != NULL)
		return true;
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 8 : f->cap * 2;
		if ((p = arena_alloc(a->arena, f->cap * sizeof(*p))) == NULL)
			return parse_fail(a, "Too many mailboxes");
		if (f->n > 0)
			memcpy(p, f->raw, f->n * sizeof(*p));
		f->raw = p;
	}
	name = arena_copy(a->arena, span_str(raw));
	if (name.p == NULL)
		return parse_fail(a, "Too many mailboxes");
	f->raw[f->n++] = (const char *)name.p;
	return true;
}

/* one-or-more-mailbox: RFC 5465 section 8. */
static bool
parse_names(struct args *a, struct filter *f)
{
	if (!parse_sp(a))
		return false;
	if (!cur_ch(&a->c, '('))
		return parse_name(a, f);
	do {
		if (!parse_name(a, f))
			return false;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

static bool
parse_one(struct args *a, struct filter *f)
{
	static const struct { const char *name; enum filter_kind kind; }
	    table[] = {
		{ "selected", FILTER_SELECTED }, { "inboxes", FILTER_INBOXES },
		{ "personal", FILTER_PERSONAL },
		{ "subscribed", FILTER_SUBSCRIBED },
		{ "subtree", FILTER_SUBTREE },
		{ "subtree-one", FILTER_SUBTREE_ONE },
		{ "mailboxes", FILTER_MAILBOXES },
	};
	struct span name;

	if (!parse_atom(a, &name))
		return false;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (span_isis(name, table[i].name)) {
			f->kind = table[i].kind;
			return f->kind < FILTER_SUBTREE || parse_names(a, f);
		}
	return parse_fail(a, "Unknown kind of mailboxes");
}

/* Is a filter's name next, and no list of options? */
static bool
goes_on(struct args *a)
{
	struct cur at = a->c;

	if (!cur_ch(&at, ' ') || cur_peek(&at) == '(')
		return false;
	a->c = at;
	return true;
}

struct filter *
filter_parse_one(struct args *a)
{
	struct filter *f = arena_alloc(a->arena, sizeof(*f));

	if (f == NULL)
		(void)parse_fail(a, "Too many kinds of mailboxes");
	return f != NULL && parse_one(a, f) ? f : NULL;
}

struct filter *
filter_parse(struct args *a)
{
	struct filter *first = NULL, **last = &first;

	do {
		if ((*last = filter_parse_one(a)) == NULL)
			return NULL;
		last = &(*last)->next;
	} while (goes_on(a));
	return first;
}

/* Is raw this mailbox, or below it?  one: right below. */
static bool
is_below(const char *raw, const char *of, bool one)
{
	size_t n;

	if (strcmp(raw, of) == 0)
		return true;
	if (of[0] == '\0')		/* ".INBOX.x" is below INBOX */
		of = "INBOX";
	n = strlen(of);
	return strncmp(raw, of, n) == 0 && raw[n] == '.' &&
	    (!one || strchr(raw + n + 1, '.') == NULL);
}

static bool
names(const struct filter *f, const char *raw)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->kind == FILTER_MAILBOXES ? strcmp(raw, f->raw[i]) == 0 :
		    is_below(raw, f->raw[i], f->kind == FILTER_SUBTREE_ONE))
			return true;
	return false;
}

/* Mail is delivered to any mailbox that a rule names, so "inboxes" is "personal":
 * RFC 5465 section 6.3. */
bool
filter_names(const struct filter *f, const char *raw, bool subscribed)
{
	bool yes = false;

	for (; f != NULL && !yes; f = f->next)
		yes = f->kind == FILTER_SELECTED ? false :
		    f->kind == FILTER_SUBSCRIBED ? subscribed :
		    f->kind < FILTER_SUBTREE ? !place_is_foreign(raw) :
		    names(f, raw);
	return yes;
}

bool
filter_matches(const struct filter *f, const struct list_name *p)
{
	return p->exists && filter_names(f, p->raw, p->subscribed);
}

bool
filter_has(const struct filter *f, enum filter_kind kind)
{
	for (; f != NULL; f = f->next)
		if (f->kind == kind)
			return true;
	return false;
}
