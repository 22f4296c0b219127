/*
 * From a name to jobs: opens the message, decides where its recipients go,
 * writes one job line for the local ones and one for each destination that is
 * open.  What cannot go now costs nothing but its entry in the index.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "queue_run.h"
#include "queue_schedule.h"

#define LOCAL_RCPTS_MAX	10000	/* in one job line: within JOB_LINE_MAX */
#define REMOTE_RCPTS_MAX 100	/* every server takes so many: RFC 5321 4.5.3.1.8 */
#define POSTPONE	300	/* seconds after an error of our own */
#define BOUNCES_MAX	100	/* under way */

bool
work_room(const struct sched *s)
{
	return s->workers[WORKER_LOCAL].inflight < s->c->set.local_jobs &&
	    s->workers[WORKER_BOUNCE].inflight < BOUNCES_MAX &&
	    s->jobs.used < s->jobs.max && !s->broken && !s->stopping;
}

bool
work_remote_room(const struct sched *s)
{
	return s->sent.ready &&
	    s->workers[WORKER_REMOTE].inflight < s->c->set.remote_jobs;
}

time_t
rcpt_next(const struct sched *s, const struct message *m,
    const struct rcpt *r)
{
	struct schedule rule;

	if (r->attempts == 0 || rcpt_is_reported(r))
		return 0;
	schedule_of(s->c, r, &rule);
	return schedule_next(&rule, m->name.arrival, r->last, r->attempts,
	    s->ix.items[m->item].rnd, schedule_is_greylisting(r->answer));
}

void
work_hold(struct sched *s, const char *name, bool cur, const char *why)
{
	struct spool_name n;
	struct log l;

	if (renameat(cur ? s->dirs.cur : s->dirs.new, name, s->dirs.hold,
	    name) == -1) {
		log_warn_errno("cannot move %s to hold", name);
		return;
	}
	log_begin(&l, "warn");
	if (spool_name_parse(span_str(name), &n))
		log_span(&l, "qid", span_of(name, n.qid_len));
	log_text(&l, "moved to hold: %s", why);
	log_end(&l);
}

/* Something is wrong that time may mend: no memory, no descriptors, an I/O error. */
static void
postpone(struct sched *s, uint32_t id, const char *name)
{
	log_warn_errno("cannot work on %s, trying again in %d s", name,
	    POSTPONE);
	if (heap_push(&s->ix, id, s->now + POSTPONE) == -1)
		index_remove(&s->ix, id);	/* the next scan finds it */
}

/* A file that is its recipient's already, but did not get into his Maildir, or not all that
 * were to have it: only deliver-local can make it ours again. */
static int
ask_back(struct sched *s, uint32_t id, const struct message *from)
{
	struct worker *w = &s->workers[WORKER_LOCAL];
	size_t before = w->outbuf.len;
	struct message *m = calloc(1, sizeof(*m));
	struct job_entry *j = m == NULL ? NULL :
	    job_new(&s->jobs, WORKER_LOCAL, m);

	if (j == NULL) {
		free(m);
		return -1;
	}
	m->item = id;
	m->name = from->name;
	j->back = true;
	job_print(&w->outbuf, m->name.text, from->cur, "back");
	job_print_rcpt(&w->outbuf, job_id(j, 0), "1", "-");
	if (job_print_end(&w->outbuf) == -1) {
		w->outbuf.len = before;
		w->outbuf.bad = false;
		job_free(&s->jobs, j);
		free(m);
		return -1;
	}
	j->outstanding = 1;
	w->inflight++;
	index_item(&s->ix, id)->asked = true;
	return 0;
}

void
work_back(struct sched *s, struct message *m, const struct answer *a)
{
	if (a->class == PROC_DONE)
		list_push(&s->ix, &s->fresh, m->item);
	else {
		errno = EACCES;
		postpone(s, m->item, m->name.text);
	}
	free(m);
}

