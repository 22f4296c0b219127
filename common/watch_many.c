/*
 * Notices of many directories by inotify(7).  One instance for all of them: a user may have some tens of
 * thousands of watches but no more than 128 instances.
 */
#include "watch_many.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "watch.h"

#ifdef __linux__
#include <sys/inotify.h>

#define WATCHED	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	IN_MODIFY | IN_ONLYDIR)

int
watch_many_open(int dirfd)
{
	if (watch_is_local(dirfd))
		return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	errno = ENOTSUP;
	return -1;
}

int
watch_many_add(int fd, const char *path)
{
	return inotify_add_watch(fd, path, WATCHED);
}

static unsigned
what_of(uint32_t mask)
{
	return (mask & (IN_CREATE | IN_MOVED_TO) ? NOTICE_CAME : 0U) |
	    (mask & (IN_DELETE | IN_MOVED_FROM) ? NOTICE_LEFT : 0U) |
	    (mask & IN_ISDIR ? NOTICE_DIRECTORY : 0U);
}

int
watch_many_read(int fd, void (*each)(void *arg, int dir, unsigned what,
    const char *name), void *arg)
{
	union {
		struct inotify_event e;
		char bytes[16384];
	} u;
	ssize_t n;
	int r = 0;

	while ((n = read(fd, u.bytes, sizeof(u.bytes))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e =
			    (const void *)(u.bytes + at);

			at += (ssize_t)(sizeof(*e) + e->len);
			if (e->mask & IN_Q_OVERFLOW)
				r = -1;
			else if (e->len > 0 || e->mask & IN_IGNORED)
				each(arg, e->wd, what_of(e->mask),
				    e->len > 0 ? e->name : "");
		}
	}
	return n == -1 && errno != EAGAIN ? -1 : r;
}

#else

int
watch_many_open(int dirfd)
{
	(void)dirfd;
	errno = ENOTSUP;
	return -1;
}

int
watch_many_add(int fd, const char *path)
{
	(void)path;
	return watch_many_open(fd);
}

int
watch_many_read(int fd, void (*each)(void *arg, int dir, unsigned what,
    const char *name), void *arg)
{
	(void)fd;
	(void)each;
	(void)arg;
	errno = ENOTSUP;
	return -1;
}
#endif
