/*
 * What bounce may do once it begins to read: write one file in the spool's tmp
 * and give it its name in new.
 */
#include "bounce.h"

#include <sys/syscall.h>

#include <stdio.h>

#include "encode.h"
#include "sandbox.h"

#define MEMORY	(1ULL << 30)	/* the lines, and twice of them the report */

static const int calls[] = {
	SYS_openat,		/* tmp/QID.HOST */
#ifdef SYS_renameat
	SYS_renameat,
#endif
	SYS_renameat2,		/* tmp/ to new/ */
	SYS_unlinkat,		/* a report that failed */
	SYS_fsync, SYS_syncfs,
	-1
};

static const struct sandbox_role role = {
	.name = "bounce", .syscalls = calls, .memory = MEMORY,
	.file_size = UINT64_MAX, .no_fork = true
};

int
bounce_confine(const struct control *c)
{
	struct ids ids = { c->set.queue_user.uid, c->set.spool_group };
	char tmp[300], new[300];
	struct sandbox_path paths[] = {
		{ tmp, SANDBOX_READ | SANDBOX_WRITE },
		{ new, SANDBOX_READ | SANDBOX_WRITE },
	};

	if (ids.gid == (gid_t)-1)
		ids.gid = c->set.queue_user.gid;
	snprintf(tmp, sizeof(tmp), "%s/tmp", c->set.spool);
	snprintf(new, sizeof(new), "%s/new", c->set.spool);
	charset_prepare();	/* for subjects: iconv reads files */
	return sandbox_enter(&role, NULL, &ids, paths, 2, !c->set.sandbox);
}
