/*
 * Confinement, in the same order everywhere: rlimits, chroot, ids,
 * no_new_privs, Landlock, seccomp.  The one file that knows Linux' own
 * mechanisms; where a kernel lacks Landlock the others still hold.
 */
#include "sandbox.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "proc.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1		/* the sanitizers' own calls are not in the tables */
#else
#define SANITIZED 0
#endif

#if defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#endif
/* Its second argument, which is an int: little-endian both. */
#define FCNTL_CALL	(offsetof(struct seccomp_data, args) + 8)

/* Not tgkill: with it a session could end all others, for they share their uid.
 * abort(3) ends a process by SIGSYS then. */
/* What every role needs: descriptors it has, memory, time, its end. */
static const int basic_calls[] = {
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_fstat,
	SYS_newfstatat, SYS_lseek, SYS_poll, SYS_ppoll, SYS_brk, SYS_mmap,
	SYS_munmap, SYS_mremap, SYS_madvise, SYS_clock_gettime,
	SYS_gettimeofday, SYS_getrandom, SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid,
	SYS_rt_sigreturn, SYS_rt_sigaction, SYS_rt_sigprocmask,
	SYS_restart_syscall, SYS_futex, SYS_exit, SYS_exit_group, SYS_fcntl,
	SYS_setsockopt, SYS_getsockopt, SYS_shutdown, SYS_sendto,
	SYS_pread64, SYS_membarrier,
	SYS_sysinfo		/* qsort(3) of more than a KiB asks how much memory there is */
};

/*
 * Of fcntl(2), what is asked for.  Not F_SETOWN and F_SETSIG: with them the kernel
 * sends any signal to any process of the same uid, and all sessions share
 * theirs.  The last one is not for roles that keep what their descriptors are.
 */
static const int fcntl_calls[] = { F_DUPFD, F_GETFD, F_SETFD, F_GETFL,
    F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW,
    F_DUPFD_CLOEXEC, F_SETFL };
#define NFCNTL	(sizeof(fcntl_calls) / sizeof(fcntl_calls[0]))

#ifdef SANDBOX_ARCH
#define CALL_WORDS	16	/* system calls are below 512 */
#define FCNTL_WORDS	33	/* F_DUPFD_CLOEXEC is 1030 */

/*
 * What is allowed is one bit in a word of 32 numbers.  Its word is found, and the
 * end of the filter shifts that by the number's place in it.  The kernel
 * translates a filter for each process that enters one, so that its length costs
 * every session; and it tries it on each call that there is, up to an
 * instruction that it cannot try.  The first one is that: to try them all costs
 * as much as to run the filter for a thousand calls.
 */
struct filter {
	struct sock_filter f[5 + 5 + 3 * CALL_WORDS + 5 + 3 * FCNTL_WORDS + 4];
	size_t n;
	size_t fcntl, end, refuse;	/* where they stand, by the pass before */
};

static void
put(struct filter *p, unsigned code, size_t k)
{
	p->f[p->n++] = (struct sock_filter)BPF_STMT((unsigned short)code,
	    (uint32_t)k);
}

static void
put_jump(struct filter *p, unsigned code, unsigned k, size_t yes, size_t no)
{
	p->f[p->n] = (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP |
	    BPF_K | code), k, (unsigned char)(yes - p->n - 1),
	    (unsigned char)(no - p->n - 1));
	p->n++;
}

/* From the number at this offset to the end, with its word in A and its place
 * there in X.  Words that are empty refuse together. */
static void
put_words(struct filter *p, size_t offset, const uint32_t *bits, size_t n)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, offset);
	put(p, BPF_ALU | BPF_AND | BPF_K, 31);
	put(p, BPF_MISC | BPF_TAX, 0);
	put(p, BPF_LD | BPF_W | BPF_ABS, offset);
	for (size_t i = 0; i < n; i++) {
		unsigned next = (unsigned)(i + 1) * 32;

		if (bits[i] != 0) {
			put_jump(p, BPF_JGE, next, p->n + 3, p->n + 1);
			put(p, BPF_LD | BPF_W | BPF_IMM, bits[i]);
			put(p, BPF_JMP | BPF_JA, p->end - p->n - 1);
		} else if (i + 1 < n && bits[i + 1] != 0)
			put_jump(p, BPF_JGE, next, p->n + 1, p->refuse);
	}
	put(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
}

