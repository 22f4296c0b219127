/*
 * The master: keeps a worker, and starts a process for each recipient that
 * needs one of its own.  Places are few and programs may be slow, so nobody has
 * more than his share of them: who has it waits a little, and is deferred when
 * his programs do not end.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "local_forward.h"
#include "local_request.h"
#include "log.h"
#include "proc.h"

#define RETRY_MS	1000	/* between looks at control files that are broken */
#define WAIT_MS		60000	/* a child's end wakes the master, too */
#define CLEAN_MS	3600000	/* between looks for litter */
#define SLOW_MS		10000	/* how long a program takes that is slow */
#define OWNER_SLOW_MS	5000	/* and one whose owner has no more places */
#define LOOK_MS		250	/* between looks at requests that wait */
#define REQUESTS_MAX	262144	/* bytes of them: more stay with the worker */
#define CHILDREN	128	/* processes, of one recipient each */

struct child {
	pid_t pid;		/* 0: free */
	char id[24];		/* of the recipient; "": cleaning up */
	char owner[OWNER_KEY_SIZE];
	uint64_t since;		/* ms */
};
struct master {
	struct worker w;
	pid_t worker;
	int spool;
	int requests;		/* of the worker, read end */
	struct buf in;		/* those that wait */
	struct child children[CHILDREN];
};

static void
on_child(int sig)
{
	(void)sig;			/* it only interrupts ppoll */
}

