/*
 * Names.  The client's "/" is the directory's ".", so a "." in a name has no
 * place on disk and is refused, as are empty parts, control bytes and wrong
 * modified UTF-7.  So no name can leave the mail directory.
 */
#include "name.h"

#include <string.h>

#include "nfc.h"
#include "utf7.h"

/* The parts of a name: none empty, none with a dot but the address in "user/bob@example.org/Sent". */
static const char *
check_parts(struct span s)
{
	struct cur c;
	struct span part;
	bool user;

	cur_init(&c, s);
	user = cur_word(&c, NAME_USERS "/");
	cur_init(&c, s);
	for (int i = 0;; i++) {
		part = cur_until(&c, '/');
		if (part.len == 0)
			return "Empty part in a mailbox name";
		if (span_haschr(part, '.') && !(user && i == 1))
			return "A mailbox name cannot contain \".\"";
		if (!cur_ch(&c, '/'))
			return NULL;
	}
}

/* Between "user/bob@example.org/Sent" and "user.bob@example/org.Sent": the one is the other with both bytes
 * exchanged. */
static void
exchange(unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '/')
			p[i] = '.';
		else if (p[i] == '.')
			p[i] = '/';
}

/* RFC 9755 section 3: no control characters, no line or paragraph separator. */
static bool
has_controls(struct span utf8)
{
	struct cur c;
	int ch;

	cur_init(&c, utf8);
	while ((ch = cur_next(&c)) != -1) {
		if (ch < ' ' || ch == 0x7f)
			return true;
		if (ch == 0xc2 && cur_peek(&c) >= 0x80 && cur_peek(&c) < 0xa0)
			return true;
		if (ch == 0xe2 && (cur_word(&c, "\x80\xa8") ||
		    cur_word(&c, "\x80\xa9")))
			return true;
	}
	return false;
}

static const char *
check_utf7(struct span s)
{
	const char *why = NULL;
	struct buf b;

	buf_init(&b, 4 * s.len + 16);
	if (utf7_decode(s, &b) == -1)
		why = "Mailbox name is not valid modified UTF-7";
	else if (has_controls(buf_span(&b)))
		why = "Control character in a mailbox name";
	buf_free(&b);
	return why;
}

static const char *
utf7_to_raw(struct span wire, char raw[NAME_RAW_MAX + 1])
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
	exchange((unsigned char *)raw, wire.len);
	return NULL;
}

const char *
name_to_raw(struct span wire, bool utf8, char raw[NAME_RAW_MAX + 1])
{
	const char *why;
	struct buf b;

	if (!utf8)
		return utf7_to_raw(wire, raw);
	raw[0] = '\0';
	buf_init(&b, 4 * NAME_RAW_MAX);
	if (wire.len > NAME_RAW_MAX)
		why = "Mailbox name too long";
	else if (utf7_encode(wire, &b) == -1)
		why = "Mailbox name is not valid UTF-8";
	else
		why = utf7_to_raw(buf_span(&b), raw);
	buf_free(&b);
	return why;
}

const char *
name_for_new(struct span wire, bool utf8, char raw[NAME_RAW_MAX + 1])
{
	const char *why;

	if (wire.len > 1 && wire.p[wire.len - 1] == '/')
		wire.len--;
	if (span_haschr(wire, '%') || span_haschr(wire, '*')) {
		raw[0] = '\0';
		return "A mailbox name cannot contain a wildcard";
	}
	if ((why = name_to_raw(wire, utf8, raw)) != NULL)
		return why;
	/* RFC 9051 section 5.1, of names in 8 bits.  What is there under another is found. */
	if (utf8 && !nfc_is(wire)) {
		raw[0] = '\0';
		return "A mailbox name must be in Unicode Normalization Form C";
	}
	return NULL;
}

int
name_from_raw(const char *raw, bool utf8, struct buf *wire)
{
	struct span s = span_str(raw);
	struct buf b;
	int r = -1;

	if (s.len == 0)
		return buf_adds(wire, "INBOX");
	if (span_isis(s, "INBOX"))
		return -1;
	buf_init(&b, 4 * NAME_RAW_MAX);
	(void)buf_addspan(&b, s);
	exchange(b.p, b.len);
	if (!b.bad && check_parts(buf_span(&b)) == NULL &&
	    check_utf7(buf_span(&b)) == NULL)
		r = utf8 ? utf7_decode(buf_span(&b), wire) :
		    buf_addspan(wire, buf_span(&b));
	buf_free(&b);
	return r;
}
