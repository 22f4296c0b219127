/*
 * The supervisor.  The only part of queue that stays root: it reads nothing
 * but the control directory, starts processes and waits for them.  When one
 * dies all are ended and started again, for what they were doing stands in the
 * spool; a new scheduler begins only when every old worker is gone, so that no
 * message is in two hands.  deliver-remote, which has OpenSSL, begins with its
 * first job: many a server never gives it one.
 */
#include "queue_super.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "log.h"
#include "proc.h"
#include "queue_bounce.h"
#include "queue_run.h"
#include "queue_sandbox.h"

#define GRACE_MS	15000	/* for workers to end by themselves */
#define BACKOFF_FIRST	1	/* seconds before starting again */
#define BACKOFF_MAX	30
#define STABLE		60	/* seconds after which a start was a good one */

enum child { CHILD_SCHED = WORKERS, CHILDREN };
static const char *const child_names[] = { "deliver-local", "deliver-remote",
	"bounce runner", "scheduler" };

static volatile sig_atomic_t got_child, got_stop, got_scan;

static void
on_signal(int sig)
{
	if (sig == SIGCHLD)
		got_child = 1;
	else if (sig == SIGHUP)
		got_scan = 1;
	else
		got_stop = 1;
}

struct pipes { int jobs[2], answers[2]; };	/* read end, write end */

struct run {
	struct super *su;
	pid_t pid[CHILDREN];
	struct pipes p[WORKERS];
	int alive[2];		/* its end tells the scheduler to stop */
	struct sent_log sent;	/* of this start */
	int sent_append, sent_look;
	int lock;		/* cur/, locked: one queue for each spool */
	int status;		/* the scheduler's */
	bool stop;		/* told to */
};

static void
close_end(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
close_pipe(int p[2])
{
	close_end(&p[0]);
	close_end(&p[1]);
}

static void
close_pipes(struct run *r)
{
	for (int i = 0; i < WORKERS; i++) {
		close_pipe(r->p[i].jobs);
		close_pipe(r->p[i].answers);
	}
	close_pipe(r->alive);
}

static void
make_pipes(struct run *r)
{
	bool bad = pipe2(r->alive, O_CLOEXEC) == -1;

	for (int i = 0; i < WORKERS; i++)
		bad = bad || pipe2(r->p[i].jobs, O_CLOEXEC) == -1 ||
		    pipe2(r->p[i].answers, O_CLOEXEC) == -1;
	if (bad)
		log_die_errno(EX_OSERR, "pipe");
}

/* All ends of the file that deliver-remote notes in. */
static void
close_sent(struct run *r)
{
	close_end(&r->sent_append);
	close_end(&r->sent_look);
	close_end(&r->sent.fd);
}

static pid_t
start_program(struct run *r, enum worker_kind kind, const char *name)
{
	static char dir_flag[] = "-C", stamp_flag[] = "-t",
	    syslog_flag[] = "-y", sent_flag[] = "-s";
	bool notes = kind == WORKER_REMOTE && r->sent_append != -1;
	char path[512], arg0[64], dir[sizeof(r->su->c->dir)];
	char *argv[8] = { arg0, dir_flag, dir };
	size_t n = 3;
	pid_t pid;

	proc_beside(name, path, sizeof(path));
	strlcpy(arg0, name, sizeof(arg0));
	strlcpy(dir, r->su->c->dir, sizeof(dir));
	if (r->su->stamp)
		argv[n++] = stamp_flag;
	if (r->su->syslog)
		argv[n++] = syslog_flag;
	if (notes)
		argv[n++] = sent_flag;
	argv[n] = NULL;
	pid = proc_spawn(path, argv, NULL, (struct proc_map[]){
	    { r->p[kind].jobs[0], 0 }, { r->p[kind].answers[1], 1 },
	    { r->sent_append, 5 }, { r->sent_look, 6 } }, notes ? 4 : 2);
	if (pid == -1)
		log_warn_errno("cannot start %s", path);
	return pid;
}

static void
child_begin(void)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_IGN);	/* the end of a pipe tells when */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	proc_ignore_sigpipe();
	log_forked();
}

static void
keep_ends(struct run *r, enum worker_kind kind)
{
	for (int i = 0; i < WORKERS; i++)
		if (i != (int)kind) {
			close_pipe(r->p[i].jobs);
			close_pipe(r->p[i].answers);
		}
	close(r->p[kind].jobs[1]);
	close(r->p[kind].answers[0]);
	close_pipe(r->alive);
	close_sent(r);
	if (r->lock != -1)
		close(r->lock);
}

