/*
 * A reader of JSON test vectors: into a tree, for files that are well-formed.
 */
#ifndef TEST_JSON_H
#define TEST_JSON_H

#include "test.h"

struct json {
	enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY,
	    JSON_OBJECT } kind;
	char *text;			/* string, or number as written */
	size_t len;
	char *name;			/* as member of an object */
	struct json *child, *next;
};

static inline void
json_space(struct cur *c)
{
	while (cur_peek(c) == ' ' || cur_peek(c) == '\n' ||
	    cur_peek(c) == '\t' || cur_peek(c) == '\r')
		cur_next(c);
}

static inline unsigned
json_hex4(struct cur *c)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		int d = ascii_lower(cur_next(c));

		v = v << 4 | (unsigned)(d >= 'a' ? d - 'a' + 10 : d - '0');
	}
	return v;
}

static inline void
json_utf8(struct buf *b, unsigned v)
{
	if (v < 0x80) {
		buf_addc(b, (unsigned char)v);
	} else if (v < 0x800) {
		buf_addc(b, (unsigned char)(0xc0 | v >> 6));
		buf_addc(b, (unsigned char)(0x80 | (v & 63)));
	} else if (v < 0x10000) {
		buf_addc(b, (unsigned char)(0xe0 | v >> 12));
		buf_addc(b, (unsigned char)(0x80 | (v >> 6 & 63)));
		buf_addc(b, (unsigned char)(0x80 | (v & 63)));
	} else {
		buf_addc(b, (unsigned char)(0xf0 | v >> 18));
		buf_addc(b, (unsigned char)(0x80 | (v >> 12 & 63)));
		buf_addc(b, (unsigned char)(0x80 | (v >> 6 & 63)));
		buf_addc(b, (unsigned char)(0x80 | (v & 63)));
	}
}

static inline char *
json_string(struct cur *c, size_t *len)
{
	struct buf b;
	unsigned v;
	int ch;

	buf_init(&b, 16 << 20);
	cur_next(c);
	while ((ch = cur_next(c)) != '"' && ch != -1) {
		if (ch != '\\') {
			buf_addc(&b, (unsigned char)ch);
			continue;
		}
		switch (ch = cur_next(c)) {
		case 'n': buf_addc(&b, '\n'); break;
		case 't': buf_addc(&b, '\t'); break;
		case 'r': buf_addc(&b, '\r'); break;
		case 'b': buf_addc(&b, '\b'); break;
		case 'f': buf_addc(&b, '\f'); break;
		case 'u':
			v = json_hex4(c);
			if (v >= 0xd800 && v < 0xdc00 && cur_word(c, "\\u"))
				v = 0x10000 + ((v & 0x3ff) << 10) +
				    (json_hex4(c) & 0x3ff);
			json_utf8(&b, v);
			break;
		default: buf_addc(&b, (unsigned char)ch);
		}
	}
	*len = b.len;
	buf_addc(&b, 0);
	return (char *)b.p;
}

static inline struct json *json_value(struct cur *c);

static inline void
json_children(struct cur *c, struct json *j, int end)
{
	struct json **tail = &j->child;
	char *name = NULL;
	size_t len;

	cur_next(c);
	for (;;) {
		json_space(c);
		if (cur_ch(c, (unsigned char)end) || cur_end(c))
			return;
		if (cur_ch(c, ','))
			continue;
		if (j->kind == JSON_OBJECT) {
			name = json_string(c, &len);
			json_space(c);
			cur_ch(c, ':');
		}
		*tail = json_value(c);
		(*tail)->name = name;
		tail = &(*tail)->next;
	}
}

static inline struct json *
json_value(struct cur *c)
{
	struct json *j = calloc(1, sizeof(*j));
	struct buf b;

	if (j == NULL)
		err(1, NULL);
	json_space(c);
	switch (cur_peek(c)) {
	case '{':
		j->kind = JSON_OBJECT;
		json_children(c, j, '}');
		return j;
	case '[':
		j->kind = JSON_ARRAY;
		json_children(c, j, ']');
		return j;
	case '"':
		j->kind = JSON_STRING;
		j->text = json_string(c, &j->len);
		return j;
	}
	j->kind = cur_word(c, "null") ? JSON_NULL :
	    cur_peek(c) == 't' || cur_peek(c) == 'f' ? JSON_BOOL : JSON_NUMBER;
	buf_init(&b, 64);
	while (!cur_end(c) && strchr(",]} \n", cur_peek(c)) == NULL)
		buf_addc(&b, (unsigned char)cur_next(c));
	j->len = b.len;
	buf_addc(&b, 0);
	j->text = (char *)b.p;
	return j;
}

/* The tree of a file of the test material; NULL when it is not there. */
static inline struct json *
json_data(const char *name)
{
	struct json *j;
	struct buf b;
	struct cur c;

	if (!test_data(name, &b)) {
		buf_free(&b);
		return NULL;
	}
	cur_init(&c, buf_span(&b));
	j = json_value(&c);
	buf_free(&b);
	return j;
}

static inline void
json_free(struct json *j)
{
	struct json *next;

	for (; j != NULL; j = next) {
		next = j->next;
		json_free(j->child);
		free(j->text);
		free(j->name);
		free(j);
	}
}

static inline const struct json *
json_get(const struct json *j, const char *name)
{
	for (j = j->child; j != NULL; j = j->next)
		if (j->name != NULL && strcmp(j->name, name) == 0)
			return j;
	return NULL;
}

static inline long
json_num(const struct json *j, const char *name)
{
	const struct json *n = json_get(j, name);

	return n == NULL ? -1 : strtol(n->text, NULL, 10);
}

static inline struct span
json_span(const struct json *j)
{
	return span_of(j->text, j->len);
}

#endif
