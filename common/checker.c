/*
 * Runs the checkpassword program (https://cr.yp.to/checkpwd/interface.html): name,
 * password and a time stamp, each with a NUL, on descriptor 3; behind its own
 * arguments the program that it runs when the password is right, which is true(1).
 * Exit code 0 is yes, 1 is no, everything else is no answer.  It has the account
 * and the limits of auth, and no more of the environment than it needs.  It lives
 * for CHECKER_SECONDS and no longer, with whatever it has started: a client could
 * fill the machine with programs that wait for a server that does not answer.
 */
#include "checker.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "file.h"
#include "limits.h"
#include "log.h"
#include "proc.h"

#define ARGS_MAX	16
#define INTERFACE_MAX	512	/* bytes that the interface promises to read */

/* The setting, split at spaces, then the program for a right password. */
static int
make_argv(char *command, char *argv[ARGS_MAX + 2])
{
	static char yes[] = "/bin/true";
	char *word;
	int n = 0;

	while ((word = strsep(&command, " \t")) != NULL) {
		if (*word == '\0')
			continue;
		if (n == ARGS_MAX)
			return -1;
		argv[n++] = word;
	}
	argv[n++] = yes;
	argv[n] = NULL;
	return 0;
}

static volatile sig_atomic_t late;

static void
on_alarm(int sig)
{
	(void)sig;
	late = 1;
}

/* A group of its own, and an alarm that comes again, so that none is missed. */
static int
limit_time(void)
{
	const struct sigaction sa = { .sa_handler = on_alarm };
	const struct itimerval when = { { 1, 0 }, { CHECKER_SECONDS, 0 } };

	if (setpgid(0, 0) == -1 || sigaction(SIGALRM, &sa, NULL) == -1)
		return -1;
	return setitimer(ITIMER_REAL, &when, NULL);
}

/* The program's wait(2) status.  0, or -1: it has none. */
static int
await(const char *program, pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) == -1) {
		if (late)
			log_warn("%s: ended, for it gave no answer within %d "
			    "seconds", program, CHECKER_SECONDS);
		if (late || errno != EINTR)
			return -1;
	}
	return 0;
}

/* One letter, from how it ended. */
static char
run(const char *setting, const struct conn *conn, struct span cred)
{
	char command[sizeof(((struct settings *)0)->checkpassword)];
	char peer[80], path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *argv[ARGS_MAX + 2], *envp[] = { path, peer, NULL };
	struct buf b;
	int fds[2], status, r;
	pid_t pid;

	strlcpy(command, setting, sizeof(command));
	snprintf(peer, sizeof(peer), "TCPREMOTEIP=%s", conn->peer_text);
	if (make_argv(command, argv) == -1 || pipe(fds) == -1)
		return 't';
	buf_init(&b, INTERFACE_MAX);
	(void)buf_addspan(&b, cred);
	(void)buf_addf(&b, "%ju", (uintmax_t)clock_now());
	(void)buf_addc(&b, 0);
	r = b.bad ? -1 : file_write_all(fds[1], b.p, b.len);
	buf_wipe(&b);
	close(fds[1]);
	if (r == -1) {			/* longer than any of them takes */
		close(fds[0]);
		return 'n';
	}
	pid = proc_spawn(argv[0], argv, envp, (struct proc_map[]){
	    { -1, 0 }, { -1, 1 }, { fds[0], 3 } }, 3);
	close(fds[0]);
	if (pid == -1) {
		log_warn_errno("%s: cannot be run", argv[0]);
		return 't';
	}
	if (await(argv[0], pid, &status) == -1)
		return 't';
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		return WEXITSTATUS(status) == 0 ? 'y' : 'n';
	log_warn("%s: ended by %s %d", argv[0], WIFEXITED(status) ?
	    "exit code" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) :
	    WTERMSIG(status));
	return 't';
}

static void
serve(const struct control *c, const struct conn *conn, int in, int out)
{
	const struct rlimit memory = { CHAIN_AUTH_MEMORY, CHAIN_AUTH_MEMORY };
	const struct rlimit none = { 0, 0 }, cpu = { CHECKER_SECONDS,
	    CHECKER_SECONDS };
	char cred[CRED_MAX], letter;
	ssize_t n;

	if (proc_become(&c->set.auth_user) == -1 ||
	    setrlimit(RLIMIT_DATA, &memory) == -1 ||
	    setrlimit(RLIMIT_CPU, &cpu) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1 || limit_time() == -1)
		log_die_errno(EX_OSERR, "checkpassword: cannot give up "
		    "privileges");
	while ((n = read(in, cred, sizeof(cred))) == -1 && errno == EINTR)
		;
	if (n <= 0)
		return;			/* it was not needed */
	letter = run(c->set.checkpassword, conn, span_of(cred, (size_t)n));
	buf_zero(cred, sizeof(cred));
	(void)file_write_all(out, &letter, 1);
	if (late)		/* the program, what it started, and this one */
		(void)kill(0, SIGKILL);
}

int
checker_start(const struct control *c, const struct conn *conn, int *out,
    int *in)
{
	int down[2], up[2];
	pid_t pid;

	if (pipe(down) == -1)
		return -1;
	if (pipe(up) == -1 || (pid = fork()) == -1) {
		close(down[0]);
		close(down[1]);
		return -1;
	}
	if (pid == 0) {
		log_forked();
		proc_arrange((struct proc_map[]){ { down[0], 0 },
		    { up[1], 1 } }, 2);
		serve(c, conn, 0, 1);
		_exit(EX_OK);
	}
	close(down[0]);
	close(up[1]);
	*out = down[1];
	*in = up[0];
	return 0;
}
