/*
 * Parser and printer of posthouse.uids.  Trusts no byte of the file: another program, a crash or a
 * bad disk may have written it.  A damaged line costs that line alone; a line without its end is left
 * for the writer that holds the lock to cut.
 */
#include "uidlist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chars.h"
#include "maildir.h"

#define UNIQUE_MAX	255	/* a file name */
#define SET_LINE	4000	/* bytes after which a set goes on in another line */
#define LETTERS		26	/* keywords that are letters */

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

bool
uidlist_id_ok(struct span s)
{
	if (s.len == 0 || s.len > UIDLIST_ID_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!(chars[s.p[i]] & CH_LETDIG) && s.p[i] != '_' &&
		    s.p[i] != '-')
			return false;
	return true;
}

static int
parse_modseq(struct cur *c, uint64_t *modseq)
{
	return cur_num(c, MODSEQ_MAX, modseq);
}

/* What later versions of this program have added to the first line. */
static int
parse_header_more(struct cur *c, struct uidlist_header *h)
{
	struct span id;

	h->floor = 0;
	h->id[0] = '\0';
	if (cur_end(c))
		return 0;
	if (!cur_ch(c, ' ') || parse_modseq(c, &h->floor) == -1)
		return -1;
	if (cur_end(c))
		return 0;
	if (!cur_ch(c, ' '))
		return -1;
	id = cur_rest(c);
	return uidlist_id_ok(id) ? span_cstr(id, h->id, sizeof(h->id)) : -1;
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
	    parse_uid(&c, &h->next) == -1)
		return -1;
	return parse_header_more(&c, h);
}

bool
uidlist_set_next(struct cur *c, uint32_t *lo, uint32_t *hi)
{
	if (parse_uid(c, lo) == -1)
		return false;
	*hi = *lo;
	if (cur_ch(c, ':') && parse_uid(c, hi) == -1)
		return false;
	return *hi >= *lo && (cur_end(c) || cur_ch(c, ','));
}

/* A set up to the next space or the end. */
static int
parse_set(struct cur *c, struct span *set)
{
	uint32_t lo, hi;
	struct cur s;

	*set = cur_until(c, ' ');
	cur_init(&s, *set);
	do {
		if (!uidlist_set_next(&s, &lo, &hi))
			return -1;
	} while (!cur_end(&s));
	return set->p[set->len - 1] == ',' ? -1 : 0;
}

static enum uidlist_kind
parse_gone(struct cur *c, struct uidlist_line *line)
{
	line->modseq = 0;
	if (parse_set(c, &line->set) == -1)
		return UIDLIST_BAD;
	if (cur_ch(c, ' ') && parse_modseq(c, &line->modseq) == -1)
		return UIDLIST_BAD;
	return cur_end(c) ? UIDLIST_GONE : UIDLIST_BAD;
}

/* The letters of a file name, then "+26" for keywords that have none; or "-". */
static int
parse_marks(struct cur *c, struct uidlist_line *line)
{
	struct span marks = cur_until(c, ' ');
	struct span letters;
	uint64_t k;
	struct cur m;

	line->flags = 0;
	line->keywords = 0;
	cur_init(&m, marks);
	if (cur_ch(&m, '-'))
		return cur_end(&m) ? 0 : -1;
	letters = cur_until(&m, '+');
	if (marks.len == 0 || !maildir_letters_parse(letters, &line->flags,
	    &line->keywords))
		return -1;
	while (cur_ch(&m, '+')) {
		if (cur_num(&m, UIDLIST_KEYWORDS - 1, &k) == -1 || k < LETTERS)
			return -1;
		line->keywords |= (uint64_t)1 << k;
	}
	return cur_end(&m) ? 0 : -1;
}

static enum uidlist_kind
parse_flags(struct cur *c, struct uidlist_line *line)
{
	if (parse_modseq(c, &line->modseq) == -1 || !cur_ch(c, ' ') ||
	    parse_marks(c, line) == -1 || !cur_ch(c, ' ') ||
	    parse_set(c, &line->set) == -1 || !cur_end(c))
		return UIDLIST_BAD;
	return UIDLIST_FLAGS;
}

static enum uidlist_kind
parse_saved(struct cur *c, struct uidlist_line *line)
{
	uint64_t v;

	if (cur_num(c, UINT32_MAX, &v) == -1 || !cur_ch(c, ' ') ||
	    parse_set(c, &line->set) == -1 || !cur_end(c))
		return UIDLIST_BAD;
	line->saved = (uint32_t)v;
	return UIDLIST_SAVED;
}

static enum uidlist_kind
parse_next(struct cur *c, struct uidlist_line *line)
{
	if (parse_uid(c, &line->uid) == -1 || !cur_ch(c, ' ') ||
	    parse_modseq(c, &line->modseq) == -1 || !cur_end(c))
		return UIDLIST_BAD;
	return UIDLIST_NEXT;
}

