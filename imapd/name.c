/*
 * Names.  The client's "/" is the directory's ".", so a "." in a name has no
 * place on disk and is refused, as are empty parts, control bytes and wrong
 * modified UTF-7.  So no name can leave the mail directory.
 */
#include "name.h"

#include <string.h>

#include "utf7.h"

/* The parts of a name: none empty, none with a dot. */
static const char *
check_parts(struct span s)
{
	struct cur c;
	struct span part;

	if (span_haschr(s, '.'))
		return "A mailbox name cannot contain \".\"";
	cur_init(&c, s);
	do {
		part = cur_until(&c, '/');
		if (part.len == 0)
			return "Empty part in a mailbox name";
	} while (cur_ch(&c, '/'));
	return NULL;
}

static const char *
check_utf7(struct span s)
{
	struct buf b;
	bool bad;

	buf_init(&b, 4 * s.len + 16);
	bad = utf7_decode(s, &b) == -1;
	buf_free(&b);
	return bad ? "Mailbox name is not valid modified UTF-7" : NULL;
}

const char *
name_to_raw(struct span wire, char raw[NAME_RAW_MAX + 1])
{
	const char *why;

	raw[0] = '\0';
	if (wire.len == 0)
		return "Empty mailbox name";
	if (wire.len > NAME_RAW_MAX)
		return "Mailbox name too long";
	if (span_isis(wire, "INBOX"))
		return NULL;
	if ((why = check_parts(wire)) != NULL ||
	    (why = check_utf7(wire)) != NULL)
		return why;
	if (span_cstr(wire, raw, NAME_RAW_MAX + 1) == -1)
		return "Invalid mailbox name";
	if (wire.len > 6 && span_isis(span_of(wire.p, 6), "INBOX/"))
		memcpy(raw, "INBOX", 5);
	for (size_t i = 0; i < wire.len; i++)
		if (raw[i] == '/')
			raw[i] = '.';
	return NULL;
}

const char *
name_for_new(struct span wire, char raw[NAME_RAW_MAX + 1])
{
	if (wire.len > 1 && wire.p[wire.len - 1] == '/')
		wire.len--;
	if (span_haschr(wire, '%') || span_haschr(wire, '*')) {
		raw[0] = '\0';
		return "A mailbox name cannot contain a wildcard";
	}
	return name_to_raw(wire, raw);
}

int
name_from_raw(const char *raw, struct buf *wire)
{
	struct span s = span_str(raw);
	size_t start = wire->len;

	if (s.len == 0)
		return buf_adds(wire, "INBOX");
	if (span_isis(s, "INBOX"))
		return -1;
	buf_addspan(wire, s);
	if (wire->bad)
		return -1;
	for (size_t i = start; i < wire->len; i++)
		if (wire->p[i] == '.')
			wire->p[i] = '/';
		else if (wire->p[i] == '/')
			return -1;
	s = span_of(wire->p + start, s.len);
	return check_parts(s) == NULL && check_utf7(s) == NULL ? 0 : -1;
}
