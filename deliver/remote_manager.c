/*
 * The manager: jobs in, answers out, and who does what in between.  It never
 * waits for the network, for DNS or for a worker.  A worker that dies defers
 * the one job it had; what it said about other jobs, or in another form, is
 * not believed.
 */
#include "remote_manager.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dns.h"
#include "file.h"
#include "log.h"
#include "remote_note.h"

#define ANSWERS_MAX	268435456	/* bytes of answers that queue has not taken */
#define ANSWERS_HIGH	1048576	/* above it no more jobs are read */
#define GRACE_MS	5000	/* for workers after SIGTERM, or without queue */

static const struct relay nobody;
static volatile sig_atomic_t terminated;

static void
on_term(int sig)
{
	(void)sig;
	terminated = 1;
}

static void
drop_job(struct manager *m, struct remote_job *j)
{
	remote_job_free(j);
	m->njobs--;
}

/* An edit of routes or settings holds for the next connection, and other name
 * servers for the next question. */
static void
refresh_control(struct manager *m)
{
	int r = control_refresh(m->control);

	if (r == 0)
		return;
	control_watch(m->control, REMOTE_RESOLV_CONF);
	if (dns_again() == -1)
		log_warn_errno("cannot set up DNS");
	m->broken = r == -1;
	m->generation++;
	if (m->broken)
		log_warn("%s", m->control->error);
}

/* A job line that cannot be read has no id to answer with: queue asks again
 * when it finds that no answer comes. */
static void
new_job(struct manager *m, struct span line)
{
	struct remote_job *j = remote_job_parse(line);
	struct verdict v;
	struct dest *d;

	if (j == NULL) {
		log_warn_errno("a job that cannot be read");
		return;
	}
	m->njobs++;
	refresh_control(m);
	d = m->broken ? NULL : dest_get(m, j);
	if (d != NULL) {
		dest_add(d, j);
		return;
	}
	verdict_set(&v, PROC_DEFER, m->broken ? "4.3.5" : "4.3.0", "%s",
	    m->broken ? "the control files cannot be read" : "out of memory");
	remote_answer_all(j, &nobody, &v, &m->out);
	drop_job(m, j);
}

static void
read_jobs(struct manager *m)
{
	struct span line;

	if (lines_read(&m->in, 0) != 1) {
		m->in_closed = true;
		return;
	}
	while (lines_next(&m->in, &line))
		new_job(m, line);
}

/* --- who does what --- */

static struct worker_proc *
idle_worker(struct manager *m, const struct dest *d)
{
	for (struct worker_proc *p = m->workers; p != NULL; p = p->next)
		if (p->dest == d && p->job == NULL && p->in != -1)
			return p;
	return NULL;
}

/* All places are taken: the connection that has been idle longest makes room. */
static void
make_room(struct manager *m)
{
	struct worker_proc *oldest = NULL;

	for (struct worker_proc *p = m->workers; p != NULL; p = p->next) {
		if (p->in == -1)
			return;		/* room is being made */
		if (p->job == NULL && (oldest == NULL ||
		    p->idle_since < oldest->idle_since))
			oldest = p;
	}
	if (oldest != NULL)
		proc_finish(oldest);
}

/* Connections to a place grow only as it proves to be there; the second half of all is not
 * for a second try, so that many dead places leave room for one that lives. */
static bool
may_start(struct manager *m, const struct dest *d)
{
	bool many = 2 * m->nworkers >= m->control->set.remote_jobs;

	if (d->workers >= d->limit || d->unproven >= (many ? 1 : UNPROVEN_MAX))
		return false;
	if (m->nworkers < m->control->set.remote_jobs)
		return true;
	make_room(m);
	return false;
}

/* One job of d to a worker.  False: none can be given now. */
static bool
give_one(struct manager *m, struct dest *d)
{
	struct worker_proc *p;

	if (d->first == NULL)
		return false;
	p = d->workers > 0 ? idle_worker(m, d) : NULL;
	if (p == NULL) {
		if (!may_start(m, d) || proc_start(m, d) == -1)
			return false;
		p = m->workers;
	}
	proc_give(p, dest_take(d));
	return true;
}

