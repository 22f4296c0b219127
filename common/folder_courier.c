/*
 * Courier's keywords as one text, in the form of its courierimapkeywords/:list: names, an empty line, then "file:0 3".
 * What was changed lately stands in files of its own, which the list takes in after minutes: "FILE" before
 * ".TIME.FILE", and these before the list.  Nothing in them is trusted: what is no keyword is passed over.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder_import.h"
#include "folder_uids.h"

#define UPDATE_MAX	65536		/* bytes of the keywords of one message */
#define UPDATES_MAX	1000000

struct update {
	uint64_t when;			/* UINT64_MAX: no time in its name */
	char *file;
};

struct updates {
	struct update *u;
	size_t n, cap;
};

static int
by_time(const void *pa, const void *pb)
{
	const struct update *a = pa, *b = pb;

	return a->when < b->when ? -1 : a->when > b->when;
}

/* ".5984458.FILE" or "FILE": the name of the message's file is what is returned; empty for neither. */
static struct span
update_of(const char *name, uint64_t *when)
{
	struct cur c;

	cur_init(&c, span_str(name));
	*when = UINT64_MAX;
	if (strchr(name, ':') != NULL || strchr(name, '\n') != NULL)
		return span_of("", 0);
	if (cur_ch(&c, '.') && (cur_num(&c, UINT64_MAX - 1, when) == -1 ||
	    !cur_ch(&c, '.')))
		return span_of("", 0);
	return cur_rest(&c);
}

static int
updates_add(struct updates *all, const char *name)
{
	struct update *more, u;
	size_t cap;

	if (update_of(name, &u.when).len == 0 || all->n == UPDATES_MAX)
		return 0;
	if (all->n == all->cap) {
		cap = all->cap == 0 ? 64 : all->cap * 2;
		more = reallocarray(all->u, cap, sizeof(*more));
		if (more == NULL)
			return -1;
		all->u = more;
		all->cap = cap;
	}
	if ((u.file = strdup(name)) == NULL)
		return -1;
	all->u[all->n++] = u;
	return 0;
}

static int
updates_read(int fd, struct updates *all)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = copy == -1 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (dir == NULL) {
		if (copy != -1)
			close(copy);
		return -1;
	}
	while (r == 0 && (errno = 0, e = readdir(dir)) != NULL)
		r = updates_add(all, e->d_name);
	if (errno != 0)
		r = -1;
	closedir(dir);
	if (all->n > 0)
		qsort(all->u, all->n, sizeof(*all->u), by_time);
	return r;
}

/* The number of a name, which is added where it is new. */
static size_t
name_number(struct buf *names, struct span name)
{
	struct cur c;
	size_t n = 0;

	cur_init(&c, buf_span(names));
	for (; !cur_end(&c); n++) {
		if (span_eq(cur_until(&c, '\n'), name))
			return n;
		(void)cur_ch(&c, '\n');
	}
	(void)buf_addspan(names, name);
	(void)buf_addc(names, '\n');
	return n;
}

static int
update_line(int fd, const struct update *u, struct buf *names,
    struct buf *lines)
{
	struct buf text;
	struct span name;
	struct cur c;
	uint64_t when;

	buf_init(&text, UPDATE_MAX);
	if (folder_read_text(fd, u->file, &text) == -1) {
		buf_free(&text);
		return errno == ENOMEM ? -1 : 0;
	}
	(void)buf_addspan(lines, update_of(u->file, &when));
	(void)buf_addc(lines, ':');
	for (cur_init(&c, buf_span(&text)); !cur_end(&c);
	    (void)cur_ch(&c, '\n'))
		if ((name = cur_until(&c, '\n')).len > 0 &&
		    name.len <= FOLDER_NAME_MAX)
			(void)buf_addf(lines, " %zu", name_number(names, name));
	buf_free(&text);
	return buf_addc(lines, '\n');
}

/* The list's own two halves. */
static int
read_list(int fd, struct buf *names, struct buf *lines)
{
	struct buf text;
	struct span name;
	struct cur c;
	int r;

	buf_init(&text, IMPORT_MAX);
	r = folder_read_text(fd, ":list", &text);
	if (r == -1 && errno == ENOENT)
		r = 0;
	cur_init(&c, buf_span(&text));
	while (r == 0 && (name = cur_until(&c, '\n')).len > 0 &&
	    cur_ch(&c, '\n')) {
		(void)buf_addspan(names, name);
		r = buf_addc(names, '\n');
	}
	(void)cur_ch(&c, '\n');
	if (r == 0)
		r = buf_addspan(lines, cur_rest(&c));
	if (r == 0 && lines->len > 0 && lines->p[lines->len - 1] != '\n')
		r = buf_addc(lines, '\n');
	buf_free(&text);
	return r;
}

int
folder_courier_keywords(int dirfd, struct buf *out)
{
	int fd = openat(dirfd, "courierimapkeywords",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;
	struct updates all = { 0 };
	struct buf lines;

	if (fd == -1)
		return -1;
	buf_init(&lines, IMPORT_MAX);
	r = read_list(fd, out, &lines);
	if (r == 0)
		r = updates_read(fd, &all);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = update_line(fd, &all.u[i], out, &lines);
	if (r == 0)
		r = buf_addc(out, '\n') == -1 ? -1 :
		    buf_addspan(out, buf_span(&lines));
	for (size_t i = 0; i < all.n; i++)
		free(all.u[i].file);
	free(all.u);
	buf_free(&lines);
	close(fd);
	return r;
}
