/*
 * Who owns a Maildir, for root.  The owner may put other files in the place of those looked at: what is given away is
 * the file that was opened, by its descriptor, and only where it has no name elsewhere.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "folder_check_impl.h"

#define DEPTH	3		/* root, folder, cur */

static void
check_owner(struct check_dir *d, const char *name, int fd, const struct stat *st)
{
	const struct ids *to = &d->c->owner;
	bool by_hand = !S_ISDIR(st->st_mode) &&
	    (!S_ISREG(st->st_mode) || st->st_nlink > 1);

	if (st->st_uid == to->uid)
		return;
	check_tell(d, name, 0, by_hand, by_hand ?
	    "find out what it is, then remove it or give it to its owner" :
	    "chown", "it belongs to uid %u, not %u", (unsigned)st->st_uid,
	    (unsigned)to->uid);
	if (!by_hand && d->c->repair &&
	    fchownat(fd, "", to->uid, to->gid, AT_EMPTY_PATH) == -1)
		d->c->failed = true;
}

static int
check_tree(struct folder_check *c, int at, const char *path, unsigned depth)
{
	struct check_dir d = { .c = c, .path = path };
	char below[FOLDER_PATH_MAX * DEPTH + 1024];
	struct dirent *e;
	struct stat st;
	int fd, r = 0;
	DIR *dir;

	if ((dir = fdopendir(at)) == NULL) {
		close(at);
		return -1;
	}
	while (r == 0 && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		fd = openat(at, e->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd == -1 || fstat(fd, &st) == -1) {
			if (fd != -1)
				close(fd);
			continue;
		}
		check_owner(&d, e->d_name, fd, &st);
		close(fd);
		if (!S_ISDIR(st.st_mode) || depth == 1)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		fd = openat(at, e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd != -1)
			r = check_tree(c, fd, below, depth - 1);
	}
	closedir(dir);
	return r;
}

int
folder_check_owner(struct folder_check *c, const char *root)
{
	struct check_dir d = { .c = c, .path = root };
	struct stat st;
	int fd;

	if (c->owner.uid == (uid_t)-1)
		return 0;
	fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	check_owner(&d, ".", fd, &st);
	return check_tree(c, fd, root, DEPTH);
}