/* One job for each destination in turn, until nobody can be given any. */
static void
give_jobs(struct manager *m)
{
	struct dest *d = m->turns;
	bool any;

	if (terminated || d == NULL)
		return;
	do {
		any = false;
		do {
			any = give_one(m, d) || any;
			d = d->next;
		} while (d != m->turns);
	} while (any);
	m->turns = d->next;
}

/* Does a destination wait that has no connection and can get none? */
static bool
someone_starves(const struct manager *m)
{
	const struct dest *d = m->turns;

	if (d == NULL || m->nworkers < m->control->set.remote_jobs)
		return false;
	do {
		if (d->first != NULL && d->workers == 0)
			return true;
		d = d->next;
	} while (d != m->turns);
	return false;
}

/* --- what workers say --- */

static void
job_done(struct manager *m, struct worker_proc *p)
{
	struct verdict v;

	/* An answer that did not come, or that was not one. */
	verdict_set(&v, PROC_DEFER, "4.3.0",
	    "the sending process gave no answer");
	remote_answer_all(p->job, &nobody, &v, &m->out);
	drop_job(m, p->job);
	p->job = NULL;
	p->idle_since = clock_mono_ms();
	if (!p->proven)
		p->dest->unproven--;
	p->proven = true;
	if (p->generation != m->generation || someone_starves(m))
		proc_finish(p);
}

static bool
has_proven(const struct manager *m, const struct dest *d)
{
	for (const struct worker_proc *p = m->workers; p != NULL; p = p->next)
		if (p->dest == d && p->proven && p->in != -1)
			return true;
	return false;
}

static bool
has_answers(const struct remote_job *j)
{
	for (size_t i = 0; i < j->nrcpts; i++)
		if (j->rcpts[i].answered)
			return true;
	return false;
}

/*
 * No connection could be made.  If others stand, the place takes no more than
 * those: the job goes to them.  Else the place is dead for now, and what waits
 * for it is deferred at once instead of one timeout after the other.
 */
static void
job_dead(struct manager *m, struct worker_proc *p, const struct relay *relay,
    const struct verdict *v)
{
	struct dest *d = p->dest;
	struct remote_job *j = p->job;

	p->job = NULL;
	if (p->proven) {	/* it lost its connection and got no new one */
		p->proven = false;
		d->unproven++;
	}
	proc_finish(p);
	if (has_proven(m, d) && !has_answers(j)) {
		d->limit = d->workers > 1 ? d->workers - 1 : 1;
		dest_add_first(d, j);
		return;
	}
	for (; j != NULL; j = dest_take(d)) {
		remote_answer_all(j, relay, v, &m->out);
		drop_job(m, j);
	}
}

/* The answer is the worker's; that it is about its own job is checked. */
static bool
take_answer(struct manager *m, struct worker_proc *p, struct span line)
{
	struct answer a;
	struct cur c;
	struct span id;

	if (answer_parse(line, &a) == -1)
		return false;
	cur_init(&c, line);
	id = cur_until(&c, ' ');
	for (size_t i = 0; i < p->job->nrcpts; i++) {
		struct remote_rcpt *r = &p->job->rcpts[i];

		if (r->answered || !span_is(id, r->id))
			continue;
		r->answered = true;
		buf_addspan(&m->out, line);
		buf_addc(&m->out, '\n');
		return true;
	}
	return false;
}

static bool
worker_line(struct manager *m, struct worker_proc *p, struct span line)
{
	struct relay relay;
	struct verdict v;

	if (p->job == NULL)
		return false;
	if (span_is(line, "."))
		job_done(m, p);
	else if (line.len > 0 && line.p[0] == '.') {
		if (!dead_parse(line, &relay, &v))
			return false;
		job_dead(m, p, &relay, &v);
	} else
		return take_answer(m, p, line);
	return true;
}

