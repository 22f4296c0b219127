/*
 * What would be tried when.  The same functions as the scheduler's decide
 * (message_route, schedule_next), on the same files; nothing is written and
 * nobody is told.
 */
#include "queue_plan.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "log.h"
#include "queue_message.h"
#include "queue_run.h"
#include "queue_schedule.h"

struct event {
	time_t when;
	unsigned attempt;
	const char *what;	/* try, bounce */
	char *qid, *addr;
};

struct plan {
	const struct control *c;
	struct dirs dirs;
	time_t now, end;
	struct event *v;
	size_t n, cap;
};

static int
add(struct plan *p, time_t when, unsigned attempt, const char *what,
    const struct message *m, const char *addr)
{
	size_t cap = p->cap == 0 ? 64 : p->cap * 2;
	struct event *e;

	if (p->n == p->cap) {
		if ((e = reallocarray(p->v, cap, sizeof(*e))) == NULL)
			return -1;
		p->v = e;
		p->cap = cap;
	}
	e = &p->v[p->n];
	e->when = when;
	e->attempt = attempt;
	e->what = what;
	e->qid = span_dup(span_of(m->name.text, m->name.qid_len));
	e->addr = strdup(addr);
	if (e->qid == NULL || e->addr == NULL)
		return -1;
	p->n++;
	return 0;
}

/* The random part of the queue id, which the jitter comes from. */
static uint64_t
seed_of(const struct message *m)
{
	return strtoull(m->name.text + m->name.qid_len - 16, NULL, 16);
}

static int
plan_rcpt(struct plan *p, const struct message *m, const struct rcpt *r,
    time_t due)
{
	struct schedule rule;
	unsigned attempts = r->attempts;
	time_t t = due < p->now ? p->now : due;

	if (rcpt_is_reported(r))
		return t > p->end ? 0 : add(p, t, attempts, r->status ==
		    RCPT_FAILED ? "bounce" : "report", m, r->addr);
	schedule_of(p->c, r, &rule);
	while (t <= p->end) {
		if (add(p, t, ++attempts, "try", m, r->addr) == -1)
			return -1;
		if (schedule_expired(&rule, m->name.arrival, t))
			return add(p, t, attempts, "bounce", m, r->addr);
		t = schedule_next(&rule, m->name.arrival, t, attempts,
		    seed_of(m), schedule_is_greylisting(r->answer));
	}
	return 0;
}

/* When a recipient of its own is due; new/ and what was never tried: now. */
static time_t
own_time(const struct plan *p, const struct message *m, const struct rcpt *r)
{
	struct schedule rule;

	if (!m->cur || r->attempts == 0 || rcpt_is_reported(r))
		return p->now;
	schedule_of(p->c, r, &rule);
	return schedule_next(&rule, m->name.arrival, r->last, r->attempts,
	    seed_of(m), schedule_is_greylisting(r->answer));
}

/* The file's time is when it is looked at; those of its recipients whose own
 * time has not come then wait on, unless that is all of them. */
static int
plan_rcpts(struct plan *p, const struct message *m, const struct rcpts *v)
{
	time_t due, look = m->mtime < p->now || !m->cur ? p->now : m->mtime;
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < v->n; i++)
		any = any || own_time(p, m, &v->v[i]) <= look;
	for (size_t i = 0; r == 0 && i < v->n; i++) {
		due = own_time(p, m, &v->v[i]);
		r = plan_rcpt(p, m, &v->v[i], !any || due < look ? look : due);
	}
	return r;
}

static int
plan_message(struct plan *p, const char *file, bool cur)
{
	struct spool_name name;
	struct message m;
	struct rcpts out;
	bool unknown;
	int r;

	if (!spool_name_parse(span_str(file), &name))
		return 0;
	if (message_load(&m, &p->dirs, &name, cur, true, true) == -1) {
		/* Gone meanwhile; held when it is looked at; or a mailbox owner's, after
		 * a crash, where we are not root: then it is tried, and we cannot say for whom. */
		if (errno != ENOENT)
			fprintf(stderr, "queue: %s: %s\n", file,
			    strerror(errno));
		return 0;
	}
	r = message_route(&m, p->c, &out, &unknown);
	if (r == 0) {
		r = plan_rcpts(p, &m, &out);
		rcpts_free(&out);
	}
	message_free(&m);
	return r;
}

static int
plan_dir(struct plan *p, int dir, bool cur)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (d == NULL)
		return -1;
	while (r == 0 && (e = readdir(d)) != NULL)
		r = plan_message(p, e->d_name, cur);
	closedir(d);
	return r;
}

static int
event_order(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	int r = x->when < y->when ? -1 : x->when > y->when;

	if (r == 0)
		r = strcmp(x->qid, y->qid);
	return r != 0 ? r : strcmp(x->addr, y->addr);
}

int
plan_print(const struct control *c, time_t seconds, FILE *out)
{
	struct plan p = { .c = c, .now = clock_now() };
	char when[32];
	struct tm tm;

	p.end = p.now + seconds;
	if (dirs_open(&p.dirs, c->set.spool) == -1 ||
	    plan_dir(&p, p.dirs.cur, true) == -1 ||
	    plan_dir(&p, p.dirs.new, false) == -1) {
		fprintf(stderr, "queue: %s: %s\n", c->set.spool,
		    strerror(errno));
		return EX_IOERR;
	}
	if (p.n > 0)
		qsort(p.v, p.n, sizeof(*p.v), event_order);
	for (size_t i = 0; i < p.n; i++) {
		struct event *e = &p.v[i];

		if (gmtime_r(&e->when, &tm) == NULL ||
		    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) ==
		    0)
			when[0] = '\0';
		fprintf(out, "%s\t%s\t%u\t%s\t%s\n", when, e->qid, e->attempt,
		    e->what, e->addr);
	}
	return fflush(out) == 0 ? 0 : EX_IOERR;
}
