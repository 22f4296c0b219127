/*
 * The loop.  It waits for names on the trigger, answers of workers, and time;
 * each round reads all that is there, works on it, and writes what came of it
 * in one write per worker.  Holds nothing that the files do not hold.
 */
#include "queue_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "log.h"

#define BATCH		200	/* messages looked at in one round */
#define MANY		100	/* new messages that need no turns */
#define SORT_BATCH	2000	/* of more, those whose sender is read in one round */
#define TICK_MS		1000	/* the longest pause while something may come without a word */
#define SENT_MS		100	/* while an earlier run is not settled */
#define STOP_MS		10000	/* for answers, when told to stop */
#define BOUNCE_JOBS	100

enum { POLL_TRIGGER, POLL_ALIVE, POLL_IN, POLL_OUT = POLL_IN + WORKERS,
	POLL_N = POLL_OUT + WORKERS };

int
dirs_open(struct dirs *d, const char *spool)
{
	static const char *const names[] = { "tmp", "new", "cur", "state",
	    "hold", "sent" };
	int *const to[] = { &d->tmp, &d->new, &d->cur, &d->state, &d->hold,
	    &d->sent };
	int at = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		*to[i] = at == -1 ? -1 : openat(at, names[i],
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (*to[i] == -1)
			return -1;
	}
	close(at);
	return 0;
}

int
sched_init(struct sched *s)
{
	const struct settings *set = &s->c->set;

	s->now = s->start = clock_now();
	list_init(&s->fresh);
	lanes_init(&s->lanes);
	return index_init(&s->ix) == -1 || dests_init(&s->dests, s->c) == -1 ||
	    jobs_init(&s->jobs, set->local_jobs + set->remote_jobs +
	    BOUNCE_JOBS) == -1 ? -1 : 0;
}

bool
sched_refresh(struct sched *s)
{
	int r;

	if ((r = control_refresh(s->c)) == -1 && !s->broken)
		log_warn("nothing is delivered until this is mended: %s",
		    s->c->error);
	s->broken = r == -1;
	if (r == 1)
		dests_rules(&s->dests);
	return r == 1;
}

/* A name on the trigger: a message in new/; or one in cur/ that someone has
 * touched or released and wants to go now. */
static void
announced(void *arg, struct span line)
{
	struct sched *s = arg;
	struct spool_name name;
	struct item *it;
	uint32_t id;

	if (span_is(line, "scan"))
		scan_start(s, true);
	if (!spool_name_parse(line, &name))
		return;
	if ((id = index_find(&s->ix, &name)) == ITEM_NONE) {
		if ((id = index_add(&s->ix, &name)) != ITEM_NONE) {
			index_item(&s->ix, id)->state =
			    name.arrival <= s->start;
			list_push(&s->ix, &s->fresh, id);
		}
		return;
	}
	it = index_item(&s->ix, id);
	if (it->where == ITEM_HEAP) {
		it->forced = true;
		heap_remove(&s->ix, id);
		list_push(&s->ix, &s->fresh, id);
	}
}

static void
answer_line(void *arg, struct span line)
{
	struct sched *s = arg;
	struct answer a;

	if (answer_parse(line, &a) == -1)
		log_warn("a worker's answer is malformed: %.*s",
		    (int)(line.len > 200 ? 200 : line.len),
		    (const char *)line.p);
	else
		done_answer(s, &a);
}

/* What is due now.  Those whose destination cannot be reached now are moved on
 * without a look at their files. */