static void
bouncer(struct run *r)
{
	char path[512];
	int in = r->p[WORKER_BOUNCE].jobs[0];
	int out = r->p[WORKER_BOUNCE].answers[1];

	child_begin();
	keep_ends(r, WORKER_BOUNCE);
	proc_beside("bounce", path, sizeof(path));
	if (queue_become(&r->su->c->set, false) == -1)
		log_die_errno(EX_NOPERM, "cannot become queue-user");
	_exit(bounce_serve(r->su->c, path, in, out));
}

static void
scheduler(struct run *r)
{
	struct sched s;

	child_begin();
	memset(&s, 0, sizeof(s));
	s.c = r->su->c;
	s.once = r->su->once;
	s.alive = r->alive[0];
	s.sent = r->sent;
	close(r->sent_append);
	close(r->sent_look);
	close(r->alive[1]);
	for (int i = 0; i < WORKERS; i++) {
		close(r->p[i].jobs[0]);
		close(r->p[i].answers[1]);
		if (worker_init(&s.workers[i], r->p[i].jobs[1],
		    r->p[i].answers[0]) == -1)
			log_die_errno(EX_OSERR, "fcntl");
	}
	if (queue_become(&s.c->set, true) == -1)
		log_die_errno(EX_NOPERM, "cannot become queue-user");
	if (dirs_open(&s.dirs, s.c->set.spool) == -1 ||
	    trigger_open(&s.trigger, s.c->set.spool) == -1)
		log_die_errno(EX_IOERR, "cannot open the spool %s; posthouse "
		    "check tells what is wrong with it", s.c->set.spool);
	if (sched_init(&s) == -1)
		log_die(EX_OSERR, "no memory");
	control_follow(s.c);
	if (queue_confine(s.c) == -1)
		log_die_errno(EX_OSERR, "cannot enter the sandbox");
	if (!s.once)
		queue_log_start(s.c);
	_exit(sched_run(&s));
}

/* The scheduler last: by then the workers have their ends of the pipes.  Those of
 * deliver-remote stay here. */
static int
start_all(struct run *r)
{
	make_pipes(r);
	if (sent_create(&r->sent, &r->su->c->set, &r->sent_append,
	    &r->sent_look) == -1) {
		log_warn_errno("cannot make a file in sent: a crash may send "
		    "messages twice");
		close_sent(r);
	}
	r->pid[WORKER_LOCAL] = start_program(r, WORKER_LOCAL, "deliver-local");
	r->pid[WORKER_REMOTE] = 0;
	if ((r->pid[WORKER_BOUNCE] = fork()) == 0)
		bouncer(r);
	if ((r->pid[CHILD_SCHED] = fork()) == 0)
		scheduler(r);
	close_pipe(r->p[WORKER_LOCAL].jobs);
	close_pipe(r->p[WORKER_LOCAL].answers);
	close_pipe(r->p[WORKER_BOUNCE].jobs);
	close_pipe(r->p[WORKER_BOUNCE].answers);
	close_end(&r->p[WORKER_REMOTE].jobs[1]);
	close_end(&r->p[WORKER_REMOTE].answers[0]);
	close_end(&r->sent.fd);
	close_end(&r->alive[0]);
	for (int i = 0; i < CHILDREN; i++)
		if (r->pid[i] == -1)
			return -1;
	proc_settle();
	return 0;
}

static bool
all_gone(const struct run *r)
{
	for (int i = 0; i < CHILDREN; i++)
		if (r->pid[i] > 0)
			return false;
	return true;
}

/* Collects who has ended; true: somebody did. */
static bool
reap(struct run *r, bool expected)
{
	bool any = false;
	int status;
	pid_t pid;

	got_child = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < CHILDREN; i++) {
			if (r->pid[i] != pid)
				continue;
			r->pid[i] = 0;
			if (i == CHILD_SCHED)
				r->status = status;
			if (!expected || status != 0)
				log_warn("%s has ended: %s %d", child_names[i],
				    WIFSIGNALED(status) ? "signal" : "exit "
				    "code", WIFSIGNALED(status) ?
				    WTERMSIG(status) : WEXITSTATUS(status));
			any = true;
			expected = true;	/* the others follow */
		}
	return any;
}