static void
filter_make(struct filter *p, const uint32_t *calls, const uint32_t *commands)
{
	p->n = 0;
	put(p, BPF_LDX | BPF_W | BPF_IMM, 0);	/* what the kernel cannot try */
	put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	put_jump(p, BPF_JEQ, SANDBOX_ARCH, p->n + 1, p->refuse);
	put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	put_jump(p, BPF_JEQ, SYS_fcntl, p->fcntl, p->n + 1);
	put_words(p, offsetof(struct seccomp_data, nr), calls, CALL_WORDS);
	p->fcntl = p->n;
	put_words(p, FCNTL_CALL, commands, FCNTL_WORDS);
	p->end = p->n;
	put(p, BPF_ALU | BPF_RSH | BPF_X, 0);
	put_jump(p, BPF_JSET, 1, p->n + 2, p->n + 1);
	p->refuse = p->n;
	put(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	put(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void
allow(uint32_t *bits, const int *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bits[numbers[i] / 32] |= (uint32_t)1 << numbers[i] % 32;
}

/* A call that is not allowed ends the process, so that one that a table lacks
 * shows at once in the tests. */
static int
enter_seccomp(const struct sandbox_role *role)
{
	uint32_t calls[CALL_WORDS] = { 0 }, commands[FCNTL_WORDS] = { 0 };
	struct filter p = { .n = 0 };
	struct sock_fprog prog = { .filter = p.f };
	size_t n = 0;

	while (role->syscalls[n] != -1)
		n++;
	allow(calls, role->syscalls, n);
	allow(calls, basic_calls, sizeof(basic_calls) / sizeof(*basic_calls));
	allow(commands, fcntl_calls, NFCNTL - role->fixed_flags);
	filter_make(&p, calls, commands);
	filter_make(&p, calls, commands);	/* now that it knows where all is */
	prog.len = (unsigned short)p.n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}
#else
static int
enter_seccomp(const struct sandbox_role *role)
{
	(void)role;
	return 0;	/* no table for this architecture: the other walls stand */
}
#endif

/* The structures are ours because Debian 12's header is older than the kernel
 * may be; the numbers are the kernel's interface. */
struct ll_ruleset { uint64_t fs, net, scoped; };
struct ll_path { uint64_t access; int32_t fd; } __attribute__((packed));

#define LL_RULE_PATH	1
#define LL_READ		((1ULL << 2) | (1ULL << 3))	/* read file, list */
#define LL_FILE		((1ULL << 1) | (1ULL << 2) | (1ULL << 14))
#define LL_ADD		((1ULL << 1) | (1ULL << 8))	/* write file, make one */
#define LL_WRITE	((1ULL << 1) | (1ULL << 4) | (1ULL << 5) | \
	(1ULL << 7) | (1ULL << 8) | (1ULL << 10) | (1ULL << 13) | (1ULL << 14))

/* Rights that are for few calls alone, to execute, and to make devices, sockets and links; and for a rename of such a file. */
static const struct { int call; uint64_t rights; } ll_calls[] = {
	{ SYS_execve, 1ULL << 0 }, { SYS_execveat, 1ULL << 0 },
	{ SYS_mknodat, 1ULL << 6 | 1ULL << 9 | 1ULL << 11 },
	{ SYS_bind, 1ULL << 9 }, { SYS_symlinkat, 1ULL << 12 },
#ifdef SYS_mknod
	{ SYS_mknod, 1ULL << 6 | 1ULL << 9 | 1ULL << 11 },
	{ SYS_symlink, 1ULL << 12 },
#endif
};

/*
 * Of them, those whose calls seccomp denies to this role everywhere.  Where a directory has
 * these too, it has every right that there is, and at it ends what the kernel does for a rename between
 * directories: otherwise it looks at each directory above, for both.
 */
static uint64_t
ll_unused(const struct sandbox_role *role)
{
	uint64_t unused = 0, used = 0;

#ifdef SANDBOX_ARCH
	for (size_t i = 0; role->syscalls != NULL &&
	    i < sizeof(ll_calls) / sizeof(*ll_calls); i++) {
		unused |= ll_calls[i].rights;
		for (const int *c = role->syscalls; *c != -1; c++)
			if (*c == ll_calls[i].call)
				used |= ll_calls[i].rights;
	}
#else
	(void)role;
	(void)ll_calls;
#endif
	return unused & ~used;
}

/* Every file right that this kernel's ABI knows: what is handled is denied. */
static uint64_t
ll_handled(long abi)
{
	uint64_t all = (1ULL << 13) - 1;

	if (abi >= 2)
		all |= 1ULL << 13;	/* rename and link between directories */
	if (abi >= 3)
		all |= 1ULL << 14;	/* truncate */
	return all;
}

static int
ll_add(int ruleset, const struct sandbox_path *path, uint64_t handled,
    uint64_t unused)
{
	struct ll_path rule = { .access = 0 };
	struct stat st = { .st_mode = 0 };
	long r = 0;

	if ((path->access & SANDBOX_READ) != 0)
		rule.access |= LL_READ;
	if ((path->access & SANDBOX_WRITE) != 0)
		rule.access |= LL_WRITE | unused;
	if ((path->access & SANDBOX_ADD) != 0)
		rule.access |= LL_ADD;
	rule.fd = open(path->path, O_PATH | O_CLOEXEC |
	    ((path->access & SANDBOX_PLAIN) != 0 ? O_NOFOLLOW : 0) |
	    ((path->access & SANDBOX_DIR) != 0 ? O_DIRECTORY : 0));
	if (rule.fd == -1)	/* nothing there: nothing to allow */
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ||
		    errno == ELOOP ? 0 : -1;
	if ((path->access & SANDBOX_DIR) == 0 && file_stat(rule.fd, &st) == 0 &&
	    !S_ISDIR(st.st_mode))
		rule.access &= LL_FILE;
	rule.access &= handled;
	if (!S_ISLNK(st.st_mode))
		r = syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH,
		    &rule, 0);
	close(rule.fd);
	return r == -1 ? -1 : 0;
}

/* Asked once: children of a listener know it. */
static long
ll_version(void)
{
	static long version;

	if (version == 0)
		version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	return version;
}

static int
enter_landlock(const struct sandbox_role *role,
    const struct sandbox_path *paths, size_t n)
{
	struct ll_ruleset attr = { 0, 0, 0 };
	uint64_t unused = ll_unused(role);
	long abi, fd, r;

	if ((abi = ll_version()) < 1)
		return 0;	/* not in this kernel */
	attr.fs = ll_handled(abi);
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.fs), 0);
	if (fd == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (ll_add((int)fd, &paths[i], attr.fs, unused) == -1) {
			close((int)fd);
			return -1;
		}
	r = syscall(SYS_landlock_restrict_self, (int)fd, 0);
	close((int)fd);
	return r == -1 ? -1 : 0;
}

