/*
 * Parser and printer of posthouse.uids.  Trusts no byte of the file: another program, a crash or a
 * bad disk may have written it.  A damaged line costs that line alone; a line without its end is left
 * for the writer that holds the lock to cut.
 */
#include "uidlist.h"

#include <errno.h>
#include <string.h>

#define UNIQUE_MAX	255	/* a file name */

static const char magic[] = "posthouse-uids ";

bool
uidlist_unique_ok(struct span s)
{
	if (s.len == 0 || s.len > UNIQUE_MAX || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] == '/' || s.p[i] == ',' ||
		    s.p[i] == ':' || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
parse_uid(struct cur *c, uint32_t *uid)
{
	uint64_t v;

	if (cur_num(c, UINT32_MAX, &v) == -1 || v == 0)
		return -1;
	*uid = (uint32_t)v;
	return 0;
}

int
uidlist_header_parse(struct cur *text, struct uidlist_header *h)
{
	struct cur c;
	struct span line = cur_until(text, '\n');
	uint64_t version;

	cur_init(&c, line);
	errno = EINVAL;
	if (!cur_ch(text, '\n') || !cur_word(&c, magic) ||
	    cur_num(&c, UINT32_MAX, &version) == -1 || !cur_ch(&c, ' '))
		return -1;
	if (version != 1) {
		errno = EPROTO;
		return -1;
	}
	if (parse_uid(&c, &h->validity) == -1 || !cur_ch(&c, ' ') ||
	    parse_uid(&c, &h->next) == -1 || !cur_end(&c))
		return -1;
	return 0;
}

static enum uidlist_kind
parse_gone(struct cur *c, struct uidlist_line *line)
{
	if (parse_uid(c, &line->uid) == -1)
		return UIDLIST_BAD;
	line->last = line->uid;
	if (cur_ch(c, ':') && parse_uid(c, &line->last) == -1)
		return UIDLIST_BAD;
	return cur_end(c) && line->last >= line->uid ? UIDLIST_GONE :
	    UIDLIST_BAD;
}

static enum uidlist_kind
parse_message(struct cur *c, struct uidlist_line *line)
{
	if (parse_uid(c, &line->uid) == -1 || line->uid == UINT32_MAX ||
	    !cur_ch(c, ' '))
		return UIDLIST_BAD;
	line->last = line->uid;
	line->unique = cur_rest(c);
	return uidlist_unique_ok(line->unique) ? UIDLIST_MESSAGE :
	    UIDLIST_BAD;
}

enum uidlist_kind
uidlist_next(struct cur *text, struct uidlist_line *line)
{
	struct cur c, start = *text;
	int first;

	if (cur_end(text))
		return UIDLIST_END;
	cur_init(&c, cur_until(text, '\n'));
	if (!cur_ch(text, '\n')) {
		*text = start;
		return UIDLIST_PARTIAL;
	}
	first = cur_peek(&c);
	if (first >= '0' && first <= '9')
		return parse_message(&c, line);
	if (cur_ch(&c, '-'))
		return parse_gone(&c, line);
	/* Kinds to come begin with a letter; a comment with '#'. */
	if (first == '#' || (first >= 'a' && first <= 'z'))
		return UIDLIST_OTHER;
	return UIDLIST_BAD;
}

int
uidlist_print_header(struct buf *out, const struct uidlist_header *h)
{
	if (h->validity == 0 || h->next == 0) {
		errno = EINVAL;
		return -1;
	}
	return buf_addf(out, "%s1 %u %u\n", magic, (unsigned)h->validity,
	    (unsigned)h->next);
}

/* By hand: buf_addf would be most of the time that 100,000 lines take. */
static int
print_number(struct buf *out, uint32_t n)
{
	unsigned char digits[10];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (unsigned char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return buf_add(out, digits + at, sizeof(digits) - at);
}

int
uidlist_print_message(struct buf *out, uint32_t uid, struct span unique)
{
	if (uid == 0 || uid == UINT32_MAX || !uidlist_unique_ok(unique)) {
		errno = EINVAL;
		return -1;
	}
	if (print_number(out, uid) == -1 || buf_addc(out, ' ') == -1 ||
	    buf_addspan(out, unique) == -1)
		return -1;
	return buf_addc(out, '\n');
}

int
uidlist_print_gone(struct buf *out, uint32_t uid, uint32_t last)
{
	if (uid == 0 || last < uid) {
		errno = EINVAL;
		return -1;
	}
	if (buf_addc(out, '-') == -1 || print_number(out, uid) == -1)
		return -1;
	if (last != uid && (buf_addc(out, ':') == -1 ||
	    print_number(out, last) == -1))
		return -1;
	return buf_addc(out, '\n');
}