/* 0, 1 when there is nothing to do now, -1 on error. */
static int
load(struct sched *s, uint32_t id, struct message *m)
{
	struct item *it = index_item(&s->ix, id);
	struct spool_name name;
	char text[SPOOL_NAME_MAX];
	bool cur = it->cur;
	int r;

	index_name(&s->ix, id, text);
	if (!spool_name_parse(span_str(text), &name)) {
		index_remove(&s->ix, id);
		return 1;
	}
	r = message_load(m, &s->dirs, &name, cur, cur || it->state, cur);
	if (r == -1 && errno == ENOENT && !cur) {
		/* released or retried by name, or the last run stopped midway */
		cur = it->cur = it->forced = true;
		r = message_load(m, &s->dirs, &name, true, true, true);
	}
	m->item = id;
	if (r == 0)
		return 0;
	if (errno == ENOENT) {
		index_remove(&s->ix, id);
		return 1;
	}
	if (errno == EBADMSG || errno == ELOOP) {
		work_hold(s, name.text, cur, "its envelope cannot be read");
		index_remove(&s->ix, id);
		return 1;
	}
	if (errno == EACCES && !it->asked && ask_back(s, id, m) == 0)
		return 1;
	it->asked = false;
	postpone(s, id, name.text);
	return 1;
}

/* A file that was about to be given away, before a crash, is not one that deliver-remote can
 * read for recipients who have gone elsewhere since, or bounce for those who are nobody by
 * now. */
static bool
must_have_back(const struct message *m)
{
	for (size_t i = 0; m->given && i < m->rcpts.n; i++)
		if (m->rcpts.v[i].remote || rcpt_is_reported(&m->rcpts.v[i]))
			return true;
	return false;
}

/* 1: it has been asked for.  -1: that has been done, and it still cannot be read, or there is
 * no memory. */
static int
get_back(struct sched *s, uint32_t id, const struct message *m)
{
	bool asked = index_item(&s->ix, id)->asked;

	index_item(&s->ix, id)->asked = false;
	if (!must_have_back(m))
		return 0;
	errno = EACCES;
	return asked || ask_back(s, id, m) == -1 ? -1 : 1;
}

/* Routes; an unknown user may be one that has just been made. */
static int
route(struct sched *s, struct message *m)
{
	struct rcpts out;
	bool unknown;

	if (message_route(m, s->c, &out, &unknown) == -1)
		return -1;
	if (unknown && sched_refresh(s)) {
		rcpts_free(&out);
		if (message_route(m, s->c, &out, &unknown) == -1)
			return -1;
	}
	rcpts_free(&m->rcpts);
	m->rcpts = out;
	return 0;
}

/*
 * Recipients whose own time has not come stay deferred, unless that is all of
 * them (someone has set the file's time) or the administrator asks.  marked: it is
 * looked at for what was done before a crash.
 */
static void
choose_due(struct sched *s, struct message *m, bool forced, bool marked)
{
	size_t due = 0;

	for (size_t i = 0; i < m->rcpts.n; i++)
		due += rcpt_next(s, m, &m->rcpts.v[i]) <= s->now;
	if (forced || (due == 0 && !marked))
		return;
	for (size_t i = 0; i < m->rcpts.n; i++)
		if (m->rcpts.v[i].status == RCPT_TODO &&
		    rcpt_next(s, m, &m->rcpts.v[i]) > s->now)
			m->rcpts.v[i].status = RCPT_DEFERRED;
}

/* Local recipients first, then by domain, else in their order. */
static int
rcpt_order(const void *a, const void *b)
{
	const struct rcpt *x = *(const struct rcpt *const *)a;
	const struct rcpt *y = *(const struct rcpt *const *)b;
	int r = x->remote - y->remote;

	if (r == 0 && x->remote)
		r = strcmp(address_domain(x->addr), address_domain(y->addr));
	if (r == 0)
		r = x < y ? -1 : x > y;
	return r;
}

static bool
same_group(const struct rcpt *a, const struct rcpt *b)
{
	if (a->remote != b->remote)
		return false;
	return !a->remote || strcmp(address_domain(a->addr),
	    address_domain(b->addr)) == 0;
}

struct plan {
	struct rcpt **v;	/* those to be tried, in order of groups */
	size_t n, groups;
	struct dest *parked;	/* a destination that some must wait for */
};

