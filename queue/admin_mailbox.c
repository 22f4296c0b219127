/*
 * Mailboxes of accounts: made as their owner, put aside, removed.  A Maildir is its owner's to change, so nothing
 * here follows a link in one or above it.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin_user.h"
#include "clock.h"
#include "ex.h"
#include "file.h"
#include "folder.h"
#include "maildir.h"
#include "sandbox.h"

#define PURGE_DEPTH	8	/* of directories: a Maildir++ has three */
#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* RFC 6154; posthouse-imapd(8) knows them by these names. */
static const char *const folders[] = {
	"Archive", "Drafts", "Junk", "Sent", "Trash"
};
#define NFOLDERS	(sizeof(folders) / sizeof(folders[0]))

/* A new mailbox shows its folders to programs that ask for subscribed ones alone. */
static int
subscribe(const char *maildir)
{
	char path[1024];
	struct buf b;
	int fd, r;

	if ((size_t)snprintf(path, sizeof(path), "%s/subscriptions", maildir) >=
	    sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return errno == EEXIST ? 0 : -1;
	buf_init(&b, 1024);
	for (size_t i = 0; i < NFOLDERS; i++)
		buf_addf(&b, "%s\n", folders[i]);
	r = file_write_all(fd, b.p, b.len);
	buf_free(&b);
	return close(fd) == -1 ? -1 : r;
}

/* In a process of its own, as the owner. */
static int
make_folders(const struct account *a)
{
	int r;

	if (geteuid() == 0 && a->owner.uid != (uid_t)-1 &&
	    sandbox_become(&a->owner, 0) == -1)
		return -1;
	for (size_t i = 0; i < NFOLDERS; i++) {
		r = folder_create(a->maildir, folders[i]);
		if (r == -1 && errno != EEXIST)
			return -1;
	}
	return subscribe(a->maildir);
}

static int
failed(const char *path, const char *what)
{
	fprintf(stderr, "%s: cannot %s: %s\n", path, what, strerror(errno));
	return -1;
}

int
mailbox_make(const struct account *a)
{
	int status;
	pid_t pid;

	if (maildir_make(a->maildir, &a->owner) == -1)
		return failed(a->maildir, "make the Maildir");
	if ((pid = fork()) == -1)
		return failed(a->maildir, "start a process as its owner");
	if (pid == 0) {
		if (make_folders(a) == 0)
			_exit(EX_OK);
		(void)failed(a->maildir, "make the folders as the owner");
		_exit(EX_CANTCREAT);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return failed(a->maildir, "wait for a process");
	return WIFEXITED(status) && WEXITSTATUS(status) == EX_OK ? 0 : -1;
}

/* The directory that holds path; *name is the rest of path. */
static int
open_parent(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char parent[1024];

	if (slash == NULL || slash == path ||
	    (size_t)(slash - path) >= sizeof(parent)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
	*name = slash + 1;
	return open(parent, DIR_FLAGS);
}

int
mailbox_aside(const char *maildir, char *to, size_t size)
{
	const char *name, *new;
	int at = open_parent(maildir, &name), r;

	if (at == -1)
		return errno == ENOENT ? 0 : failed(maildir, "put it aside");
	if ((size_t)snprintf(to, size, "%s.deleted.%lld.%ld", maildir,
	    (long long)clock_now(), (long)getpid()) >= size) {
		errno = ENAMETOOLONG;
		r = -1;
	} else {
		new = strrchr(to, '/') + 1;
		r = renameat(at, name, at, new);
		if (r == 0)
			r = file_sync_dir(at);
	}
	if (r == -1 && errno != ENOENT)
		(void)failed(maildir, "put it aside");
	else
		r = r == 0;
	close(at);
	return r;
}

static int
purge(int at, const char *name, unsigned depth)
{
	int fd = openat(at, name, DIR_FLAGS);
	struct dirent *d;
	int r = 0;
	DIR *dir;

	if (fd == -1)
		return errno == ENOTDIR || errno == ELOOP ?
		    unlinkat(at, name, 0) : -1;
	if (depth == 0 || (dir = fdopendir(fd)) == NULL) {
		close(fd);
		errno = depth == 0 ? ELOOP : ENOMEM;
		return -1;
	}
	while (r == 0 && (d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		r = unlinkat(fd, d->d_name, 0);
		if (r == -1 && (errno == EISDIR || errno == EPERM))
			r = purge(fd, d->d_name, depth - 1);
	}
	closedir(dir);
	return r == 0 ? unlinkat(at, name, AT_REMOVEDIR) : -1;
}

int
mailbox_purge(const char *maildir)
{
	const char *name;
	int at = open_parent(maildir, &name), r;

	if (at == -1)
		return failed(maildir, "remove it");
	if ((r = purge(at, name, PURGE_DEPTH)) == -1)
		(void)failed(maildir, "remove all of it");
	close(at);
	return r;
}
