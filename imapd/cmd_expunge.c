/*
 * EXPUNGE (RFC 3501 section 6.4.3) and UID EXPUNGE (RFC 4315 section 2.1).
 */
#include <errno.h>

#include "limit.h"
#include "progress.h"
#include "usage.h"

struct expunge {
	struct imap *im;
	struct folder *f;
	struct usage gone;
	size_t n;
	uint64_t deleted, skip;		/* skip: beyond a limit */
	uint32_t lowest;
	int failed;
};

static int
expunge_one(void *arg, size_t i)
{
	struct expunge *e = arg;
	struct usage before = e->gone;

	if (!(folder_flags(e->f, i) & MAIL_DELETED))
		return 0;
	if (e->skip > 0) {
		if (--e->skip == 0)
			e->lowest = UINT32_MAX;	/* the next one */
		return 0;
	}
	if (e->lowest == UINT32_MAX)
		e->lowest = folder_uid(e->f, i);
	e->n++;
	progress(e->im, i, folder_count(e->f));
	usage_count(e->im, e->f, i, &e->gone);
	if (folder_remove(e->f, i) == -1) {
		e->gone = before;
		e->n--;
		if (e->failed == 0)
			e->failed = errno;
	}
	return 0;
}

static int
count_one(void *arg, size_t i)
{
	struct expunge *e = arg;

	e->deleted += (folder_flags(e->f, i) & MAIL_DELETED) != 0;
	return 0;
}

int
expunge(struct imap *im, struct seqset *uids)
{
	struct expunge e = { .im = im, .f = im->view.folder };

	if (folder_store_begin(e.f) == -1)
		return -1;
	if (uids != NULL && limit_messages(im) > 0) {
		(void)view_each(im, &(struct seqset){ uids->r, uids->n,
		    uids->cap, uids->saved }, true, NULL, count_one, &e);
		if (e.deleted > limit_messages(im))
			e.skip = e.deleted - limit_messages(im);
	}
	if (uids != NULL)
		(void)view_each(im, uids, true, NULL, expunge_one, &e);
	else
		for (size_t i = 0; i < folder_count(e.f); i++)
			(void)expunge_one(&e, i);
	if (folder_store_end(e.f) == -1 && e.failed == 0)
		e.failed = errno;
	if (im->view.place.own)
		usage_note(im, &e.gone, -1);
	/* RFC 7162 section 3.2.7 */
	im->modseq_code = e.n > 0 && im->enabled & EN_QRESYNC;
	if (e.failed == 0)
		limit_tell(im, e.lowest);
	errno = e.failed;
	return e.failed != 0 ? -1 : 0;
}

void
cmd_expunge(struct imap *im, struct args *a)
{
	struct seqset set = { 0 };

	if ((im->uid && (!parse_sp(a) || !parse_sequence_set(a, &set))) ||
	    !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	if (!view_may(&im->view, ACL_EXPUNGE)) {
		reply_no(im, "NOPERM", view_why(&im->view));
		return;
	}
	/* Flags that others have set meanwhile count. */
	(void)view_sync(im, true, im->uid);
	if (im->view.folder == NULL) {
		reply_ok(im, NULL, "Expunge completed");
		return;
	}
	if (expunge(im, im->uid ? &set : NULL) == -1)
		reply_errno(im, "cannot expunge");
	else
		reply_ok(im, NULL, "Expunge completed");
}
