/*
 * IDLE: RFC 2177.  An idle session is most of what a mail server holds, so it
 * gives back what memory it can before it waits.
 */
#include <malloc.h>

#include "clock.h"
#include "ex.h"
#include "imap.h"

#define DONE_MAX	512
#define STILL_HERE	120	/* seconds; keeps NAT boxes from forgetting us */

static void
shrink(struct imap *im)
{
	(void)netout_flush(&im->out);
	netout_free(&im->out);
	input_shrink(&im->input);
	arena_free(&im->arena);
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

/* How long to wait: for the poll of a folder without inotify, the sign of life, or
 * the end of patience. */
static int
wait_ms(const struct imap *im, int watch, uint64_t end)
{
	uint64_t now = clock_mono_ms(), ms = STILL_HERE * 1000;

	if (im->view.folder != NULL && watch == -1)
		ms = (uint64_t)im->control->set.poll_seconds * 1000;
	if (end <= now)
		return 0;
	return (int)(end - now < ms ? end - now : ms);
}

/* Waits until the client speaks or is gone. */
static enum netin_result
idle(struct imap *im)
{
	uint64_t now = clock_mono_ms(), said = now;
	uint64_t end = now + (uint64_t)im->control->set.idle_timeout * 1000;
	enum netin_result r;
	int watch;

	while (!im->out.failed) {
		watch = im->view.folder == NULL ? -1 :
		    folder_watch(im->view.folder);
		r = netin_wait(&im->input.in, watch, wait_ms(im, watch, end));
		if (r != NETIN_OTHER && r != NETIN_TIMEOUT)
			return r;
		now = clock_mono_ms();
		if (now >= end)
			return NETIN_TIMEOUT;
		if (view_sync(im, true, false) == -1)
			return NETIN_ERROR;
		if (im->out.buf.len == 0 && now - said >= STILL_HERE * 1000)
			(void)netout_adds(&im->out, "* OK Still here\r\n");
		if (im->out.buf.len > 0)
			said = now;
		if (netout_flush(&im->out) == -1)
			return NETIN_ERROR;
	}
	return NETIN_ERROR;
}

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
	shrink(im);
	r = im->done ? NETIN_ERROR : idle(im);
	if (r == NETIN_DATA) {
		finish(im);
	} else if (r == NETIN_TIMEOUT) {
		reply_bye(im, NULL, "Idle for too long");
	} else {
		reply_bye(im, "UNAVAILABLE", "Cannot go on");
	}
	im->tag = span_of(NULL, 0);
}
