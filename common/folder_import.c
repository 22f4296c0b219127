/*
 * Taking over a Maildir that Dovecot or Courier has served.  Their files are read once, when a folder has no list of
 * ours, and stay as they are.  Trusts nothing in them: a line that is none costs its message its UID.
 */
#include "folder_import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "file.h"
#include "folder_uids.h"
#include "log.h"

static int
number(struct cur *c, uint32_t *n)
{
	uint64_t v;

	if (cur_num(c, UINT32_MAX - 1, &v) == -1 || v == 0)
		return -1;
	*n = (uint32_t)v;
	return 0;
}

/* "3 V1275660208 N25022 G3085f0..." in any order; "1 1275660208 25022" before that, and in Courier. */
static int
parse_header(struct cur *text, struct uidlist_header *h, bool *fields)
{
	struct cur c, f;
	uint64_t version;

	cur_init(&c, cur_until(text, '\n'));
	if (!cur_ch(text, '\n') || cur_num(&c, 3, &version) == -1 ||
	    !cur_ch(&c, ' '))
		return -1;
	*fields = version == 3;
	if (!*fields)
		return number(&c, &h->validity) == -1 || !cur_ch(&c, ' ') ||
		    number(&c, &h->next) == -1 ? -1 : 0;
	while (!cur_end(&c)) {
		cur_init(&f, cur_until(&c, ' '));
		(void)cur_ch(&c, ' ');
		if (cur_ch(&f, 'V') && number(&f, &h->validity) == -1)
			return -1;
		if (cur_ch(&f, 'N') && number(&f, &h->next) == -1)
			return -1;
	}
	return h->validity == 0 || h->next == 0 ? -1 : 0;
}

/* "12 name", or "12 W4190 P17 :name". */
static int
parse_line(struct cur *c, bool fields, uint32_t *uid, struct span *unique)
{
	struct maildir_name n;

	if (number(c, uid) == -1 || !cur_ch(c, ' '))
		return -1;
	if (fields) {
		(void)cur_until(c, ':');
		if (!cur_ch(c, ':'))
			return -1;
	}
	maildir_name_parse(cur_rest(c), &n);
	*unique = n.unique;
	return uidlist_unique_ok(n.unique) ? 0 : -1;
}

int
import_uids(struct span text, const char *id, struct buf *out)
{
	struct uidlist_header h = { 0 };
	struct cur all, c, lines;
	uint32_t uid, last = 0;
	struct span unique;
	bool fields;

	cur_init(&all, text);
	if (parse_header(&all, &h, &fields) == -1)
		return -1;
	(void)strlcpy(h.id, id, sizeof(h.id));
	for (lines = all; !cur_end(&lines); (void)cur_ch(&lines, '\n')) {
		cur_init(&c, cur_until(&lines, '\n'));
		if (parse_line(&c, fields, &uid, &unique) == 0 &&
		    uid >= h.next)
			h.next = uid + 1;
	}
	if (uidlist_print_header(out, &h) == -1)
		return -1;
	while (!cur_end(&all)) {
		cur_init(&c, cur_until(&all, '\n'));
		(void)cur_ch(&all, '\n');
		if (parse_line(&c, fields, &uid, &unique) == -1 || uid <= last)
			continue;
		last = uid;
		if (uidlist_print_message(out, uid, unique) == -1)
			return -1;
	}
	return 0;
}

/* Lines "0 name": the numbers are the letters, as in ours. */
int
import_dovecot_keywords(struct span text, struct buf *out)
{
	struct span names[FOLDER_LETTERS] = { { 0 } };
	size_t n = 0;
	struct cur all, c;
	uint64_t k;

	cur_init(&all, text);
	while (!cur_end(&all)) {
		cur_init(&c, cur_until(&all, '\n'));
		(void)cur_ch(&all, '\n');
		if (cur_num(&c, FOLDER_LETTERS - 1, &k) == -1 ||
		    !cur_ch(&c, ' '))
			continue;
		names[k] = cur_rest(&c);
		if (k >= n)
			n = (size_t)k + 1;
	}
	for (size_t i = 0; i < n; i++)
		if (buf_addspan(out, names[i]) == -1 ||
		    buf_addc(out, '\n') == -1)
			return -1;
	return 0;
}

struct owner {
	struct span unique;
	uint32_t uid;
};

static int
by_unique(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;
	size_t n = a->unique.len < b->unique.len ? a->unique.len :
	    b->unique.len;
	int r = memcmp(a->unique.p, b->unique.p, n);

	return r != 0 ? r : (a->unique.len > b->unique.len) -
	    (a->unique.len < b->unique.len);
}

