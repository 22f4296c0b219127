/*
 * The SEARCH grammar: RFC 3501 section 6.4.4, WITHIN of RFC 5032.  Builds a
 * tree in the arena; long chains of OR, which some programs write for many
 * addresses, become one flat node.
 */
#include <string.h>

#include "casemap.h"
#include "find.h"
#include "fuzzy.h"
#include "limits.h"
#include "search.h"

enum arg { A_NONE, A_FLAG, A_UNFLAG, A_STRING, A_FIELD, A_DATE, A_NUMBER, A_NZNUMBER,
	A_KEYWORD, A_UNKEYWORD, A_HEADER, A_UID, A_UIDAFTER,
	A_UIDBEFORE, A_MODSEQ, A_ID };

struct row {
	const char *name;
	enum search_kind kind;
	enum arg arg;
	unsigned flags;
};

static const struct row rows[] = {
	{ "ALL", K_ALL, A_NONE, 0 },
	{ "ANSWERED", K_FLAG, A_FLAG, MAIL_ANSWERED },
	{ "BCC", K_HEADER, A_FIELD, 0 },
	{ "BEFORE", K_BEFORE, A_DATE, 0 },
	{ "BODY", K_BODY, A_STRING, 0 },
	{ "CC", K_HEADER, A_FIELD, 0 },
	{ "DELETED", K_FLAG, A_FLAG, MAIL_DELETED },
	{ "DRAFT", K_FLAG, A_FLAG, MAIL_DRAFT },
	{ "EMAILID", K_EMAILID, A_ID, 0 },
	{ "FLAGGED", K_FLAG, A_FLAG, MAIL_FLAGGED },
	{ "FROM", K_HEADER, A_FIELD, 0 },
	{ "HEADER", K_HEADER, A_HEADER, 0 },
	{ "KEYWORD", K_KEYWORD, A_KEYWORD, 0 },
	{ "LARGER", K_LARGER, A_NUMBER, 0 },
	{ "MODSEQ", K_MODSEQ, A_MODSEQ, 0 },
	{ "NEW", K_NEW, A_NONE, 0 },
	{ "OLD", K_OLD, A_NONE, 0 },
	{ "OLDER", K_OLDER, A_NZNUMBER, 0 },
	{ "ON", K_ON, A_DATE, 0 },
	{ "RECENT", K_RECENT, A_NONE, 0 },
	{ "SAVEDATESUPPORTED", K_ALL, A_NONE, 0 },
	{ "SAVEDBEFORE", K_SAVEDBEFORE, A_DATE, 0 },
	{ "SAVEDON", K_SAVEDON, A_DATE, 0 },
	{ "SAVEDSINCE", K_SAVEDSINCE, A_DATE, 0 },
	{ "SEEN", K_FLAG, A_FLAG, MAIL_SEEN },
	{ "SENTBEFORE", K_SENTBEFORE, A_DATE, 0 },
	{ "SENTON", K_SENTON, A_DATE, 0 },
	{ "SENTSINCE", K_SENTSINCE, A_DATE, 0 },
	{ "SINCE", K_SINCE, A_DATE, 0 },
	{ "SMALLER", K_SMALLER, A_NUMBER, 0 },
	{ "SUBJECT", K_HEADER, A_FIELD, 0 },
	{ "TEXT", K_TEXT, A_STRING, 0 },
	{ "THREADID", K_THREADID, A_ID, 0 },
	{ "TO", K_HEADER, A_FIELD, 0 },
	{ "UID", K_UID, A_UID, 0 },
	{ "UIDAFTER", K_UID, A_UIDAFTER, 0 },
	{ "UIDBEFORE", K_UID, A_UIDBEFORE, 0 },
	{ "UNANSWERED", K_FLAG, A_UNFLAG, MAIL_ANSWERED },
	{ "UNDELETED", K_FLAG, A_UNFLAG, MAIL_DELETED },
	{ "UNDRAFT", K_FLAG, A_UNFLAG, MAIL_DRAFT },
	{ "UNFLAGGED", K_FLAG, A_UNFLAG, MAIL_FLAGGED },
	{ "UNKEYWORD", K_KEYWORD, A_UNKEYWORD, 0 },
	{ "UNSEEN", K_FLAG, A_UNFLAG, MAIL_SEEN },
	{ "YOUNGER", K_YOUNGER, A_NZNUMBER, 0 },
};

static struct search_key *parse_key(struct args *, unsigned depth);

