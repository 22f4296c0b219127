/*
 * The items of a FETCH command.  A table names the simple ones; BODY[...] has
 * its own productions.
 */
#include <string.h>

#include "fetch.h"
#include "limits.h"
#include "qresync.h"

#define ITEMS_MAX 200		/* more in one command is an attack on our output */

struct item_row {
	const char *name;
	struct fetch_item item;
};

static const struct item_row rows[] = {
	{ "FLAGS", { .print = fetch_flags } },
	{ "UID", { .print = fetch_uid } },
	{ "INTERNALDATE", { .print = fetch_internaldate, .date = true } },
	{ "RFC822.SIZE", { .print = fetch_size, .size = true } },
	{ "MODSEQ", { .print = fetch_modseq } },
	{ "SAVEDATE", { .print = fetch_savedate } },
	{ "EMAILID", { .print = fetch_emailid } },
	{ "THREADID", { .print = fetch_threadid, .need = NEED_HEADER } },
	{ "PREVIEW", { .print = fetch_preview, .need = NEED_TREE } },
	{ "ENVELOPE", { .print = fetch_envelope, .need = NEED_HEADER } },
	{ "BODY", { .print = fetch_body, .need = NEED_TREE } },
	{ "BODYSTRUCTURE", { .print = fetch_bodystructure,
	    .need = NEED_TREE } },
	{ "RFC822", { .print = fetch_section, .need = NEED_WHOLE,
	    .seen = true } },
	{ "RFC822.HEADER", { .print = fetch_section, .need = NEED_HEADER } },
	{ "RFC822.TEXT", { .print = fetch_section, .need = NEED_WHOLE,
	    .seen = true } },
};

static const struct { const char *name; enum section_kind kind; } texts[] = {
	{ "HEADER.FIELDS.NOT", SEC_FIELDS_NOT }, { "HEADER.FIELDS", SEC_FIELDS },
	{ "HEADER", SEC_HEADER }, { "TEXT", SEC_TEXT }, { "MIME", SEC_MIME },
};

/* NULL: the arena is full. */
static struct fetch_item *
append(struct arena *arena, struct fetch *f, const struct fetch_item *item)
{
	struct fetch_item *p = arena_alloc(arena, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = *item;
	p->next = NULL;
	if (f->last == NULL)
		f->last = &f->first;
	*f->last = p;
	f->last = &p->next;
	f->n++;
	if (p->need > f->need)
		f->need = p->need;
	f->size |= p->size;
	f->date |= p->date;
	f->seen |= p->seen;
	f->binary |= p->binary;
	f->modseq |= p->print == fetch_modseq;
	f->flags |= p->print == fetch_flags;
	f->uid |= p->print == fetch_uid;
	return p;
}

static bool
add(struct args *a, struct fetch *f, const struct fetch_item *item)
{
	if (f->n >= ITEMS_MAX)
		return parse_fail(a, "Too many FETCH items");
	return append(a->arena, f, item) != NULL ||
	    parse_fail(a, "Command too large");
}

static bool
same_section(const struct section *x, const struct section *y)
{
	if (x == NULL || y == NULL)
		return x == y;
	if (x->kind != y->kind || x->npath != y->npath ||
	    x->nfields != y->nfields ||
	    memcmp(x->path, y->path, x->npath * sizeof(x->path[0])) != 0)
		return false;
	for (size_t i = 0; i < x->nfields; i++)
		if (!span_iseq(x->fields[i], y->fields[i]))
			return false;
	return true;
}

static bool
has_item(const struct fetch *f, const struct fetch_item *x)
{
	for (const struct fetch_item *p = f->first; p != NULL; p = p->next)
		if (p->print == x->print && p->name == x->name &&
		    p->partial == x->partial && p->from == x->from &&
		    p->count == x->count && same_section(p->section,
		    x->section))
			return true;
	return false;
}

void
fetch_merge(struct arena *arena, struct fetch *to, const struct fetch *from)
{
	for (const struct fetch_item *p = from->first; p != NULL; p = p->next)
		if (to->n < ITEMS_MAX && !has_item(to, p))
			(void)append(arena, to, p);
}

static bool
add_row(struct args *a, struct fetch *f, const struct item_row *row)
{
	struct fetch_item item = row->item;

	item.name = row->name;
	if (item.print == fetch_section) {
		item.section = arena_alloc(a->arena, sizeof(*item.section));
		if (item.section == NULL)
			return parse_fail(a, "Command too large");
		if (strcmp(row->name, "RFC822.HEADER") == 0)
			item.section->kind = SEC_HEADER;
		else if (strcmp(row->name, "RFC822.TEXT") == 0)
			item.section->kind = SEC_TEXT;
	}
	return add(a, f, &item);
}

bool
fetch_add_name(struct args *a, struct fetch *f, const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return add_row(a, f, &rows[i]);
	return parse_fail(a, "Unknown FETCH item");
}

/* header-list: RFC 3501 section 9. */
static bool
parse_header_list(struct args *a, struct section *s)
{
	struct span name, *p;

	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "Header list expected");
	do {
		if (!parse_astring(a, &name))
			return false;
		if (s->nfields == s->cap) {
			s->cap = s->cap == 0 ? 8 : s->cap * 2;
			p = arena_alloc(a->arena, s->cap * sizeof(*p));
			if (p == NULL || s->cap > HEADER_FIELDS_MAX)
				return parse_fail(a, "Too many header names");
			if (s->nfields > 0)
				memcpy(p, s->fields, s->nfields * sizeof(*p));
			s->fields = p;
		}
		s->fields[s->nfields++] = name;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated header list");
}

/* section-text: RFC 3501 section 9. */
static bool
parse_section_text(struct args *a, struct section *s)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!cur_word(&a->c, texts[i].name))
			continue;
		s->kind = texts[i].kind;
		if (s->kind == SEC_MIME && s->npath == 0)
			return parse_fail(a, "MIME needs a part number");
		if (s->kind == SEC_FIELDS || s->kind == SEC_FIELDS_NOT)
			return parse_sp(a) && parse_header_list(a, s);
		return true;
	}
	return parse_fail(a, "Unknown section");
}