/* The messages of a list of ours, by name; the caller frees. */
static struct owner *
owners(struct span list, size_t *n)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct owner *o = NULL, *more;
	size_t cap = 0;
	struct cur c;

	*n = 0;
	cur_init(&c, list);
	while ((kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL) {
		if (kind != UIDLIST_MESSAGE)
			continue;
		if (*n == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			more = reallocarray(o, cap, sizeof(*o));
			if (more == NULL) {
				free(o);
				return NULL;
			}
			o = more;
		}
		o[(*n)++] = (struct owner){ line.unique, line.uid };
	}
	if (*n > 0)
		qsort(o, *n, sizeof(*o), by_unique);
	return o;
}

/* "name:0 3": their numbers start behind our letters, for Courier's are not in file names.  No keywords is told, too:
 * a later line for the same message is right. */
static int
courier_line(struct cur *c, const struct owner *o, size_t n, struct buf *out)
{
	struct owner key = { .uid = 0 }, *found;
	struct maildir_name name;
	uint64_t k, keywords = 0;

	maildir_name_parse(cur_until(c, ':'), &name);
	key.unique = name.unique;
	found = n == 0 ? NULL : bsearch(&key, o, n, sizeof(*o), by_unique);
	if (found == NULL || !cur_ch(c, ':'))
		return 0;
	while (!cur_end(c)) {
		if (cur_ch(c, ' '))
			continue;
		if (cur_num(c, UINT32_MAX, &k) == -1)
			break;
		if (k < FOLDER_KEYWORDS_MAX - FOLDER_LETTERS)
			keywords |= (uint64_t)1 << (k + FOLDER_LETTERS);
	}
	return uidlist_print_flags(out, 1, 0, keywords, &found->uid, 1);
}

int
import_courier_keywords(struct span text, struct buf *names, struct buf *uids)
{
	struct owner *o;
	struct cur all, c;
	struct buf lines;
	size_t n;
	int r = 0;

	cur_init(&all, text);
	for (int i = 0; i < FOLDER_LETTERS; i++)
		(void)buf_addc(names, '\n');
	for (;;) {
		struct span name = cur_until(&all, '\n');

		if (!cur_ch(&all, '\n') || name.len == 0)
			break;
		(void)buf_addspan(names, name);
		(void)buf_addc(names, '\n');
	}
	o = owners(buf_span(uids), &n);
	buf_init(&lines, IMPORT_MAX);
	while (r == 0 && !cur_end(&all)) {
		cur_init(&c, cur_until(&all, '\n'));
		(void)cur_ch(&all, '\n');
		r = courier_line(&c, o, n, &lines);
	}
	if (r == 0)
		r = buf_addspan(uids, buf_span(&lines));
	buf_free(&lines);
	free(o);
	return names->bad ? -1 : r;
}

static int
keep_names(int dirfd, const struct buf *names)
{
	return names->len == 0 ? 0 : file_replace(dirfd, FOLDER_KEYWORDS,
	    names->p, names->len, 0600);
}

static int
keywords(int dirfd, bool dovecot, struct buf *uids)
{
	struct buf text, names;
	int r;

	buf_init(&text, IMPORT_MAX);
	buf_init(&names, IMPORT_MAX);
	r = dovecot ? folder_read_text(dirfd, "dovecot-keywords", &text) :
	    folder_courier_keywords(dirfd, &text);
	if (r == -1 && errno != ENOMEM)
		r = 0;			/* none, or none that can be read */
	else if (r == 0) {
		r = dovecot ?
		    import_dovecot_keywords(buf_span(&text), &names) :
		    import_courier_keywords(buf_span(&text), &names, uids);
		if (r == 0)
			r = keep_names(dirfd, &names);
	}
	buf_free(&text);
	buf_free(&names);
	return r;
}

int
folder_import(int dirfd, struct buf *uids)
{
	static const char *const files[] = { "dovecot-uidlist",
	    "courierimapuiddb" };
	char id[17];
	struct buf text;
	int r = 0;

	random_hex64(id);
	for (int i = 0; i < 2 && r == 0; i++) {
		buf_init(&text, IMPORT_MAX);
		if (folder_read_text(dirfd, files[i], &text) == 0 &&
		    import_uids(buf_span(&text), id, uids) == 0)
			r = keywords(dirfd, i == 0, uids) == -1 ? -1 : 1;
		else
			buf_clear(uids);
		buf_free(&text);
		if (r == 1)
			log_warn("UIDs taken over from %s", files[i]);
	}
	return r;
}
