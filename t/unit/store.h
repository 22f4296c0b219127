/*
 * What the tests of folders share: a private directory, commands in it, and
 * one message copied as folder_copy_many copies many.
 */
#ifndef TEST_STORE_H
#define TEST_STORE_H

#include "folder_add.h"

#include <sys/wait.h>

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char	root[] = "/tmp/posthouse_folder.XXXXXX";

static inline void
root_make(void)
{
	if (mkdtemp(root) == NULL)
		err(1, "mkdtemp");
}

static inline void
sh(const char *fmt, ...)
{
	char cmd[2048];
	va_list ap;
	pid_t pid;
	int status;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if ((pid = fork()) == 0) {
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1 || status != 0)
		errx(1, "failed: %s", cmd);
}

static inline void
root_remove(void)
{
	sh("rm -rf %s", root);
}

/* 0, the new UID; or -1, also where the message has vanished. */
static inline int
copy_one(struct folder *f, size_t i, const char *to, bool move,
    uint32_t *validity, uint32_t *uid)
{
	int r = folder_copy_many(f, &i, 1, to, move, validity, uid);

	return r == -1 || *uid == 0 ? -1 : 0;
}

#endif