static int
plan_make(struct message *m, struct plan *p)
{
	memset(p, 0, sizeof(*p));
	if ((p->v = reallocarray(NULL, m->rcpts.n + 1, sizeof(*p->v))) == NULL)
		return -1;
	for (size_t i = 0; i < m->rcpts.n; i++)
		if (m->rcpts.v[i].status == RCPT_TODO)
			p->v[p->n++] = &m->rcpts.v[i];
	if (p->n > 1)
		qsort(p->v, p->n, sizeof(*p->v), rcpt_order);
	for (size_t i = 0; i < p->n; i++)
		p->groups += i == 0 || !same_group(p->v[i - 1], p->v[i]);
	return 0;
}

/* A sole recipient's file goes into the Maildir itself; but where a report is to
 * follow, it stays until that is written.  Once some targets of an alias are done,
 * the names of the copies must stay what they are. */
static bool
can_move(const struct message *m, const struct rcpt *r)
{
	return m->rcpts.n == 1 && m->env.nrcpts == 1 && !m->partial &&
	    (strcmp(r->index, "1") == 0 || !m->has_state) &&
	    !message_wants_success(m, r->index);
}

/*
 * A large one for several mailboxes and nobody else becomes their copy itself.  It loses
 * the recipients' names then, or may, so the state must have them first.
 */
static bool
can_take(const struct message *m, struct rcpt **v, size_t n)
{
	if (v[0]->remote || n != m->rcpts.n ||
	    (!m->noted && (n == 1 || (!m->behind && m->env.nrcpts > 1) ||
	    m->name.size < SPOOL_TAKE_MIN)))
		return false;
	for (size_t i = 0; i < n; i++)
		if (message_wants_success(m, v[i]->index))
			return false;
	return true;
}

static int
send_job(struct sched *s, struct message *m, enum worker_kind kind,
    struct rcpt **v, size_t n, struct dest *d)
{
	struct worker *w = &s->workers[kind];
	struct job_entry *j = job_new(&s->jobs, kind, m);
	size_t before = w->outbuf.len;
	bool take;

	if (j == NULL)
		return -1;
	j->dest = d;
	j->move = kind == WORKER_LOCAL && can_move(m, v[0]);
	take = !j->move && can_take(m, v, n) &&
	    (m->noted || done_note(s, m) == 0);
	job_print(&w->outbuf, m->name.text, m->cur, d != NULL ? d->domain :
	    j->move ? "move" : take ? "take" : "copy");
	for (size_t i = 0; i < n; i++)
		job_print_rcpt(&w->outbuf, job_id(j, (size_t)(v[i] -
		    m->rcpts.v)), v[i]->index, v[i]->addr);
	if (job_print_end(&w->outbuf) == -1) {
		w->outbuf.len = before;
		w->outbuf.bad = false;
		job_free(&s->jobs, j);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		v[i]->status = RCPT_SENT;
		v[i]->job = j->serial;
	}
	j->outstanding = (unsigned)n;
	m->pending += (unsigned)n;
	w->inflight++;
	if (d != NULL)
		d->inflight++;
	return 0;
}

/* A destination that is dead beyond the message's lifetime: it will not be
 * tried any more. */
static bool
is_hopeless(const struct sched *s, const struct message *m,
    const struct dest *d)
{
	return d->dead_until > s->now &&
	    schedule_expired(&d->rule, m->name.arrival, s->now);
}

static void
give_up(struct rcpt **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		v[i]->status = RCPT_DEFERRED;
		if (v[i]->answer == NULL)
			(void)rcpt_set_answer(v[i], "4.4.1",
			    span_str("the destination cannot be reached"));
	}
}

/* One group: what cannot be sent stays to be tried. */
static int
send_group(struct sched *s, struct message *m, struct plan *p, size_t from,
    size_t n, bool forced)
{
	size_t max = p->v[from]->remote ? REMOTE_RCPTS_MAX : LOCAL_RCPTS_MAX;
	struct dest *d = NULL;

	if (p->v[from]->remote) {
		d = dest_get(&s->dests, address_domain(p->v[from]->addr));
		if (d == NULL)
			return -1;
		if (forced)
			dest_revive(d);
		if (is_hopeless(s, m, d)) {
			give_up(&p->v[from], n);
			return 0;
		}
	}
	for (size_t i = 0; i < n; i += max) {
		if (d != NULL && (!dest_open(d, s->now) ||
		    !work_remote_room(s))) {
			p->parked = d;
			return 0;
		}
		s->sent.used = s->sent.used || d != NULL;
		if (send_job(s, m, d == NULL ? WORKER_LOCAL : WORKER_REMOTE,
		    &p->v[from + i], n - i < max ? n - i : max, d) == -1)
			return -1;
	}
	return 0;
}

