/*
 * What deliver-remote's processes may do.  The manager forks and joins pipes;
 * a worker talks to the network, reads messages and, for TLS, certificates.
 * Neither may write a file.
 */
#include "remote.h"

#include <sys/syscall.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc.h"

#define MANAGER_MEMORY	(1ULL << 30)	/* jobs that wait, and the control files */
#define WORKER_MEMORY	(512ULL << 20)	/* the manager's, and one envelope */

/* What a worker needs: DNS and SMTP, messages, and OpenSSL's look at memory and
 * certificates. */
#define WORKER_CALLS \
	SYS_openat, SYS_socket, SYS_bind, SYS_connect, SYS_recvfrom, SYS_sendmsg, \
	SYS_recvmsg, SYS_ioctl, SYS_getpeername, SYS_getdents64, \
	SYS_sysinfo, SYS_mprotect, SYS_geteuid

#ifdef SYS_access
#define ACCESS_CALL	SYS_access
#else
#define ACCESS_CALL	SYS_faccessat
#endif

/* Its filter stands before every worker's, so it holds what those need, and what
 * it takes to fork and confine them. */
static const int manager_calls[] = {
	WORKER_CALLS, SYS_clone, SYS_wait4, SYS_pipe2, SYS_dup3,
	SYS_set_robust_list, SYS_rseq, SYS_kill, SYS_prctl,
	SYS_landlock_create_ruleset, SYS_landlock_add_rule,
	SYS_landlock_restrict_self, SYS_prlimit64, ACCESS_CALL,
	/* Being told of changed control files. */
	SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch,
	SYS_fstatfs,
	SYS_uname,		/* res_ninit(3), for the domain that it does not use */
	-1
};

static const int worker_calls[] = { WORKER_CALLS, -1 };

static const struct sandbox_role manager_role = {
	.name = "deliver-remote", .syscalls = manager_calls,
	.memory = MANAGER_MEMORY, .file_size = UINT64_MAX
};

static const struct sandbox_role worker_role = {
	.name = "deliver-remote worker", .syscalls = worker_calls,
	.memory = WORKER_MEMORY, .file_size = UINT64_MAX, .no_fork = true
};

/* Where OpenSSL keeps its configuration and the certificates of authorities;
 * what does not exist is left out. */
static size_t
tls_paths(struct sandbox_path *paths)
{
	static const char *const places[] = { "/etc/ssl", "/usr/lib/ssl",
	    "/usr/share/ca-certificates", "/usr/local/share/ca-certificates" };
	const char *own = getenv("SSL_CERT_FILE");
	size_t n = 0;

	if (own != NULL && access(own, R_OK) == 0)
		paths[n++] = (struct sandbox_path){ own, SANDBOX_READ };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], R_OK) == 0)
			paths[n++] = (struct sandbox_path){ places[i],
			    SANDBOX_READ };
	return n;
}

static int
confine(const struct control *c, const struct sandbox_role *role, bool control)
{
	struct sandbox_path paths[16];
	char new[300], cur[300];
	size_t n = 0;

	snprintf(new, sizeof(new), "%s/new", c->set.spool);
	snprintf(cur, sizeof(cur), "%s/cur", c->set.spool);
	paths[n++] = (struct sandbox_path){ new, SANDBOX_READ };
	paths[n++] = (struct sandbox_path){ cur, SANDBOX_READ };
	/* Where the control directory and resolv.conf will be, and what they link
	 * to, when they are read again is not known now. */
	if (control)
		paths[n++] = (struct sandbox_path){ "/", SANDBOX_READ };
	n += tls_paths(paths + n);
	return sandbox_enter(role, NULL, NULL, paths, n, !c->set.sandbox);
}

int
remote_confine_manager(const struct control *c)
{
	/* Our own group is that of routes with passwords, the other that of messages. */
	if (proc_become_in(&c->set.send_user, c->set.spool_group) == -1)
		return -1;
	return confine(c, &manager_role, true);
}

int
remote_confine_worker(const struct control *c)
{
	return confine(c, &worker_role, false);
}
