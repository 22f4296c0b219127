/*
 * UIDBATCHES: RFC 10022.  The messages in parts of equal size, the newest first, as
 * ranges of UIDs without gaps between them.
 */
#include "imap.h"
#include "limits.h"

struct batches {
	uint32_t size;
	bool some;			/* a range was given */
	uint32_t from, to;
};

/* message-batches: RFC 10022 section 4. */
static bool
parse_batches(struct args *a, struct batches *b)
{
	if (!parse_sp(a) || !parse_nz_number(a, &b->size))
		return false;
	b->some = cur_ch(&a->c, ' ');
	if (b->some && (!parse_nz_number(a, &b->from) ||
	    !cur_ch(&a->c, ':') || !parse_nz_number(a, &b->to)))
		return parse_fail(a, "Invalid batch range");
	return parse_end(a);
}

/* Ranges touch: what is expunged leaves no hole, and the last one ends in 1. */
static void
tell(struct imap *im, const struct batches *b)
{
	const struct folder *f = im->view.folder;
	uint64_t n = folder_count(f), k = 1, end;
	uint32_t hi = folder_uidnext(f) - 1, lo;
	const char *sep = " ";

	(void)netout_adds(&im->out, "* UIDBATCHES (TAG ");
	out_string(&im->out, im->tag);
	(void)netout_adds(&im->out, ")");
	for (; n > 0 && k <= b->to; k++, n = end, hi = lo - 1) {
		end = n > b->size ? n - b->size : 0;
		lo = end == 0 ? 1 : folder_uid(f, (size_t)end);
		if (k < b->from)
			continue;
		(void)netout_addf(&im->out, "%s%u:%u", sep, hi, lo);
		sep = ",";
	}
	(void)netout_adds(&im->out, "\r\n");
}

void
cmd_uidbatches(struct imap *im, struct args *a)
{
	struct batches b = { .from = 1, .to = UINT32_MAX };

	if (!parse_batches(a, &b)) {
		reply_args(im, a);
	} else if (b.some && b.from > b.to) {
		reply_bad_code(im, "CLIENTBUG", "Invalid batch range");
	} else if (b.size < IMAP_BATCH_MIN) {
		reply_no(im, "TOOFEW", "Minimum batch size is 500");
	} else if (b.some && (uint64_t)b.size * (b.to - b.from + 1) >
	    IMAP_BATCHES_MAX) {
		reply_no(im, "TOOMANY", "More than 100000 messages");
	} else {
		tell(im, &b);
		reply_ok(im, NULL, "Uidbatches completed");
	}
}