/* Lowers a limit; a hard limit that is lower already stays. */
static int
limit(int what, uint64_t value)
{
	struct rlimit rl = { .rlim_cur = value, .rlim_max = value };

	if (setrlimit(what, &rl) == 0)
		return 0;
	if (errno != EPERM || getrlimit(what, &rl) == -1)
		return -1;
	rl.rlim_cur = rl.rlim_max;
	return setrlimit(what, &rl);
}

static uint64_t held;		/* bytes of data at sandbox_measure() */
static bool no_core;		/* no core file is written, nor by children */
static bool no_privs;		/* PR_SET_NO_NEW_PRIVS is set */

void
sandbox_measure(void)
{
	uint64_t pages = 0;
	struct cur c;
	char text[128];
	ssize_t n;
	int fd;

	no_core = limit(RLIMIT_CORE, 0) == 0;
	(void)ll_version();
	/* size resident shared text library data, in pages: proc(5). */
	if ((fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return;
	cur_init(&c, span_of(text, (size_t)n));
	for (int i = 0; i < 6; i++)
		if (cur_num(&c, UINT32_MAX, &pages) == -1 ||
		    (!cur_ch(&c, ' ') && i < 5))
			return;
	held = pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool
is_file(int fd)
{
	struct stat st;

	return file_stat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int
enter_limits(const struct sandbox_role *role)
{
	if (!no_core && limit(RLIMIT_CORE, 0) == -1)
		return -1;
	if (role->memory > 0 && !SANITIZED &&
	    limit(RLIMIT_DATA, held + role->memory) == -1)
		return -1;
	/* A log, and the output of a filter, may be files. */
	if (role->file_size != UINT64_MAX && !is_file(1) && !is_file(2) &&
	    limit(RLIMIT_FSIZE, role->file_size) == -1)
		return -1;
	if (role->files > 0 && limit(RLIMIT_NOFILE, role->files) == -1)
		return -1;
	if (role->no_fork && !proc_is_root() && limit(RLIMIT_NPROC, 0) == -1)
		return -1;
	return 0;
}

int
sandbox_no_new_privs(void)
{
	if (!no_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	no_privs = true;
	return 0;
}

int
sandbox_enter(const struct sandbox_role *role, const char *root,
    const struct ids *ids, const struct sandbox_path *paths, size_t n,
    bool off)
{
	bool privileged = proc_is_root();

	if (privileged && root != NULL &&
	    (chroot(root) == -1 || chdir("/") == -1))
		return -1;
	if (privileged && ids != NULL && proc_become(ids) == -1)
		return -1;
	if (enter_limits(role) == -1)
		return -1;
	if (sandbox_no_new_privs() == -1)
		return -1;
	/* Behind a chroot there is nothing left for Landlock to deny. */
	if (!off && !SANITIZED && paths != NULL && !(privileged && root != NULL)
	    && enter_landlock(role, paths, n) == -1)
		return -1;
	if (!off && !SANITIZED && role->syscalls != NULL)
		return enter_seccomp(role);
	return 0;
}

int
sandbox_become(const struct ids *ids, uint64_t caps)
{
	return sandbox_become_in(ids, ids == NULL ? 0 : ids->gid, caps);
}

int
sandbox_become_in(const struct ids *ids, gid_t group, uint64_t caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)caps, (uint32_t)caps, 0 },
		{ (uint32_t)(caps >> 32), (uint32_t)(caps >> 32), 0 }
	};

	if (!proc_is_root())
		return 0;
	for (unsigned long cap = 0; cap < 64; cap++)
		if ((caps >> cap & 1) == 0 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 &&
		    errno != EINVAL)	/* above what this kernel knows */
			return -1;
	if (ids != NULL && (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    proc_become_in(ids, group) == -1))
		return -1;
	return syscall(SYS_capset, &head, data) == -1 ? -1 : 0;
}
