/*
 * Directory change notices by inotify(7).  Trusts the file system type: on network file systems
 * inotify succeeds but never tells what other hosts do, so those are refused.
 */
#include "watch.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/inotify.h>
#include <sys/vfs.h>

/* f_type of file systems whose content can change without this kernel knowing; see statfs(2). */
static const unsigned long remote_types[] = {
	0x6969,			/* nfs */
	0x517b, 0xff534d42, 0xfe534d42,	/* smb, cifs, smb2 */
	0x65735546,		/* fuse */
	0x01021997,		/* 9p */
	0x00c36400,		/* ceph */
	0x5346414f, 0x6b414653,	/* afs */
	0x564c, 0x73757245,	/* ncp, coda */
	0x47504653, 0x0bd00bd0,	/* gpfs, lustre */
	0x01161970, 0x7461636f	/* gfs2, ocfs2 */
};

bool
watch_is_local(int dirfd)
{
	struct statfs fs;

	if (fstatfs(dirfd, &fs) == -1)
		return false;
	for (size_t i = 0; i < sizeof(remote_types) / sizeof(*remote_types);
	    i++)
		if (((unsigned long)fs.f_type & 0xffffffffUL) ==
		    remote_types[i])
			return false;
	return true;
}

#define WATCH_NAMES	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define WATCH_WRITTEN	(IN_MODIFY | IN_MOVED_TO)
#define WATCH_CONTENT	(WATCH_NAMES | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | \
	IN_MOVE_SELF)

/* dir may have been renamed since dirfd was opened, and be another by now. */
static int
watch_add(int fd, int dirfd, const char *dir, const char *sub, uint32_t what)
{
	char path[4096];
	struct stat is, ours;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, sub) >=
	    sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (inotify_add_watch(fd, path, what | IN_ONLYDIR) == -1 ||
	    stat(path, &is) == -1 || fstatat(dirfd, sub, &ours, 0) == -1)
		return -1;
	if (is.st_ino != ours.st_ino || is.st_dev != ours.st_dev) {
		errno = ESTALE;
		return -1;
	}
	return 0;
}

static int
watch_subs(int dirfd, const char *dir, const char *const *subs, size_t n,
    uint32_t what)
{
	int fd, e;

	if (!watch_is_local(dirfd)) {
		errno = ENOTSUP;
		return -1;
	}
	if ((fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (watch_add(fd, dirfd, dir, subs[i], what) == -1) {
			e = errno;
			close(fd);
			errno = e;
			return -1;
		}
	return fd;
}

int
watch_open(int dirfd, const char *dir)
{
	static const char *const subs[] = { "cur", "new" };
	int fd = watch_subs(dirfd, dir, subs, 2, WATCH_NAMES);

	if (fd != -1 && watch_add(fd, dirfd, dir, ".", WATCH_WRITTEN) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Other notices of the same directory: its number stays. */
int
watch_quiet(int fd, int dirfd, const char *dir, bool quiet)
{
	uint32_t what = quiet ? IN_DELETE_SELF : WATCH_NAMES;

	return watch_add(fd, dirfd, dir, "cur", what) == -1 ||
	    watch_add(fd, dirfd, dir, "new", what) == -1 ? -1 : 0;
}

int
watch_files(int dirfd, const char *dir)
{
	static const char *const self = ".";

	return watch_subs(dirfd, dir, &self, 1, WATCH_CONTENT);
}

bool
watch_drain(int fd)
{
	char events[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	bool any = false;

	while (read(fd, events, sizeof(events)) > 0)
		any = true;
	return any;
}

#else

bool
watch_is_local(int dirfd)
{
	(void)dirfd;
	return false;
}

int
watch_open(int dirfd, const char *dir)
{
	(void)dirfd;
	(void)dir;
	errno = ENOTSUP;
	return -1;
}

int
watch_quiet(int fd, int dirfd, const char *dir, bool quiet)
{
	(void)fd;
	(void)quiet;
	return watch_open(dirfd, dir);
}

int
watch_files(int dirfd, const char *dir)
{
	return watch_open(dirfd, dir);
}

bool
watch_drain(int fd)
{
	(void)fd;
	return false;
}
#endif