static enum uidlist_kind
parse_message(struct cur *c, struct uidlist_line *line)
{
	if (parse_uid(c, &line->uid) == -1 || line->uid == UINT32_MAX ||
	    !cur_ch(c, ' '))
		return UIDLIST_BAD;
	line->unique = cur_rest(c);
	return uidlist_unique_ok(line->unique) ? UIDLIST_MESSAGE :
	    UIDLIST_BAD;
}

static enum uidlist_kind
parse_line(struct cur *c, struct uidlist_line *line)
{
	int first = cur_peek(c);

	if (first >= '0' && first <= '9')
		return parse_message(c, line);
	if (cur_ch(c, '-'))
		return parse_gone(c, line);
	if (cur_word(c, "f "))
		return parse_flags(c, line);
	if (cur_word(c, "s "))
		return parse_saved(c, line);
	if (cur_word(c, "n "))
		return parse_next(c, line);
	/* Kinds to come begin with a letter; a comment with '#'. */
	if (first == '#' || (first >= 'a' && first <= 'z'))
		return UIDLIST_OTHER;
	return UIDLIST_BAD;
}

enum uidlist_kind
uidlist_next(struct cur *text, struct uidlist_line *line)
{
	struct cur c, start = *text;

	if (cur_end(text))
		return UIDLIST_END;
	cur_init(&c, cur_until(text, '\n'));
	if (!cur_ch(text, '\n')) {
		*text = start;
		return UIDLIST_PARTIAL;
	}
	return parse_line(&c, line);
}

int
uidlist_print_header(struct buf *out, const struct uidlist_header *h)
{
	if (h->validity == 0 || h->next == 0) {
		errno = EINVAL;
		return -1;
	}
	if (h->floor > MODSEQ_MAX || (h->id[0] != '\0' &&
	    !uidlist_id_ok(span_str(h->id)))) {
		errno = EINVAL;
		return -1;
	}
	return buf_addf(out, "%s1 %u %u %ju%s%s\n", magic,
	    (unsigned)h->validity, (unsigned)h->next, (uintmax_t)h->floor,
	    h->id[0] == '\0' ? "" : " ", h->id);
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

/* One range at a time; *i moves behind it. */
static int
print_range(struct buf *out, const uint32_t *uids, size_t n, size_t *i)
{
	uint32_t lo = uids[*i], hi = lo;

	while (++*i < n && uids[*i] == hi + 1)
		hi++;
	if (lo == 0 || hi < lo || (*i < n && uids[*i] <= hi)) {
		errno = EINVAL;		/* not rising */
		return -1;
	}
	if (print_number(out, lo) == -1)
		return -1;
	if (hi != lo && (buf_addc(out, ':') == -1 ||
	    print_number(out, hi) == -1))
		return -1;
	return 0;
}

static int
print_sets(struct buf *out, const char *before, const char *after,
    const uint32_t *uids, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t start = out->len;

		if (buf_adds(out, before) == -1)
			return -1;
		do {
			if (print_range(out, uids, n, &i) == -1)
				return -1;
		} while (i < n && out->len - start < SET_LINE &&
		    buf_addc(out, ',') == 0);
		if (buf_adds(out, after) == -1 || buf_addc(out, '\n') == -1)
			return -1;
	}
	return 0;
}

int
uidlist_print_gone(struct buf *out, uint64_t modseq, const uint32_t *uids,
    size_t n)
{
	char after[24];

	if (modseq > MODSEQ_MAX) {
		errno = EINVAL;
		return -1;
	}
	snprintf(after, sizeof(after), " %ju", (uintmax_t)modseq);
	return print_sets(out, "-", modseq == 0 ? "" : after, uids, n);
}

int
uidlist_print_flags(struct buf *out, uint64_t modseq, unsigned flags,
    uint64_t keywords, const uint32_t *uids, size_t n)
{
	char before[256], letters[MAILDIR_LETTERS_SIZE];
	size_t len;

	if (modseq > MODSEQ_MAX) {
		errno = EINVAL;
		return -1;
	}
	maildir_letters_print(flags, (uint32_t)keywords, letters);
	len = (size_t)snprintf(before, sizeof(before), "f %ju %s",
	    (uintmax_t)modseq, letters);
	for (unsigned k = LETTERS; k < UIDLIST_KEYWORDS; k++)
		if ((keywords >> k & 1) != 0)
			len += (size_t)snprintf(before + len,
			    sizeof(before) - len, "+%u", k);
	snprintf(before + len, sizeof(before) - len,
	    flags == 0 && keywords == 0 ? "- " : " ");
	return print_sets(out, before, "", uids, n);
}

int
uidlist_print_saved(struct buf *out, uint32_t saved, const uint32_t *uids,
    size_t n)
{
	char before[24];

	snprintf(before, sizeof(before), "s %u ", (unsigned)saved);
	return print_sets(out, before, "", uids, n);
}

int
uidlist_print_next(struct buf *out, uint32_t next, uint64_t modseq)
{
	if (next == 0 || modseq > MODSEQ_MAX) {
		errno = EINVAL;
		return -1;
	}
	return buf_addf(out, "n %u %ju\n", (unsigned)next, (uintmax_t)modseq);
}
