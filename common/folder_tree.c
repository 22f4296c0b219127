/*
 * The folders of an account: Maildir++, one directory ".A.B" per folder below the root, which is INBOX.
 * Making and removing go through the root's tmp/, so that a folder appears and disappears whole.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fmt.h"
#include "folder_uids.h"

#define NAME_LIMIT	240	/* bytes of a folder name: a file name with the dot, and some */

/* Whether name can be a directory below the root and nothing else. */
static bool
tree_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_LIMIT || name[0] == '.' || name[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] == '/' || (unsigned char)name[i] < ' ' ||
		    name[i] == 0x7f || (name[i] == '.' && name[i + 1] == '.'))
			return false;
	return true;
}

static int
bad_name(void)
{
	errno = EINVAL;
	return -1;
}

int
folder_path(const char *root, const char *name, char *out, size_t size)
{
	int n;

	if (name[0] == '\0')
		n = fmt_print(out, size, "%s", root);
	else if (!tree_name_ok(name))
		return bad_name();
	else
		n = fmt_print(out, size, "%s/.%s", root, name);
	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static int
open_root(const char *root)
{
	return open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
folder_list(const char *root, int (*each)(void *arg, const char *name),
    void *arg)
{
	int fd = open_root(root), r = 0;
	struct dirent *d;
	struct stat st;
	DIR *dir;

	if (fd == -1)
		return -1;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (r == 0 && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] != '.' || !tree_name_ok(d->d_name + 1))
			continue;
		if (d->d_type != DT_DIR &&
		    (fstatat(fd, d->d_name, &st, 0) == -1 ||
		    !S_ISDIR(st.st_mode)))
			continue;
		r = each(arg, d->d_name + 1);
	}
	closedir(dir);
	return r;
}

