/*
 * MESSAGELIMIT.  Off by default: a client that does not know it takes what is not
 * done for done.
 */
#include "limit.h"

#include <stdlib.h>

#include "ex.h"
#include "log.h"

struct window {
	uint64_t skip;
	size_t *i, n;
};

uint32_t
limit_messages(const struct imap *im)
{
	return im->control->set.imap_messages;
}

static int
take_one(void *arg, size_t i)
{
	struct window *w = arg;

	if (w->skip > 0)
		w->skip--;
	else
		w->i[w->n++] = i;
	return 0;
}

/* RFC 9738 section 3.1: from the highest UID to the lowest. */
static uint32_t
each_of_highest(struct imap *im, struct seqset *set, bool uid, uint64_t n,
    int (*each)(void *, size_t), void *arg)
{
	size_t max = limit_messages(im);
	struct window w = { .skip = n - max };
	uint32_t lowest;

	if ((w.i = calloc(max, sizeof(*w.i))) == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	(void)view_each(im, set, uid, NULL, take_one, &w);
	lowest = w.n > 0 ? folder_uid(im->view.folder, w.i[0]) : 0;
	for (size_t k = w.n; k > 0; k--)
		if (each(arg, w.i[k - 1]) == -1)
			break;
	free(w.i);
	return lowest;
}

int
limit_each(struct imap *im, struct seqset *set, bool uid, size_t *gone,
    int (*each)(void *, size_t), void *arg, uint32_t *lowest)
{
	struct seqset all = *set;
	uint64_t n = 0;

	*lowest = 0;
	if (limit_messages(im) == 0)
		return view_each(im, set, uid, gone, each, arg);
	if (view_count(im, &all, uid, gone, &n) == -1)
		return -1;
	if (n <= limit_messages(im))
		return view_each(im, set, uid, NULL, each, arg);
	*lowest = each_of_highest(im, set, uid, n, each, arg);
	return 0;
}

void
limit_tell(struct imap *im, uint32_t lowest)
{
	if (lowest == 0)
		return;
	if (im->code.len == 0 && !im->modseq_code)
		(void)buf_addf(&im->code, "MESSAGELIMIT %u %u",
		    limit_messages(im), lowest);
	else
		(void)netout_addf(&im->out, "* NO [MESSAGELIMIT %u %u] The "
		    "others were left alone\r\n", limit_messages(im), lowest);
}

void
limit_refuse(struct imap *im, uint32_t lowest)
{
	buf_clear(&im->code);
	(void)buf_addf(&im->code, "MESSAGELIMIT %u", limit_messages(im));
	if (lowest > 0)
		(void)buf_addf(&im->code, " %u", lowest);
	reply_no(im, NULL, "Too many messages for one command");
}
