/*
 * What a watch made by watch_open tells, which adds cur first, new second, and then the directory itself: watch descriptors count
 * from 1.
 */
#include "watch_names.h"

#include <stddef.h>

#include "watch_many.h"

#define WD_CUR	1
#define WD_NEW	2
#define WD_SELF	3

struct names {
	void (*each)(void *arg, bool in_new, bool came, const char *name);
	void *arg;
	bool lost;
};

static void
on_notice(void *arg, int dir, unsigned what, const char *name)
{
	struct names *n = arg;

	if (dir == WD_SELF && *name != '\0')
		return;			/* our own files: no names of messages */
	if ((what & (NOTICE_CAME | NOTICE_LEFT)) == 0 || *name == '\0' ||
	    (dir != WD_CUR && dir != WD_NEW))
		n->lost = true;		/* the directory is gone */
	else if ((what & NOTICE_DIRECTORY) == 0)
		n->each(n->arg, dir == WD_NEW, (what & NOTICE_CAME) != 0, name);
}

int
watch_names(int fd, void (*each)(void *arg, bool in_new, bool came,
    const char *name), void *arg)
{
	struct names n = { each, arg, false };

	return watch_many_read(fd, on_notice, &n) == -1 || n.lost ? -1 : 0;
}
