/*
 * A new uid list in place of one that has grown: a line for each message, then what has changed when, in order of
 * mod-sequence, so that the end of the file is what changed last.  Of the expunged the latest stay.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "folder_uids.h"
#include "limits.h"

#define LINES_MSG	4	/* lines for each message that are not worth a new list */
#define LINES_MIN	256	/* and for all */
#define PAST_MORE	16	/* bytes of a line of the expunged besides its set */
#define BYTES_MSG	256	/* the same in bytes */
#define BYTES_MIN	65536

/* A line of the old list about expunged messages. */
struct past {
	uint64_t modseq;
	struct span set;
};

struct compact {
	struct folder *f;
	struct buf old, out;
	struct past *past;
	size_t npast, cap, past_bytes;
	uint32_t *i, *uids;		/* messages by mod-sequence; room */
	size_t n;
};

bool
folder_compact_due(const struct folder *f)
{
	return f->lines > f->nmsgs * LINES_MSG + LINES_MIN ||
	    f->bytes > f->nmsgs * BYTES_MSG + BYTES_MIN ||
	    f->past > 2 * FOLDER_HISTORY_MAX;
}

static int
add_past(struct compact *c, const struct uidlist_line *line)
{
	if (c->npast == c->cap) {
		size_t cap = c->cap == 0 ? 64 : c->cap * 2;
		struct past *p = reallocarray(c->past, cap, sizeof(*p));

		if (p == NULL)
			return -1;
		c->past = p;
		c->cap = cap;
	}
	c->past[c->npast++] = (struct past){ line->modseq, line->set };
	return 0;
}

/* What was expunged, from the old list. */
static int
read_past(struct compact *c, const struct buf *more)
{
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur cur;
	int r;

	r = folder_read_text(c->f->dirfd, FOLDER_UIDS, &c->old);
	if (r == 0)
		r = buf_addspan(&c->old, buf_span(more));
	cur_init(&cur, buf_span(&c->old));
	while (r == 0 && (kind = uidlist_next(&cur, &line)) != UIDLIST_END &&
	    kind != UIDLIST_PARTIAL)
		if (kind == UIDLIST_GONE && line.modseq > 0)
			r = add_past(c, &line);
	return r;
}

/* Lines for messages, and for those whose files are not there (yet), in order of UID. */
static int
print_messages(struct compact *c)
{
	struct folder *f = c->f;
	size_t p = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i <= f->nmsgs; i++) {
		for (; r == 0 && p < f->npending && (i == f->nmsgs ||
		    f->pending[p].uid < msg_at(f, i)->uid); p++)
			r = uidlist_print_message(&c->out, f->pending[p].uid,
			    span_of(f->pending_names.p + f->pending[p].name,
			    f->pending[p].len));
		if (r == 0 && i < f->nmsgs &&
		    (msg_at(f, i)->state & MSG_GONE) == 0)
			r = uidlist_print_message(&c->out, msg_at(f, i)->uid,
			    msg_unique(f, msg_at(f, i)));
	}
	return r;
}

/* Save dates: in order of UID, for that is how they were given. */
static int
print_saved(struct compact *c)
{
	struct folder *f = c->f;
	int r = 0;

	for (size_t i = 0, n; r == 0 && i < f->nmsgs; i += n) {
		uint32_t saved = msg_at(f, i)->known.saved;
		size_t k = 0;

		for (n = 0; i + n < f->nmsgs &&
		    msg_at(f, i + n)->known.saved == saved; n++)
			if ((msg_at(f, i + n)->state & MSG_GONE) == 0)
				c->uids[k++] = msg_at(f, i + n)->uid;
		if (saved != 0 && k > 0)
			r = uidlist_print_saved(&c->out, saved, c->uids, k);
	}
	return r;
}

static int
print_past_until(struct compact *c, size_t *p, uint64_t modseq)
{
	for (; *p < c->npast && c->past[*p].modseq <= modseq; ++*p)
		if (buf_addf(&c->out, "-%.*s %ju\n", (int)c->past[*p].set.len,
		    (const char *)c->past[*p].set.p,
		    (uintmax_t)c->past[*p].modseq) == -1)
			return -1;
	return 0;
}

static int
print_changes(struct compact *c, size_t past)
{
	struct folder *f = c->f;
	int r = 0;

	for (size_t i = 0, n; r == 0 && i < c->n; i += n) {
		const struct msg *m = msg_at(f, c->i[i]);

		n = folder_log_run(f, c->i + i, c->n - i, c->uids);
		if (m->known.modseq == 0)
			continue;
		r = print_past_until(c, &past, m->known.modseq);
		if (r == 0)
			r = uidlist_print_flags(&c->out, m->known.modseq,
			    m->known.marks >> FOLDER_LETTERS,
			    (m->known.marks & ((1U << FOLDER_LETTERS) - 1)) |
			    m->known.high, c->uids, n);
	}
	return r == 0 ? print_past_until(c, &past, UINT64_MAX) : -1;
}

static int
print_all(struct compact *c, const struct uids_out *o)
{
	struct uidlist_header h = o->h;
	size_t past = c->npast;

	while (past > 0 && c->past_bytes + c->past[past - 1].set.len <
	    FOLDER_HISTORY_MAX)
		c->past_bytes += c->past[--past].set.len + PAST_MORE;
	if (past > 0)
		h.floor = c->past[past - 1].modseq;
	for (size_t i = 0; i < c->f->nmsgs; i++)
		if ((msg_at(c->f, i)->state & MSG_GONE) == 0)
			c->i[c->n++] = (uint32_t)i;
	folder_log_sort(c->f, c->i, c->n);
	c->f->head = h;
	return uidlist_print_header(&c->out, &h) == -1 ||
	    print_messages(c) == -1 || print_saved(c) == -1 ||
	    print_changes(c, past) == -1 ||
	    uidlist_print_next(&c->out, h.next, o->highest) == -1 ? -1 : 0;
}

static void
took_place(struct compact *c, const struct uids_out *o)
{
	struct folder *f = c->f;
	struct stat st;

	if (fstatat(f->dirfd, FOLDER_UIDS, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;			/* read again from its start */
	f->uids_ino = st.st_ino;
	f->uids_at = (off_t)c->out.len;
	f->lines = f->nmsgs;
	f->past = c->past_bytes;
	f->bytes = c->out.len - (c->past_bytes < c->out.len ? c->past_bytes :
	    c->out.len);
	f->highest = o->highest;
}

int
folder_compact(struct folder *f, struct uids_out *o)
{
	struct compact c = { .f = f };
	struct uidlist_header head = f->head;
	size_t room = f->nmsgs + 1;
	int r = -1;

	buf_init(&c.old, FOLDER_UIDS_MAX);
	buf_init(&c.out, FOLDER_UIDS_MAX);
	c.i = reallocarray(NULL, room, sizeof(*c.i));
	c.uids = reallocarray(NULL, room, sizeof(*c.uids));
	if (o->modseq > o->highest)
		o->highest = o->modseq;
	if (c.i != NULL && c.uids != NULL && !o->text.bad &&
	    read_past(&c, &o->text) == 0 && print_all(&c, o) == 0)
		r = file_replace(f->dirfd, FOLDER_UIDS, c.out.p, c.out.len,
		    0600);
	if (r == 0)
		took_place(&c, o);
	else if (errno == EACCES || errno == EPERM || errno == EROFS)
		r = 1;
	buf_free(&c.old);
	buf_free(&c.out);
	free(c.past);
	free(c.i);
	free(c.uids);
	if (r == 1)
		f->head = head;
	else
		uids_abort(o);
	return r;
}