static void
worker_ended(struct manager *m, struct worker_proc *p)
{
	struct dest *d = p->dest;
	struct remote_job *j = p->job;
	bool expected = p->in == -1 && j == NULL;
	pid_t pid = p->pid;
	struct verdict v;
	int status;

	status = proc_reap(m, p);
	if (!expected) {
		if (WIFSIGNALED(status))
			log_warn("worker %ld died by signal %d", (long)pid,
			    WTERMSIG(status));
		else
			log_warn("worker %ld ended early with code %d",
			    (long)pid, WEXITSTATUS(status));
	}
	if (j != NULL) {
		notes_answer(j, &m->out);
		verdict_set(&v, PROC_DEFER, "4.3.0", "the sending process "
		    "died; if that was before it had read the reply to the "
		    "final dot, the message may arrive twice");
		remote_answer_all(j, &nobody, &v, &m->out);
		drop_job(m, j);
	}
	dest_release(m, d);
}

static void
read_worker(struct manager *m, struct worker_proc *p)
{
	struct span line;

	if (lines_read(&p->lines, p->out) != 1) {
		worker_ended(m, p);
		return;
	}
	while (lines_next(&p->lines, &line))
		if (!worker_line(m, p, line)) {
			log_warn("worker %ld said what it should not",
			    (long)p->pid);
			kill(p->pid, SIGKILL);
			return;
		}
}

/* --- the loop --- */

/* Ends connections that nobody has needed for a while: ms until the next, or -1. */
static int
end_idle(struct manager *m)
{
	uint64_t now = clock_mono_ms(), next = UINT64_MAX;
	uint64_t keep = (uint64_t)m->control->set.reuse_seconds * 1000;
	bool all = m->in_closed && m->njobs == 0;

	for (struct worker_proc *p = m->workers; p != NULL; p = p->next) {
		if (p->job != NULL || p->in == -1)
			continue;
		if (all || terminated || now - p->idle_since >= keep)
			proc_finish(p);
		else if (p->idle_since + keep - now < next)
			next = p->idle_since + keep - now;
	}
	return next == UINT64_MAX ? -1 : (int)next + 1;
}

static void
queue_gone(struct manager *m)
{
	if (!m->deaf)
		log_warn("nobody reads the answers");
	m->deaf = true;
	terminated = 1;
	buf_clear(&m->out);
}

/* As much as queue takes now.  When it is gone nobody hears the answers: no
 * more jobs, and some grace for those that are being done. */
static void
write_answers(struct manager *m)
{
	ssize_t w = 0;

	while (m->out.len > 0 && w != -1) {
		w = write(1, m->out.p, m->out.len);
		if (w > 0)
			buf_drop(&m->out, (size_t)w);
		else if (w == -1 && errno == EINTR)
			w = 0;
	}
	if (w == -1 && errno != EAGAIN)
		queue_gone(m);
}

struct poll_set {
	struct pollfd *fds;
	struct worker_proc **procs;
	size_t n, cap;
};

#define POLL_FIXED	2	/* fd 0 and fd 1 stand first */

static int
poll_add(struct poll_set *s, int fd, short events, struct worker_proc *p)
{
	if (s->n == s->cap) {
		size_t cap = s->cap * 2 + 64;
		void *f = reallocarray(s->fds, cap, sizeof(*s->fds));
		void *q;

		if (f == NULL)
			return -1;
		s->fds = f;
		q = reallocarray(s->procs, cap, sizeof(*s->procs));
		if (q == NULL)
			return -1;
		s->procs = q;
		s->cap = cap;
	}
	s->fds[s->n] = (struct pollfd){ .fd = fd, .events = events };
	s->procs[s->n++] = p;
	return 0;
}

static int
poll_fill(struct manager *m, struct poll_set *s)
{
	bool reading = !m->in_closed && !terminated &&
	    m->out.len < ANSWERS_HIGH;

	s->n = 0;
	if (poll_add(s, reading ? 0 : -1, POLLIN, NULL) == -1 ||
	    poll_add(s, 1, m->out.len > 0 ? POLLOUT : 0, NULL) == -1)
		return -1;
	for (struct worker_proc *p = m->workers; p != NULL; p = p->next) {
		if (poll_add(s, p->out, POLLIN, p) == -1)
			return -1;
		if (p->job != NULL && p->written < p->job->line_len &&
		    poll_add(s, p->in, POLLOUT, p) == -1)
			return -1;
	}
	return 0;
}

