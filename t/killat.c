/*
 * killat N PROGRAM ARG...: runs PROGRAM with all its descendants and kills all of them with
 * SIGKILL at the N-th system call stop (entry or exit) of any of them.  The last line on fd 3 (or
 * 2) is "killed at CALL of PID" with exit code 9, or "ended after COUNT stops" with exit
 * code 0: then there is no N-th stop.
 *
 * killat -p PID N does the same to a running process and those that it forks from then on; it
 * says "ready" when it has hold of it, and ends (also with "ended after") on SIGTERM, leaving the
 * process alone.
 */
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |		\
	PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)
#define PIDS_MAX 1024

static pid_t	pids[PIDS_MAX];
static size_t	npids;
static FILE	*out;
static volatile sig_atomic_t stopping;

static void
on_term(int sig)
{
	(void)sig;
	stopping = 1;
}

static void
pid_add(pid_t pid)
{
	for (size_t i = 0; i < npids; i++)
		if (pids[i] == pid)
			return;
	if (npids == PIDS_MAX)
		errx(2, "more than %d processes", PIDS_MAX);
	pids[npids++] = pid;
}

static void
pid_remove(pid_t pid)
{
	for (size_t i = 0; i < npids; i++)
		if (pids[i] == pid)
			pids[i] = pids[--npids];
}

static void
kill_all(pid_t pid)
{
	struct ptrace_syscall_info info;

	memset(&info, 0, sizeof(info));
	ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	/* Stopped tracees cannot run while the others are being killed. */
	for (size_t i = 0; i < npids; i++)
		kill(pids[i], SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
	fprintf(out, "killed at %s %lld of %d\n",
	    info.op == PTRACE_SYSCALL_INFO_ENTRY ? "entry" : "exit",
	    info.op == PTRACE_SYSCALL_INFO_ENTRY ?
	    (long long)info.entry.nr : -1LL, (int)pid);
	fflush(out);
	_exit(9);
}

static void
detach_all(void)
{
	int status;

	for (size_t i = 0; i < npids; i++) {
		if (ptrace(PTRACE_INTERRUPT, pids[i], 0, 0) == -1)
			continue;
		if (waitpid(pids[i], &status, __WALL) == pids[i])
			ptrace(PTRACE_DETACH, pids[i], 0, 0);
	}
}

static int
started_child(int status)
{
	int event = status >> 16;

	return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	    event == PTRACE_EVENT_CLONE;
}

/* What to hand on to the process when it runs again. */
static int
signal_for(int status)
{
	int sig = WSTOPSIG(status);

	if (status >> 16 != 0 || sig == (SIGTRAP | 0x80))
		return 0;	/* an event or a system call, not a signal */
	return sig;
}

static long
trace(long n)
{
	unsigned long child;
	long stops = 0;
	int status;
	pid_t pid;

	while (npids > 0 && !stopping) {
		if ((pid = waitpid(-1, &status, __WALL)) == -1) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (!WIFSTOPPED(status)) {
			pid_remove(pid);
			continue;
		}
		pid_add(pid);
		if (started_child(status) &&
		    ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) == 0)
			pid_add((pid_t)child);
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && ++stops == n)
			kill_all(pid);
		ptrace(PTRACE_SYSCALL, pid, 0, signal_for(status));
	}
	return stops;
}

static void
run(char *argv[])
{
	int go[2], status;
	pid_t pid;
	char c;

	if (pipe2(go, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		err(2, "fork");
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &c, 1) == -1)
			_exit(127);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS | PTRACE_O_EXITKILL) == -1 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) == -1 ||
	    waitpid(pid, &status, __WALL) == -1 ||
	    ptrace(PTRACE_SYSCALL, pid, 0, 0) == -1)
		err(2, "ptrace");
	pid_add(pid);
	close(go[0]);
	close(go[1]);
}

static void
attach(pid_t pid)
{
	int status;

	/* One of the listed processes may have ended meanwhile; of one that nobody
	 * has waited for yet, EPERM says so. */
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) == -1 &&
	    (errno == ESRCH || errno == EPERM))
		return;
	if ((ptrace(PTRACE_INTERRUPT, pid, 0, 0) == -1 && errno != ESRCH) ||
	    waitpid(pid, &status, __WALL) == -1)
		err(2, "ptrace %d", (int)pid);
	if (!WIFSTOPPED(status))
		return;
	if (ptrace(PTRACE_SYSCALL, pid, 0, 0) == -1)
		err(2, "ptrace %d", (int)pid);
	pid_add(pid);
}

int
main(int argc, char *argv[])
{
	struct sigaction sa;
	long stops;

	if (argc < 3)
		errx(64, "usage: killat N PROGRAM ARG... | killat -p PID,... N");
	if ((out = fdopen(3, "w")) == NULL)
		out = stderr;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_term;
	sigaction(SIGTERM, &sa, NULL);
	if (strcmp(argv[1], "-p") == 0) {
		for (char *p = argv[2]; *p != '\0'; p += strspn(p, ","))
			attach((pid_t)strtol(p, &p, 10));
		fprintf(out, "ready\n");
		fflush(out);
		stops = trace(argc > 3 ? strtol(argv[3], NULL, 10) : 0);
		detach_all();
	} else {
		run(argv + 2);
		stops = trace(strtol(argv[1], NULL, 10));
	}
	fprintf(out, "ended after %ld stops\n", stops);
	return 0;
}