static void
catch_children(void)
{
	struct sigaction sa;
	sigset_t set;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_child;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* In a child: as it was before. */
static void
child_begin(void)
{
	sigset_t none;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	log_forked();
}

static void
answer_deferred(struct span id, const char *dsn, const char *text)
{
	struct buf b;

	buf_init(&b, PIPE_BUF);
	answer_print(&b, id, PROC_DEFER, dsn, span_str(text));
	(void)file_write_all(1, b.p, b.len);
	buf_free(&b);
}

/* A request that cannot be served now is answered as a deferral. */
static void
refuse_request(struct span line, const char *why)
{
	struct target t = { .found = FOUND_NOTHING };
	struct delivery d = { .given = 0 };
	struct job j;

	if (job_parse(line, &j) == -1 || job_next(&j, &t.rcpt) != 1 ||
	    !spool_name_parse(j.name, &d.name))
		return;
	outcome_set(&t.out, PROC_DEFER, "4.3.2", "%s", why);
	target_log(&d, &t);
	answer_deferred(t.rcpt.id, t.out.dsn, t.out.text);
}

static int
open_below(int at, const char *name)
{
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		log_die_errno(EX_CONFIG, "cannot open %s in the spool", name);
	return fd;
}

/* Made with the rest of the spool, by queue; by hand this program may run without. */
static int
open_full(int spool)
{
	return openat(spool, "full",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A file without a name, for what one worker leaves to the next. */
static int
open_rest(int spool)
{
	char name[64], random[17];
	int fd;

	random_hex64(random);
	snprintf(name, sizeof(name), "tmp/deliver-local.%s", random);
	fd = openat(spool, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1 || unlinkat(spool, name, 0) == -1)
		log_die_errno(EX_IOERR, "cannot make a file in the spool");
	return fd;
}

/* The worker, confined, and with fewer powers than the master. */
static pid_t
start_worker(struct master *m)
{
	pid_t pid = fork();

	if (pid == 0) {
		child_begin();
		close(m->requests);
		control_follow(m->w.c);
		if (local_drop_powers(false) == -1 ||
		    local_confine(m->w.c) == -1)
			log_die_errno(EX_OSERR, "cannot enter the sandbox");
		_exit(worker_run(&m->w));
	}
	return pid;
}

/* A process for one recipient, or for cleaning up (no line). */
static void
start_child(struct master *m, struct span line, const char *owner)
{
	struct child *slot = NULL;
	pid_t pid;

	for (size_t i = 0; i < CHILDREN && slot == NULL; i++)
		if (m->children[i].pid == 0)
			slot = &m->children[i];
	if (slot == NULL || (pid = fork()) == -1) {
		refuse_request(line, "too many programs are running");
		return;
	}
	if (pid == 0) {
		child_begin();
		if (line.len == 0)
			forward_clean(m->spool);
		else
			forward_run(m->w.c, m->spool, line);
		_exit(0);
	}
	slot->pid = pid;
	(void)span_cstr(request_id(line), slot->id, sizeof(slot->id));
	strlcpy(slot->owner, owner, sizeof(slot->owner));
	slot->since = clock_mono_ms();
}

/* Slow programs must not hold all of queue's local jobs. */
static bool
is_crowded(const struct master *m)
{
	uint64_t now = clock_mono_ms();
	unsigned slow = 0;

	for (size_t i = 0; i < CHILDREN; i++)
		slow += m->children[i].pid != 0 &&
		    now - m->children[i].since > SLOW_MS;
	return slow > m->w.c->set.local_jobs / 2;
}

/* How many processes an owner may have at once: a quarter of queue's places. */
static size_t
owner_share(const struct master *m)
{
	size_t share = (size_t)m->w.c->set.local_jobs / 4;

	return share == 0 ? 1 : share;
}

enum verdict { START, WAIT, REFUSE };

/* May this owner have one more? */
static enum verdict
owner_verdict(const struct master *m, const char *owner)
{
	uint64_t now = clock_mono_ms(), oldest = now;
	size_t n = 0;

	for (size_t i = 0; i < CHILDREN; i++) {
		const struct child *c = &m->children[i];

		if (c->pid == 0 || strcmp(c->owner, owner) != 0)
			continue;
		n++;
		if (c->since < oldest)
			oldest = c->since;
	}
	if (n < owner_share(m))
		return START;
	return now - oldest > OWNER_SLOW_MS ? REFUSE : WAIT;
}

static size_t
running(const struct master *m)
{
	size_t n = 0;

	for (size_t i = 0; i < CHILDREN; i++)
		n += m->children[i].pid != 0;
	return n;
}

/* Starts what may start; what has to wait stays. */
static bool
serve_request(void *arg, struct span line)
{
	struct master *m = arg;
	char owner[OWNER_KEY_SIZE];
	struct span job = request_job(line, owner);
	enum verdict v;

	if (is_crowded(m)) {
		refuse_request(job, "too many programs are running");
		return true;
	}
	if (running(m) == CHILDREN)
		return false;
	v = owner_verdict(m, owner);
	if (v == START)
		start_child(m, job, owner);
	else if (v == REFUSE)
		refuse_request(job,
		    "too many programs of this recipient are running");
	return v != WAIT;
}

static bool
is_waiting(const struct master *m)
{
	return m->in.len > 0 && memchr(m->in.p, '\n', m->in.len) != NULL;
}

static void
take_requests(struct master *m)
{
	unsigned char *p = buf_room(&m->in, PIPE_BUF);
	ssize_t n = p == NULL ? 0 : read(m->requests, p, PIPE_BUF);

	if (n > 0)
		m->in.len += (size_t)n;
	requests_serve(&m->in, serve_request, m);
}

/* One that did not come to its end has not answered. */
static void
child_ended(struct child *c, int status)
{
	if (status != 0 && c->id[0] != '\0') {
		log_warn("a process for one recipient has ended: %s %d",
		    WIFSIGNALED(status) ? "signal" : "exit code",
		    WIFSIGNALED(status) ? WTERMSIG(status) :
		    WEXITSTATUS(status));
		answer_deferred(span_str(c->id), "4.3.0",
		    "its process has ended before its work was done");
	}
	c->pid = 0;
}

/* Who has ended?  The worker's status, or -1. */
static int
reap(struct master *m)
{
	int status, r = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->worker)
			r = WIFEXITED(status) ? WEXITSTATUS(status) :
			    EX_SOFTWARE;
		for (size_t i = 0; i < CHILDREN; i++)
			if (m->children[i].pid == pid)
				child_ended(&m->children[i], status);
	}
	return r;
}

/* Waits for a request, an end, or a while. */
static void
wait_event(struct master *m, int ms)
{
	struct pollfd p = { m->in.len < REQUESTS_MAX ? m->requests : -1,
	    POLLIN, 0 };
	struct timespec t;
	sigset_t none;

	if (is_waiting(m) && ms > LOOK_MS)
		ms = LOOK_MS;
	t = (struct timespec){ ms / 1000, ms % 1000 * 1000000L };
	sigemptyset(&none);
	if (ppoll(&p, 1, &t, &none) > 0)
		take_requests(m);
	else
		requests_serve(&m->in, serve_request, m);
}

/* One worker after the other; the master is the last to see a broken file mended:
 * until then jobs wait. */
static int
serve(struct master *m)
{
	uint64_t cleaned = clock_mono_ms();
	int r, said = 0;

	start_child(m, span_of("", 0), "");
	for (;;) {
		if ((m->worker = start_worker(m)) == -1)
			return EX_OSERR;
		while ((r = reap(m)) == -1) {
			wait_event(m, WAIT_MS);
			if (clock_mono_ms() - cleaned < CLEAN_MS)
				continue;
			cleaned = clock_mono_ms();
			start_child(m, span_of("", 0), "");
		}
		if (r != LOCAL_EXIT_RELOAD)
			break;
		while (control_load(m->w.c, NULL) == -1) {
			if (!said++)
				log_warn("nothing is delivered until this is "
				    "mended: %s", m->w.c->error);
			wait_event(m, RETRY_MS);
			(void)reap(m);
		}
	}
	/* What it has asked for, and who is still at work, answer yet. */
	take_requests(m);
	while (running(m) > 0 || is_waiting(m)) {
		wait_event(m, WAIT_MS);
		(void)reap(m);
	}
	return r;
}

int
master_run(struct control *c, int spool)
{
	static struct master m;
	int p[2];

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) == -1)
		log_die_errno(EX_OSERR, "pipe");
	catch_children();
	m.w = (struct worker){ c, open_below(spool, "new"),
	    open_below(spool, "cur"), open_full(spool), p[1],
	    open_rest(spool) };
	m.spool = spool;
	m.requests = p[0];
	buf_init(&m.in, REQUESTS_MAX + PIPE_BUF);
	proc_settle();
	return serve(&m);
}