/* section-part: RFC 3501 section 9.  *dot: a "." stands behind it. */
static bool
parse_section_part(struct args *a, struct section *s, bool *dot)
{
	uint32_t n;
	int ch = cur_peek(&a->c);

	*dot = true;
	while (*dot && ch >= '0' && ch <= '9') {
		if (!parse_nz_number(a, &n))
			return false;
		if (s->npath == SECTION_PATH_MAX)
			return parse_fail(a, "Too many part numbers");
		s->path[s->npath++] = n;
		*dot = cur_ch(&a->c, '.');
		ch = cur_peek(&a->c);
	}
	return true;
}

/* section-spec: RFC 3501 section 9. */
bool
parse_section(struct args *a, struct section *s)
{
	bool dot;

	memset(s, 0, sizeof(*s));
	if (cur_peek(&a->c) == ']')
		return true;
	return parse_section_part(a, s, &dot) && (!dot ||
	    parse_section_text(a, s));
}

/* "<" number "." nz-number ">" : RFC 3501 section 9, fetch-att. */
static bool
parse_partial(struct args *a, struct fetch_item *item)
{
	if (!cur_ch(&a->c, '<'))
		return true;
	item->partial = true;
	if (!parse_number64(a, &item->from) || !cur_ch(&a->c, '.') ||
	    !parse_number64(a, &item->count) || !cur_ch(&a->c, '>'))
		return parse_fail(a, "Invalid partial range");
	return item->count > 0 || parse_fail(a, "Empty partial range");
}

/* What follows "BODY" or "BODY.PEEK" when it is "[". */
static bool
parse_body_section(struct args *a, struct fetch *f, bool peek)
{
	struct fetch_item item = { .print = fetch_section, .seen = !peek };

	item.section = arena_alloc(a->arena, sizeof(*item.section));
	if (item.section == NULL)
		return parse_fail(a, "Command too large");
	if (!parse_section(a, item.section))
		return false;
	if (!cur_ch(&a->c, ']'))
		return parse_fail(a, "\"]\" expected");
	if (!parse_partial(a, &item))
		return false;
	item.need = section_need(item.section);
	return add(a, f, &item);
}

