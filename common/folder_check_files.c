/*
 * The files of a folder: names that tell their sizes, one message to a unique part, nothing but files.  Lists
 * names first and then looks at them, so that what is renamed meanwhile is at worst not looked at.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder_check_impl.h"

static int
add_file(struct check_dir *d, const char *name, bool in_new)
{
	struct maildir_name n;

	if (d->n == d->cap) {
		size_t cap = d->cap == 0 ? 256 : d->cap * 2;
		struct check_file *f = reallocarray(d->files, cap, sizeof(*f));

		if (f == NULL)
			return -1;
		d->files = f;
		d->cap = cap;
	}
	maildir_name_parse(span_str(name), &n);
	d->files[d->n] = (struct check_file){ .name = strdup(name),
	    .unique = n.unique.len, .in_new = in_new };
	return d->files[d->n].name == NULL ? -1 : (d->n++, 0);
}

static int
list_one(struct check_dir *d, const char *sub, bool in_new)
{
	int fd = openat(d->fd, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return errno == ENOENT ? 0 : -1;
	}
	while (r == 0 && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			r = add_file(d, e->d_name, in_new);
	closedir(dir);
	return r;
}

static void
path_of(const struct check_file *f, char out[FOLDER_PATH_MAX])
{
	snprintf(out, FOLDER_PATH_MAX, "%s/%s", f->in_new ? "new" : "cur",
	    f->name);
}

/* Another name for f, which never takes the place of a file. */
static void
rename_file(struct check_dir *d, struct check_file *f, const char *name)
{
	char from[FOLDER_PATH_MAX], to[FOLDER_PATH_MAX], *copy;

	if (!d->c->repair || strlen(name) > FOLDER_NAME_MAX ||
	    (copy = strdup(name)) == NULL)
		return;
	path_of(f, from);
	snprintf(to, sizeof(to), "%s/%s", f->in_new ? "new" : "cur", name);
	if (renameat2(d->fd, from, d->fd, to, RENAME_NOREPLACE) == -1) {
		d->c->failed = d->c->failed || errno != ENOENT;
		free(copy);
		return;
	}
	free(f->name);
	f->name = copy;
}

/* The name with another unique part if fresh, and this size in place of those it tells. */
static void
name_anew(struct check_dir *d, struct check_file *f, bool fresh, uint64_t size)
{
	struct maildir_name n;
	struct span fields;
	struct cur c;
	struct buf b;
	char made[FOLDER_NAME_MAX + 1];

	maildir_name_parse(span_str(f->name), &n);
	buf_init(&b, FOLDER_NAME_MAX + 1);
	if (fresh && folder_fresh_name(made, sizeof(made)) != -1)
		buf_addf(&b, "%s", made);
	else
		buf_addspan(&b, n.unique);
	fields = n.base.len < n.unique.len ? span_of("", 0) :
	    span_of(n.base.p + n.unique.len, n.base.len - n.unique.len);
	cur_init(&c, fields);
	while (cur_ch(&c, ',')) {
		struct span field = cur_until(&c, ',');

		if (field.len < 2 || field.p[1] != '=' ||
		    (field.p[0] != 'S' && field.p[0] != 'W'))
			buf_addf(&b, ",%.*s", (int)field.len,
			    (const char *)field.p);
	}
	buf_addf(&b, ",S=%ju%s", (uintmax_t)size, f->name + n.base.len);
	if (!b.bad && span_cstr(buf_span(&b), made, sizeof(made)) == 0)
		rename_file(d, f, made);
	buf_free(&b);
	maildir_name_parse(span_str(f->name), &n);
	f->unique = n.unique.len;
}

static void
check_mode(struct check_dir *d, const struct check_file *f, const char *path,
    mode_t mode)
{
	if ((mode & S_IRUSR) != 0 && (mode & S_IRWXO) == 0)
		return;
	check_tell_file(d, f, "chmod 600", "its mode is %03o: %s",
	    (unsigned)mode & 0777, (mode & S_IRUSR) == 0 ?
	    "its owner cannot read it" : "everyone can reach it");
	if (d->c->repair && fchmodat(d->fd, path, 0600, 0) == -1)
		d->c->failed = true;
}

/* Whether it is a message. */
static bool
check_one(struct check_dir *d, struct check_file *f)
{
	char path[FOLDER_PATH_MAX];
	struct maildir_name n;
	struct stat st;

	path_of(f, path);
	if (fstatat(d->fd, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (!S_ISREG(st.st_mode)) {
		check_tell(d, path, 0, true,
		    "put the file itself here, or remove this",
		    "%s is no message", S_ISLNK(st.st_mode) ?
		    "a symbolic link" : "what is no file");
		return false;
	}
	check_mode(d, f, path, st.st_mode);
	f->ino = st.st_ino;
	maildir_name_parse(span_str(f->name), &n);
	if (!uidlist_unique_ok(n.unique)) {
		check_tell_file(d, f, "give it another name",
		    "no program can show a message of this name");
		name_anew(d, f, true, (uint64_t)st.st_size);
	} else if (n.size != (uint64_t)st.st_size) {
		check_tell_file(d, f, "rename it", "%s: it has %ju bytes",
		    n.size == 0 ? "its name does not tell its size (S=)" :
		    "its name tells a wrong size", (uintmax_t)st.st_size);
		name_anew(d, f, false, (uint64_t)st.st_size);
	}
	return true;
}

static int
span_order(struct span a, struct span b)
{
	int r = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

/* By unique part; what is in cur comes first. */
static int
by_unique(const void *pa, const void *pb)
{
	const struct check_file *a = pa, *b = pb;
	int r = span_order(span_of(a->name, a->unique),
	    span_of(b->name, b->unique));

	return r != 0 ? r : a->in_new - b->in_new;
}

const struct check_file *
check_find(const struct check_dir *d, struct span unique)
{
	size_t lo = 0, hi = d->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct check_file *f = &d->files[mid];
		int r = span_order(span_of(f->name, f->unique), unique);

		if (r == 0)
			return f;
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void
part_doubles(struct check_dir *d)
{
	char path[FOLDER_PATH_MAX];
	struct stat st;

	for (size_t i = 1; i < d->n; i++) {
		struct check_file *f = &d->files[i];
		const struct check_file *first = &d->files[i - 1];

		if (first->unique != f->unique ||
		    memcmp(first->name, f->name, f->unique) != 0)
			continue;
		path_of(f, path);
		if (first->ino == f->ino) {
			check_tell_file(d, f, "remove this name",
			    "%s is the same file", first->name);
			if (d->c->repair && unlinkat(d->fd, path, 0) == -1)
				d->c->failed = true;
		} else if (fstatat(d->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			check_tell_file(d, f, "give it another name",
			    "%s is another message with the same unique part",
			    first->name);
			name_anew(d, f, true, (uint64_t)st.st_size);
		}
	}
}

void
check_files_free(struct check_dir *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->files[i].name);
	free(d->files);
	d->files = NULL;
	d->n = d->cap = 0;
}

int
check_files(struct check_dir *d)
{
	size_t n = 0;

	if (list_one(d, "new", true) == -1 || list_one(d, "cur", false) == -1)
		return -1;
	for (size_t i = 0; i < d->n; i++) {
		struct check_file f = d->files[i];

		if (check_one(d, &f))
			d->files[n++] = f;
		else
			free(f.name);
	}
	d->n = n;
	if (n > 0)
		qsort(d->files, n, sizeof(*d->files), by_unique);
	part_doubles(d);
	if (n > 0)
		qsort(d->files, n, sizeof(*d->files), by_unique);
	return 0;
}
