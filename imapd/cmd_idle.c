/*
 * IDLE: RFC 2177.
 */
#include "ex.h"
#include "wait.h"

#define DONE_MAX	512

static void
finish(struct imap *im)
{
	struct span line;
	enum input_result r = input_line(&im->input, DONE_MAX, &line);

	if (r == INPUT_COMMAND && span_isis(line, "DONE")) {
		reply_ok(im, NULL, "Idle completed");
		return;
	}
	if (r == INPUT_EOF || r == INPUT_ERROR || r == INPUT_TIMEOUT) {
		im->done = true;
		return;
	}
	reply_bad(im, "DONE expected");
	/* What came may be a command with a literal: do not guess. */
	reply_bye(im, NULL, "DONE expected");
	im->exit_code = EX_PROTOCOL;
}

void
cmd_idle(struct imap *im, struct args *a)
{
	struct span tag;
	char keep[256];
	enum netin_result r;

	if (!parse_end(a)) {
		reply_args(im, a);
		return;
	}
	tag = im->tag;
	if (span_cstr(tag, keep, sizeof(keep)) == -1) {
		reply_bad(im, "Tag too long");
		return;
	}
	im->tag = span_str(keep);
	(void)netout_adds(&im->out, "+ idling\r\n");
	if (im->view.folder != NULL)	/* first: then the sync misses nothing */
		(void)folder_watch(im->view.folder);
	if (view_sync(im, true, false) == -1)
		reply_bye(im, "UNAVAILABLE", "The selected mailbox is gone");
	r = im->done ? NETIN_ERROR : wait_for_client(im, true);
	if (r == NETIN_DATA) {
		finish(im);
	} else if (r == NETIN_TIMEOUT) {
		reply_bye(im, NULL, "Idle for too long");
	} else {
		reply_bye(im, "UNAVAILABLE", "Cannot go on");
	}
	im->tag = span_of(NULL, 0);
}
