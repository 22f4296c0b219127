/*
 * What happened while a client was away: RFC 7162.  Trusts the folder for what
 * was expunged; that may be more than the client ever saw, which it ignores.
 */
#include "qresync.h"

#include <string.h>

bool
parse_modseq(struct args *a, bool zero, uint64_t *n)
{
	return parse_number64(a, n) && (zero || *n > 0 ||
	    parse_fail(a, "A mod-sequence must not be zero"));
}

/* A set without "*" and "$". */
static bool
parse_plain_set(struct args *a, struct seqset *s)
{
	if (!parse_sequence_set(a, s))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->r[i].lo == SEQ_STAR || s->r[i].hi == SEQ_STAR)
			return parse_fail(a, "\"*\" has no place here");
	if (s->saved)
		return parse_fail(a, "\"$\" has no place here");
	seqset_resolve(s, 0);
	return true;
}

/* seq-match-data: RFC 7162 section 7. */
static bool
parse_match(struct args *a, struct qresync *q)
{
	q->has_match = true;
	if (!parse_plain_set(a, &q->match_seqs) || !parse_sp(a) ||
	    !parse_plain_set(a, &q->match_uids) || !cur_ch(&a->c, ')'))
		return parse_fail(a, "Invalid sequence match data");
	return seqset_count(&q->match_seqs) == seqset_count(&q->match_uids) ||
	    parse_fail(a, "Match data of different lengths");
}

bool
parse_qresync(struct args *a, struct qresync *q)
{
	if (q->given)
		return parse_fail(a, "QRESYNC stands there twice");
	q->given = true;
	if (!cur_ch(&a->c, '(') || !parse_nz_number(a, &q->uidvalidity) ||
	    !parse_sp(a) || !parse_modseq(a, false, &q->modseq))
		return parse_fail(a, "Invalid QRESYNC parameter");
	if (cur_word(&a->c, " (")) {
		if (!parse_match(a, q))
			return false;
	} else if (cur_ch(&a->c, ' ')) {
		q->has_known = true;
		if (!parse_plain_set(a, &q->known) ||
		    (cur_word(&a->c, " (") && !parse_match(a, q)))
			return false;
	}
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

void
out_highest_modseq(struct imap *im)
{
	(void)netout_addf(&im->out, "* OK [HIGHESTMODSEQ %ju] Highest\r\n",
	    (uintmax_t)folder_highest_modseq(im->view.folder));
}

void
condstore_enable(struct imap *im)
{
	if (im->enabled & EN_CONDSTORE)
		return;
	im->enabled |= EN_CONDSTORE;
	if (im->view.folder != NULL)
		out_highest_modseq(im);
}

struct vanished {
	struct imap *im;
	const struct seqset *wanted;	/* NULL: all */
	size_t at;			/* its ranges before are done */
	uint32_t above;
	struct seqset gone;
	const char *sep;
};

static int
add_range(void *arg, uint32_t lo, uint32_t hi)
{
	struct vanished *v = arg;

	if (lo <= v->above)
		lo = v->above + 1;
	return lo > hi ? 0 : seqset_add_range(&v->gone, &v->im->arena, lo, hi);
}

static void
out_range(struct vanished *v, uint32_t lo, uint32_t hi)
{
	if (lo > hi)
		return;
	(void)netout_addf(&v->im->out, lo == hi ? "%s%u" : "%s%u:%u", v->sep,
	    lo, hi);
	v->sep = ",";
}

/* The range without the messages that are there, as far as the client knows. */
static void
out_without_living(struct vanished *v, uint32_t lo, uint32_t hi)
{
	const struct folder *f = v->im->view.folder;
	size_t n = folder_count(f);

	for (size_t i = folder_lower(f, lo); i < n; i++) {
		uint32_t uid = folder_uid(f, i);

		if (uid > hi)
			break;
		out_range(v, lo, uid - 1);
		lo = uid + 1;
	}
	out_range(v, lo, hi);
}

/* The part of a range that is asked for. */
static void
out_wanted(struct vanished *v, uint32_t lo, uint32_t hi)
{
	const struct seqset *w = v->wanted;

	if (w == NULL) {
		out_without_living(v, lo, hi);
		return;
	}
	while (v->at < w->n && w->r[v->at].hi < lo)
		v->at++;
	for (size_t i = v->at; i < w->n; i++) {
		uint32_t from = w->r[i].lo > lo ? w->r[i].lo : lo;
		uint32_t to = w->r[i].hi < hi ? w->r[i].hi : hi;

		if (w->r[i].lo > hi)
			return;
		if (from <= to)
			out_without_living(v, from, to);
	}
}

void
out_vanished_earlier(struct imap *im, uint64_t since,
    const struct seqset *uids, uint32_t above)
{
	struct vanished v = { .im = im, .wanted = uids, .above = above,
	    .sep = "* VANISHED (EARLIER) " };
	struct seq_range all = { above + 1,
	    folder_uidnext(im->view.folder) - 1 };

	if (folder_vanished(im->view.folder, since, add_range, &v) == -1)
		/* More than the arena takes: all that are not there. */
		v.gone = (struct seqset){ .r = &all, .n = 1 };
	seqset_resolve(&v.gone, 0);
	for (size_t i = 0; i < v.gone.n; i++)
		out_wanted(&v, v.gone.r[i].lo, v.gone.r[i].hi);
	if (*v.sep == ',')
		(void)netout_adds(&im->out, "\r\n");
}

/* The highest UID up to which the client knows of all that went: RFC 7162
 * section 3.2.5.2. */
static uint32_t
last_match(const struct imap *im, const struct qresync *q)
{
	const struct folder *f = im->view.folder;
	const struct seqset *s = &q->match_seqs, *u = &q->match_uids;
	size_t si = 0, ui = 0, n = folder_count(f);
	uint32_t seq, uid, known = 0;

	if (!q->has_match || s->n == 0)
		return 0;
	seq = s->r[0].lo;
	uid = u->r[0].lo;
	while (seq <= n) {
		if (folder_uid(f, seq - 1) == uid)
			known = uid;
		if (seq++ == s->r[si].hi) {
			if (++si == s->n)
				break;
			seq = s->r[si].lo;
		}
		if (uid++ == u->r[ui].hi) {
			if (++ui == u->n)
				break;
			uid = u->r[ui].lo;
		}
	}
	return known;
}

void
qresync_out(struct imap *im, const struct qresync *q)
{
	const struct folder *f = im->view.folder;
	size_t n = folder_count(f);

	if (!q->given || q->uidvalidity != folder_uidvalidity(f))
		return;
	out_vanished_earlier(im, q->modseq, q->has_known ? &q->known : NULL,
	    last_match(im, q));
	for (size_t i = 0; i < n && !im->out.failed; i++)
		if (folder_modseq(f, i) > q->modseq && (!q->has_known ||
		    seqset_has(&q->known, folder_uid(f, i))))
			out_message_flags(im, i, true);
}
