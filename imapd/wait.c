/*
 * A session that waits is most of what a mail server holds, so it gives back what
 * memory it can before it does so for long.
 */
#include "wait.h"

#include <malloc.h>

#include "clock.h"
#include "notify.h"

#define STILL_HERE	120000	/* ms; keeps NAT boxes from forgetting us */
#define BUSY		1000	/* ms after which a client that never pauses is told */
#define SHORT		1000	/* ms of a pause that is worth no system calls */

struct wait {
	struct imap *im;
	bool idle, notify;
	uint64_t now, end, said;
};

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

static int
descriptor(const struct wait *w)
{
	struct imap *im = w->im;

	if (w->notify)
		return notify_fd(im, w->now);
	return im->view.folder == NULL ? -1 : folder_watch(im->view.folder);
}

/* For the poll of a folder without inotify, the sign of life, or the end of
 * patience. */
static int
milliseconds(const struct wait *w, int fd)
{
	const struct imap *im = w->im;
	uint64_t end = w->end, other;

	if (w->idle && w->now + STILL_HERE < end)
		end = w->now + STILL_HERE;
	other = w->notify ? notify_when(im, w->now) :
	    im->view.folder == NULL || fd != -1 ? UINT64_MAX :
	    w->now + (uint64_t)im->control->set.poll_seconds * 1000;
	if (other < end)
		end = other;
	return end <= w->now ? 0 : (int)(end - w->now);
}

static int
tell(struct wait *w)
{
	struct imap *im = w->im;
	int r;

	if (w->notify)
		r = notify_round(im, w->idle || !im->notify->delayed);
	else
		r = view_sync(im, true, false);
	if (r == -1)
		return -1;
	if (w->idle && im->out.buf.len == 0 && w->now - w->said >= STILL_HERE)
		(void)netout_adds(&im->out, "* OK Still here\r\n");
	if (im->out.buf.len > 0)
		w->said = w->now;
	return netout_flush(&im->out);
}

/* One that sends command after command is told now and then all the same. */
static int
tell_busy(struct wait *w)
{
	return w->notify && w->now - w->im->notify->looked >= BUSY ?
	    tell(w) : 0;
}

enum netin_result
wait_for_client(struct imap *im, bool idle)
{
	struct wait w = { .im = im, .idle = idle };
	enum netin_result r;
	bool small = false;
	int fd, ms;

	w.now = w.said = clock_mono_ms();
	w.end = w.now + (uint64_t)im->control->set.idle_timeout * 1000;
	while (!im->out.failed) {
		w.notify = im->notify != NULL;
		fd = descriptor(&w);
		ms = milliseconds(&w, fd);
		if (!small && ms > SHORT)
			ms = SHORT;
		r = netin_wait(&im->input.in, fd, ms);
		w.now = clock_mono_ms();
		if (r == NETIN_DATA)
			return tell_busy(&w) == -1 ? NETIN_ERROR : r;
		if (r != NETIN_OTHER && r != NETIN_TIMEOUT)
			return r;
		if (w.now >= w.end)
			return NETIN_TIMEOUT;
		if (r == NETIN_TIMEOUT && !small && ms == SHORT) {
			shrink(im);
			small = true;
		} else {
			if (tell(&w) == -1)
				return NETIN_ERROR;
			small = false;
		}
	}
	return NETIN_ERROR;
}
