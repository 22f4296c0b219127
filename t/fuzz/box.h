/*
 * A Maildir in memory for a fuzz target, and its log out of the way.
 */
#ifndef FUZZ_BOX_H
#define FUZZ_BOX_H

#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "log.h"

static const char *const box_subs[] = { "cur", "new", "tmp", "." };
static char	box_dir[] = "/dev/shm/fuzz-box.XXXXXX";
static int	box_top = -1, box_null, box_log;

/* How many files are in there; removes them if asked. */
static inline unsigned
box_files(const char *sub, bool remove)
{
	int fd = openat(box_top, sub, O_RDONLY | O_DIRECTORY);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	unsigned n = 0;

	if (d == NULL)
		err(1, "%s", box_dir);
	while ((e = readdir(d)) != NULL)
		if (e->d_type == DT_REG) {
			n++;
			if (remove)
				(void)unlinkat(fd, e->d_name, 0);
		}
	closedir(d);
	return n;
}

static inline void
box_empty(void)
{
	for (size_t i = 0; i < 4; i++)
		(void)box_files(box_subs[i], true);
}

static inline void
box_remove(void)
{
	box_empty();
	for (size_t i = 0; i < 3; i++)
		(void)unlinkat(box_top, box_subs[i], AT_REMOVEDIR);
	(void)rmdir(box_dir);
}

static inline void
box_make(void)
{
	clock_init();
	log_init("fuzz", false, false);
	box_null = open("/dev/null", O_RDWR | O_CLOEXEC);
	box_log = dup(2);
	if (mkdtemp(box_dir) == NULL ||
	    (box_top = open(box_dir, O_RDONLY | O_DIRECTORY)) == -1)
		err(1, "%s", box_dir);
	for (size_t i = 0; i < 3; i++)
		if (mkdirat(box_top, box_subs[i], 0700) == -1)
			err(1, "%s", box_dir);
	atexit(box_remove);
}

static inline void
box_put(const char *path, struct span s)
{
	int fd = openat(box_top, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || file_write_all(fd, s.p, s.len) == -1)
		err(1, "%s", path);
	close(fd);
}

/* Log lines go nowhere, or where they did. */
static inline void
box_quiet(bool yes)
{
	(void)dup2(yes ? box_null : box_log, 2);
}

#endif
