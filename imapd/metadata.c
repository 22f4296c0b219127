/*
 * The file: one entry a line, its name and its value with a space between;
 * bytes that are no visible ASCII, and "%", are written %XX.  Written by a
 * rename over the old one, under a lock.  A line that is not of that form is
 * dropped at the next change.
 */
#include "metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "file.h"
#include "limits.h"

#define FILE_MAX	((size_t)METADATA_ENTRIES_MAX * \
			 (METADATA_VALUE_MAX + METADATA_NAME_MAX) * 3)
#define LOCK_TRIES	500		/* of 20 ms */

static int
open_dir(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Bytes up to a space or the end of the line, with %XX undone. */
static bool
take_word(struct arena *arena, struct cur *c, struct span *out)
{
	struct buf b;
	int ch;

	buf_init(&b, cur_left(c) + 1);
	while (cur_peek(c) != ' ' && (ch = cur_next(c)) != -1) {
		if (ch == '%' && (ch = hex_byte(c)) == -1)
			break;
		(void)buf_addc(&b, (unsigned char)ch);
	}
	*out = arena_copy(arena, buf_span(&b));
	buf_free(&b);
	return out->p != NULL && (cur_end(c) || cur_peek(c) == ' ');
}

static int
read_entries(int dirfd, const char *file, struct arena *arena,
    struct meta_entry **list)
{
	struct meta_entry **last = list, *e;
	struct cur c, line;
	struct buf text;
	int r;

	*list = NULL;
	buf_init(&text, FILE_MAX);
	r = file_read(dirfd, file, &text);
	cur_init(&c, buf_span(&text));
	while (r == 0 && !cur_end(&c)) {
		cur_init(&line, cur_until(&c, '\n'));
		(void)cur_ch(&c, '\n');
		if ((e = arena_alloc(arena, sizeof(*e))) == NULL) {
			errno = EFBIG;
			r = -1;
		} else if (take_word(arena, &line, &e->name) &&
		    cur_ch(&line, ' ') &&
		    take_word(arena, &line, &e->value) && cur_end(&line)) {
			*last = e;
			last = &e->next;
		}
	}
	buf_free(&text);
	return r == -1 && errno == ENOENT ? 0 : r;
}

int
metadata_load(const char *dir, const char *file, struct arena *arena,
    struct meta_entry **list)
{
	int dirfd = open_dir(dir), r;

	if (dirfd == -1)
		return -1;
	r = read_entries(dirfd, file, arena, list);
	close(dirfd);
	return r;
}

const struct meta_entry *
metadata_find(const struct meta_entry *e, struct span name)
{
	while (e != NULL && !span_eq(e->name, name))
		e = e->next;
	return e;
}

static int
lock(int dirfd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(dirfd, METADATA_FILE ".lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	for (int i = 0; fd != -1 && fcntl(fd, F_SETLK, &l) == -1; i++) {
		if (i == LOCK_TRIES || (errno != EAGAIN && errno != EACCES)) {
			close(fd);
			errno = EAGAIN;
			return -1;
		}
		(void)poll(NULL, 0, 20);
	}
	return fd;
}

static void
add_word(struct buf *b, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '%')
			(void)buf_addc(b, s.p[i]);
		else
			(void)buf_addf(b, "%%%02X", s.p[i]);
}

/* A value that is there is kept, also an empty one. */
static void
add_entry(struct buf *b, const struct meta_entry *e, size_t *n)
{
	if (e->value.p == NULL)
		return;
	add_word(b, e->name);
	(void)buf_addc(b, ' ');
	add_word(b, e->value);
	(void)buf_addc(b, '\n');
	++*n;
}

static int
write_entries(int dirfd, const char *file, const struct meta_entry *old,
    const struct meta_entry *changes)
{
	struct buf text;
	size_t n = 0;
	int r = -1;

	buf_init(&text, FILE_MAX);
	for (; old != NULL; old = old->next)
		if (metadata_find(changes, old->name) == NULL)
			add_entry(&text, old, &n);
	for (; changes != NULL; changes = changes->next)
		if (metadata_find(changes->next, changes->name) == NULL)
			add_entry(&text, changes, &n);
	if (n > METADATA_ENTRIES_MAX || text.bad)
		errno = E2BIG;
	else
		r = file_replace(dirfd, file, text.p != NULL ?
		    (const char *)text.p : "", text.len, 0600);
	buf_free(&text);
	return r;
}

int
metadata_change(const char *dir, const char *file, struct arena *arena,
    const struct meta_entry *changes)
{
	int dirfd = open_dir(dir), fd, r = -1, e;
	struct meta_entry *old;

	if (dirfd == -1)
		return -1;
	if ((fd = lock(dirfd)) != -1) {
		if (read_entries(dirfd, file, arena, &old) == 0)
			r = write_entries(dirfd, file, old, changes);
		e = errno;
		close(fd);
		errno = e;
	}
	e = errno;
	close(dirfd);
	errno = e;
	return r;
}

void
metadata_copy(struct arena *arena, const char *from, const char *to)
{
	struct meta_entry *all;

	if (metadata_load(from, METADATA_FILE, arena, &all) == 0 &&
	    all != NULL)
		(void)metadata_change(to, METADATA_FILE, arena, all);
}
