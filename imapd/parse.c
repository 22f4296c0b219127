/*
 * The argument grammar.  Works on a whole command in memory and does no I/O.
 * Trusts nothing; takes a production or refuses it.  More than RFC 3501 allows
 * in two places, because clients need it: bytes above 127 in quoted strings
 * (passwords, search strings), and "]" in flags.
 */
#include "parse.h"

#include <string.h>

#include "addr.h"
#include "limits.h"
#include "maildir.h"

#define A	(IC_ATOM | IC_ASTRING | IC_LIST | IC_TAG | IC_QUOTED | IC_TEXT)
#define D	(A | IC_DIGIT)
#define L	(A | IC_ALPHA)
#define Q	(IC_QUOTED | IC_TEXT)
#define W	(Q | IC_LIST)		/* wildcards */
#define T	IC_TEXT			/* quoted-specials */
#define B	(Q | IC_ASTRING | IC_LIST | IC_TAG)	/* "]" */
#define P	(A & ~IC_TAG)		/* "+" */

/*
 * RFC 3501 section 9: ATOM-CHAR is CHAR without "(" ")" "{" SP CTL "%" "*"
 * DQUOTE "\" "]"; ASTRING-CHAR adds "]", list-char adds that and the wildcards.
 */
const uint8_t imap_chars[256] = {
	0, Q, Q, Q, Q, Q, Q, Q, Q, Q, 0, Q, Q, 0, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, A, T, A, A, W, A, A, Q, Q, W, P, A, A, A, A,
	D, D, D, D, D, D, D, D, D, D, A, A, A, A, A, A,
	A, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
	L, L, L, L, L, L, L, L, L, L, L, A, T, B, A, A,
	A, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L,
	L, L, L, L, L, L, L, L, L, L, L, Q, A, A, A, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
};

bool
parse_fail(struct args *a, const char *why)
{
	if (a->why == NULL)
		a->why = why;
	return false;
}

bool
parse_sp(struct args *a)
{
	if (!cur_ch(&a->c, ' '))
		return parse_fail(a, cur_end(&a->c) ?
		    "Missing argument" : "Space expected");
	return true;
}

bool
parse_end(struct args *a)
{
	if (!cur_end(&a->c))
		return parse_fail(a, "Unexpected text after the arguments");
	return true;
}

bool
parse_tag(struct args *a, struct span *tag)
{
	*tag = cur_while(&a->c, imap_chars, IC_TAG);
	return tag->len > 0 || parse_fail(a, "Invalid tag");
}

bool
parse_atom(struct args *a, struct span *atom)
{
	*atom = cur_while(&a->c, imap_chars, IC_ATOM);
	return atom->len > 0 || parse_fail(a, "Atom expected");
}

/* quoted: RFC 3501 section 9.  Only one with an escape is copied. */
static bool
parse_quoted_bytes(struct args *a, struct span *s)
{
	struct cur start;
	struct buf b;
	int ch;

	if (!cur_ch(&a->c, '"'))
		return parse_fail(a, "String expected");
	start = a->c;
	*s = cur_while(&a->c, imap_chars, IC_QUOTED);
	if (cur_ch(&a->c, '"'))
		return true;
	a->c = start;
	buf_init(&b, IMAP_COMMAND_MAX);
	while ((ch = cur_next(&a->c)) != '"') {
		if (ch == '\\') {
			ch = cur_next(&a->c);
			if (ch != '"' && ch != '\\')
				ch = -1;
		}
		if (ch == -1 || ch == '\r' || ch == '\n' || ch == 0)
			break;
		buf_addc(&b, (unsigned char)ch);
	}
	*s = arena_copy(a->arena, buf_span(&b));
	if (b.bad)
		s->p = NULL;
	buf_free(&b);
	if (ch != '"')
		return parse_fail(a, "Unterminated or invalid quoted string");
	return s->p != NULL || parse_fail(a, "Command too large");
}

/* RFC 9755 section 3: what is not UTF-8 is refused, once the client has said that
 * it speaks it. */
static bool
parse_quoted(struct args *a, struct span *s)
{
	return parse_quoted_bytes(a, s) && (!a->utf8 || is_utf8(*s) ||
	    parse_fail(a, "Not UTF-8"));
}

static bool
parse_octets(struct args *a, struct span *s)
{
	uint64_t n;

	if (!cur_ch(&a->c, '{') || cur_num(&a->c, UINT32_MAX, &n) == -1)
		return parse_fail(a, "Invalid literal");
	(void)cur_ch(&a->c, '+');
	if (!cur_ch(&a->c, '}') || !cur_ch(&a->c, '\r') ||
	    !cur_ch(&a->c, '\n') || cur_left(&a->c) < n)
		return parse_fail(a, "Invalid literal");
	*s = cur_take(&a->c, (size_t)n);
	return true;
}

