/*
 * What each process may do on top of what every confined process has.  The session before login: nothing, it
 * reads and writes descriptors that it has.  The mailbox: files below the one Maildir.
 */
#include <sys/syscall.h>

#include "folder.h"
#include "pop3.h"

#define MIB	(1024u * 1024u)

static const int session_calls[] = { -1 };

const struct sandbox_role pop3d_session_role = {
	.name = "pop3d session",
	.syscalls = session_calls,
	/* Input and output of 64 KiB, and a user name. */
	.memory = 16 * MIB,
	.files = 16,
	.no_fork = true,
	.fixed_flags = true,
};

static const int mailbox_calls[] = { FOLDER_SYSCALLS, -1 };

const struct sandbox_role pop3d_mailbox_role = {
	.name = "pop3d mailbox",
	.syscalls = mailbox_calls,
	/* About 250 bytes for each message while the directory is matched. */
	.memory = 1024 * MIB,
	.file_size = UINT64_MAX,	/* the uid list grows with the folder */
	.files = 32,
	.no_fork = true,
};
