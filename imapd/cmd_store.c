/*
 * STORE and UID STORE: RFC 3501 section 6.4.6, conditional as in RFC 7162
 * section 3.1.3.  All changes are made under one lock and told after it, so
 * that a client that does not read holds up nobody.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ex.h"
#include "limit.h"
#include "log.h"
#include "qresync.h"

enum store_mode { STORE_SET, STORE_ADD, STORE_REMOVE };

struct store_cmd {
	struct imap *im;
	enum store_mode mode;
	bool silent, conditional;
	uint64_t unchanged_since;
	unsigned flags, mask;		/* mask: those that the rights let change, */
	uint64_t keywords;
	bool write;			/* and whether keywords are */
	size_t gone;
	int failed;			/* errno of the first failure */
	size_t *done;			/* indices to tell */
	size_t ndone, cap;
	uint32_t lowest;		/* of those that a limit has let through */
	struct seqset modified;		/* numbers or UIDs that failed the test */
};

/* store-modifiers: RFC 7162 section 7. */
static bool
parse_modifiers(struct args *a, struct store_cmd *s)
{
	if (!cur_ch(&a->c, '('))
		return true;
	if (!cur_word(&a->c, "UNCHANGEDSINCE "))
		return parse_fail(a, "Unknown STORE modifier");
	s->conditional = true;
	return parse_modseq(a, true, &s->unchanged_since) &&
	    (cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list")) &&
	    parse_sp(a);
}

/* store-att-flags: RFC 3501 section 9. */
static bool
parse_store(struct args *a, struct store_cmd *s, struct flag_list *list)
{
	if (!parse_modifiers(a, s))
		return false;
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
	for (size_t i = 0; s->write && i < list->nkeywords; i++) {
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
note_done(struct store_cmd *s, size_t i)
{
	size_t *p;

	if (s->ndone == s->cap) {
		s->cap = s->cap == 0 ? 64 : s->cap * 2;
		p = reallocarray(s->done, s->cap, sizeof(*p));
		if (p == NULL)
			log_die(EX_TEMPFAIL, "out of memory");
		s->done = p;
	}
	s->done[s->ndone++] = i;
}

/* 0 changed, 1 not the one the client knew, 2 nothing to change, or -1. */
static int
change(struct store_cmd *s, size_t i)
{
	struct folder *f = s->im->view.folder;
	unsigned old = folder_flags(f, i), flags = s->flags;
	uint64_t oldk = folder_keywords(f, i), keywords = s->keywords;

	if (s->mode == STORE_ADD) {
		flags |= old;
		keywords |= oldk;
	} else if (s->mode == STORE_REMOVE) {
		flags = old & ~flags;
		keywords = oldk & ~keywords;
	}
	flags = (flags & s->mask) | (old & ~s->mask);
	if (!s->write)
		keywords = oldk;
	if (s->conditional && folder_modseq(f, i) > s->unchanged_since)
		return 1;
	if (flags == old && keywords == oldk)
		return 2;
	return s->conditional ? folder_set_unchanged(f, i, flags, keywords,
	    s->unchanged_since) : folder_set(f, i, flags, keywords);
}

static int
store_one(void *arg, size_t i)
{
	struct store_cmd *s = arg;
	const struct imap *im = s->im;
	int r = change(s, i);

	if (r == -1) {
		if (errno != ENOENT && s->failed == 0)
			s->failed = errno;
		s->gone++;
		return s->failed != 0 ? -1 : 0;
	}
	if (r == 1)
		return seqset_append(&s->modified, &s->im->arena, im->uid ?
		    folder_uid(im->view.folder, i) : view_seq(&im->view, i));
	/* RFC 7162 sections 3.1.3 and 3.1.4.2: silent or not, a new mod-sequence
	 * is told. */
	if (!s->silent || s->conditional ||
	    (im->enabled & EN_CONDSTORE && r == 0))
		note_done(s, i);
	return 0;
}

static void
tell(const struct store_cmd *s)
{
	struct imap *im = s->im;

	for (size_t k = 0; k < s->ndone && !im->out.failed; k++) {
		if (!s->silent) {
			out_message_flags(im, s->done[k], im->uid);
			continue;
		}
		out_fetch(im, s->done[k]);
		if (!(im->enabled & EN_UIDONLY))
			(void)netout_addf(&im->out, "UID %u ",
			    folder_uid(im->view.folder, s->done[k]));
		(void)netout_addf(&im->out, "MODSEQ (%ju))\r\n", (uintmax_t)
		    folder_modseq(im->view.folder, s->done[k]));
	}
}

static void
finish(struct store_cmd *s)
{
	struct imap *im = s->im;

	if (s->modified.n > 0) {
		(void)buf_adds(&im->code, "MODIFIED ");
		(void)seqset_print(&s->modified, &im->code);
	}
	if (s->gone > 0 && s->failed == 0 && im->code.len == 0)
		(void)buf_adds(&im->code, "EXPUNGEISSUED");
	limit_tell(im, s->lowest);
	if (s->failed != 0) {
		buf_clear(&im->code);
		errno = s->failed;
		reply_errno(im, "cannot store flags");
	} else if (s->gone > 0) {
		reply_no(im, "EXPUNGEISSUED",
		    "Some of the messages are gone");
	} else {
		reply_ok(im, NULL, s->modified.n > 0 ?
		    "Some of the messages have changed" : "Store completed");
	}
}

static void
store(struct store_cmd *s, struct seqset *set)
{
	struct imap *im = s->im;
	bool bad;

	if (folder_store_begin(im->view.folder) == -1) {
		reply_errno(im, "cannot store flags");
		return;
	}
	bad = limit_each(im, set, im->uid, &s->gone, store_one, s,
	    &s->lowest) == -1;
	if (folder_store_end(im->view.folder) == -1 && s->failed == 0)
		s->failed = errno;
	tell(s);
	if (bad)
		reply_bad(im, "No such message");
	else
		finish(s);
	free(s->done);
}

/* RFC 4314 section 4: one of the flags that can be changed is enough. */
static bool
may_store(struct store_cmd *s, const struct flag_list *list)
{
	const struct view *v = &s->im->view;

	s->mask = place_flags(v->place.rights);
	s->write = view_may(v, ACL_WRITE);
	if (v->read_only || s->mask == 0)
		return false;
	return s->write || list->flags & s->mask ||
	    (list->flags == 0 && list->nkeywords == 0);
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
	if (!may_store(&s, &list)) {
		reply_no(im, "NOPERM", view_why(&im->view));
		return;
	}
	if (s.conditional)
		condstore_enable(im);
	/* What is added or taken away is so from what there is now, which
	 * may be a keyword that another session has just made. */
	if (view_sync(im, false, im->uid) == -1) {
		reply_errno(im, "cannot look at the mailbox");
		return;
	}
	errno = ENOSPC;			/* none of them is made */
	if ((list.too_many && s.mode != STORE_REMOVE) ||
	    keyword_bits(&s, &list) == -1) {
		reply_no(im, "LIMIT", errno == ENOSPC ?
		    "The mailbox has 64 keywords already" :
		    "This keyword cannot be stored");
		return;
	}
	view_tell_keywords(im);
	store(&s, &set);
}
