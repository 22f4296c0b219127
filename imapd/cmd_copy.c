/*
 * COPY, MOVE and their UID forms: RFC 3501 section 6.4.7, RFC 6851, and the
 * COPYUID of RFC 4315.  All messages go in one call, so that all or none are
 * copied.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ex.h"
#include "limit.h"
#include "log.h"
#include "notify.h"
#include "progress.h"
#include "usage.h"

struct list {
	size_t *i;
	size_t n, cap;
	uint32_t lowest;	/* of those that a limit has let through */
};

static int
collect(void *arg, size_t i)
{
	struct list *l = arg;
	size_t *p;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		p = reallocarray(l->i, l->cap, sizeof(*p));
		if (p == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
		l->i = p;
	}
	l->i[l->n++] = i;
	return 0;
}

/* COPYUID: the two sets correspond in order; vanished messages are in neither. */
static size_t
copyuid(struct imap *im, const struct list *l, const char *raw,
    const uint32_t *uids, uint32_t uidvalidity)
{
	struct seqset from = { 0 }, to = { 0 };
	size_t n = 0;

	for (size_t k = 0; k < l->n; k++) {
		if (uids[k] == 0)
			continue;
		n++;
		if (seqset_append(&from, &im->arena, folder_uid(
		    im->view.folder, l->i[k])) == -1 ||
		    seqset_append(&to, &im->arena, uids[k]) == -1)
			return n;
	}
	if (n == 0)
		return 0;
	notify_own_messages(im, raw, n, to.r[0].lo, to.r[to.n - 1].hi);
	(void)buf_addf(&im->code, "COPYUID %u ", uidvalidity);
	(void)seqset_print(&from, &im->code);
	(void)buf_addc(&im->code, ' ');
	(void)seqset_print(&to, &im->code);
	return n;
}

static void
finish(struct imap *im, const struct list *l, const char *raw,
    const uint32_t *uids, uint32_t uidvalidity, bool move)
{
	size_t n = copyuid(im, l, raw, uids, uidvalidity);

	/* RFC 6851 section 4.3: before the EXPUNGE responses. */
	if (move && im->code.len > 0 && !im->code.bad) {
		(void)netout_adds(&im->out, "* OK [");
		(void)netout_add(&im->out, im->code.p, im->code.len);
		(void)netout_adds(&im->out, "] Moved\r\n");
		buf_free(&im->code);
	}
	/* RFC 7162 section 3.2.7, as for EXPUNGE */
	im->modseq_code = move && im->enabled & EN_QRESYNC;
	if (n == l->n)
		limit_tell(im, l->lowest);
	if (n < l->n)
		reply_no(im, "EXPUNGEISSUED",
		    "Some of the messages are gone");
	else
		reply_ok(im, NULL, move ? "Move completed" :
		    "Copy completed");
}

/* RFC 9738 section 3.1: a COPY is all or none, a MOVE takes the newest. */
static bool
within_limit(struct imap *im, struct list *l, bool move)
{
	uint32_t max = limit_messages(im);

	if (max == 0 || l->n <= max)
		return true;
	if (!move) {
		limit_refuse(im, folder_uid(im->view.folder,
		    l->i[l->n - max]));
		return false;
	}
	memmove(l->i, l->i + (l->n - max), max * sizeof(*l->i));
	l->n = max;
	l->lowest = folder_uid(im->view.folder, l->i[0]);
	return true;
}

static void
copied(void *arg, size_t done, size_t n)
{
	progress(arg, done, n);
}

/* What the own mailboxes will hold more.  A message that comes from others is more also
 * when it is moved. */
static void
count_all(struct imap *im, const struct list *l, const struct place *to,
    bool move, struct usage *more)
{
	if (!to->own || (move && im->view.place.own))
		return;
	for (size_t k = 0; k < l->n; k++)
		usage_count(im, im->view.folder, l->i[k], more);
}

static void
copy(struct imap *im, struct list *l, const struct place *to, bool move)
{
	struct folder_marks marks = { place_flags(to->rights),
	    (to->rights & ACL_WRITE) != 0 };
	uint32_t *uids, uidvalidity;
	struct usage more = { 0 };

	if (l->n == 0) {
		reply_ok(im, NULL, "No messages matched");
		return;
	}
	if (!within_limit(im, l, move))
		return;
	count_all(im, l, to, move, &more);
	if (!usage_permits(im, &more))
		return;
	if ((uids = calloc(l->n, sizeof(*uids))) == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	folder_on_copy(im->view.folder, copied, im);
	if (folder_copy_marked(im->view.folder, l->i, l->n, to->dir, move,
	    &marks, &uidvalidity, uids) == 0) {
		usage_note(im, &more, 1);
		if (move && im->view.place.own && !to->own)
			usage_forget(im);
		finish(im, l, to->raw, uids, uidvalidity, move);
	} else if (errno == ESRCH) {
		reply_no(im, "EXPUNGEISSUED",
		    "Some of the messages are gone, nothing was copied");
	} else if (errno == ENOENT || errno == ENOTDIR) {
		reply_no(im, "TRYCREATE", "Mailbox does not exist");
	} else {
		reply_errno(im, "cannot copy messages");
	}
	folder_on_copy(im->view.folder, NULL, NULL);
	free(uids);
}

/* RFC 4314 section 4.  Where nothing is known to be, it might be made. */
static bool
may_add(struct imap *im, const struct place *to)
{
	if (to->rights & (ACL_LOOKUP | ACL_INSERT))
		return place_need(im, to, ACL_INSERT);
	reply_no(im, "TRYCREATE", "Mailbox does not exist");
	return false;
}

static void
copy_command(struct imap *im, struct args *a, bool move)
{
	struct seqset set;
	struct span name;
	struct place to;
	struct list l = { 0 };
	size_t gone = 0;

	if (!parse_sp(a) || !parse_sequence_set(a, &set) || !parse_sp(a) ||
	    !parse_astring(a, &name) || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	/* RFC 6851 section 4.2: what STORE of \Deleted and EXPUNGE need too. */
	if (move && !view_may(&im->view, ACL_DELETED | ACL_EXPUNGE)) {
		reply_no(im, "NOPERM", view_why(&im->view));
		return;
	}
	if (!place_named(im, name, true, &to) || !may_add(im, &to))
		return;
	/* Copies have the flags that others have set meanwhile. */
	if (view_sync(im, false, im->uid) == -1) {
		reply_errno(im, "cannot look at the mailbox");
		return;
	}
	if (view_each(im, &set, im->uid, &gone, collect, &l) == -1)
		reply_bad(im, "No such message");
	else if (gone > 0)
		reply_no(im, "EXPUNGEISSUED",
		    "Some of the messages are gone");
	else
		copy(im, &l, &to, move);
	free(l.i);
}

void
cmd_copy(struct imap *im, struct args *a)
{
	copy_command(im, a, false);
}

void
cmd_move(struct imap *im, struct args *a)
{
	copy_command(im, a, true);
}
