/*
 * Child processes: explicit descriptors, no shell, privileges given up for
 * good.  Trusts its caller's argv; refuses to go on when a step fails.
 */
#include "proc.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ex.h"
#include "log.h"

#define PROC_PARK	64	/* descriptors wait here while places are filled */
#define PROC_MAP_MAX	8

enum proc_class
proc_class(int status)
{
	if (!WIFEXITED(status))
		return PROC_DEFER;
	switch (WEXITSTATUS(status)) {
	case EX_OK:
		return PROC_DONE;
	case EX_DATAERR:
	case EX_NOUSER:
	case EX_UNAVAILABLE:
	case EX_PROTOCOL:
	case EX_NOPERM:
	case 100:
	case 112:
		return PROC_FAIL;
	default:
		return PROC_DEFER;
	}
}

void
proc_beside(const char *name, char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	char *slash;

	out[n > 0 ? n : 0] = '\0';
	if ((slash = strrchr(out, '/')) != NULL)
		*slash = '\0';
	else
		strlcpy(out, LIBEXEC, size);
	strlcat(out, "/", size);
	strlcat(out, name, size);
}

void
proc_close_from(int low)
{
	closefrom(low);
}

/* First out of the way of every target, then to the targets, so that no copy
 * overwrites a source that is still needed. */
int
proc_arrange(const struct proc_map *map, size_t nmap)
{
	int parked[PROC_MAP_MAX];
	int high = 2;

	if (nmap > PROC_MAP_MAX) {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < nmap; i++) {
		int from = map[i].from;

		if (from == -1 && (from = open("/dev/null", O_RDWR)) == -1)
			return -1;
		if ((parked[i] = fcntl(from, F_DUPFD_CLOEXEC, PROC_PARK)) == -1)
			return -1;
	}
	for (size_t i = 0; i < nmap; i++) {
		if (dup2(parked[i], map[i].to) == -1)
			return -1;
		if (map[i].to > high)
			high = map[i].to;
	}
	for (int fd = 0; fd <= high; fd++) {
		bool keep = fd == 2;

		for (size_t i = 0; i < nmap; i++)
			keep = keep || map[i].to == fd;
		if (!keep)
			close(fd);
	}
	proc_close_from(high + 1);
	return 0;
}

/* In the child: never returns.  The report pipe carries errno and closes on
 * exec. */
static void
child_exec(const char *path, char *const argv[], char *const envp[],
    const struct proc_map *map, size_t nmap, int report)
{
	struct proc_map all[PROC_MAP_MAX];
	int to = 2;

	for (size_t i = 0; i < nmap; i++) {
		all[i] = map[i];
		if (map[i].to > to)
			to = map[i].to;
	}
	all[nmap] = (struct proc_map){ report, to + 1 };
	if (proc_arrange(all, nmap + 1) == 0) {
		(void)fcntl(to + 1, F_SETFD, FD_CLOEXEC);
		report = to + 1;
		signal(SIGPIPE, SIG_DFL);
		if (envp != NULL)
			execve(path, argv, envp);
		else
			execv(path, argv);
	}
	if (write(report, &errno, sizeof(errno)) == -1)
		_exit(EX_OSERR);
	_exit(EX_OSERR);
}

pid_t
proc_spawn(const char *path, char *const argv[], char *const envp[],
    const struct proc_map *map, size_t nmap)
{
	int report[2], e = 0;
	pid_t pid;
	ssize_t n;

	if (nmap >= PROC_MAP_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (pipe2(report, O_CLOEXEC) == -1)
		return -1;
	if ((pid = fork()) == 0)
		child_exec(path, argv, envp, map, nmap, report[1]);
	close(report[1]);
	if (pid == -1) {
		close(report[0]);
		return -1;
	}
	while ((n = read(report[0], &e, sizeof(e))) == -1 && errno == EINTR)
		;
	close(report[0]);
	if (n == (ssize_t)sizeof(e)) {
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
		errno = e;
		return -1;
	}
	return pid;
}

static enum { UNKNOWN, ROOT, OTHER } who;

bool
proc_is_root(void)
{
	if (who == UNKNOWN)
		who = geteuid() == 0 ? ROOT : OTHER;
	return who == ROOT;
}

int
proc_become_in(const struct ids *ids, gid_t group)
{
	if (!proc_is_root())
		return 0;
	if (ids->uid == (uid_t)-1 || ids->uid == 0 || ids->gid == (gid_t)-1 ||
	    group == (gid_t)-1) {
		errno = EPERM;
		return -1;
	}
	if (setgroups(1, &group) == -1 || setresgid(ids->gid, ids->gid,
	    ids->gid) == -1 || setresuid(ids->uid, ids->uid, ids->uid) == -1)
		return -1;
	if (setuid(0) != -1) {
		errno = EPERM;
		return -1;
	}
	who = OTHER;
	return 0;
}

int
proc_become(const struct ids *ids)
{
	return proc_become_in(ids, ids->gid);
}

#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 34)
#define PLAIN_FORK	_Fork
#endif
#endif
#ifndef PLAIN_FORK
#define PLAIN_FORK	fork
#endif

/* What fork(2) does besides has three pages of libc copied for each child. */
pid_t
proc_fork(void)
{
	return PLAIN_FORK();
}

void *
proc_private(void *old, size_t had, size_t want)
{
	void *p = mmap(NULL, want, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
#ifdef MADV_DONTFORK
	(void)madvise(p, want, MADV_DONTFORK);
#endif
	if (old != NULL) {
		memcpy(p, old, had);
		munmap(old, had);
	}
	return p;
}

/* libc does the same in three pieces of its code, of which a child needs nothing
 * else. */
void
proc_unblock_signals(void)
{
#if defined(SYS_rt_sigprocmask)
	static const uint64_t none;

	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL,
	    sizeof(none));
#else
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
#endif
}

void
proc_ignore_sigpipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

/* Only of what was never written: relocations are in pages of their own. */
static int
settle_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, end;

	(void)size;
	(void)arg;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type != PT_LOAD || (h->p_flags & PF_W) != 0)
			continue;
		from = (info->dlpi_addr + h->p_vaddr) / page * page;
		end = info->dlpi_addr + h->p_vaddr + h->p_filesz;
		(void)madvise((void *)from, end - from, MADV_DONTNEED);
	}
	return 0;
}

/* Restartable sequences, which nothing of ours has: for them the kernel writes to
 * a page of the process, a copy in each child, whenever it has been switched. */
static void
no_sequences(void)
{
#if defined(__GLIBC__) && defined(RSEQ_SIG)
	if (__rseq_size > 0)
		(void)syscall(SYS_rseq, (char *)__builtin_thread_pointer() +
		    __rseq_offset, sizeof(struct rseq), RSEQ_FLAG_UNREGISTER,
		    RSEQ_SIG);
#endif
}

void
proc_settle(void)
{
	no_sequences();
	(void)dl_iterate_phdr(settle_object, NULL);
}
