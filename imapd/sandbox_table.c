/*
 * What imapd's processes may do.  A session before login has its descriptors
 * and nothing else; a mailbox process works on files of one mail directory,
 * makes no socket, starts no program and changes no owner.
 */
#include "sandbox_table.h"

#include <sys/syscall.h>

#include "folder.h"

#define MIB	(1024u * 1024u)

static const int session_calls[] = { -1 };

const struct sandbox_role imapd_session_role = {
	.name = "imapd session",
	.syscalls = session_calls,
	.memory = 64 * MIB,	/* a command of 8 KiB, buffers of 64 KiB */
	.file_size = 0,
	.files = 16,
	.no_fork = true,
	.fixed_flags = true,
};

static const int mailbox_calls[] = {
	FOLDER_SYSCALLS,
	SYS_mprotect,		/* iconv_open(3) loads converters */
	SYS_io_setup, SYS_io_submit, SYS_io_getevents,	/* MULTIAPPEND syncs many files at once */
	-1
};

const struct sandbox_role imapd_mailbox_role = {
	.name = "imapd mailbox",
	.syscalls = mailbox_calls,
	/* A command of 1 MiB and what it becomes (32 MiB), decoded text of a
	 * search (128 MiB), a message below 256 KiB, the list of messages
	 * (about 100 bytes each: 5,000,000). */
	.memory = 768 * MIB,
	.file_size = UINT64_MAX,
	.files = 600,		/* MULTIAPPEND holds 500 */
	.no_fork = false,	/* the owner may have other processes */
};
