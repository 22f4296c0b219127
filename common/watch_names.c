/*
 * Reading inotify(7) notices of a watch made by watch_open, which adds cur first, new second, and then the directory itself:
 * watch descriptors count from 1.
 */
#include "watch_names.h"

#include <errno.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/inotify.h>

#define WD_CUR	1
#define WD_NEW	2
#define WD_SELF	3
#define CAME	(IN_CREATE | IN_MOVED_TO)
#define LEFT	(IN_DELETE | IN_MOVED_FROM)

int
watch_names(int fd, void (*each)(void *arg, bool in_new, bool came,
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
			if (e->wd == WD_SELF && e->len > 0)
				continue;	/* our own files: no names of messages */
			if ((e->mask & (CAME | LEFT)) == 0 || e->len == 0 ||
			    (e->wd != WD_CUR && e->wd != WD_NEW))
				r = -1;		/* overflow, or the directory is gone */
			else if ((e->mask & IN_ISDIR) == 0)
				each(arg, e->wd == WD_NEW,
				    (e->mask & CAME) != 0, e->name);
		}
	}
	return n == -1 && errno != EAGAIN ? -1 : r;
}

#else

int
watch_names(int fd, void (*each)(void *arg, bool in_new, bool came,
    const char *name), void *arg)
{
	(void)fd;
	(void)each;
	(void)arg;
	errno = ENOTSUP;
	return -1;
}
#endif