static struct search_key *
fail(struct args *a, const char *why)
{
	(void)parse_fail(a, why);
	return NULL;
}

static struct search_key *
new_key(struct args *a, enum search_kind kind)
{
	struct search_key *k = arena_alloc(a->arena, sizeof(*k));

	if (k == NULL)
		return fail(a, "Command too large");
	k->kind = kind;
	return k;
}

/* The string to look for, folded as messages will be. */
static bool
parse_needle(struct args *a, struct span *needle)
{
	struct span s;
	struct buf b;

	if (!parse_sp(a) || !parse_astring(a, &s))
		return false;
	buf_init(&b, CASEMAP_GROWTH * IMAP_COMMAND_MAX);
	(void)casemap_fold(s, &b);
	find_fold(b.p, b.len);
	*needle = arena_copy(a->arena, buf_span(&b));
	buf_free(&b);
	return needle->p != NULL || parse_fail(a, "Command too large");
}

static bool
parse_keyword(struct args *a, struct search_key *k)
{
	if (!parse_sp(a))
		return false;
	k->name = cur_while(&a->c, imap_chars, IC_ASTRING);
	if (k->name.len == 0)
		return parse_fail(a, "Keyword expected");
	/* The Maildir flag that IMAP shows as a keyword. */
	if (span_isis(k->name, "$Forwarded")) {
		k->kind = K_FLAG;
		k->flags = MAIL_PASSED;
	}
	return true;
}

/* search-modsequence: RFC 7162 section 7.  There is one mod-sequence a message:
 * which flag is meant does not matter (section 3.1.5). */
static bool
parse_modseq_key(struct args *a, struct search_key *k)
{
	struct span s;

	if (!parse_sp(a))
		return false;
	if (cur_peek(&a->c) == '"' && (!parse_string(a, &s) || !parse_sp(a) ||
	    !parse_atom(a, &s) || !parse_sp(a)))
		return false;
	return parse_number64(a, &k->number);
}

/* UIDAFTER and UIDBEFORE: RFC 9738 section 3.2.  After the last one there is
 * nothing, where "UID n:*" would name it. */
static bool
parse_uid_bound(struct args *a, struct search_key *k, bool after)
{
	uint32_t uid;

	if (!parse_sp(a) || !parse_nz_number(a, &uid))
		return false;
	if (uid == (after ? UINT32_MAX : 1))
		return true;
	return seqset_add_range(&k->set, a->arena, after ? uid + 1 : 1,
	    after ? UINT32_MAX : uid - 1) == 0 ||
	    parse_fail(a, "Command too large");
}

/* objectid: RFC 8474 section 7. */
static bool
parse_id_key(struct args *a, struct search_key *k)
{
	return parse_sp(a) && parse_astring(a, &k->name);
}

static bool
parse_arg(struct args *a, const struct row *row, struct search_key *k)
{
	int64_t day;
	uint32_t n;

	k->flags = row->flags;
	switch (row->arg) {
	case A_NONE:
	case A_FLAG:
		return true;
	case A_UNFLAG:
		k->not = true;
		return true;
	case A_FIELD:
		k->name = span_str(row->name);
		return parse_needle(a, &k->needle);
	case A_STRING:
		return parse_needle(a, &k->needle);
	case A_HEADER:
		return parse_sp(a) && parse_astring(a, &k->name) &&
		    parse_needle(a, &k->needle);
	case A_DATE:
		if (!parse_sp(a) || !parse_date(a, &day))
			return false;
		k->number = (uint64_t)day;
		return true;
	case A_NUMBER:
		return parse_sp(a) && parse_number64(a, &k->number);
	case A_NZNUMBER:
		if (!parse_sp(a) || !parse_nz_number(a, &n))
			return false;
		k->number = n;
		return true;
	case A_UNKEYWORD:
		k->not = true;
		return parse_keyword(a, k);
	case A_KEYWORD:
		return parse_keyword(a, k);
	case A_MODSEQ:
		return parse_modseq_key(a, k);
	case A_ID:
		return parse_id_key(a, k);
	case A_UIDAFTER:
	case A_UIDBEFORE:
		return parse_uid_bound(a, k, row->arg == A_UIDAFTER);
	case A_UID:
		if (!parse_sp(a) || !parse_sequence_set(a, &k->set))
			return false;
		if (k->set.saved)	/* "UID $" is "$" */
			k->kind = K_SEQ;
		return true;
	}
	return false;
}

