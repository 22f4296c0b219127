/*
 * STORE and UID STORE: RFC 3501 section 6.4.6.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ex.h"
#include "imap.h"
#include "log.h"

enum store_mode { STORE_SET, STORE_ADD, STORE_REMOVE };

struct store_cmd {
	struct imap *im;
	enum store_mode mode;
	bool silent;
	unsigned flags;
	uint64_t keywords;
	size_t gone;
	size_t *done;			/* messages to be told, in order */
	size_t ndone, cap;
	int failed;			/* errno of the first failure */
};

/* store-att-flags: RFC 3501 section 9. */
static bool
parse_store(struct args *a, struct store_cmd *s, struct flag_list *list)
{
	s->mode = cur_ch(&a->c, '+') ? STORE_ADD :
	    cur_ch(&a->c, '-') ? STORE_REMOVE : STORE_SET;
	if (!cur_word(&a->c, "FLAGS"))
		return parse_fail(a, "FLAGS, +FLAGS or -FLAGS expected");
	s->silent = cur_word(&a->c, ".SILENT");
	return parse_sp(a) && parse_flag_list(a, list, true) && parse_end(a);
}

/* Names to bits; only adding makes a keyword that the folder does not have. */
static int
keyword_bits(struct store_cmd *s, const struct flag_list *list)
{
	struct folder *f = s->im->view.folder;
	int k;

	s->flags = list->flags;
	for (size_t i = 0; i < list->nkeywords; i++) {
		k = folder_keyword_bit(f, list->keywords[i],
		    s->mode != STORE_REMOVE);
		if (k >= 0 && k < 64)
			s->keywords |= (uint64_t)1 << k;
		else if (s->mode != STORE_REMOVE)
			return -1;
	}
	return 0;
}

static void
note(struct store_cmd *s, size_t i)
{
	if (s->ndone == s->cap) {
		s->cap = s->cap == 0 ? 64 : s->cap * 2;
		s->done = reallocarray(s->done, s->cap, sizeof(*s->done));
		if (s->done == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
	}
	s->done[s->ndone++] = i;
}

static int
store_one(void *arg, size_t i)
{
	struct store_cmd *s = arg;
	struct folder *f = s->im->view.folder;
	unsigned old = folder_flags(f, i), flags = s->flags;
	uint64_t oldk = folder_keywords(f, i), keywords = s->keywords;

	if (s->failed != 0)
		return -1;

	if (s->mode == STORE_ADD) {
		flags |= old;
		keywords |= oldk;
	} else if (s->mode == STORE_REMOVE) {
		flags = old & ~flags;
		keywords = oldk & ~keywords;
	}
	if ((flags != old || keywords != oldk) &&
	    folder_set(f, i, flags, keywords) == -1) {
		if (errno != ENOENT && s->failed == 0)
			s->failed = errno;
		s->gone++;
		return s->failed != 0 ? -1 : 0;
	}
	if (!s->silent)
		note(s, i);
	return 0;
}

/* Under one lock; it is gone before a slow client is told anything. */
static int
store_all(struct store_cmd *s, struct seqset *set)
{
	struct imap *im = s->im;
	int r, e;

	if (folder_store_begin(im->view.folder) == -1)
		s->failed = errno;
	r = view_each(im, set, im->uid, &s->gone, store_one, s);
	e = errno;
	if (folder_store_end(im->view.folder) == -1 && s->failed == 0)
		s->failed = errno;
	for (size_t k = 0; k < s->ndone && !im->out.failed; k++)
		out_message_flags(im, s->done[k], im->uid);
	free(s->done);
	errno = e;
	return r;
}

void
cmd_store(struct imap *im, struct args *a)
{
	struct store_cmd s = { .im = im };
	struct flag_list list;
	struct seqset set;

	if (!parse_sp(a) || !parse_sequence_set(a, &set) || !parse_sp(a) ||
	    !parse_store(a, &s, &list)) {
		reply_args(im, a);
		return;
	}
	if (im->view.read_only) {
		reply_no(im, "NOPERM", "The mailbox is read-only");
		return;
	}
	if (keyword_bits(&s, &list) == -1) {
		reply_no(im, "LIMIT", errno == ENOSPC ?
		    "The mailbox has 64 keywords already" :
		    "This keyword cannot be stored");
		return;
	}
	view_tell_keywords(im);
	if (store_all(&s, &set) == -1) {
		reply_bad(im, "No such message");
	} else if (s.failed != 0) {
		errno = s.failed;
		reply_errno(im, "cannot store flags");
	} else if (s.gone > 0) {
		reply_no(im, "EXPUNGEISSUED",
		    "Some of the messages are gone");
	} else {
		reply_ok(im, NULL, "Store completed");
	}
}