static void
take_due(struct sched *s)
{
	for (unsigned i = 0; i < BATCH && work_room(s); i++) {
		uint32_t id = heap_first(&s->ix);
		struct item *it;
		struct dest *d;

		if (id == ITEM_NONE)
			return;
		it = index_item(&s->ix, id);
		if (it->due > (uint64_t)s->now)
			return;
		heap_remove(&s->ix, id);
		d = it->dest == 0 || it->forced ? NULL :
		    dest_find(&s->dests, it->dest);
		if (d != NULL && !schedule_expired(&d->rule,
		    (time_t)it->arrival, s->now)) {
			if (d->dead_until > s->now) {
				(void)heap_push(&s->ix, id, d->dead_until);
				continue;
			}
			if (!dest_open(d, s->now)) {
				dest_wait(&s->dests, &s->ix, d, id);
				continue;
			}
		}
		work_item(s, id);
	}
}

/* New messages in their order; but when they are many, the senders take turns. */
static void
take_fresh(struct sched *s)
{
	uint32_t id;
	bool many = s->fresh.n > MANY || s->lanes.n > 0;

	for (unsigned i = 0; many && i < SORT_BATCH; i++) {
		if ((id = list_pop(&s->ix, &s->fresh)) == ITEM_NONE)
			break;
		work_lane(s, id);
		lanes_push(&s->ix, &s->lanes, id);
	}
	for (unsigned i = 0; i < BATCH && work_room(s); i++) {
		id = many ? lanes_pop(&s->ix, &s->lanes) :
		    list_pop(&s->ix, &s->fresh);
		if (id == ITEM_NONE)
			break;
		work_item(s, id);
	}
}

static void
work(struct sched *s)
{
	uint32_t id;

	if (s->broken || s->stopping)
		return;
	if (s->due_first)
		take_due(s);
	take_fresh(s);
	if (!s->due_first)
		take_due(s);
	s->due_first = !s->due_first;
	while (work_remote_room(s) && work_room(s)) {
		if ((id = dest_next(&s->dests, &s->ix, s->now)) == ITEM_NONE)
			break;
		work_item(s, id);
	}
}

/* Is something left to do at once, without waiting? */
static bool
is_busy(const struct sched *s)
{
	uint32_t first = heap_first(&s->ix);

	if (scan_running(s))
		return true;
	if (!work_room(s))
		return false;
	return s->fresh.n > 0 || s->lanes.n > 0 || (first != ITEM_NONE &&
	    s->ix.items[first].due <= (uint64_t)s->now);
}

static int
wait_ms(const struct sched *s)
{
	uint32_t first = heap_first(&s->ix);
	time_t until = s->scan.next_new < s->scan.next_full ?
	    s->scan.next_new : s->scan.next_full;

	if (is_busy(s))
		return 0;
	if (s->broken)
		return TICK_MS;
	if (!s->sent.ready || s->sent.old != NULL)
		return SENT_MS;
	if (first != ITEM_NONE && (time_t)s->ix.items[first].due < until &&
	    work_room(s))
		until = (time_t)s->ix.items[first].due;
	if (until <= s->now)
		return TICK_MS;
	/* A clock from outside may jump. */
	return until - s->now > 60 || getenv("POSTHOUSE_CLOCK") != NULL ?
	    TICK_MS * (getenv("POSTHOUSE_CLOCK") != NULL ? 1 : 60) :
	    (int)(until - s->now) * 1000;
}

static int
poll_all(struct sched *s, struct pollfd *p, int ms)
{
	p[POLL_TRIGGER] = (struct pollfd){ s->stopping ? -1 : s->trigger.fd,
	    POLLIN, 0 };
	p[POLL_ALIVE] = (struct pollfd){ s->stopping ? -1 : s->alive, POLLIN,
	    0 };
	for (int i = 0; i < WORKERS; i++) {
		struct worker *w = &s->workers[i];

		p[POLL_IN + i] = (struct pollfd){ w->in, POLLIN, 0 };
		p[POLL_OUT + i] = (struct pollfd){
		    w->outbuf.len > 0 ? w->out : -1, POLLOUT, 0 };
	}
	return poll(p, POLL_N, ms);
}

