/*
 * Children: classes of their ends, their descriptors, their confinement.
 */
#include "proc.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "clock.h"
#include "ex.h"
#include "sandbox.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__)
#define CONFINED 0	/* the sanitizers' calls are in no table */
#else
#define CONFINED 1
#endif

static void
test_class(void)
{
	static const int fails[] = { 65, 67, 69, 76, 77, 100, 112 };

	for (int code = 0; code < 256; code++) {
		enum proc_class want = code == 0 ? PROC_DONE : PROC_DEFER;

		for (size_t i = 0; i < sizeof(fails) / sizeof(*fails); i++)
			if (code == fails[i])
				want = PROC_FAIL;
		CHECK(proc_class(code << 8) == want, "exit code");
	}
	for (int sig = 1; sig < 32; sig++)
		CHECK(proc_class(sig) == PROC_DEFER, "signal");
	test_end("class of an end");
}

static void
test_spawn(void)
{
	char *argv[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c",
	    (char *)(uintptr_t)"cat <&3; ls /proc/self/fd | tr '\\n' ' '",
	    NULL };
	char got[256] = "";
	int in[2], out[2], status;
	struct proc_map map[3];
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	if (pipe(in) == -1 || pipe(out) == -1)
		err(1, "pipe");
	map[0] = (struct proc_map){ -1, 0 };
	map[1] = (struct proc_map){ out[1], 1 };
	map[2] = (struct proc_map){ in[0], 3 };
	pid = proc_spawn("/bin/sh", argv, NULL, map, 3);
	CHECK(pid > 0, "spawned");
	close(out[1]);
	CHECK(write(in[1], "hello ", 6) == 6, "write");
	close(in[1]);
	while (n < sizeof(got) - 1 && (r = read(out[0], got + n,
	    sizeof(got) - 1 - n)) > 0)
		n += (size_t)r;
	/* The next descriptor is the one with which ls reads the folder. */
	CHECK_SPAN(span_of(got, n), "hello 0 1 2 3 4 ", "descriptors");
	CHECK(waitpid(pid, &status, 0) == pid && status == 0, "status");
	CHECK(proc_spawn("/nonexistent", argv, NULL, map, 1) == -1 &&
	    errno == ENOENT, "exec fails here, not later");
	close(out[0]);
	close(in[0]);
	test_end("spawn");
}

static const int no_calls[] = { -1 };

/* What a confined child tries; its exit code, or the signal that ended it. */
static int
confined(const struct sandbox_role *role, const struct sandbox_path *paths,
    size_t n, bool off, int (*try)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(role, NULL, NULL, paths, n, off) == -1)
			_exit(99);
		_exit(try());
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static long number;

static int try_nothing(void) { return 0; }
static int try_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) == -1; }
static int try_fork(void) { return fork() == -1 ? 1 : 0; }
static int try_read(void) { return open("/etc/passwd", O_RDONLY) == -1; }
static char scratch[64];	/* nobody else's, who may run this at the same time */
static int try_write(void)
{
	int fd = open(scratch, O_WRONLY | O_CREAT, 0600);

	if (fd != -1)
		unlink(scratch);
	return fd == -1;
}
static int try_socket_file(void)
{
	int r = mknodat(AT_FDCWD, scratch, S_IFSOCK | 0600, 0);

	if (r == 0)
		unlink(scratch);
	return r == -1;
}
static int try_core(void)
{
	struct sandbox_role r = { .name = "x" };

	return sandbox_enter(&r, NULL, NULL, NULL, 0, true);
}

static int try_memory(void)
{
	char *little = malloc(8u << 20), *much = malloc(32u << 20);
	int r = (little != NULL ? 0 : 1) + (much == NULL ? 0 : 2);

	free(little);
	free(much);
	return r;
}

/* A role's memory comes beside what its parent holds. */
static void
test_memory(void)
{
	struct sandbox_role role = { .name = "memory", .memory = 16u << 20 };
	char *table;

	if (!CONFINED)
		return;
	CHECK(confined(&role, NULL, 0, false, try_memory) == 0, "a share");
	if ((table = malloc(100u << 20)) == NULL)
		err(1, "malloc");
	CHECK(confined(&role, NULL, 0, false, try_memory) == 1,
	    "a large parent that was not measured");
	sandbox_measure();
	CHECK(confined(&role, NULL, 0, false, try_memory) == 0,
	    "beside a large parent");
	free(table);
	test_end("memory of a role");
}

/* Every number there is, and those of the other call table of this processor: only what
 * a role allows may come back. */
static int try_number(void) { return syscall(number) == 0; }

