/*
 * The selected mailbox: SELECT EXAMINE CLOSE UNSELECT.
 */
#include "notify.h"
#include "qresync.h"

/* The first message without \Seen, by its number: not under UIDONLY (RFC 9586
 * section 3). */
static void
tell_unseen(struct imap *im)
{
	const struct folder *f = im->view.folder;
	size_t i = folder_first_unseen(f);

	if (i < folder_count(f) && !(im->enabled & (EN_UIDONLY | EN_REV2)))
		(void)netout_addf(&im->out,
		    "* OK [UNSEEN %zu] First unseen\r\n", i + 1);
}

/* RFC 9051 section 6.3.2: the name as LIST tells it. */
static void
tell_name(struct imap *im)
{
	struct buf wire;

	buf_init(&wire, 4 * NAME_RAW_MAX);
	(void)name_from_raw(im->view.raw, true, &wire);
	(void)netout_adds(&im->out, "* LIST () \"/\" ");
	out_mailbox(im, buf_span(&wire));
	(void)netout_adds(&im->out, "\r\n");
	buf_free(&wire);
}

/* RFC 3501 section 6.3.1: what SELECT must tell. */
static void
tell(struct imap *im)
{
	struct view *v = &im->view;
	struct folder *f = v->folder;
	char id[FOLDER_ID_SIZE];

	(void)netout_adds(&im->out, "* FLAGS (");
	out_all_flags(im);
	(void)netout_adds(&im->out, ")\r\n* OK [PERMANENTFLAGS (");
	out_permanent_flags(im);
	(void)netout_addf(&im->out, ")] %s\r\n* %zu EXISTS\r\n",
	    v->read_only ? "Read-only mailbox" : "Flags permitted",
	    folder_count(f));
	if (im->enabled & EN_REV2)
		tell_name(im);
	else
		(void)netout_addf(&im->out, "* %zu RECENT\r\n", v->recent);
	tell_unseen(im);
	(void)netout_addf(&im->out, "* OK [UIDVALIDITY %u] UIDs valid\r\n"
	    "* OK [UIDNEXT %u] Predicted next UID\r\n",
	    folder_uidvalidity(f), folder_uidnext(f));
	out_highest_modseq(im);
	folder_id(f, id);		/* RFC 8474 section 4.2 */
	(void)netout_addf(&im->out, "* OK [MAILBOXID (%s)] Ok\r\n", id);
}

/* select-param: RFC 4466 section 2.1, RFC 7162 section 7. */
static bool
parse_param(struct imap *im, struct args *a, struct qresync *q)
{
	struct span name;

	if (!parse_atom(a, &name))
		return false;
	if (span_isis(name, "CONDSTORE")) {
		im->enabled |= EN_CONDSTORE;
		return true;
	}
	if (!span_isis(name, "QRESYNC"))
		return parse_fail(a, "Unknown parameter");
	if (!(im->enabled & EN_QRESYNC))
		return parse_fail(a, "QRESYNC must be enabled first");
	return parse_sp(a) && parse_qresync(a, q);
}

static bool
parse_params(struct imap *im, struct args *a, struct qresync *q)
{
	if (!cur_ch(&a->c, ' '))
		return true;
	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "List of parameters expected");
	do {
		if (!parse_param(im, a, q))
			return false;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

static void
open_mailbox(struct imap *im, struct args *a, bool read_only)
{
	struct qresync q = { 0 };
	struct place place;
	struct folder *f;
	struct span name;
	unsigned enabled = im->enabled;
	bool examined;

	if (!parse_sp(a) || !parse_astring(a, &name) ||
	    !parse_params(im, a, &q) || !parse_end(a)) {
		im->enabled = enabled;
		reply_args(im, a);
		return;
	}
	if (q.has_match && im->enabled & EN_UIDONLY) {	/* RFC 9586 section 3.7 */
		im->enabled = enabled;
		reply_uid_required(im);
		return;
	}
	/* RFC 3501 section 6.3.1: a failing SELECT leaves none selected. */
	if (im->view.folder != NULL)	/* RFC 7162 section 3.2.11 */
		(void)netout_adds(&im->out, "* OK [CLOSED] Closed\r\n");
	notify_leave(im, true);
	view_close(&im->view);
	if (!place_named(im, name, false, &place) ||
	    !place_need(im, &place, ACL_READ))
		return;
	examined = read_only;
	read_only = examined || !(place.rights & PLACE_WRITES);
	if ((f = folder_open(place.dir, read_only)) == NULL) {
		reply_errno(im, "cannot open a mailbox");
		return;
	}
	view_open(&im->view, f, place.raw, read_only);
	im->view.place = place;
	tell(im);
	qresync_out(im, &q);
	reply_ok(im, read_only ? "READ-ONLY" : "READ-WRITE",
	    examined ? "Examine completed" : "Select completed");
}

void
cmd_select(struct imap *im, struct args *a)
{
	open_mailbox(im, a, false);
}

/* RFC 3501 section 6.3.2. */
void
cmd_examine(struct imap *im, struct args *a)
{
	open_mailbox(im, a, true);
}

/* RFC 3501 section 6.4.2: expunges without telling. */
void
cmd_close(struct imap *im, struct args *a)
{
	struct folder *f = im->view.folder;

	if (!parse_end(a)) {
		reply_args(im, a);
		return;
	}
	/* Marks that others have set meanwhile count too. */
	if (view_may(&im->view, ACL_EXPUNGE) && folder_refresh(f,
	    &(struct folder_changes){ 0 }) == 0)
		(void)expunge(im, NULL);
	notify_leave(im, false);
	view_close(&im->view);
	reply_ok(im, NULL, "Close completed");
}

/* RFC 3691. */
void
cmd_unselect(struct imap *im, struct args *a)
{
	if (!parse_end(a)) {
		reply_args(im, a);
		return;
	}
	notify_leave(im, true);
	view_close(&im->view);
	reply_ok(im, NULL, "Unselect completed");
}
