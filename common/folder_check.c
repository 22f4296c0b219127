/*
 * A Maildir++ looked through as a whole.  It is its owner's, who may change it meanwhile: nothing is followed out of it,
 * and what vanishes is no finding.
 */
#include "folder_check.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder_check_impl.h"
#include "limits.h"
#include "utf7.h"

#define PATH_SIZE	2048
#define DIR_FLAGS	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *const parts[] = { "cur", "new", "tmp" };
static const char *const caches[] = { FOLDER_CACHE, "posthouse.cache-parsed",
    "posthouse.cache-index" };
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static void __attribute__((format(printf, 6, 0)))
tell(const struct check_dir *d, const char *file, unsigned line, bool by_hand,
    const char *mend, const char *fmt, va_list ap)
{
	char path[PATH_SIZE], what[PATH_SIZE];
	struct folder_finding f = { path, line, what, mend, by_hand };

	snprintf(path, sizeof(path), "%s/%s", d->path, file);
	vsnprintf(what, sizeof(what), fmt, ap);
	d->c->findings++;
	d->c->by_hand += by_hand;
	d->c->tell(d->c->arg, &f);
}

void
check_tell(const struct check_dir *d, const char *name, unsigned line,
    bool by_hand, const char *mend, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, name, line, by_hand, mend, fmt, ap);
	va_end(ap);
}

void
check_tell_file(const struct check_dir *d, const struct check_file *f,
    const char *mend, const char *fmt, ...)
{
	char path[FOLDER_PATH_MAX];
	va_list ap;

	snprintf(path, sizeof(path), "%s/%s", f->in_new ? "new" : "cur",
	    f->name);
	va_start(ap, fmt);
	tell(d, path, 0, false, mend, fmt, ap);
	va_end(ap);
}

/* What tells a folder from the root.  Without it new folders would get UIDVALIDITYs that were given before. */
static int
check_mark(struct check_dir *d)
{
	int fd;

	if (faccessat(d->fd, "maildirfolder", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	check_tell(d, "maildirfolder", 0, false, "make it",
	    "a folder has this file, which is empty");
	if (!d->c->repair)
		return 0;
	fd = openat(d->fd, "maildirfolder", O_WRONLY | O_CREAT | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	return fd == -1 ? -1 : close(fd);
}

/* The directories of a folder, and their modes. */
static int
check_parts(struct check_dir *d)
{
	struct stat st;

	for (size_t i = 0; i < COUNT(parts); i++) {
		if (fstatat(d->fd, parts[i], &st, AT_SYMLINK_NOFOLLOW) == -1) {
			if (errno != ENOENT)
				return -1;
			check_tell(d, parts[i], 0, false, "make it",
			    "a folder has this directory");
			if (d->c->repair &&
			    mkdirat(d->fd, parts[i], 0700) == -1)
				return -1;
		} else if (!S_ISDIR(st.st_mode))
			check_tell(d, parts[i], 0, true,
			    "put the directory itself here",
			    "this is no directory");
		else if ((st.st_mode & S_IRWXU) != S_IRWXU ||
		    (st.st_mode & S_IRWXO) != 0) {
			check_tell(d, parts[i], 0, false, "chmod 700",
			    "its mode is %03o",
			    (unsigned)st.st_mode & 0777);
			if (d->c->repair && fchmodat(d->fd, parts[i], 0700,
			    0) == -1)
				return -1;
		}
	}
	return 0;
}

static int
check_all(struct check_dir *d)
{
	if ((d->sub && check_mark(d) == -1) ||
	    check_parts(d) == -1 || check_files(d) == -1 ||
	    check_uids(d) == -1 || check_keywords(d) == -1 ||
	    check_acl(d) == -1)
		return -1;
	for (size_t i = 0; d->c->repair && i < COUNT(caches); i++)
		(void)unlinkat(d->fd, caches[i], 0);
	return 0;
}

/* One folder; *validity becomes the larger. */
static int
check_folder(struct folder_check *c, const char *path, bool sub,
    uint32_t *validity)
{
	struct check_dir d = { .c = c, .path = path, .sub = sub };
	size_t by_hand = c->by_hand;
	struct folder *f;
	int lock = -1, r;

	if ((d.fd = open(path, DIR_FLAGS)) == -1)
		return errno == ENOENT ? 0 : -1;
	if (c->repair && (lock = folder_lock(d.fd, true)) == -1)
		r = -1;
	else
		r = check_all(&d);
	if (lock != -1)
		close(lock);
	check_files_free(&d);
	close(d.fd);
	if (d.validity > *validity)
		*validity = d.validity;
	if (r == -1 || !c->repair)
		return r;
	/* New files get UIDs; but not where only a person can mend the list, who is told so. */
	if ((f = folder_open(path, false)) == NULL)
		return c->by_hand > by_hand ? 0 : -1;
	if (folder_uidvalidity(f) > *validity)
		*validity = folder_uidvalidity(f);
	folder_close(f);
	return 0;
}

struct walk {
	struct folder_check *c;
	const char *root;
	uint32_t validity;
};

/* Courier 5 has names in UTF-8.  While it serves the mailbox they must stay so, so nobody but a person who wants it
 * changes them.  *path is then the new one. */
static void
check_name(const struct check_dir *d, const char *name, char path[PATH_SIZE])
{
	char to[PATH_SIZE];
	const char *file = path + strlen(d->path) + 1;
	struct buf b;

	buf_init(&b, PATH_SIZE);
	if (utf7_take(span_str(name), &b) == -1 || folder_path(d->path,
	    buf_cstr(&b), to, sizeof(to)) == -1)
		check_tell(d, file, 0, true, "give it another name",
		    "no session shows a folder of this name");
	else if (strcmp(path, to) != 0) {
		check_tell(d, file, 0, false, "rename it", "this name is in "
		    "UTF-8, and no session shows it; in modified UTF-7 it is "
		    "%s", to + strlen(d->path) + 1);
		if (d->c->repair && renameat2(AT_FDCWD, path, AT_FDCWD, to,
		    RENAME_NOREPLACE) == -1)
			d->c->failed = true;
		else if (d->c->repair)
			strlcpy(path, to, PATH_SIZE);
	}
	buf_free(&b);
}

static int
walk_folder(void *arg, const char *name)
{
	struct walk *w = arg;
	struct check_dir d = { .c = w->c, .path = w->root };
	char path[PATH_SIZE];
	struct stat st;

	if (folder_path(w->root, name, path, sizeof(path)) == -1)
		return -1;
	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (S_ISDIR(st.st_mode)) {
		check_name(&d, name, path);
		return check_folder(w->c, path, true, &w->validity);
	}
	check_tell(&d, path + strlen(w->root) + 1, 0, true,
	    "put the folder itself here, or remove this", "a symbolic link is "
	    "no folder");
	return 0;
}

int
folder_check(struct folder_check *c, const char *root)
{
	struct walk w = { .c = c, .root = root };
	struct check_dir d = { .c = c, .path = root };
	int r;

	if ((d.fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	r = check_folder(c, root, false, &w.validity);
	if (r == 0)
		r = folder_list(root, walk_folder, &w);
	if (r == 0 && (check_validity(&d, w.validity) == -1 ||
	    check_subscriptions(&d) == -1 || check_quota(&d) == -1))
		r = -1;
	close(d.fd);
	return r;
}