static void
take_input(struct sched *s, const struct pollfd *p)
{
	char byte;

	if (p[POLL_ALIVE].revents != 0) {
		if (read(s->alive, &byte, 1) == 1)
			scan_start(s, true);	/* SIGHUP */
		else
			s->stopping = true;
	}
	for (int i = 0; i < WORKERS; i++)
		if (p[POLL_IN + i].revents != 0 && worker_read(&s->workers[i],
		    answer_line, s) != 1)
			s->lost = true;
	done_flush(s);
	if (p[POLL_TRIGGER].revents != 0 &&
	    trigger_read(&s->trigger, announced, s))
		scan_start(s, false);	/* names may have been lost */
}

static void
flush_all(struct sched *s)
{
	for (int i = 0; i < WORKERS; i++)
		if (s->workers[i].outbuf.len > 0 &&
		    worker_flush(&s->workers[i]) == -1)
			s->lost = true;
}

/* In one pass: nothing is due, nothing is under way, and all was looked at. */
static bool
is_idle(const struct sched *s)
{
	return s->jobs.used == 0 && !is_busy(s) && s->dests.ring == NULL &&
	    !s->broken && s->sent.ready && s->sent.old == NULL;
}

/* named: messages have been announced.  An edit from before that is obeyed for
 * them, one from the second before for all others. */
static void
timers(struct sched *s, bool named)
{
	uint64_t second = clock_mono_ms() / 1000;

	s->now = clock_now();
	if (!scan_running(s) && s->now >= s->scan.next_full)
		scan_start(s, true);
	else if (!scan_running(s) && s->now >= s->scan.next_new)
		scan_start(s, false);
	if (named || second != s->refreshed)
		sched_refresh(s);
	s->refreshed = second;
	sent_step(s);
	sent_trim(s);
}

/* Told to stop: what is under way gets its answers, for some seconds. */
static bool
is_over(const struct sched *s, uint64_t *deadline)
{
	if (!s->stopping)
		return s->once && is_idle(s);
	if (*deadline == 0)
		*deadline = clock_mono_ms() + STOP_MS;
	return s->jobs.used == 0 || clock_mono_ms() > *deadline;
}

/* Closes the jobs and takes the last answers, until every worker has closed its
 * side: from then on no message is in other hands. */
static void
drain(struct sched *s, uint64_t deadline)
{
	struct pollfd p[WORKERS];
	int open = WORKERS;

	for (int i = 0; i < WORKERS; i++) {
		close(s->workers[i].out);
		p[i] = (struct pollfd){ s->workers[i].in, POLLIN, 0 };
	}
	while (open > 0 && clock_mono_ms() < deadline) {
		if (poll(p, WORKERS, TICK_MS) == -1 && errno != EINTR)
			return;
		for (int i = 0; i < WORKERS; i++)
			if (p[i].fd != -1 && p[i].revents != 0 &&
			    worker_read(&s->workers[i], answer_line, s) != 1) {
				p[i].fd = -1;
				open--;
			}
		done_flush(s);
	}
}

int
sched_run(struct sched *s)
{
	struct pollfd p[POLL_N];
	uint64_t deadline = 0;

	sent_step(s);
	scan_start(s, true);
	while (!s->lost) {
		if (!s->stopping)
			scan_step(s);
		work(s);
		flush_all(s);
		if (is_over(s, &deadline))
			break;
		if (poll_all(s, p, s->stopping ? TICK_MS : wait_ms(s)) ==
		    -1 && errno != EINTR)
			log_die_errno(EX_OSERR, "poll");
		s->now = clock_now();
		take_input(s, p);
		timers(s, p[POLL_TRIGGER].revents != 0);
	}
	if (s->lost)
		log_warn("a worker is gone: all start again");
	s->stopping = true;
	drain(s, clock_mono_ms() + STOP_MS);
	if (s->jobs.used == 0)
		(void)unlinkat(s->dirs.sent, s->sent.name, 0);
	return s->lost ? EX_OSERR : 0;
}
