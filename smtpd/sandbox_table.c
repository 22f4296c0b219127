/*
 * What a session may do: on top of what every confined process has, making
 * files in the spool's tmp/ and naming them in new/.  It has no call that
 * lists a directory, opens a socket, starts a program or changes an owner.
 */
#include "smtpd.h"

#include <sys/syscall.h>

#define MIB	(1024u * 1024u)

static const int session_calls[] = {
	SYS_openat,		/* tmp/QID.HOST */
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_renameat2,		/* tmp/ to new/ */
	SYS_unlinkat,		/* a message that failed */
	SYS_fsync, SYS_syncfs,
	SYS_fstatfs,		/* SIZE against the free space */
	SYS_pwrite64,		/* what a user has sent in this hour */
	-1
};

const struct sandbox_role smtpd_role = {
	.name = "smtpd session",
	.syscalls = session_calls,
	/* Input 64 KiB, output 64 KiB, content 72 KiB, spool 64 KiB, the
	 * envelope: about 400 bytes for each recipient. */
	.memory = 64 * MIB,
	.file_size = UINT64_MAX,	/* message-size-limit stands for it */
	.files = 32,
	.no_fork = true,
	.fixed_flags = true,
};
