/*
 * The text of an access control list: a line for each identifier, its name and its rights.  Bytes of an identifier that
 * are no visible ASCII, and "%", are written %XX.  Refuses the whole text for one wrong line, or a last
 * line without its end: what is missing might have taken rights away.
 */
#include "acl.h"

#include <errno.h>
#include <stdlib.h>

#include "encode.h"
#include "limits.h"

static const char letters[] = "lrswipkxtea";

void
acl_init(struct acl *a)
{
	*a = (struct acl){ 0 };
	buf_init(&a->names, ACL_FILE_MAX);
}

void
acl_free(struct acl *a)
{
	buf_free(&a->names);
	free(a->e);
	*a = (struct acl){ 0 };
}

struct span
acl_identifier(const struct acl *a, const struct acl_entry *e)
{
	return span_of(a->names.p + e->at, e->len);
}

/* RFC 4314 section 2.1; an upper-case letter is none (section 3.1). */
int
acl_rights_parse(struct span s, unsigned *rights)
{
	*rights = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned bit = 0;

		for (unsigned k = 0; letters[k] != '\0'; k++)
			if (s.p[i] == letters[k])
				bit = 1u << k;
		if (s.p[i] == 'c')
			bit = ACL_CREATE | ACL_DELETE;
		if (s.p[i] == 'd')
			bit = ACL_DELETED | ACL_EXPUNGE;
		if (bit == 0)
			return -1;
		*rights |= bit;
	}
	return 0;
}

void
acl_rights_print(unsigned rights, bool virtuals, struct buf *out)
{
	for (unsigned k = 0; letters[k] != '\0'; k++)
		if (rights >> k & 1)
			(void)buf_addc(out, (unsigned char)letters[k]);
	if (virtuals && rights & (ACL_CREATE | ACL_DELETE))
		(void)buf_addc(out, 'c');
	if (virtuals && rights & (ACL_DELETED | ACL_EXPUNGE))
		(void)buf_addc(out, 'd');
}

/* RFC 4314 section 2: "-" before an identifier makes its rights negative. */
int
acl_identifier_parse(struct span s, struct buf *out, bool *negative)
{
	*negative = s.len > 0 && s.p[0] == '-';
	if (*negative)
		s = span_of(s.p + 1, s.len - 1);
	if (s.len == 0 || s.len > ADDR_MAX || s.p[0] == '-')
		return -1;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f || buf_addc(out,
		    (unsigned char)ascii_lower(s.p[i])) == -1)
			return -1;
	return 0;
}

const struct acl_entry *
acl_find(const struct acl *a, struct span identifier, bool negative)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->e[i].negative == negative &&
		    span_eq(acl_identifier(a, &a->e[i]), identifier))
			return &a->e[i];
	return NULL;
}

static int
add(struct acl *a, struct span identifier, bool negative, unsigned rights)
{
	struct acl_entry *p;

	if (a->n == ACL_ENTRIES_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (a->n == a->cap) {
		size_t cap = a->cap == 0 ? 8 : a->cap * 2;

		if ((p = reallocarray(a->e, cap, sizeof(*p))) == NULL)
			return -1;
		a->e = p;
		a->cap = cap;
	}
	a->e[a->n] = (struct acl_entry){ a->names.len, identifier.len,
	    negative, rights };
	if (buf_addspan(&a->names, identifier) == -1) {
		errno = E2BIG;
		return -1;
	}
	a->n++;
	return 0;
}

int
acl_set(struct acl *a, struct span identifier, bool negative, unsigned rights)
{
	const struct acl_entry *e = acl_find(a, identifier, negative);
	size_t i;

	if (e == NULL)
		return rights == 0 ? 0 : add(a, identifier, negative, rights);
	i = (size_t)(e - a->e);
	a->e[i].rights = rights;
	if (rights != 0)
		return 0;
	a->n--;
	for (; i < a->n; i++)
		a->e[i] = a->e[i + 1];
	return 0;
}

unsigned
acl_rights(const struct acl *a, const char *address)
{
	unsigned given = 0, taken = 0;

	for (size_t i = 0; i < a->n; i++) {
		struct span s = acl_identifier(a, &a->e[i]);

		if (!span_is(s, "anyone") && !span_isis(s, address))
			continue;
		if (a->e[i].negative)
			taken |= a->e[i].rights;
		else
			given |= a->e[i].rights;
	}
	return given & ~taken;
}

/* One word up to a space, with %XX undone. */
static int
take_name(struct cur *c, struct buf *out)
{
	int ch;

	while (cur_peek(c) != ' ' && (ch = cur_next(c)) != -1)
		if ((ch == '%' && (ch = hex_byte(c)) == -1) ||
		    buf_addc(out, (unsigned char)ch) == -1)
			return -1;
	return 0;
}

/* line = identifier " " rights: posthouse-maildir(5).  NULL, or what is wrong. */
static const char *
parse_line(struct acl *a, struct cur *c)
{
	struct buf raw, name;
	const char *why = NULL;
	unsigned rights = 0;
	bool negative = false;

	buf_init(&raw, ADDR_MAX + 1);
	buf_init(&name, ADDR_MAX);
	if (take_name(c, &raw) == -1 || acl_identifier_parse(buf_span(&raw),
	    &name, &negative) == -1)
		why = "this is no identifier; write an address or anyone";
	else if (!cur_ch(c, ' ') || acl_rights_parse(cur_rest(c), &rights) == -1)
		why = "one space and some of the rights lrswipkxtea must follow "
		    "the identifier";
	else if (acl_find(a, buf_span(&name), negative) != NULL)
		why = "this identifier has a line already; put its rights into one";
	else if (add(a, buf_span(&name), negative, rights) == -1)
		why = "there are too many lines; name fewer accounts, or anyone";
	buf_free(&raw);
	buf_free(&name);
	return why;
}

int
acl_parse(struct acl *a, struct span text, const char **why, unsigned *line)
{
	struct cur c, one;

	acl_free(a);
	acl_init(a);
	*why = NULL;
	*line = 0;
	cur_init(&c, text);
	while (*why == NULL && !cur_end(&c)) {
		++*line;
		cur_init(&one, cur_until(&c, '\n'));
		if (!cur_ch(&c, '\n'))
			*why = "the last line does not end; is it all there?";
		else if (!cur_end(&one) && cur_peek(&one) != '#')
			*why = parse_line(a, &one);
	}
	if (*why == NULL)
		return 0;
	acl_free(a);
	acl_init(a);
	errno = EBADMSG;
	return -1;
}

void
acl_print(const struct acl *a, struct buf *out)
{
	for (size_t i = 0; i < a->n; i++) {
		struct span s = acl_identifier(a, &a->e[i]);

		if (a->e[i].negative)
			(void)buf_addc(out, '-');
		for (size_t k = 0; k < s.len; k++) {
			unsigned char ch = s.p[k];

			if (ch <= ' ' || ch >= 0x7f || ch == '%' || ch == '#')
				(void)buf_addf(out, "%%%02X", ch);
			else
				(void)buf_addc(out, ch);
		}
		(void)buf_addc(out, ' ');
		acl_rights_print(a->e[i].rights, false, out);
		(void)buf_addc(out, '\n');
	}
}
