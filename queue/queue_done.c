/*
 * From answers to what stays on disk.  The order is what makes every crash
 * harmless: a recipient leaves the state only when it is delivered or its
 * bounce is in the spool; the state is durable before anything relies on it;
 * the message goes before its state, so that what a crash leaves is a state
 * without a message, which the next scan removes.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "queue_report.h"
#include "queue_run.h"
#include "queue_schedule.h"

#define STATE_MAX	1073741824
#define SOON		5	/* seconds until what had no room is looked at again */

/* How a state gets to the disk. */
enum flush {
	FLUSH_NOT,	/* when it likes */
	FLUSH_FIRST,	/* in place of none: one flush for name and content */
	FLUSH_AFTER	/* in place of another, which must be there until then */
};

/* Writes state/NAME, under a name that no scan takes for a state first. */
static int
write_file(int dir, const char *name, const struct buf *b, enum flush how)
{
	char tmp[SPOOL_NAME_MAX + 1];
	int fd, e, r;

	snprintf(tmp, sizeof(tmp), ".%s", name);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	r = file_write_all(fd, b->p, b->len);
	if (r == 0 && how == FLUSH_AFTER)
		r = fsync(fd);
	if (r == 0)
		r = renameat(dir, tmp, dir, name);
	if (r == 0 && how == FLUSH_FIRST)
		r = fsync(fd);
	e = errno;
	if (close(fd) == -1 && r == 0) {
		e = errno;
		r = -1;
	}
	if (r == 0)
		return how == FLUSH_AFTER ? file_sync_dir(dir) : 0;
	unlinkat(dir, tmp, 0);
	errno = e;
	return -1;
}

static enum flush
flush_of(const struct sched *s, const struct message *m)
{
	if (!m->partial && !m->noted)
		return FLUSH_NOT;
	return m->has_state || s->c->set.sync_directory ? FLUSH_AFTER :
	    FLUSH_FIRST;
}

/* Where nobody is done yet the state is only a memory of answers, and losing
 * it in a crash is no loss: no flush. */
static int
write_state(struct sched *s, struct message *m)
{
	struct buf b;
	int r;

	buf_init(&b, STATE_MAX);
	r = m->noted ? envelope_print(&m->env, &b) : 0;
	if (m->noted)
		buf_addc(&b, '\n');
	if (r == 0)
		r = state_print(&m->rcpts, &b);
	if (r == 0)
		r = write_file(s->dirs.state, m->name.text, &b,
		    flush_of(s, m));
	buf_free(&b);
	m->has_state = m->has_state || r == 0;
	return r;
}

int
done_note(struct sched *s, struct message *m)
{
	bool before = m->noted;
	int r;

	m->noted = true;
	r = write_state(s, m);
	m->noted = r == 0 || before;
	return r;
}

static void
undirty(struct sched *s, struct message *m)
{
	struct message **at = &s->dirty;

	if (!m->dirty)
		return;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	m->dirty = false;
}

void
done_flush(struct sched *s)
{
	struct message *m;

	while ((m = s->dirty) != NULL) {
		undirty(s, m);
		if (write_state(s, m) == -1)
			log_warn_errno("cannot write the state of %s",
			    m->name.text);
	}
}

static void
forget(struct sched *s, struct message *m)
{
	index_remove(&s->ix, m->item);
	message_free(m);
	free(m);
}

/* Out of wherever it is: the administrator may have held it, or released it, while
 * it was under way. */
static void
remove_file(struct sched *s, const struct message *m)
{
	const int places[] = { m->cur ? s->dirs.cur : s->dirs.new,
	    s->dirs.cur, s->dirs.hold, s->dirs.cur };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (unlinkat(places[i], m->name.text, 0) == 0)
			return;
		if (errno != ENOENT) {
			log_warn_errno("cannot remove %s", m->name.text);
			return;
		}
	}
}

static void
remove_state(struct sched *s, const struct message *m)
{
	if (m->has_state && unlinkat(s->dirs.state, m->name.text, 0) == -1 &&
	    errno != ENOENT)
		log_warn_errno("cannot remove the state of %s", m->name.text);
}

