/*
 * What is done as the recipient: a child gives up root for good before it
 * touches anything of his.  His command is given to sh as he wrote it; nothing
 * of the message is ever part of it.  Of what a program says only the first
 * PROGRAM_TEXT_MAX bytes are kept; how long it may take is a setting.
 */
#include <sys/resource.h>
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
#include "file.h"
#include "local_forward.h"
#include "log.h"
#include "proc.h"
#include "rcpt.h"

#define TICK_MS		100	/* when a program has ended but others hold its output */
#define KILL_MS		5000	/* from SIGTERM to SIGKILL */
#define READ_MS		60000	/* for a small file of his */
#define ENV_MAX		16
#define NO_USER		67	/* a program's code for it: sysexits(3) */

/* In the child: as that person, or not at all. */
static void
become(const struct person *who)
{
	if (who->ids.uid != (uid_t)-1 && proc_become(&who->ids) == -1)
		_exit(EX_OSERR);
}

/* What can be read now; at the end the descriptor is closed, and -1. */
static void
take(int *fd, struct buf *b)
{
	unsigned char chunk[4096];
	ssize_t n = read(*fd, chunk, sizeof(chunk));
	size_t room = b->max - b->len;

	if (n > 0)
		buf_add(b, chunk, (size_t)n < room ? (size_t)n : room);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
}

/* All that comes until the end: 0, or -1 when it takes too long. */
static int
take_all(int *fd, struct buf *b)
{
	uint64_t now, end = clock_mono_ms() + READ_MS;

	while (*fd != -1 && (now = clock_mono_ms()) < end) {
		struct pollfd p = { *fd, POLLIN, 0 };

		if (poll(&p, 1, (int)(end - now)) > 0)
			take(fd, b);
	}
	return *fd == -1 ? 0 : -1;
}

/* Is it the file that was looked at? */
static bool
is_same(int fd, const struct stat *seen)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == seen->st_dev &&
	    st.st_ino == seen->st_ino && st.st_uid == seen->st_uid &&
	    st.st_mode == seen->st_mode;
}

/* The file may be on a file system of his own making, which never answers. */
int
user_read(const struct person *who, const char *path, const struct stat *seen,
    struct buf *b)
{
	int p[2], fd, r, status;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	if ((pid = fork()) == 0) {
		struct buf text;

		become(who);
		close(p[0]);
		buf_init(&text, b->max);
		fd = file_open(AT_FDCWD, path);
		if (fd != -1 && seen != NULL && !is_same(fd, seen))
			_exit(ESTALE);
		if (fd == -1 || file_read_all(fd, &text) == -1)
			_exit(errno > 0 && errno < 255 ? errno : EIO);
		_exit(file_write_all(p[1], text.p, text.len) == 0 ? 0 : EIO);
	}
	close(p[1]);
	r = pid == -1 ? -1 : take_all(&p[0], b);
	if (p[0] != -1)
		close(p[0]);
	if (r == -1 && pid != -1)
		(void)kill(pid, SIGKILL);
	while (pid != -1 && waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	if (pid != -1 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : ETIMEDOUT;
		return -1;
	}
	return r;
}

struct run {
	pid_t pid;
	int out, result;	/* what it says; -1 once it is closed */
	struct buf said, line;
	int status;
	bool late;		/* it took too long */
};

/* Until it has ended, and all that it said is there; what it left running may
 * go on, unheard. */
static void
watch(struct run *r, unsigned seconds)
{
	uint64_t now, end = clock_mono_ms() + seconds * UINT64_C(1000);
	bool gone = false;

	while (!gone || r->out != -1 || r->result != -1) {
		struct pollfd p[2] = { { r->out, POLLIN, 0 },
		    { r->result, POLLIN, 0 } };
		int n = poll(p, 2, gone ? 0 : TICK_MS);

		if (p[0].revents != 0)
			take(&r->out, &r->said);
		if (p[1].revents != 0)
			take(&r->result, &r->line);
		if (gone && n <= 0)
			break;
		if (!gone)
			gone = waitpid(r->pid, &r->status, WNOHANG) == r->pid;
		now = clock_mono_ms();
		if (!gone && now > end) {
			kill(-r->pid, r->late ? SIGKILL : SIGTERM);
			r->late = true;
			end = now + KILL_MS;
		}
	}
	kill(-r->pid, SIGKILL);
}

static const char *const program_dsn[] = { [PROC_DONE] = "2.0.0",
    [PROC_FAIL] = "5.3.0", [PROC_DEFER] = "4.3.0" };

/* Who fails for good says why to the sender.  What is said with any other code is
 * an accident, often the shell's words with a path in them: for the log. */
static void
judge_code(int code, enum proc_class class, struct span said,
    struct outcome *o)
{
	char text[224];

