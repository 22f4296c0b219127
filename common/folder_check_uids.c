/*
 * posthouse.uids: each line is read as the folder reads it, and what it would pass over is told.  Mending writes the
 * list anew with every UID that has one message, messages first and in order, then all else as it stood.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "folder_cache.h"
#include "folder_check_impl.h"

#define DROP	"drop the line"

/* A line of a message. */
struct row {
	struct span unique;
	uint32_t uid;
	unsigned line;
	bool gone;		/* expunged, or its file has a later UID */
};

struct list {
	struct check_dir *d;
	struct buf text, rest;	/* rest: lines that are not of messages */
	struct uidlist_header h;
	struct row *rows;
	size_t n, cap;
	uint64_t highest;
	uint32_t last;		/* the highest UID read */
	bool bad;		/* it must be written anew */
};

static void
tell(struct list *l, unsigned line, const char *mend, const char *what)
{
	check_tell(l->d, FOLDER_UIDS, line, false, mend, "%s", what);
	l->bad = true;
}

static int
add_row(struct list *l, const struct uidlist_line *line, unsigned number)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 256 : l->cap * 2;
		struct row *r = reallocarray(l->rows, cap, sizeof(*r));

		if (r == NULL)
			return -1;
		l->rows = r;
		l->cap = cap;
	}
	if (line->uid < l->last)
		tell(l, number, "put the lines in order",
		    "the UID is lower than that of a line before it");
	else
		l->last = line->uid;
	l->rows[l->n++] = (struct row){ line->unique, line->uid, number, false };
	return 0;
}