/* All are done.  The message first: a message without state is tried again, a
 * state without a message is litter. */
static void
remove_message(struct sched *s, struct message *m, bool moved)
{
	if (!moved)
		remove_file(s, m);
	remove_state(s, m);
	forget(s, m);
}

/* The one destination of all that is left, as the index has it; 0: several, or
 * local ones among them. */
static uint32_t
common_dest(struct sched *s, const struct message *m)
{
	const char *domain = NULL;

	for (size_t i = 0; i < m->rcpts.n; i++) {
		const struct rcpt *r = &m->rcpts.v[i];

		if (r->status == RCPT_DONE || r->status == RCPT_TOLD)
			continue;
		if (!r->remote || rcpt_is_reported(r) ||
		    (domain != NULL &&
		    strcmp(domain, address_domain(r->addr)) != 0))
			return 0;
		domain = address_domain(r->addr);
	}
	return domain == NULL ? 0 : dest_hash(&s->dests, domain);
}

/* When is the earliest of those left due?  Recipients that were never tried
 * (their destination was busy) are due at once; a report that could not be written, after
 * the first wait, each time. */
static time_t
next_time(struct sched *s, const struct message *m)
{
	time_t next = 0;

	for (size_t i = 0; i < m->rcpts.n; i++) {
		const struct rcpt *r = &m->rcpts.v[i];
		time_t t = rcpt_next(s, m, r);

		if (r->status == RCPT_DONE || r->status == RCPT_TOLD)
			continue;
		if (rcpt_is_reported(r))
			t = s->now + (time_t)s->c->set.retry_first;
		else if (r->status == RCPT_TODO || t < s->now)
			t = s->now;
		if (next == 0 || t < next)
			next = t;
	}
	return next;
}

/* The destination that a recipient which could not be sent waits for. */
static struct dest *
parked_at(struct sched *s, const struct message *m)
{
	for (size_t i = 0; i < m->rcpts.n; i++)
		if (m->rcpts.v[i].status == RCPT_TODO && m->rcpts.v[i].remote)
			return dest_get(&s->dests,
			    address_domain(m->rcpts.v[i].addr));
	return NULL;
}

static int
set_time(struct sched *s, const struct message *m, time_t when)
{
	struct timespec t[2] = { { 0, UTIME_OMIT }, { when, 0 } };

	return utimensat(s->dirs.cur, m->name.text, t, AT_SYMLINK_NOFOLLOW);
}

/* State first, then the place, then the time: each step alone is a state that
 * a scan understands. */
static int
keep_on_disk(struct sched *s, struct message *m, time_t next)
{
	if (write_state(s, m) == -1)
		return -1;
	if (!m->cur && renameat(s->dirs.new, m->name.text, s->dirs.cur,
	    m->name.text) == -1)
		return -1;
	m->cur = true;
	return set_time(s, m, next);
}

static void
keep(struct sched *s, struct message *m)
{
	time_t next = next_time(s, m);
	struct item *it = index_item(&s->ix, m->item);
	struct dest *d = parked_at(s, m);
	bool waits = rcpts_count(&m->rcpts, RCPT_TODO) > 0;
	int r = keep_on_disk(s, m, next);

	if (r == -1 && errno == ENOENT) {	/* held or deleted meanwhile */
		forget(s, m);
		return;
	}
	if (r == -1)
		log_warn_errno("cannot defer %s properly", m->name.text);
	it->cur = m->cur;
	it->dest = common_dest(s, m);
	it->state = true;
	if (it->forced)
		next = s->now;
	if (waits && d != NULL && d->dead_until <= s->now)
		dest_wait(&s->dests, &s->ix, d, m->item);
	else {
		if (waits)
			next = d != NULL ? d->dead_until : s->now + SOON;
		if (heap_push(&s->ix, m->item, next) == -1)
			index_remove(&s->ix, m->item);
	}
	message_free(m);
	free(m);
}

static bool
is_finished(const struct message *m)
{
	for (size_t i = 0; i < m->rcpts.n; i++)
		if (m->rcpts.v[i].status != RCPT_DONE &&
		    m->rcpts.v[i].status != RCPT_TOLD)
			return false;
	return true;
}

