/*
 * Target lists taken apart.  What a user writes there is run or mailed to in
 * his name and in no other's; here it is only read.  Refuses what it does not
 * understand instead of guessing: a wrong guess mails to a stranger.
 */
#include "targets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fmt.h"

static const char bad_address[] = "this is not an address; write "
    "bob@example.org, or bob for one of the same domain, and commas between "
    "them";

void
targets_init(struct targets *t, struct span text, const char *domain,
    bool lines)
{
	cur_init(&t->cur, text);
	t->domain = domain;
	t->lines = lines;
	t->line = 1;
}

static int
take(struct targets *t)
{
	int c = cur_next(&t->cur);

	if (c == '\n')
		t->line++;
	return c;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* To the next target: over blanks, separators and comment lines. */
static void
skip_between(struct targets *t)
{
	bool start = t->line == 1;

	for (;;) {
		int c = cur_peek(&t->cur);

		if (t->lines && c == '#' && start) {
			while (cur_peek(&t->cur) != -1 &&
			    cur_peek(&t->cur) != '\n')
				(void)take(t);
		} else if (is_blank(c) || c == ',') {
			if (c == '\n')
				start = true;
			else if (c == ',')
				start = false;
			(void)take(t);
		} else
			return;
	}
}

/* One target as it stands: up to a comma, or a line end where that separates,
 * outside quotes and comments. */
static struct span
take_raw(struct targets *t, bool *open)
{
	struct span s = span_of(t->cur.p, 0);
	bool quoted = false;
	unsigned depth = 0;
	int c;

	while ((c = cur_peek(&t->cur)) != -1 && !(t->lines && c == '\n')) {
		if (c == ',' && !quoted && depth == 0)
			break;
		(void)take(t);
		if (c == '\\' && cur_peek(&t->cur) != -1 &&
		    cur_peek(&t->cur) != '\n')
			(void)take(t);
		else if (c == '"' && depth == 0)
			quoted = !quoted;
		else if (c == '(' && !quoted && s.p[0] != '|')
			depth++;
		else if (c == ')' && !quoted && depth > 0)
			depth--;
	}
	s.len = (size_t)(t->cur.p - s.p);
	while (s.len > 0 && is_blank(s.p[s.len - 1]))
		s.len--;
	*open = quoted || depth > 0;
	return s;
}

/* Takes quotes around (part of) a command or path away. */
static int
unquote(struct span s, char *out, size_t size)
{
	bool quoted = false;
	struct cur c;
	size_t n = 0;
	int ch;

	cur_init(&c, s);
	while ((ch = cur_next(&c)) != -1) {
		if (ch == '"') {
			quoted = !quoted;
			continue;
		}
		if (ch == '\\' && quoted &&
		    (cur_peek(&c) == '"' || cur_peek(&c) == '\\'))
			ch = cur_next(&c);
		if (ch == '\0' || n + 1 >= size)
			return -1;
		out[n++] = (char)ch;
	}
	while (n > 0 && is_blank(out[n - 1]))
		n--;
	out[n] = '\0';
	return 0;
}

/* In |"IFS=' ' && exec x" the quotes hold the whole command; in
 * |x "two words" they are the shell's. */
static int
parse_command(struct span s, char *out, size_t size)
{
	struct cur c;

	cur_init(&c, s);
	if (cur_ch(&c, '|')) {
		s = cur_rest(&c);
		while (s.len > 0 && is_blank(s.p[0]))
			s = span_of(s.p + 1, s.len - 1);
		if (s.len > 0 && s.p[0] == '"')
			return unquote(s, out, size);
		return span_cstr(s, out, size);
	}
	if (unquote(s, out, size) == -1)	/* "|command" */
		return -1;
	s = span_str(out + 1);
	while (s.len > 0 && is_blank(s.p[0]))
		s = span_of(s.p + 1, s.len - 1);
	memmove(out, s.p, s.len + 1);
	return 0;
}

/* A full address, or a local name that gets the domain of the list. */
static bool
parse_address(struct span s, const char *domain, struct addr *a)
{
	char text[ADDR_MAX + 8];

	if (parse_mailbox(s, true, a) == ADDR_OK)
		return true;
	if ((size_t)fmt_print(text, sizeof(text), "%.*s@%s", (int)s.len,
	    (const char *)s.p, domain) >= sizeof(text))
		return false;
	return parse_mailbox(span_str(text), true, a) == ADDR_OK;
}

struct only { unsigned n; struct addr_item item; };

static void
only_item(void *arg, const struct addr_item *i)
{
	struct only *o = arg;

	o->n++;
	o->item = *i;
}

/* As in a header field: Bob <bob@example.org> (comment). */
static bool
parse_decorated(struct span s, const char *domain, struct addr *a)
{
	struct only o = { 0 };
	struct buf b;
	bool r;

	if (parse_address_list(s, only_item, &o) != 0 || o.n != 1 ||
	    o.item.kind != ADDR_MAILBOX)
		return false;
	buf_init(&b, ADDR_PATH_MAX);
	addr_clean(o.item.local, ADDR_CLEAN_KEEP, &b);
	if (o.item.domain.len > 0) {
		buf_addc(&b, '@');
		addr_clean(o.item.domain, ADDR_CLEAN_KEEP, &b);
	}
	r = !b.bad && parse_address(buf_span(&b), domain, a);
	buf_free(&b);
	return r;
}

static const char *
parse_as_address(struct targets *t, struct span s, struct target_item *item)
{
	if (s.p[0] == '\\') {
		item->kind = TARGET_MAILBOX;
		s = span_of(s.p + 1, s.len - 1);
		return parse_address(s, t->domain, &item->addr) ? NULL :
		    bad_address;
	}
	item->kind = TARGET_ADDRESS;
	if (parse_address(s, t->domain, &item->addr))
		return NULL;
	if (span_haschr(s, '<') || span_haschr(s, '('))
		return parse_decorated(s, t->domain, &item->addr) ? NULL :
		    bad_address;
	return bad_address;
}

/* NULL, or what is wrong. */
static const char *
parse_item(struct targets *t, struct span s, struct target_item *item)
{
	struct span in = s;
	struct cur c;

	if (in.len > 1 && in.p[0] == '"')
		in = span_of(in.p + 1, in.len - 1);
	cur_init(&c, in);
	if (in.p[0] == '|') {
		item->kind = TARGET_PROGRAM;
		if (parse_command(s, item->text, sizeof(item->text)) == -1)
			return "the command is too long; put it into a script";
		return item->text[0] != '\0' ? NULL :
		    "there is no command behind \"|\"; write one, or remove it";
	}
	if (in.p[0] == '/') {
		item->kind = TARGET_FILE;
		return unquote(s, item->text, sizeof(item->text)) == 0 ? NULL :
		    "the path is too long; write a shorter one";
	}
	if (cur_word(&c, ":include:")) {
		item->kind = TARGET_INCLUDE;
		if (unquote(s, item->text, sizeof(item->text)) == -1)
			return "the path is too long; write a shorter one";
		s = span_str(item->text + strlen(":include:"));
		while (s.len > 0 && is_blank(s.p[0]))
			s = span_of(s.p + 1, s.len - 1);
		memmove(item->text, s.p, s.len + 1);
		return item->text[0] == '/' ? NULL :
		    "behind :include: stands a path that begins with \"/\"";
	}
	(void)span_cstr(span_of(s.p, s.len < sizeof(item->text) ? s.len :
	    sizeof(item->text) - 1), item->text, sizeof(item->text));
	return parse_as_address(t, s, item);
}

int
targets_next(struct targets *t, struct target_item *item, const char **wrong)
{
	struct span s;
	bool open;

	memset(item, 0, sizeof(*item));
	*wrong = NULL;
	skip_between(t);
	if (cur_end(&t->cur))
		return 0;
	item->line = t->line;
	s = take_raw(t, &open);
	if (open) {
		(void)span_cstr(span_of(s.p, s.len < 100 ? s.len : 100),
		    item->text, sizeof(item->text));
		*wrong = "a quotation mark or bracket is never closed";
		return -1;
	}
	*wrong = parse_item(t, s, item);
	return *wrong == NULL ? 1 : -1;
}

static const char *
text_of(const struct target_item *item)
{
	return item->kind == TARGET_ADDRESS || item->kind == TARGET_MAILBOX ?
	    item->addr.text : item->text;
}

uint64_t
target_hash(const struct target_item *item)
{
	const uint64_t prime = UINT64_C(1099511628211);	/* FNV-1a */
	uint64_t h = (UINT64_C(14695981039346656037) ^ item->kind) * prime;

	for (const char *text = text_of(item); *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * prime;
	return h;
}

bool
target_same(const struct target_item *a, const struct target_item *b)
{
	return a->kind == b->kind && strcmp(text_of(a), text_of(b)) == 0;
}

void
target_key(const struct target_item *item, char out[17])
{
	snprintf(out, 17, "%016" PRIx64, target_hash(item));
}
