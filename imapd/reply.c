/*
 * Tagged replies and BYE.  Every command ends in exactly one of them, and the
 * selected mailbox is looked at just before.
 */
#include <errno.h>
#include <string.h>

#include "ex.h"
#include "log.h"
#include "notify.h"

static void
tagged(struct imap *im, const char *what, const char *code, const char *text)
{
	struct netout *o = &im->out;

	if (im->tag.len > 0)
		(void)netout_add(o, im->tag.p, im->tag.len);
	else
		(void)netout_adds(o, "*");
	(void)netout_addf(o, " %s ", what);
	if (im->modseq_code && im->view.folder != NULL && *what == 'O') {
		(void)netout_addf(o, "[HIGHESTMODSEQ %ju] ", (uintmax_t)
		    folder_highest_modseq(im->view.folder));
	} else if (im->code.len > 0 && !im->code.bad) {
		(void)netout_adds(o, "[");
		(void)netout_add(o, im->code.p, im->code.len);
		(void)netout_adds(o, "] ");
	} else if (code != NULL) {
		(void)netout_addf(o, "[%s] ", code);
	}
	(void)netout_addf(o, "%s\r\n", text);
	buf_free(&im->code);
	im->modseq_code = false;
}

/* The folder went away below us: there is no way to say so but BYE. */
static void
lost(struct imap *im)
{
	view_close(&im->view);
	reply_bye(im, "UNAVAILABLE", errno == ENOENT ?
	    "The selected mailbox was deleted or renamed" :
	    "The selected mailbox cannot be read any more");
}

static void
update(struct imap *im)
{
	unsigned flags = im->command == NULL ? 0 : im->command->flags;

	notify_others(im);
	if (im->view.folder == NULL || flags & C_QUIET)
		return;
	if (view_sync(im, im->uid || !(flags & C_KEEP), im->uid) == -1)
		lost(im);
}

void
reply_ok(struct imap *im, const char *code, const char *text)
{
	im->errors = 0;
	update(im);
	tagged(im, "OK", code, text);
}

void
reply_no(struct imap *im, const char *code, const char *text)
{
	update(im);
	tagged(im, "NO", code, text);
}

void
reply_bad(struct imap *im, const char *why)
{
	reply_bad_code(im, NULL, why);
}

void
reply_bad_code(struct imap *im, const char *code, const char *why)
{
	buf_free(&im->code);
	tagged(im, "BAD", code, why);
	if (++im->errors >= im->control->set.errors)
		reply_bye(im, NULL, "Too many invalid commands");
}

void
reply_uid_required(struct imap *im)
{
	reply_bad_code(im, "UIDREQUIRED", "Message numbers are not allowed "
	    "once UIDONLY is enabled");
}

void
reply_args(struct imap *im, const struct args *a)
{
	reply_bad(im, a->why != NULL ? a->why : "Invalid arguments");
}

void
reply_errno(struct imap *im, const char *what)
{
	static const struct { int e; const char *code, *text; } table[] = {
		{ ENOENT, "NONEXISTENT", "Mailbox does not exist" },
		{ EEXIST, "ALREADYEXISTS", "Mailbox already exists" },
		{ EACCES, "NOPERM", "Permission denied" },
		{ EPERM, "NOPERM", "Permission denied" },
		{ EROFS, "NOPERM", "The mail directory is read-only" },
		{ ENOSPC, "OVERQUOTA", "No space left" },
		{ EDQUOT, "OVERQUOTA", "Over quota" },
		{ EFBIG, "LIMIT", "Message too large" },
		{ ENAMETOOLONG, "CANNOT", "Mailbox name too long" },
		{ EINVAL, "CANNOT", "Invalid mailbox name" },
		{ EAGAIN, "INUSE", "Another program holds the mailbox's "
		    "lock, try again" },
		{ ESTALE, "UNAVAILABLE", "The file system is not reachable, "
		    "try again" },
		{ EIO, "CORRUPTION", "The disk cannot be read or written" },
		{ EMFILE, "LIMIT", "Too many open files" },
		{ ENFILE, "UNAVAILABLE", "Too many open files, try again" },
		{ EMLINK, "LIMIT", "Too many links to one file" },
	};
	int e = errno;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].e == e) {
			reply_no(im, table[i].code, table[i].text);
			return;
		}
	errno = e;
	log_warn_errno("sid=%s %s", im->conn->sid, what);
	reply_no(im, "SERVERBUG", "Internal error, see the server's log");
}

void
reply_bye(struct imap *im, const char *code, const char *text)
{
	if (im->done)
		return;
	im->done = true;
	if (code != NULL)
		(void)netout_addf(&im->out, "* BYE [%s] %s\r\n", code, text);
	else
		(void)netout_addf(&im->out, "* BYE %s\r\n", text);
}