static void
poll_serve(struct manager *m, struct poll_set *s)
{
	for (size_t i = POLL_FIXED; i < s->n; i++) {
		if (s->fds[i].revents == 0)
			continue;
		if (s->fds[i].events == POLLOUT)
			(void)proc_write(s->procs[i]);
	}
	/* Second, for reading may free the worker. */
	for (size_t i = POLL_FIXED; i < s->n; i++)
		if (s->fds[i].revents != 0 && s->fds[i].events == POLLIN)
			read_worker(m, s->procs[i]);
	if (s->fds[0].revents != 0)
		read_jobs(m);
	if ((s->fds[1].revents & (POLLERR | POLLNVAL)) != 0)
		queue_gone(m);
}

static void
log_cut_off(const struct remote_job *j)
{
	struct log l;

	log_begin(&l, "warn");
	log_span(&l, "qid", span_of(j->name.text, j->name.qid_len));
	log_text(&l, "ended while it was being sent; the message may arrive "
	    "twice");
	log_end(&l);
}

/* After SIGTERM, or when queue is gone: whoever does not end is ended. */
static void
end_workers(struct manager *m)
{
	for (struct worker_proc *p = m->workers; p != NULL; p = p->next) {
		if (p->job != NULL)
			log_cut_off(p->job);
		kill(p->pid, SIGKILL);
	}
	while (m->workers != NULL) {
		remote_job_free(m->workers->job);
		(void)proc_reap(m, m->workers);
	}
}

/* After end_workers: everything that waited, unanswered. */
static void
free_all(struct manager *m)
{
	struct remote_job *j;

	while (m->turns != NULL) {
		while ((j = dest_take(m->turns)) != NULL)
			remote_job_free(j);
		dest_release(m, m->turns);
	}
	buf_free(&m->in.buf);
	buf_free(&m->out);
	control_free(m->control);
}

static bool
finished(const struct manager *m)
{
	if (terminated)
		return m->workers == NULL;
	return m->in_closed && m->njobs == 0 && m->workers == NULL;
}

/* SIGTERM is let in here alone, so that none is missed before the wait. */
static int
wait_events(struct poll_set *s, int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
	    .tv_nsec = (long)(ms % 1000) * 1000000 };
	sigset_t none;
	int r;

	sigemptyset(&none);
	r = ppoll(s->fds, (nfds_t)s->n, ms == -1 ? NULL : &ts, &none);
	return r == -1 && errno == EINTR ? 0 : r;
}

static int
serve(struct manager *m, struct poll_set *s)
{
	uint64_t end = 0, now;
	int ms, r;

	while (!finished(m) || m->out.len > 0) {
		give_jobs(m);
		ms = end_idle(m);
		if (terminated) {
			now = clock_mono_ms();
			end = end == 0 ? now + GRACE_MS : end;
			if (now >= end)
				return EX_OK;
			ms = (int)(end - now);
		}
		write_answers(m);
		if (poll_fill(m, s) == -1 || m->out.bad)
			return EX_TEMPFAIL;
		if ((r = wait_events(s, ms)) == -1)
			return EX_OSERR;
		if (r > 0)
			poll_serve(m, s);
	}
	return m->deaf ? EX_IOERR : EX_OK;
}

int
manager_run(struct control *c, const struct dirs *dirs)
{
	struct manager m = { .control = c, .dirs = dirs };
	struct poll_set set = { NULL, NULL, 0, 0 };
	struct sigaction sa = { .sa_handler = on_term };
	struct stat st;
	sigset_t term;
	int r;

	sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGTERM, &sa, NULL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	if (fstat(1, &st) == 0 && S_ISFIFO(st.st_mode))
		(void)file_nonblock(1, 1);
	lines_init(&m.in);
	buf_init(&m.out, ANSWERS_MAX);
	r = serve(&m, &set);
	end_workers(&m);
	free_all(&m);
	free(set.fds);
	free(set.procs);
	return r;
}
