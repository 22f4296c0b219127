/*
 * Makes the spool's directories where they are missing, so that a new
 * installation and a test need no script.  What is there is left as it is.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "queue_super.h"

/* Modes: sessions pass through tmp and new but cannot list them; deliver-remote
 * passes through cur; sessions look for a name in full and count in rate. */
static const struct { const char *name; mode_t mode; } parts[] = {
	{ "tmp", S_IFDIR | 02730 }, { "new", S_IFDIR | 02730 },
	{ "cur", S_IFDIR | 02710 }, { "state", S_IFDIR | 0700 },
	{ "hold", S_IFDIR | 0700 }, { "full", S_IFDIR | 02710 },
	{ "local", S_IFDIR | 0700 },
	{ "rate", S_IFDIR | 02730 }, { "sent", S_IFDIR | 0700 },
	{ "trigger", S_IFIFO | 0620 }
};

static int
make_part(int at, const char *name, mode_t mode, const struct settings *set)
{
	int r = S_ISDIR(mode) ? mkdirat(at, name, 0700) :
	    mkfifoat(at, name, 0600);

	if (r == -1)
		return errno == EEXIST ? 0 : -1;
	if (geteuid() == 0 && fchownat(at, name, set->queue_user.uid,
	    set->spool_group, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return fchmodat(at, name, mode & 07777, 0);
}

int
spool_make(const struct settings *set)
{
	int at = open(set->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = at == -1 ? -1 : 0, e;

	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = make_part(at, parts[i].name, parts[i].mode, set);
	e = errno;
	if (at != -1)
		close(at);
	errno = e;
	return r;
}