int
done_held(struct sched *s, struct message *m)
{
	if (!is_finished(m))
		return write_state(s, m);
	remove_file(s, m);
	remove_state(s, m);
	return 0;
}

void
done_message(struct sched *s, struct message *m)
{
	undirty(s, m);
	report_expire(s, m);
	/* Writing a report takes a while: who is done by now must stay so. */
	if (m->partial && m->told == 0 && report_is_due(s, m) &&
	    write_state(s, m) == -1)
		log_warn_errno("cannot write the state of %s", m->name.text);
	if (report_next(s, m))
		return;
	if (is_finished(m))
		remove_message(s, m, false);
	else
		keep(s, m);
}

/* A failure has a code of class 5 and a deferral one of class 4, whatever the
 * other side made of it: RFC 3463 section 2. */
static int
set_answer(struct rcpt *r, const struct answer *a)
{
	char dsn[16];

	if (span_cstr(a->dsn, dsn, sizeof(dsn)) == -1)
		return -1;
	dsn[0] = a->class == PROC_FAIL ? '5' : '4';
	return rcpt_set_answer(r, dsn, a->text);
}

void
done_rcpt(struct sched *s, struct message *m, struct rcpt *r,
    const struct answer *a)
{
	static const enum rcpt_status status[] = {
		[PROC_DONE] = RCPT_DONE, [PROC_FAIL] = RCPT_FAILED,
		[PROC_DEFER] = RCPT_DEFERRED
	};

	if (rcpt_keep_attempt(r) == -1)
		log_warn_errno("an attempt's answer is not kept");
	r->status = status[a->class];
	r->attempts++;
	r->last = s->now;
	if (a->class != PROC_DONE)
		(void)set_answer(r, a);
	else if (a->how != ANSWER_PASSED && message_wants_success(m, r->index))
		report_owe(r, a);
}

/* RFC 3463 section 3.5: network and routing status, X.4.X. */
static bool
is_unreachable(const struct answer *a)
{
	return a->class == PROC_DEFER && a->dsn.len > 3 && a->dsn.p[2] == '4';
}

static void
job_ended(struct sched *s, struct job_entry *j)
{
	struct dest *d = j->dest;
	uint32_t id;

	s->workers[j->kind].inflight--;
	if (d != NULL) {
		dest_result(d, s->now, !j->reached);
		while (d->dead_until > s->now && (id = dest_take(&s->dests,
		    &s->ix, d)) != ITEM_NONE)
			if (heap_push(&s->ix, id, d->dead_until) == -1)
				index_remove(&s->ix, id);
		dest_release(&s->dests, d, s->now);
	}
	job_free(&s->jobs, j);
}

void
done_answer(struct sched *s, struct answer *a)
{
	size_t k;
	struct job_entry *j = job_find(&s->jobs, a->id, &k), job;
	struct message *m;

	if (j != NULL && j->back) {
		m = j->m;
		job_ended(s, j);
		work_back(s, m, a);
		return;
	}
	if (j == NULL || (j->kind != WORKER_BOUNCE && (k >= j->m->rcpts.n ||
	    j->m->rcpts.v[k].status != RCPT_SENT ||
	    j->m->rcpts.v[k].job != j->serial))) {
		log_warn("an answer to no question: id %llu",
		    (unsigned long long)a->id);
		return;
	}
	m = j->m;
	if (j->kind != WORKER_BOUNCE)
		done_rcpt(s, m, &m->rcpts.v[k], a);
	j->reached = j->reached || !is_unreachable(a);
	m->pending--;
	job = *j;
	if (--j->outstanding == 0)
		job_ended(s, j);
	if (job.kind == WORKER_BOUNCE)
		report_answer(s, m, job.report, a->class == PROC_DONE);
	if (a->class == PROC_DONE && job.move) {
		remove_message(s, m, true);
		return;
	}
	m->partial = m->partial || (a->class == PROC_DONE &&
	    job.kind != WORKER_BOUNCE);
	if (m->pending == 0)
		done_message(s, m);
	else if (!m->dirty && m->partial && m->cur) {
		m->dirty = true;
		m->next = s->dirty;
		s->dirty = m;
	}
}