/* Waits for a signal or fd (-1: none), at most ms (-1: for ever): what poll(2) says of
 * fd, or 0. */
static short
wait_signal(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };
	sigset_t all, old;

	sigemptyset(&all);
	sigaddset(&all, SIGCHLD);
	sigaddset(&all, SIGTERM);
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGHUP);
	sigprocmask(SIG_BLOCK, &all, &old);
	if (!got_child && !got_stop && !got_scan)
		(void)ppoll(&p, 1, ms == -1 ? NULL : &t, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return p.revents;
}

/* Likewise, and for the scheduler to write a job for deliver-remote, which is started
 * then, or to end.  0, or -1: it could not be started. */
static int
wait_run(struct run *r, int ms)
{
	struct pipes *p = &r->p[WORKER_REMOTE];
	short what = wait_signal(p->jobs[0], ms);

	if (what == 0)
		return 0;
	if (what == POLLIN)
		r->pid[WORKER_REMOTE] = start_program(r, WORKER_REMOTE,
		    "deliver-remote");
	close_pipe(p->jobs);
	close_pipe(p->answers);
	close_sent(r);
	return r->pid[WORKER_REMOTE] == -1 ? -1 : 0;
}

static void
kill_all(const struct run *r, int sig)
{
	for (int i = 0; i < CHILDREN; i++)
		if (r->pid[i] > 0)
			kill(r->pid[i], sig);
}

/* The scheduler ends first; then the workers see the end of their jobs. */
static void
end_all(struct run *r)
{
	uint64_t start = clock_mono_ms();
	int sent = 0;

	r->stop = r->stop || got_stop;
	got_stop = 0;
	close_pipe(r->alive);
	while (!all_gone(r)) {
		uint64_t ms = clock_mono_ms() - start;

		reap(r, true);
		if (all_gone(r))
			break;
		if (ms > GRACE_MS && sent == 0)
			kill_all(r, sent = SIGTERM);
		if (ms > GRACE_MS + 2000 && sent != SIGKILL)
			kill_all(r, sent = SIGKILL);
		(void)wait_run(r, 500);
		r->stop = r->stop || got_stop;
		got_stop = got_scan = 0;	/* we are at it */
	}
	close_pipes(r);
	close_sent(r);
}

static void
catch_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGCHLD, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	proc_ignore_sigpipe();
}

/* One queue for each spool: two would send everything twice.  The lock is the
 * scheduler's too, so that it outlives a supervisor that was killed until the last
 * answer is in. */
static int
take_lock(const struct settings *set)
{
	char path[sizeof(set->spool) + 8];
	int fd;

	snprintf(path, sizeof(path), "%s/cur", set->spool);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		log_die_errno(EX_IOERR, "cannot open %s", path);
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; i++) {
		if (errno != EWOULDBLOCK || i == 20 || got_stop)
			log_die_errno(EX_TEMPFAIL, "another queue works on %s",
			    set->spool);
		wait_signal(-1, 500);
	}
	return fd;
}

static int
exit_code(const struct run *r)
{
	return WIFEXITED(r->status) ? WEXITSTATUS(r->status) : EX_SOFTWARE;
}

int
super_run(struct super *su)
{
	struct run r = { .su = su, .alive = { -1, -1 }, .sent_append = -1,
	    .sent_look = -1, .sent.fd = -1 };
	unsigned backoff = BACKOFF_FIRST;
	uint64_t began;

	catch_signals();
	r.lock = take_lock(&su->c->set);
	for (int i = 0; i < WORKERS; i++)
		r.p[i] = (struct pipes){ { -1, -1 }, { -1, -1 } };
	while (!got_stop) {
		bool failed;

		began = clock_mono_ms();
		failed = start_all(&r) == -1;
		while (!failed && !got_stop && !reap(&r, su->once)) {
			if (got_scan && write(r.alive[1], "s", 1) == -1)
				break;
			got_scan = 0;
			failed = wait_run(&r, -1) == -1;
		}
		end_all(&r);
		if (su->once || r.stop)
			break;
		if (clock_mono_ms() - began > STABLE * 1000)
			backoff = BACKOFF_FIRST;
		wait_signal(-1, (int)backoff * 1000);
		backoff = backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX : backoff * 2;
		(void)control_refresh(su->c);
	}
	if (!su->once) {
		struct log l;

		log_begin(&l, "stop");
		log_end(&l);
		return 0;
	}
	return exit_code(&r);
}