/* literal: RFC 3501 section 9, RFC 7888 (non-synchronizing). */
static bool
parse_literal(struct args *a, struct span *s)
{
	if (!parse_octets(a, s))
		return false;
	if (s->len > 0 && memchr(s->p, 0, s->len) != NULL)
		return parse_fail(a, "NUL in a literal");
	return true;
}

bool
parse_literal8(struct args *a, struct span *s)
{
	if (!cur_ch(&a->c, '~'))
		return parse_fail(a, "Literal8 expected");
	return parse_octets(a, s);
}

bool
parse_string(struct args *a, struct span *s)
{
	if (cur_peek(&a->c) == '{')
		return parse_literal(a, s);
	return parse_quoted(a, s);
}

bool
parse_astring(struct args *a, struct span *s)
{
	*s = cur_while(&a->c, imap_chars, IC_ASTRING);
	return s->len > 0 || parse_string(a, s);
}

bool
parse_nstring(struct args *a, struct span *s)
{
	if (cur_word(&a->c, "NIL")) {
		*s = span_of(NULL, 0);
		return true;
	}
	return parse_string(a, s);
}

bool
parse_list_mailbox(struct args *a, struct span *s)
{
	*s = cur_while(&a->c, imap_chars, IC_LIST);
	return s->len > 0 || parse_string(a, s);
}

bool
parse_number64(struct args *a, uint64_t *n)
{
	if (cur_num(&a->c, INT64_MAX, n) == -1)
		return parse_fail(a, "Number expected, or too large");
	return true;
}

bool
parse_number(struct args *a, uint32_t *n)
{
	uint64_t v;

	if (cur_num(&a->c, UINT32_MAX, &v) == -1)
		return parse_fail(a, "Number expected, or too large");
	*n = (uint32_t)v;
	return true;
}

bool
parse_nz_number(struct args *a, uint32_t *n)
{
	if (!parse_number(a, n))
		return false;
	return *n > 0 || parse_fail(a, "Number must not be zero");
}

/* seq-number: RFC 3501 section 9. */
static bool
parse_seq_number(struct args *a, uint32_t *n)
{
	if (cur_ch(&a->c, '*')) {
		*n = SEQ_STAR;
		return true;
	}
	return parse_nz_number(a, n);
}

/* sequence-set: RFC 3501 section 9, "$" of RFC 5182. */
bool
parse_sequence_set(struct args *a, struct seqset *s)
{
	uint32_t lo, hi;

	memset(s, 0, sizeof(*s));
	if (cur_ch(&a->c, '$')) {
		s->saved = true;
		return true;
	}
	do {
		if (!parse_seq_number(a, &lo))
			return false;
		hi = lo;
		if (cur_ch(&a->c, ':') && !parse_seq_number(a, &hi))
			return false;
		if (seqset_add_range(s, a->arena, lo, hi) == -1)
			return parse_fail(a, "Command too large");
	} while (cur_ch(&a->c, ','));
	return true;
}

bool
parse_partial_range(struct args *a, struct partial *p)
{
	if (p->given)
		return parse_fail(a, "PARTIAL stands there twice");
	p->given = true;
	p->last = cur_ch(&a->c, '-');
	if (!parse_nz_number(a, &p->from) || !cur_ch(&a->c, ':') ||
	    cur_ch(&a->c, '-') != p->last || !parse_nz_number(a, &p->to))
		return parse_fail(a, "Invalid PARTIAL range");
	return true;
}

uint64_t
partial_window(const struct partial *p, uint64_t n, uint64_t *at)
{
	uint64_t from = p->from < p->to ? p->from : p->to;
	uint64_t to = p->from < p->to ? p->to : p->from;

	*at = 0;
	if (from > n)
		return 0;
	if (to > n)
		to = n;
	*at = p->last ? n - to : from - 1;
	return to - from + 1;
}

static const struct { const char *name; unsigned bit; } system_flags[] = {
	{ "Seen", MAIL_SEEN }, { "Answered", MAIL_ANSWERED },
	{ "Flagged", MAIL_FLAGGED }, { "Deleted", MAIL_DELETED },
	{ "Draft", MAIL_DRAFT },
};

/* The Maildir letter P is the keyword $Forwarded. */
#define FORWARDED "$Forwarded"

static bool
add_keyword(struct args *a, struct flag_list *f, struct span name)
{
	struct span *k;
	size_t cap;

	for (size_t i = 0; i < f->nkeywords; i++)
		if (span_iseq(f->keywords[i], name))
			return true;
	if (f->nkeywords == f->cap) {
		cap = f->cap == 0 ? 4 : f->cap * 2;
		if ((k = arena_alloc(a->arena, cap * sizeof(*k))) == NULL)
			return parse_fail(a, "Command too large");
		if (f->nkeywords > 0)
			memcpy(k, f->keywords, f->nkeywords * sizeof(*k));
		f->keywords = k;
		f->cap = cap;
	}
	f->keywords[f->nkeywords++] = name;
	return true;
}