static int
send_all(struct sched *s, struct message *m, struct plan *p, bool forced)
{
	size_t n;

	for (size_t i = 0; i < p->n; i += n) {
		for (n = 1; i + n < p->n &&
		    same_group(p->v[i], p->v[i + n]); n++)
			;
		if (send_group(s, m, p, i, n, forced) == -1)
			return -1;
	}
	return 0;
}

/* With several jobs the message is in cur/ before the first begins, so that a
 * state can be written while others still read the file. */
static int
to_cur(struct sched *s, struct message *m)
{
	if (m->cur)
		return 0;
	if (renameat(s->dirs.new, m->name.text, s->dirs.cur, m->name.text) ==
	    -1)
		return -1;
	m->cur = true;
	index_item(&s->ix, m->item)->cur = true;
	return 0;
}

/* Nothing was sent and nothing failed: back to wait for its destination. */
static bool
only_waits(struct sched *s, struct message *m, struct plan *p)
{
	struct item *it = index_item(&s->ix, m->item);

	if (p->parked == NULL || p->groups != 1 || m->pending > 0)
		return false;
	for (size_t i = 0; i < m->rcpts.n; i++)
		if (m->rcpts.v[i].status != RCPT_TODO)
			return false;
	it->dest = p->parked->hash;
	if (p->parked->dead_until <= s->now)
		dest_wait(&s->dests, &s->ix, p->parked, m->item);
	else if (heap_push(&s->ix, m->item, p->parked->dead_until) == -1)
		return false;
	return true;
}

static void
work_message(struct sched *s, struct message *m, bool forced)
{
	struct plan p;

	choose_due(s, m, forced, sent_mark(s, m));
	if (plan_make(m, &p) == -1 || ((p.groups > 1 ||
	    p.n > REMOTE_RCPTS_MAX) && to_cur(s, m) == -1)) {
		free(p.v);
		postpone(s, m->item, m->name.text);
		message_free(m);
		free(m);
		return;
	}
	if (send_all(s, m, &p, forced) == -1)
		log_warn_errno("cannot make a job for %s", m->name.text);
	if (only_waits(s, m, &p)) {
		message_free(m);
		free(m);
	} else if (m->pending == 0)
		done_message(s, m);
	free(p.v);
}

void
work_lane(struct sched *s, uint32_t id)
{
	struct item *it = index_item(&s->ix, id);
	char text[SPOOL_NAME_MAX];
	struct spool_name name;
	struct message m;

	index_name(&s->ix, id, text);
	if (!spool_name_parse(span_str(text), &name) ||
	    message_load(&m, &s->dirs, &name, it->cur, false, false) == -1)
		return;		/* work_item will find out why */
	it->lane = (uint8_t)dest_hash(&s->dests, m.env.sender);
	message_free(&m);
}

void
work_item(struct sched *s, uint32_t id)
{
	struct item *it = index_item(&s->ix, id);
	struct message *m;
	bool forced;
	int r;

	it->where = ITEM_ACTIVE;
	if ((m = malloc(sizeof(*m))) == NULL) {
		postpone(s, id, "a message");
		return;
	}
	if (load(s, id, m) != 0) {
		free(m);
		return;
	}
	it = index_item(&s->ix, id);
	it->lane = (uint8_t)dest_hash(&s->dests, m->env.sender);
	forced = it->forced;
	it->forced = false;
	if (m->cur && m->mtime > s->now && !forced &&
	    !sent_concerns(s, &m->name)) {
		/* somebody has put it off */
		if (heap_push(&s->ix, id, m->mtime) == -1)
			index_remove(&s->ix, id);
	} else if (route(s, m) == -1 || (r = get_back(s, id, m)) == -1) {
		postpone(s, id, m->name.text);
	} else if (r == 1) {
		index_item(&s->ix, id)->forced = forced;
	} else {
		work_message(s, m, forced);
		return;
	}
	message_free(m);
	free(m);
}
