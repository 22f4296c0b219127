/*
 * Control file lines and the keyed index.  The index is an array of 12-byte
 * slots sorted by the hash of the key and then by position, so that it is
 * built by one sort, searched by halving, and keeps equal keys in their order.
 * Trusts the administrator's intentions but no line's form.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"

#define TABLE_ERRORS_MAX 100	/* after so many errors of one file the rest is not told */

struct table_slot {
	uint32_t hash;
	uint32_t at;		/* where the line begins; text is below 4 GiB */
	unsigned line;
};

struct span
span_trim(struct span s)
{
	while (s.len > 0 && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

struct span
cur_nextword(struct cur *c)
{
	struct span w;

	while (cur_ch(c, ' ') || cur_ch(c, '\t'))
		;
	w = span_of(c->p, 0);
	while (!cur_end(c) && cur_peek(c) != ' ' && cur_peek(c) != '\t') {
		(void)cur_next(c);
		w.len++;
	}
	return w;
}

void
control_lines_init(struct control_lines *l, struct control *c,
    const char *file, struct span text)
{
	memset(l, 0, sizeof(*l));
	l->c = c;
	l->file = file;
	cur_init(&l->cur, text);
}

/* A line that would mislead a reader or another tool is refused, not cleaned. */
static bool
line_is_good(struct control_lines *l, struct span s)
{
	if (s.len > CONTROL_LINE_MAX) {
		control_error(l->c, l->file, l->line, "the line has more than "
		    "%d bytes; split it", CONTROL_LINE_MAX);
		return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		if ((s.p[i] >= ' ' && s.p[i] != 0x7f) || s.p[i] == '\t')
			continue;
		if (s.p[i] == '\r' && i == s.len - 1)
			control_error(l->c, l->file, l->line, "the line ends in "
			    "CR LF; remove the CR (sed -i 's/\\r$//' %s)",
			    l->file);
		else
			control_error(l->c, l->file, l->line, "there is a control "
			    "byte (0x%02x) in the line; remove it", s.p[i]);
		return false;
	}
	return true;
}

bool
control_lines_next(struct control_lines *l, struct span *out)
{
	while (!cur_end(&l->cur)) {
		struct span s = cur_until(&l->cur, '\n'), t = span_trim(s);

		(void)cur_ch(&l->cur, '\n');
		l->line++;
		if (t.len == 0 || *t.p == '#')
			continue;
		l->indented = t.p != s.p;
		l->follows = l->last != 0 && l->last + 1 == l->line;
		l->last = l->line;
		if (!line_is_good(l, t))
			continue;
		*out = t;
		return true;
	}
	return false;
}

/* FNV-1a. */
uint32_t
table_hash(struct span key)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (uint32_t)ascii_lower(key.p[i])) * 16777619u;
	return h;
}

static bool
is_sep(const struct table *t, int c)
{
	return c == t->format.sep ||
	    (t->format.sep == ' ' && (c == ' ' || c == '\t'));
}

/* The key at the front of a line; a quoted local part may hold the separator. */
struct span
table_key(const struct table *t, struct cur *c)
{
	struct span key = span_of(c->p, 0);
	bool quoted = false;
	int ch;

	while ((ch = cur_peek(c)) != -1 && ch != '\n' &&
	    (quoted || !is_sep(t, ch))) {
		if (ch == '"')
			quoted = !quoted;
		if (ch == '\\' && quoted)
			(void)cur_next(c);
		if (cur_peek(c) != '\n')
			(void)cur_next(c);
	}
	key.len = (size_t)(c->p - key.p);
	return span_trim(key);
}

/* Is the line at the cursor an indented one that carries the entry on? */
static bool
continues(struct cur c)
{
	struct span line;

	if (cur_peek(&c) != ' ' && cur_peek(&c) != '\t')
		return false;
	line = span_trim(cur_until(&c, '\n'));
	return line.len > 0 && *line.p != '#';
}

static void
split(const struct table *t, size_t at, struct span *key, struct span *value)
{
	struct cur c;

	cur_init(&c, span_of(t->text.p + at, t->text.len - at));
	*key = table_key(t, &c);
	if (is_sep(t, cur_peek(&c)))
		(void)cur_next(&c);
	*value = cur_until(&c, '\n');
	while (t->format.continued && cur_ch(&c, '\n') && continues(c)) {
		(void)cur_until(&c, '\n');
		value->len = (size_t)(c.p - value->p);
	}
	*value = span_trim(*value);
}

