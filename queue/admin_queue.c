/*
 * posthouse queue delete, hold, release, retry: the files of any number of
 * messages in one process; nothing that mv, rm and touch could not do
 * (posthouse-spool(5)).  queue-tool has chosen the messages and is in the
 * spool: standard input has a line "directory/name" for each.  queue may take
 * one from new to cur, or end it, at any time.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "ex.h"

#define PATH_SIZE	(NAME_MAX + 8)	/* "hold/", a name, a line end */
#define TOLD_MAX	200	/* messages told by name; of more, one scan */

static int
path_in(char path[PATH_SIZE], const char *dir, const char *name)
{
	int n = snprintf(path, PATH_SIZE, "%s/%s", dir, name);

	return n > 0 && n < PATH_SIZE ? 0 : -1;
}

/* Out of where it was when it was listed; from new it may have gone to cur. */
static int
move(const char *path, const char *name, const char *dir)
{
	char to[PATH_SIZE], cur[PATH_SIZE];

	if (path_in(to, dir, name) == -1 || path_in(cur, "cur", name) == -1)
		return -1;
	if (rename(path, to) == 0)
		return 0;
	if (errno != ENOENT || strncmp(path, "new/", 4) != 0)
		return -1;
	return rename(cur, to);
}

/* Its time is now.  One that is gone has needed no other try. */
static int
due(const char *path)
{
	struct timespec now[2] = { { .tv_sec = clock_now() } };

	now[1] = now[0];
	if (utimensat(AT_FDCWD, path, now, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno != ENOENT)
		return -1;
	return 0;
}

static int
verb_hold(const char *path, const char *name)
{
	return move(path, name, "hold");
}

static int
verb_release(const char *path, const char *name)
{
	char cur[PATH_SIZE];

	if (move(path, name, "cur") == -1 || path_in(cur, "cur", name) == -1)
		return -1;
	return due(cur);
}

static int
verb_retry(const char *path, const char *name)
{
	(void)name;
	return due(path);
}

/* In the order in which messages go; the state last, for a message without
 * one would be sent once more to those who have it. */
static int
verb_delete(const char *path, const char *name)
{
	static const char *const dirs[] = { "new", "cur", "hold", "state" };
	char gone[PATH_SIZE];

	(void)path;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (path_in(gone, dirs[i], name) == -1)
			return -1;
		if (unlink(gone) == -1 && errno != ENOENT)
			return -1;
	}
	return 0;
}

static const struct verb {
	const char *name;
	int (*run)(const char *path, const char *name);
	bool told;			/* queue is to look at it */
} verbs[] = {
	{ "delete", verb_delete, false },
	{ "hold", verb_hold, false },
	{ "release", verb_release, true },
	{ "retry", verb_retry, true },
};

/* Opened for both ways, as there may be no queue, or none any more. */
static int
open_trigger(void)
{
	struct stat st;
	int fd;

	fd = open("trigger", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* A hint: never waits and never fails, for queue scans as well. */
static void
tell(int trigger, const char *name)
{
	if (trigger != -1)
		(void)dprintf(trigger, "%s\n", name);
}

/* The name in "directory/name", or NULL when the line is none of these. */
static const char *
name_in(const char *path)
{
	static const char *const dirs[] = { "new/", "cur/", "hold/" };
	const char *name;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		name = path + strlen(dirs[i]);
		if (strncmp(path, dirs[i], strlen(dirs[i])) == 0 &&
		    *name >= '0' && *name <= '9' && strchr(name, '/') == NULL)
			return name;
	}
	return NULL;
}

/* Up to the second dot. */
static void
print_qid(const char *name)
{
	size_t n = strcspn(name, ".");

	if (name[n] == '.')
		n += 1 + strcspn(name + n + 1, ".");
	printf("%.*s\n", (int)n, name);
}

static int
work(const struct verb *v, bool dry, int trigger)
{
	char path[PATH_SIZE];
	unsigned n = 0;
	int code = EX_OK;

	while (fgets(path, sizeof(path), stdin) != NULL) {
		const char *name;

		path[strcspn(path, "\n")] = '\0';
		if ((name = name_in(path)) == NULL) {
			warnx("%s: this is no file of the queue", path);
			code = EX_IOERR;
		} else if (!dry && v->run(path, name) == -1) {
			warn("%s", path);
			code = EX_IOERR;
		} else {
			print_qid(name);
			if (n++ < TOLD_MAX && v->told && !dry)
				tell(trigger, name);
		}
	}
	if (n > TOLD_MAX && v->told && !dry)
		tell(trigger, "scan");
	return code;
}

int
admin_queue(const char *dir, int argc, char *argv[])
{
	bool dry = argc == 3 && strcmp(argv[1], "-n") == 0;
	const char *verb = argv[argc - 1];
	int trigger, code;

	(void)dir;
	if (argc == 2 || dry)
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
			if (strcmp(verb, verbs[i].name) == 0) {
				setvbuf(stdout, NULL, _IOLBF, 0);
				trigger = open_trigger();
				code = work(&verbs[i], dry, trigger);
				if (trigger != -1)
					close(trigger);
				return code;
			}
	fprintf(stderr, "usage: posthouse queue verb: posthouse-mailq(1)\n");
	return EX_USAGE;
}