/* section-binary: RFC 3516 section 7. */
static bool
parse_binary(struct args *a, struct fetch *f, bool size, bool peek)
{
	struct fetch_item item = { .need = NEED_TREE, .binary = true,
	    .print = size ? fetch_binary_size : fetch_binary, .seen = !peek };
	bool dot = false;

	item.section = arena_alloc(a->arena, sizeof(*item.section));
	if (item.section == NULL)
		return parse_fail(a, "Command too large");
	if (cur_peek(&a->c) != ']' &&
	    !parse_section_part(a, item.section, &dot))
		return false;
	if (dot || !cur_ch(&a->c, ']'))
		return parse_fail(a, "Part numbers and \"]\" expected");
	return (size || parse_partial(a, &item)) && add(a, f, &item);
}

/* fetch-att: RFC 3501 section 9.  "[" belongs to ATOM-CHAR, so names are
 * compared where they stand, the longest first. */
static bool
parse_fetch_att(struct args *a, struct fetch *f)
{
	const struct item_row *best = NULL;
	struct cur start = a->c, end = a->c;

	if (cur_word(&a->c, "BODY[") )
		return parse_body_section(a, f, false);
	if (cur_word(&a->c, "BODY.PEEK["))
		return parse_body_section(a, f, true);
	if (cur_word(&a->c, "BINARY["))
		return parse_binary(a, f, false, false);
	if (cur_word(&a->c, "BINARY.PEEK["))
		return parse_binary(a, f, false, true);
	if (cur_word(&a->c, "BINARY.SIZE["))
		return parse_binary(a, f, true, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a->c = start;
		if (cur_word(&a->c, rows[i].name) && (best == NULL ||
		    strlen(rows[i].name) > strlen(best->name))) {
			best = &rows[i];
			end = a->c;
		}
	}
	a->c = end;
	/* RFC 8970 section 4: there is no undue delay to avoid. */
	if (best != NULL && best->item.print == fetch_preview)
		(void)cur_word(&a->c, " (LAZY)");
	return best != NULL ? add_row(a, f, best) :
	    parse_fail(a, "Unknown FETCH item");
}

/* The macros: RFC 3501 section 6.4.5; they may not stand in a list. */
static const struct { const char *name, *items[6]; } macros[] = {
	{ "ALL", { "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE" } },
	{ "FAST", { "FLAGS", "INTERNALDATE", "RFC822.SIZE" } },
	{ "FULL", { "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE",
	    "BODY" } },
};

bool
parse_fetch_items(struct args *a, struct fetch *f)
{
	struct cur start = a->c;

	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		a->c = start;
		if (!cur_word(&a->c, macros[i].name) || !(cur_end(&a->c) ||
		    cur_peek(&a->c) == ' '))
			continue;
		for (size_t k = 0; macros[i].items[k] != NULL; k++)
			if (!fetch_add_name(a, f, macros[i].items[k]))
				return false;
		return true;
	}
	a->c = start;
	if (!cur_ch(&a->c, '('))
		return parse_fetch_att(a, f);
	do {
		if (!parse_fetch_att(a, f))
			return false;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated FETCH list");
}

/* fetch-modifier: RFC 7162 section 7, RFC 9394 section 4. */
static bool
parse_modifier(struct args *a, struct fetch *f)
{
	struct span name;

	if (!parse_atom(a, &name))
		return false;
	if (span_isis(name, "PARTIAL"))
		return parse_sp(a) && parse_partial_range(a, &f->partial);
	if (span_isis(name, "VANISHED")) {
		f->vanished = true;
		return true;
	}
	if (!span_isis(name, "CHANGEDSINCE"))
		return parse_fail(a, "Unknown FETCH modifier");
	f->changed = true;
	/* Zero, which the grammar does not have, is sent by clients. */
	return parse_sp(a) && parse_modseq(a, true, &f->since);
}

bool
parse_fetch_modifiers(struct args *a, struct fetch *f)
{
	if (!cur_ch(&a->c, ' '))
		return true;
	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "List of FETCH modifiers expected");
	do {
		if (!parse_modifier(a, f))
			return false;
	} while (cur_ch(&a->c, ' '));
	if (!cur_ch(&a->c, ')'))
		return parse_fail(a, "Unterminated list");
	return !f->vanished || f->changed ||
	    parse_fail(a, "VANISHED needs CHANGEDSINCE");
}
