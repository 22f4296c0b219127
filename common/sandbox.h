/*
 * Confinement of a process after its last open(): the visible, same-ordered
 * block that gives up privilege.  Linux: chroot, ids, rlimits, no_new_privs,
 * Landlock, seccomp; elsewhere chroot, ids and rlimits (pledge and unveil fit
 * here).  Each program's table of roles stands in its own folder.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

/* Capabilities by number, for sandbox_become. */
#define SANDBOX_CAP(n)	(UINT64_C(1) << (n))

enum sandbox_access {
	SANDBOX_READ = 1, SANDBOX_WRITE = 2,
	SANDBOX_ADD = 4,	/* make files, and write to any; neither read nor remove */
	SANDBOX_PLAIN = 8,	/* nothing where the path's end is a link */
	SANDBOX_DIR = 16	/* a directory, or nothing: one system call less */
};
struct sandbox_path {
	const char *path;
	unsigned access;
};

struct sandbox_role {
	const char *name;
	/*
	 * Allowed system calls besides the basic set (read, write, readv, writev,
	 * close, poll, clock, memory, exit, signals).  Ended by -1.  NULL: no
	 * seccomp.  Everything else ends the process with SIGSYS.
	 */
	const int *syscalls;
	uint64_t memory;	/* RLIMIT_AS... bytes of data (RLIMIT_DATA); 0: unchanged */
	uint64_t file_size;	/* RLIMIT_FSIZE; 0: no file may be written; UINT64_MAX: unchanged */
	unsigned files;		/* RLIMIT_NOFILE; 0: unchanged */
	bool no_fork;		/* RLIMIT_NPROC 0 */
	/* O_NONBLOCK and the like stay as they are: a session must not change
	 * pipes that the next one will be given. */
	bool fixed_flags;
};

/*
 * Enters the role; there is no way back.  root: chroot there (NULL: no chroot).
 * ids: become them (NULL: stay).  paths: Landlock to these (n 0 and paths not
 * NULL: no file at all; paths NULL: no Landlock).  chroot and ids only when
 * running as root.  off (the setting "sandbox no") leaves out Landlock and
 * seccomp only.  0, or -1 with errno: the caller must exit.
 */
int	sandbox_enter(const struct sandbox_role *, const char *root,
	    const struct ids *, const struct sandbox_path *paths, size_t n,
	    bool off);

/*
 * Becomes ids (NULL: stays root) and keeps these capabilities and no others,
 * now and for what it executes.  Before sandbox_enter.  No effect (0) when not root.
 * 0 or -1.
 */
int	sandbox_become(const struct ids *, uint64_t caps);
/* The same, and a member of this group besides. */
int	sandbox_become_in(const struct ids *, gid_t, uint64_t caps);

/*
 * What this process holds now is not part of any role's memory: called by a
 * listener when it has loaded its control files, so that its children may have
 * their share beside tables of any size.  From here on nobody writes a core file,
 * which would hold mail.
 */
void	sandbox_measure(void);
/* From now on no program that is started has more privileges than its parent, here
 * and in all children; sandbox_enter does it too.  0 or -1. */
int	sandbox_no_new_privs(void);

#endif