	snprintf(text, sizeof(text), "the program ended with code %d%s%.*s",
	    code, said.len > 0 ? ": " : "",
	    (int)(said.len > 180 ? 180 : said.len), (const char *)said.p);
	if (class == PROC_FAIL)
		outcome_set(o, class, code == NO_USER ? "5.1.1" :
		    program_dsn[class], "%s", text);
	else {
		outcome_set(o, class, program_dsn[class],
		    "the program ended with code %d", code);
		outcome_note(o, "%s", text);
	}
}

/* The exit code gives the class, the result line the rest. */
static void
judge(const struct run *r, struct outcome *o)
{
	enum proc_class class = proc_class(r->status);

	if (r->late)
		outcome_set(o, PROC_DEFER, "4.3.0", "the program took too long");
	else if (outcome_parse(o, class, buf_span(&r->line)))
		return;
	else if (class == PROC_DONE)
		outcome_set(o, class, program_dsn[class], "a program took it");
	else if (WIFSIGNALED(r->status))
		outcome_set(o, class, program_dsn[class], "the program was ended by "
		    "signal %d", WTERMSIG(r->status));
	else
		judge_code(WEXITSTATUS(r->status), class,
		    outcome_last_line(buf_span(&r->said)), o);
}

static void
env_add(char **envp, size_t *n, const char *name, struct span value)
{
	if (*n + 1 < ENV_MAX && asprintf(&envp[*n], "%s=%.*s", name,
	    (int)value.len, (const char *)value.p) != -1)
		envp[++*n] = NULL;
}

static void
environment(const struct forward *f, char **envp)
{
	struct span local = addr_local(&f->addr);
	size_t n = 0;

	env_add(envp, &n, "PATH", span_str("/usr/local/bin:/usr/bin:/bin"));
	env_add(envp, &n, "SHELL", span_str("/bin/sh"));
	env_add(envp, &n, "HOME", span_str(f->who.home));
	if (f->who.user[0] != '\0') {
		env_add(envp, &n, "USER", span_str(f->who.user));
		env_add(envp, &n, "LOGNAME", span_str(f->who.user));
	}
	env_add(envp, &n, "SENDER", span_str(f->env.sender));
	env_add(envp, &n, "RECIPIENT", span_str(f->addr.text));
	env_add(envp, &n, "LOCAL", local);
	env_add(envp, &n, "DOMAIN", span_str(addr_domain(&f->addr)));
	env_add(envp, &n, "EXTENSION", rcpt_detail(f->c, &f->addr));
	env_add(envp, &n, "QID", span_of(f->d.name.text, f->d.name.qid_len));
}

/* In the child, with its descriptors: 0 message, 1 and 2 output, 3 envelope, 4
 * result. */
static _Noreturn void
child_program(const struct forward *f, const char *command, int in, int out,
    int envelope, int result)
{
	char *envp[ENV_MAX + 1] = { NULL }, *copy = strdup(command);
	static char sh[] = "sh", c[] = "-c";
	char *argv[] = { sh, c, copy, NULL };
	const struct rlimit core = { 0, 0 };

	environment(f, envp);
	(void)setsid();
	(void)setrlimit(RLIMIT_CORE, &core);
	umask(077);
	signal(SIGPIPE, SIG_DFL);
	if (proc_arrange((struct proc_map[]){ { in, 0 }, { out, 1 },
	    { out, 2 }, { envelope, 3 }, { result, 4 } }, 5) == -1)
		_exit(EX_OSERR);
	if (f->who.ids.uid == (uid_t)-1 && geteuid() == 0)
		_exit(EX_CONFIG);
	become(&f->who);
	if (chdir(f->who.home) == -1) {
		dprintf(2, "cannot enter %s: %s\n", f->who.home,
		    strerror(errno));
		_exit(EX_OSERR);
	}
	execve("/bin/sh", argv, envp);
	_exit(EX_OSERR);
}

/* The envelope of this recipient, as a spool file has it. */
static int
envelope_pipe(const struct forward *f)
{
	struct envelope e = { .sender = f->env.sender,
	    .body8 = f->env.body8, .binary = f->env.binary,
	    .smtputf8 = f->env.smtputf8 };
	struct buf b;
	int p[2], r = -1;

	buf_init(&b, PIPE_BUF);
	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	if (envelope_add_rcpt(&e, f->addr.text, NULL, NULL) == 0 &&
	    envelope_print(&e, &b) == 0)
		r = file_write_all(p[1], b.p, b.len);
	close(p[1]);
	buf_free(&b);
	if (e.rcpts != NULL)
		free(e.rcpts[0].addr);
	free(e.rcpts);
	if (r == 0)
		return p[0];
	close(p[0]);
	return -1;
}

void
user_program(struct forward *f, const char *command, struct outcome *o)
{
	int in = message_clean(f), envelope = envelope_pipe(f);
	int out[2] = { -1, -1 }, result[2] = { -1, -1 };
	struct run r = { .out = -1, .result = -1 };

	if (in == -1 || envelope == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    pipe2(result, O_CLOEXEC) == -1 || (r.pid = fork()) == -1) {
		outcome_errno(o, errno, "cannot start a program");
		return;			/* this process ends soon */
	}
	if (r.pid == 0)
		child_program(f, command, in, out[1], envelope, result[1]);
	close(in);
	close(envelope);
	close(out[1]);
	close(result[1]);
	r.out = out[0];
	r.result = result[0];
	buf_init(&r.said, PROGRAM_TEXT_MAX);
	buf_init(&r.line, PROGRAM_TEXT_MAX);
	watch(&r, f->c->set.program_timeout);
	judge(&r, o);
	if (r.out != -1)
		close(r.out);
	if (r.result != -1)
		close(r.result);
	buf_free(&r.said);
	buf_free(&r.line);
}

void
user_call(struct forward *f, void (*call)(struct forward *, const char *, int,
    struct outcome *), const struct person *who, const char *path,
    struct outcome *o)
{
	static const int codes[] = { [PROC_DONE] = EX_OK,
	    [PROC_FAIL] = EX_DATAERR, [PROC_DEFER] = EX_IOERR };
	struct run r = { .out = -1, .result = -1 };
	int result[2], in = message_clean(f);

	buf_init(&r.line, PROGRAM_TEXT_MAX);
	if (in == -1 || pipe2(result, O_CLOEXEC) == -1 ||
	    (r.pid = fork()) == -1) {
		outcome_path(o, errno, path);
		return;			/* this process ends soon */
	}
	if (r.pid == 0) {
		if (who->ids.uid == (uid_t)-1 && geteuid() == 0)
			_exit(EX_CONFIG);
		(void)setsid();
		become(who);
		umask(077);
		call(f, path, in, o);
		outcome_print(o, &r.line);
		(void)file_write_all(result[1], r.line.p, r.line.len);
		_exit(codes[o->class]);
	}
	close(in);
	close(result[1]);
	r.result = result[0];
	watch(&r, f->c->set.program_timeout);
	judge(&r, o);
	outcome_parse_note(o, buf_span(&r.line));
	if (r.result != -1)
		close(r.result);
	buf_free(&r.line);
}