static int
read_lines(struct list *l, struct cur *c)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	unsigned number = 1;
	const unsigned char *start = l->text.p + (l->text.len - cur_left(c));
	int r = 0;

	while (r == 0 && (kind = uidlist_next(c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL) {
		const unsigned char *end = l->text.p + (l->text.len -
		    cur_left(c));

		number++;
		if (kind == UIDLIST_MESSAGE)
			r = add_row(l, &line, number);
		else if (kind == UIDLIST_BAD)
			tell(l, number, DROP, "this is no line of a uid list");
		else
			r = buf_add(&l->rest, start, (size_t)(end - start));
		if (kind != UIDLIST_BAD && kind != UIDLIST_MESSAGE &&
		    kind != UIDLIST_SAVED && kind != UIDLIST_OTHER &&
		    line.modseq > l->highest)
			l->highest = line.modseq;
		start = end;
	}
	if (r == 0 && cur_left(c) > 0)
		tell(l, number + 1, DROP, "the line has no end");
	return r;
}

static int
by_uid(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

static int
by_unique(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	size_t n = a->unique.len < b->unique.len ? a->unique.len :
	    b->unique.len;
	int r = memcmp(a->unique.p, b->unique.p, n);

	if (r == 0)
		r = (a->unique.len > b->unique.len) -
		    (a->unique.len < b->unique.len);
	return r != 0 ? r : by_uid(a, b);
}

/* Each UID once; the first line has it. */
static void
drop_doubles(struct list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (n > 0 && l->rows[n - 1].uid == l->rows[i].uid)
			tell(l, l->rows[i].line, DROP,
			    "a line before it has the same UID");
		else
			l->rows[n++] = l->rows[i];
	l->n = n;
}

static size_t
lower(const struct list *l, uint32_t uid)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->rows[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
mark_gone(struct list *l)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur c, set;
	uint32_t lo, hi;

	cur_init(&c, buf_span(&l->rest));
	while ((kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL) {
		if (kind != UIDLIST_GONE)
			continue;
		cur_init(&set, line.set);
		while (!cur_end(&set) && uidlist_set_next(&set, &lo, &hi))
			for (size_t i = lower(l, lo); i < l->n &&
			    l->rows[i].uid <= hi; i++)
				l->rows[i].gone = true;
	}
	qsort(l->rows, l->n, sizeof(*l->rows), by_unique);
	for (size_t i = 1; i < l->n; i++)
		if (span_eq(l->rows[i].unique, l->rows[i - 1].unique))
			l->rows[i - 1].gone = true;
	qsort(l->rows, l->n, sizeof(*l->rows), by_uid);
}

/* Messages whose files are not there are expunged now. */
static int
find_missing(struct list *l)
{
	uint64_t now = (uint64_t)clock_now() * 1000;
	int r = 0;

	if (now <= l->highest)
		now = l->highest + 1;
	for (size_t i = 0; r == 0 && i < l->n; i++) {
		if (l->rows[i].gone || check_find(l->d, l->rows[i].unique))
			continue;
		tell(l, l->rows[i].line, "note that it is expunged",
		    "no file has this name any more");
		r = uidlist_print_gone(&l->rest, now, &l->rows[i].uid, 1);
	}
	return r;
}

static int
write_anew(struct list *l)
{
	struct buf out;
	int r;

	buf_init(&out, FOLDER_UIDS_MAX);
	if (l->n > 0 && l->rows[l->n - 1].uid >= l->h.next)
		l->h.next = l->rows[l->n - 1].uid + 1;
	r = uidlist_print_header(&out, &l->h);
	for (size_t i = 0; r == 0 && i < l->n; i++)
		r = uidlist_print_message(&out, l->rows[i].uid,
		    l->rows[i].unique);
	if (r == 0)
		r = buf_addspan(&out, buf_span(&l->rest));
	if (r == 0)
		r = file_replace(l->d->fd, FOLDER_UIDS, out.p, out.len, 0600);
	buf_free(&out);
	return r;
}

static int
check_lines(struct list *l, struct cur *c)
{
	if (read_lines(l, c) == -1)
		return -1;
	if (l->n > 0) {
		qsort(l->rows, l->n, sizeof(*l->rows), by_uid);
		drop_doubles(l);
		mark_gone(l);
	}
	if (find_missing(l) == -1)
		return -1;
	return l->bad && l->d->c->repair ? write_anew(l) : 0;
}

/* What the cache remembers of the first line: 0 or -1. */
static int
cached_header(int dirfd, struct uidlist_header *h)
{
	struct cache_head head;
	struct stat st;
	int fd = openat(dirfd, FOLDER_CACHE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = -1;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_size > 0 &&
	    read(fd, &head, sizeof(head)) == (ssize_t)sizeof(head) &&
	    cache_head_ok(&head, (uint64_t)st.st_size) &&
	    head.validity != 0 && (head.id[0] == '\0' ||
	    uidlist_id_ok(span_str(head.id)))) {
		h->validity = head.validity;
		h->next = head.uidnext;
		h->floor = head.floor;
		strlcpy(h->id, head.id, sizeof(h->id));
		r = 0;
	}
	close(fd);
	return r;
}

/* Is there any line of a message behind the first? *has_header: the first is none. */
static bool
has_messages(struct span text, bool *has_header)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	bool any = false, first = true;
	struct cur c;

	cur_init(&c, text);
	*has_header = true;
	while (!any && (kind = uidlist_next(&c, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL) {
		if (first)
			*has_header = kind == UIDLIST_BAD;
		first = false;
		any = kind == UIDLIST_MESSAGE;
	}
	return any;
}

/* The first line is broken, and others are not: what they say is kept, under the UIDVALIDITY that the cache remembers
 * or a new one.  0, or -1. */
static int
mend_header(struct list *l)
{
	bool has_header;
	struct cur c;

	if (!has_messages(buf_span(&l->text), &has_header)) {
		check_tell(l->d, FOLDER_UIDS, 1, true, "write \"posthouse-uids "
		    "1 UIDVALIDITY UIDNEXT\" there, from a backup; else all "
		    "messages get new UIDs when the folder is opened",
		    "this is no first line");
		return 0;
	}
	memset(&l->h, 0, sizeof(l->h));
	l->h.next = 1;
	if (cached_header(l->d->fd, &l->h) == 0)
		tell(l, 1, "write it with the UIDVALIDITY of the cache",
		    "this is no first line");
	else {
		tell(l, 1, "write it with a new UIDVALIDITY; UIDs and keywords "
		    "stay, and clients download anew", "this is no first line");
		if (l->d->c->repair &&
		    folder_new_validity(l->d->fd, &l->h.validity) == -1)
			return -1;
	}
	l->d->validity = l->h.validity;
	cur_init(&c, buf_span(&l->text));
	if (has_header) {
		(void)cur_until(&c, '\n');
		(void)cur_ch(&c, '\n');
	}
	return check_lines(l, &c);
}

int
check_uids(struct check_dir *d)
{
	struct list l = { .d = d };
	struct cur c;
	int r = 0;

	buf_init(&l.text, FOLDER_UIDS_MAX);
	buf_init(&l.rest, FOLDER_UIDS_MAX);
	if (folder_read_text(d->fd, FOLDER_UIDS, &l.text) == -1) {
		if (errno != ENOENT)
			r = -1;
		else if (faccessat(d->fd, FOLDER_UIDS, F_OK,
		    AT_SYMLINK_NOFOLLOW) == 0)
			check_tell(d, FOLDER_UIDS, 0, true,
			    "restore the file from a backup, or remove this",
			    "this is no file");
	} else {
		cur_init(&c, buf_span(&l.text));
		if (uidlist_header_parse(&c, &l.h) == 0) {
			d->validity = l.h.validity;
			r = check_lines(&l, &c);
		} else if (errno == EPROTO)
			check_tell(d, FOLDER_UIDS, 1, true,
			    "use the version of posthouse that wrote it",
			    "this is the list of a later version");
		else
			r = mend_header(&l);
	}
	buf_free(&l.text);
	buf_free(&l.rest);
	free(l.rows);
	return r;
}