static int
slot_compare(const void *a, const void *b)
{
	const struct table_slot *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

void
table_at(const struct table *t, size_t i, struct span *key,
    struct span *value, unsigned *line)
{
	split(t, t->slots[i].at, key, value);
	*line = t->slots[i].line;
}

/* The first slot with this hash, or where it would be. */
static size_t
lower_bound(const struct table *t, uint32_t hash)
{
	size_t lo = 0, hi = t->nslots;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->slots[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
table_next(const struct table *t, struct span key, size_t *at,
    struct span *value, unsigned *line)
{
	uint32_t hash = table_hash(key);
	size_t i = *at == 0 ? lower_bound(t, hash) : *at;

	for (; i < t->nslots && t->slots[i].hash == hash; i++) {
		struct span k, v;

		split(t, t->slots[i].at, &k, &v);
		if (!span_iseq(k, key))
			continue;
		if (value != NULL)
			*value = v;
		if (line != NULL)
			*line = t->slots[i].line;
		*at = i + 1;
		return true;
	}
	return false;
}

bool
table_find(const struct table *t, struct span key, struct span *value,
    unsigned *line)
{
	size_t at = 0;

	return table_next(t, key, &at, value, line);
}

/* Equal keys have equal hashes, so they stand together; the first of them is
 * the one to compare with, whatever other key shares its hash. */
static void
check_unique(const struct table *t, struct control *c, const char *file)
{
	unsigned before = c->nerrors;

	for (size_t i = 1; i < t->nslots; i++) {
		struct span key, value;
		unsigned first;

		if (t->slots[i].hash != t->slots[i - 1].hash)
			continue;
		split(t, t->slots[i].at, &key, &value);
		if (!table_find(t, key, NULL, &first) ||
		    first == t->slots[i].line)
			continue;
		control_error(c, file, t->slots[i].line,
		    "\"%.*s\" stands in line %u already; remove one of them",
		    (int)(key.len > 100 ? 100 : key.len), (const char *)key.p,
		    first);
		if (c->nerrors - before > TABLE_ERRORS_MAX)
			return;
	}
}

/* One line into the index. */
static void
add_line(struct table *t, struct control_lines *l, struct span text)
{
	struct table_slot *slot = &t->slots[t->nslots];
	struct span key, value;

	if (l->indented && t->format.continued) {
		if (!l->follows)
			control_error(l->c, l->file, l->line, "an indented line "
			    "continues the line before, but there is none; "
			    "remove the white space at its front");
		return;
	}
	slot->at = (uint32_t)(text.p - t->text.p);
	slot->line = l->line;
	split(t, slot->at, &key, &value);
	if (key.len == 0) {
		control_error(l->c, l->file, l->line, "the line has nothing "
		    "before its \"%c\"; write the name there", t->format.sep);
		return;
	}
	slot->hash = table_hash(key);
	t->nslots++;
	if (t->format.check != NULL)
		t->format.check(l->c, l->file, l->line, key, value);
}

static size_t
count_lines(struct span s)
{
	struct cur c;
	size_t n = 0;

	cur_init(&c, s);
	for (; !cur_end(&c); n++) {
		(void)cur_until(&c, '\n');
		(void)cur_ch(&c, '\n');
	}
	return n;
}

int
table_build(struct table *t, struct control *c, const char *file,
    struct buf *text, const struct table_format *format)
{
	struct control_lines l;
	struct span line;
	unsigned before = c->nerrors;
	size_t n;

	table_free(t);
	t->format = *format;
	t->text = *text;
	memset(text, 0, sizeof(*text));
	n = count_lines(buf_span(&t->text));
	if ((t->slots = calloc(n + 1, sizeof(*t->slots))) == NULL)
		return -1;
	control_lines_init(&l, c, file, buf_span(&t->text));
	while (control_lines_next(&l, &line)) {
		if (c->nerrors - before > TABLE_ERRORS_MAX) {
			control_error(c, file, l.line, "there are more than %d "
			    "errors; mend those above first", TABLE_ERRORS_MAX);
			break;
		}
		add_line(t, &l, line);
	}
	qsort(t->slots, t->nslots, sizeof(*t->slots), slot_compare);
	if (format->unique)
		check_unique(t, c, file);
	return 0;
}

void
table_free(struct table *t)
{
	buf_wipe(&t->text);
	free(t->slots);
	memset(t, 0, sizeof(*t));
}
