/*
 * Signs of life during a long command, so that neither client nor NAT box gives up.
 * They are sent at once, and never while the client does not read: the command
 * may hold a lock.
 */
#include "progress.h"

#include <poll.h>

#include "clock.h"
#include "limits.h"

#define STEPS	16		/* calls without a look at the clock */
#define SMALL	2048		/* bytes that what can be written to takes at once */

void
progress_begin(struct imap *im)
{
	im->progress.next = clock_now() + IMAP_PROGRESS;
	im->progress.calls = 0;
}

static bool
would_wait(const struct imap *im)
{
	struct pollfd p = { .fd = im->out.fd, .events = POLLOUT };

	return im->out.buf.len > SMALL || poll(&p, 1, 0) != 1 ||
	    !(p.revents & POLLOUT);
}

/* resp-text-code: RFC 9585 section 5. */
static void
tell(struct imap *im, uint64_t done, uint64_t goal)
{
	struct netout *o = &im->out;

	(void)netout_adds(o, "* OK [INPROGRESS (");
	if (span_haschr(im->tag, ']') || im->tag.len == 0)
		(void)netout_adds(o, "NIL");
	else
		out_string(o, im->tag);
	(void)netout_addf(o, " %ju ", (uintmax_t)done);
	if (goal > done)
		(void)netout_addf(o, "%ju", (uintmax_t)goal);
	else
		(void)netout_adds(o, "NIL");
	(void)netout_adds(o, ")] Still working\r\n");
	(void)netout_flush(o);
}

void
progress(struct imap *im, uint64_t done, uint64_t goal)
{
	time_t now;

	if (im->command == NULL || im->progress.calls++ % STEPS != 0 ||
	    (now = clock_now()) < im->progress.next || would_wait(im))
		return;
	im->progress.next = now + IMAP_PROGRESS;
	tell(im, done, goal);
}