/* flag: RFC 3501 section 9.  No flag-extension is known, so none is taken. */
bool
parse_flag(struct args *a, struct flag_list *f)
{
	struct span name;

	if (cur_ch(&a->c, '\\')) {
		if (!parse_atom(a, &name))
			return false;
		for (size_t i = 0; i < sizeof(system_flags) /
		    sizeof(system_flags[0]); i++)
			if (span_isis(name, system_flags[i].name)) {
				f->flags |= system_flags[i].bit;
				return true;
			}
		return parse_fail(a, span_isis(name, "Recent") ?
		    "\\Recent cannot be set" : "Unknown system flag");
	}
	name = cur_while(&a->c, imap_chars, IC_ASTRING);
	if (name.len == 0)
		return parse_fail(a, "Flag expected");
	if (span_isis(name, FORWARDED)) {
		f->flags |= MAIL_PASSED;
		return true;
	}
	if (f->nkeywords >= 64) {
		f->too_many = true;
		return true;
	}
	return add_keyword(a, f, name);
}

bool
parse_flag_list(struct args *a, struct flag_list *f, bool bare)
{
	bool paren = cur_ch(&a->c, '(');

	memset(f, 0, sizeof(*f));
	if (!paren && !bare)
		return parse_fail(a, "Flag list expected");
	if (paren && cur_ch(&a->c, ')'))
		return true;
	do {
		if (!parse_flag(a, f))
			return false;
	} while (cur_ch(&a->c, ' '));
	if (paren && !cur_ch(&a->c, ')'))
		return parse_fail(a, "Unterminated flag list");
	return true;
}

/* language-ranges: RFC 5255 section 3.5.  All texts are English: a range matches
 * that is "en" or begins with it, "i-default", "default" or "*". */
bool
parse_languages(struct args *a, bool *list, bool *known)
{
	struct span s;

	*known = false;
	*list = cur_end(&a->c);
	while (!cur_end(&a->c)) {
		if (!parse_sp(a))
			return false;
		if (cur_ch(&a->c, '*')) {
			*known = true;
			continue;
		}
		if (!parse_astring(a, &s))
			return false;
		*known |= span_isis(s, "en") || span_isis(s, "i-default") ||
		    span_isis(s, "default") || span_isis(s, "*") ||
		    (s.len > 3 && span_isis(span_of(s.p, 3), "en-"));
	}
	return true;
}

#define ID_PAIRS 30		/* RFC 2971 section 3.3 */

/* id_params_list: RFC 2971 section 4. */
bool
parse_id(struct args *a)
{
	struct span s;
	unsigned n = 0;

	if (cur_word(&a->c, "NIL"))
		return true;
	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "NIL or a list expected");
	if (cur_ch(&a->c, ')'))
		return true;
	do {
		if (++n > ID_PAIRS)
			return parse_fail(a, "More than 30 ID fields");
		if (!parse_string(a, &s) || !parse_sp(a) ||
		    !parse_nstring(a, &s))
			return false;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

#define LITERAL_MAX (UINT64_MAX / 2)

static bool
is_digit(int ch)
{
	return ch >= '0' && ch <= '9';
}

bool
literal_at_end(struct span line, struct literal *lit)
{
	struct cur c;
	size_t at = line.len;

	if (line.len < 3 || line.p[line.len - 1] != '}')
		return false;
	while (at > 0 && line.p[at - 1] != '{')
		at--;
	if (at == 0)
		return false;
	memset(lit, 0, sizeof(*lit));
	cur_init(&c, span_of(line.p + at, line.len - at));
	if (cur_num(&c, LITERAL_MAX, &lit->size) == -1) {
		if (!is_digit(cur_peek(&c)))
			return false;
		lit->size = LITERAL_MAX;	/* as good as what was meant */
		while (is_digit(cur_peek(&c)))
			(void)cur_next(&c);
	}
	lit->sync = !cur_ch(&c, '+');
	if (!cur_ch(&c, '}') || !cur_end(&c))
		return false;
	lit->at = at - 1;
	lit->binary = lit->at > 0 && line.p[lit->at - 1] == '~';
	if (lit->binary)
		lit->at--;
	return true;
}

struct span
line_tag(struct span line)
{
	struct cur c;
	struct span tag;

	cur_init(&c, line);
	tag = cur_while(&c, imap_chars, IC_TAG);
	if (tag.len > 128 || !cur_ch(&c, ' '))
		return span_of(NULL, 0);
	return tag;
}