/* *(SP search-key) up to ")" or the end, as children of k. */
static struct search_key *
parse_keys(struct args *a, struct search_key *k, unsigned depth)
{
	struct search_key **last = &k->child;

	do {
		if ((*last = parse_key(a, depth)) == NULL)
			return NULL;
		last = &(*last)->next;
	} while (cur_ch(&a->c, ' '));
	return k;
}

/* "OR" SP search-key SP search-key; in "OR a OR b c" the second key is again an
 * OR, which joins this one. */
static struct search_key *
parse_or(struct args *a, unsigned depth)
{
	struct search_key *k = new_key(a, K_OR), **last;

	if (k == NULL)
		return NULL;
	last = &k->child;
	do {
		if (!parse_sp(a) || (*last = parse_key(a, depth)) == NULL ||
		    !parse_sp(a))
			return NULL;
		last = &(*last)->next;
	} while (cur_word(&a->c, "OR") && (cur_peek(&a->c) == ' ' ||
	    fail(a, "Unknown search key") != NULL));
	if (a->why != NULL || (*last = parse_key(a, depth)) == NULL)
		return NULL;
	return k;
}

static struct search_key *
parse_not(struct args *a, unsigned depth)
{
	struct search_key *k;

	if (!parse_sp(a) || (k = parse_key(a, depth)) == NULL)
		return NULL;
	k->not = !k->not;
	return k;
}

/* A needle without marks, spaces single. */
static bool
make_fuzzy(struct args *a, struct search_key *k)
{
	struct buf b;
	bool ok = true;

	for (; ok && k != NULL; k = k->next) {
		ok = k->child == NULL || make_fuzzy(a, k->child);
		k->fuzzy = true;
		if (k->needle.len == 0)
			continue;
		buf_init(&b, k->needle.len);
		(void)buf_addspan(&b, k->needle);
		fuzzy_strip(&b);
		k->needle = arena_copy(a->arena, buf_span(&b));
		buf_free(&b);
		ok = ok && k->needle.p != NULL;
	}
	return ok || parse_fail(a, "Command too large");
}

/* "FUZZY" SP search-key: RFC 6203 section 7. */
static struct search_key *
parse_fuzzy(struct args *a, unsigned depth)
{
	struct search_key *k;

	if (!parse_sp(a) || (k = parse_key(a, depth)) == NULL ||
	    !make_fuzzy(a, k))
		return NULL;
	return k;
}

static struct search_key *
parse_set_key(struct args *a)
{
	struct search_key *k = new_key(a, K_SEQ);

	return k != NULL && parse_sequence_set(a, &k->set) ? k : NULL;
}

static struct search_key *
parse_group(struct args *a, unsigned depth)
{
	struct search_key *k = new_key(a, K_AND);

	if (k == NULL || parse_keys(a, k, depth) == NULL)
		return NULL;
	if (!cur_ch(&a->c, ')'))
		return fail(a, "Unterminated list of search keys");
	return k;
}

/* search-key: RFC 3501 section 9. */
static struct search_key *
parse_key(struct args *a, unsigned depth)
{
	struct search_key *k;
	struct span name;
	int ch = cur_peek(&a->c);

	if (depth == IMAP_DEPTH_MAX)
		return fail(a, "Search nested too deeply");
	if (cur_ch(&a->c, '('))
		return parse_group(a, depth + 1);
	if ((ch >= '0' && ch <= '9') || ch == '*' || ch == '$')
		return parse_set_key(a);
	name = cur_while(&a->c, imap_chars, IC_ATOM);
	if (span_isis(name, "OR"))
		return parse_or(a, depth + 1);
	if (span_isis(name, "NOT"))
		return parse_not(a, depth + 1);
	if (span_isis(name, "FUZZY"))
		return parse_fuzzy(a, depth + 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!span_isis(name, rows[i].name))
			continue;
		k = new_key(a, rows[i].kind);
		return k != NULL && parse_arg(a, &rows[i], k) ? k : NULL;
	}
	return fail(a, "Unknown search key");
}

bool
search_is_fuzzy(const struct search_key *k)
{
	for (; k != NULL; k = k->next)
		if (k->fuzzy || search_is_fuzzy(k->child))
			return true;
	return false;
}

struct search_key *
parse_search_program(struct args *a)
{
	struct search_key *k = new_key(a, K_AND);

	return k != NULL ? parse_keys(a, k, 0) : NULL;
}
