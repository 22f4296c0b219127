/*
 * Worker processes as the manager sees them: a pid and two pipes.  What comes
 * back is from a process that the internet talks to, and is read as such.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "log.h"
#include "remote_manager.h"
#include "remote_note.h"

/* In the child: everything of the manager's but the two pipes goes away. */
static void
child(struct manager *m, const struct route *route, int in, int out)
{
	struct route own = *route;
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int code;

	log_forked();
	notes_worker();
	sigemptyset(&dfl.sa_mask);
	(void)sigaction(SIGTERM, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (struct worker_proc *p = m->workers; p != NULL; p = p->next) {
		if (p->in != -1)
			close(p->in);
		close(p->out);
	}
	/* The same places as in every program: jobs on 0, answers on 1. */
	if (dup3(in, 0, 0) == -1 || dup3(out, 1, 0) == -1)
		_exit(EX_OSERR);
	close(in);
	close(out);
	code = worker_run(m->control, m->dirs, &own, 0, 1);
	_exit(code);
}

static int
make_pipes(int job[2], int answer[2])
{
	if (pipe2(job, O_CLOEXEC) == -1)
		return -1;
	if (pipe2(answer, O_CLOEXEC) == -1) {
		close(job[0]);
		close(job[1]);
		return -1;
	}
	return 0;
}

int
proc_start(struct manager *m, struct dest *d)
{
	struct worker_proc *p = calloc(1, sizeof(*p));
	int job[2], answer[2];

	if (p == NULL || make_pipes(job, answer) == -1) {
		free(p);
		return -1;
	}
	if ((p->pid = fork()) == 0) {
		close(job[1]);
		close(answer[0]);
		child(m, &d->route, job[0], answer[1]);
	}
	close(job[0]);
	close(answer[1]);
	if (p->pid == -1 || file_nonblock(job[1], 1) == -1) {
		close(job[1]);
		close(answer[0]);
		free(p);
		return -1;
	}
	p->in = job[1];
	p->out = answer[0];
	p->dest = d;
	p->generation = m->generation;
	p->idle_since = clock_mono_ms();
	lines_init(&p->lines);
	p->next = m->workers;
	m->workers = p;
	m->nworkers++;
	d->workers++;
	d->unproven++;
	return 0;
}

int
proc_write(struct worker_proc *p)
{
	ssize_t w;

	while (p->job != NULL && p->written < p->job->line_len) {
		w = write(p->in, p->job->line + p->written,
		    p->job->line_len - p->written);
		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return errno == EAGAIN ? 0 : -1;
		p->written += (size_t)w;
	}
	return 0;
}

void
proc_give(struct worker_proc *p, struct remote_job *j)
{
	p->job = j;
	p->written = 0;
	/* If it is dead, the end of its answers will tell. */
	(void)proc_write(p);
}

void
proc_finish(struct worker_proc *p)
{
	if (p->in != -1)
		close(p->in);
	p->in = -1;
}

int
proc_reap(struct manager *m, struct worker_proc *p)
{
	struct worker_proc **at = &m->workers;
	int status = 0;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	m->nworkers--;
	p->dest->workers--;
	if (!p->proven)
		p->dest->unproven--;
	proc_finish(p);
	close(p->out);
	/* It has ended, or will say nothing more: it must not be waited for. */
	(void)kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) == -1 && errno == EINTR)
		;
	buf_free(&p->lines.buf);
	free(p);
	return status;
}