/* cur, new, tmp and the Maildir++ mark below at. */
static int
fill(int at)
{
	int fd;

	if (mkdirat(at, "cur", 0700) == -1 || mkdirat(at, "new", 0700) == -1 ||
	    mkdirat(at, "tmp", 0700) == -1)
		return -1;
	fd = openat(at, "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

/* Removes the files of one directory below at, then the directory. */
static int
remove_flat(int at, const char *sub)
{
	int fd = openat(at, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			unlinkat(fd, d->d_name, 0);
	closedir(dir);
	return unlinkat(at, sub, AT_REMOVEDIR);
}

/* Removes a folder that nobody can reach by name any more.  What is not ours stays. */
static int
remove_folder(int root, const char *path)
{
	int fd = openat(root, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return -1;
	(void)remove_flat(fd, "cur");
	(void)remove_flat(fd, "new");
	(void)remove_flat(fd, "tmp");
	close(fd);
	return remove_flat(root, path);
}

static int
temporary(char *out, size_t size)
{
	char unique[64];

	if (folder_fresh_name(unique, sizeof(unique)) == -1)
		return -1;
	snprintf(out, size, "tmp/folder.%s", unique);
	return 0;
}

static int
make_at(int root, const char *tmp, const char *dotted)
{
	struct stat st;
	struct uids_out o;
	int fd, r;

	if (mkdirat(root, tmp, 0700) == -1)
		return -1;
	fd = openat(root, tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	r = fill(fd);
	close(fd);
	if (r == 0 && fstatat(root, dotted, &st, 0) == 0) {
		errno = EEXIST;
		r = -1;
	}
	if (r == 0)
		r = renameat(root, tmp, root, dotted);
	if (r == -1)
		return -1;
	/* Its UIDVALIDITY at once: later may be too late to tell it from one of the same name. */
	fd = openat(root, dotted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if ((r = uids_begin(&o, fd, NULL)) == 0)
		uids_abort(&o);
	close(fd);
	return r;
}

static int
dotted_name(const char *name, char out[FOLDER_NAME_MAX + 1])
{
	if (!tree_name_ok(name))
		return bad_name();
	snprintf(out, FOLDER_NAME_MAX + 1, ".%s", name);
	return 0;
}

int
folder_create(const char *root, const char *name)
{
	char dotted[FOLDER_NAME_MAX + 1], tmp[96];
	int fd, r, e;

	if (dotted_name(name, dotted) == -1 ||
	    temporary(tmp, sizeof(tmp)) == -1 || (fd = open_root(root)) == -1)
		return -1;
	r = make_at(fd, tmp, dotted);
	e = errno == ENOTEMPTY ? EEXIST : errno;
	if (r == -1)
		(void)remove_folder(fd, tmp);
	close(fd);
	errno = e;
	return r;
}

int
folder_delete(const char *root, const char *name)
{
	char dotted[FOLDER_NAME_MAX + 1], tmp[96];
	int fd, r, e;

	if (dotted_name(name, dotted) == -1 ||
	    temporary(tmp, sizeof(tmp)) == -1 || (fd = open_root(root)) == -1)
		return -1;
	r = renameat(fd, dotted, fd, tmp);
	e = errno;
	if (r == 0)
		(void)remove_folder(fd, tmp);
	close(fd);
	errno = e;
	return r;
}

/* A list of names below a root, gathered before anything is renamed. */
struct names {
	struct buf text;	/* NUL-terminated each */
	const char *from;
	const char *to;
	bool taken;		/* to, or a name below it, exists */
};

static bool
is_below(const char *name, const char *parent)
{
	size_t n = strlen(parent);

	return strncmp(name, parent, n) == 0 &&
	    (name[n] == '\0' || name[n] == '.');
}

static int
gather(void *arg, const char *name)
{
	struct names *n = arg;

	if (strcmp(name, n->to) == 0)
		n->taken = true;
	if (is_below(name, n->from))
		return buf_add(&n->text, name, strlen(name) + 1);
	return 0;
}

/* Renames all that was gathered; back again from the one that fails. */
static int
rename_all(int root, const struct names *n, bool back, size_t upto)
{
	size_t skip = strlen(n->from);

	for (size_t at = 0; at < upto;) {
		const char *name = (const char *)n->text.p + at;
		char from[FOLDER_NAME_MAX + 1], to[FOLDER_NAME_MAX + 1];
		int len;

		snprintf(from, sizeof(from), ".%s", name);
		len = snprintf(to, sizeof(to), ".%s%s", n->to, name + skip);
		if (len > NAME_LIMIT || renameat(root, back ? to : from, root,
		    back ? from : to) == -1) {
			int e = len > NAME_LIMIT ? ENAMETOOLONG : errno;

			if (!back)
				(void)rename_all(root, n, true, at);
			errno = e;
			return -1;
		}
		at += strlen(name) + 1;
	}
	return 0;
}

/* RFC 9051 section 6.3.6: renaming INBOX moves its messages to a new folder. */
static int
rename_inbox(const char *root, const char *to)
{
	char path[4096];
	struct folder *f;
	size_t *all;
	uint32_t validity, *uids;
	int r = -1, e;

	if (folder_create(root, to) == -1 ||
	    folder_path(root, to, path, sizeof(path)) == -1 ||
	    (f = folder_open(root, false)) == NULL)
		return -1;
	all = reallocarray(NULL, f->count + 1, sizeof(*all));
	uids = reallocarray(NULL, f->count + 1, sizeof(*uids));
	if (all != NULL && uids != NULL) {
		for (size_t i = 0; i < f->count; i++)
			all[i] = i;
		r = folder_copy_many(f, all, f->count, path, true, &validity,
		    uids);
	}
	e = errno;
	free(all);
	free(uids);
	folder_close(f);
	errno = e;
	return r;
}

int
folder_rename(const char *root, const char *from, const char *to)
{
	struct names n = { .from = from, .to = to };
	int fd, r = -1, e;

	if (!tree_name_ok(to) || (from[0] != '\0' && !tree_name_ok(from)))
		return bad_name();
	if (from[0] == '\0')
		return rename_inbox(root, to);
	if (is_below(to, from))
		return bad_name();	/* into itself */
	if ((fd = open_root(root)) == -1)
		return -1;
	buf_init(&n.text, 1 << 24);
	errno = 0;
	if (folder_list(root, gather, &n) == 0) {
		errno = n.taken ? EEXIST : ENOENT;
		if (!n.taken && n.text.len > 0)
			r = rename_all(fd, &n, false, n.text.len);
	}
	e = errno;
	buf_free(&n.text);
	close(fd);
	errno = e;
	return r;
}