static void
test_numbers(void)
{
	static const int one[] = { 511, -1 };	/* not a call, but allowed */
	struct sandbox_role role = { .name = "number", .syscalls = one };

	if (!CONFINED)
		return;
	for (number = 300; number < 520; number++) {
		int want = number == 511 || number == SYS_getrandom ||
		    number == SYS_membarrier ? 0 : -SIGSYS;
		int got = confined(&role, NULL, 0, false, try_number);

		char what[32];

		/* uprobes: the kernel passes them by every filter, and ends
		 * who makes them without a probe. */
		if (number == 335 || number == 336)
			continue;
		snprintf(what, sizeof(what), "%ld: %d", number, got);
		CHECK(want == 0 ? got >= 0 : got == want, what);
	}
	number = 0x40000000 + SYS_getpid;
	CHECK(confined(&role, NULL, 0, false, try_number) == -SIGSYS, "x32");
	number = -1;
	CHECK(confined(&role, NULL, 0, false, try_number) == -SIGSYS, "-1");
	test_end("system call numbers");
}

/* fcntl(2) by its commands: no signals to others, and no pipe for the next session that
 * is not as it was. */
static int command;
static int try_fcntl(void) { return fcntl(1, command, 0) == -1; }

static void
test_fcntl(void)
{
	static const struct { int command; bool may, may_fixed; } row[] = {
		{ F_GETFD, true, true }, { F_SETFD, true, true },
		{ F_GETFL, true, true }, { F_SETFL, true, false },
		{ F_DUPFD, true, true }, { F_DUPFD_CLOEXEC, true, true },
		{ F_SETLK, true, true }, { F_SETLKW, true, true },
		{ F_SETOWN, false, false }, { F_SETSIG, false, false },
		{ F_SETOWN_EX, false, false }, { F_SETPIPE_SZ, false, false },
		{ F_NOTIFY, false, false }, { F_SETLEASE, false, false },
		{ 0x40000000, false, false }, { -1, false, false },
	};
	struct sandbox_role role = { .name = "fcntl", .syscalls = no_calls };

	if (!CONFINED)
		return;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char what[32];

		command = row[i].command;
		snprintf(what, sizeof(what), "command %d", command);
		role.fixed_flags = false;
		CHECK((confined(&role, NULL, 0, false, try_fcntl) >= 0) ==
		    row[i].may, what);
		role.fixed_flags = true;
		CHECK((confined(&role, NULL, 0, false, try_fcntl) >= 0) ==
		    row[i].may_fixed, what);
	}
	test_end("commands of fcntl");
}

static void
test_sandbox(void)
{
	static const struct sandbox_path etc[] = { { "/etc", SANDBOX_READ },
	    { "/nonexistent", SANDBOX_READ } };
	static const struct sandbox_path tmp[] = { { "/tmp",
	    SANDBOX_READ | SANDBOX_WRITE } };
	static const int mknod_calls[] = { SYS_mknodat, SYS_unlinkat, SYS_unlink,
	    -1 };
	struct sandbox_role calls = { .name = "calls", .syscalls = no_calls };
	struct sandbox_role maker = { .name = "maker", .syscalls = mknod_calls };
	struct sandbox_role files = { .name = "files" };

	CHECK(confined(&calls, NULL, 0, false, try_nothing) == 0, "may end");
	CHECK(confined(&files, etc, 2, false, try_read) == 0, "may read");
	CHECK(confined(&files, NULL, 0, false, try_write) == 0, "no Landlock");
	CHECK(confined(&calls, etc, 0, true, try_read) == 0, "setting off");
	CHECK(confined(&files, NULL, 0, false, try_core) == 0, "twice");
	if (!CONFINED) {
		test_end("sandbox: limits only");
		test_skip("sandbox: seccomp and Landlock", "sanitizer build");
		return;
	}
	CHECK(confined(&calls, NULL, 0, false, try_socket) == -SIGSYS, "socket");
	CHECK(confined(&calls, NULL, 0, false, try_fork) == -SIGSYS, "fork");
	CHECK(confined(&calls, NULL, 0, false, try_read) == -SIGSYS, "open");
	CHECK(confined(&files, etc, 0, false, try_read) == 1, "no file");
	CHECK(confined(&files, etc, 1, false, try_write) == 1, "no writing");
	CHECK(confined(&calls, tmp, 1, false, try_socket_file) == -SIGSYS,
	    "no call for it");
	CHECK(confined(&maker, tmp, 1, false, try_socket_file) == 1,
	    "a right that has a call is not given with writing");
	CHECK(confined(&files, tmp, 1, false, try_socket_file) == 1,
	    "nor where all calls are allowed");
	test_end("sandbox");
}

int
main(void)
{
	snprintf(scratch, sizeof(scratch), "/tmp/posthouse_proc.%d",
	    (int)getpid());
	clock_init();
	proc_ignore_sigpipe();
	test_class();
	test_spawn();
	test_sandbox();
	test_numbers();
	test_fcntl();
	test_memory();
	return test_done();
}
