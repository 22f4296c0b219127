/*
 * The scheduler's confinement.  It parses files that sessions wrote, so it can
 * do no more than its work: write below the spool and nowhere else.  What its
 * account may read it may: where the control directory will be, and what is
 * linked to from there, when it is read again is not known before.  Of root's powers it keeps CAP_FOWNER alone, to set the retry
 * time (utimensat) of files that smtpd's account owns; the calls that could
 * misuse it (chmod, chown) are not in the table.
 */
#include "queue_sandbox.h"

#include <sys/syscall.h>

#include <linux/capability.h>

#include "log.h"

static const int queue_calls[] = {
	SYS_openat, SYS_renameat, SYS_unlinkat, SYS_utimensat, SYS_fsync,
	SYS_getdents64, SYS_faccessat,
	SYS_flock, SYS_ftruncate, SYS_fallocate,	/* queue_sent.c */
	SYS_fstatfs, SYS_inotify_init1, SYS_inotify_add_watch,	/* control_follow */
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
#ifdef SYS_open
	SYS_open, SYS_stat,
#endif
	-1
};

const struct sandbox_role queue_role = {
	.name = "queue",
	.syscalls = queue_calls,
	.memory = UINT64_C(4) << 30,	/* a hundred bytes a message, and the tables */
	.file_size = UINT64_MAX,
	.files = 64,
	.no_fork = true
};

int
queue_become(const struct settings *set, bool set_times)
{
	struct ids ids = set->queue_user;

	/* Our own group may be that of control files. */
	if (set->spool_group != (gid_t)-1)
		ids.gid = set->spool_group;
	return sandbox_become_in(&ids, set->queue_user.gid,
	    set_times ? SANDBOX_CAP(CAP_FOWNER) : 0);
}

int
queue_confine(const struct control *c)
{
	const struct sandbox_path paths[] = {
		{ c->set.spool, SANDBOX_READ | SANDBOX_WRITE },
		{ "/", SANDBOX_READ }
	};

	return sandbox_enter(&queue_role, NULL, NULL, paths, 2,
	    !c->set.sandbox);
}

void
queue_log_start(const struct control *c)
{
	struct log l;

	log_begin(&l, "start");
	log_text(&l, "spool %s", c->set.spool);
	log_end(&l);
}
