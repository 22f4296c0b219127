/*
 * Reading, finding and writing of lines about messages.  A last line without its end was being written when
 * its writer died: it is not read, and cut before more is added.
 */
#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "limits.h"
#include "uidlist.h"

struct name_line {
	struct span value, unique;
};

void
names_init(struct names *n, const char *file, const char *title)
{
	memset(n, 0, sizeof(*n));
	n->file = file;
	n->title = title;
	buf_init(&n->text, POP3_NAMES_MAX);
}

void
names_free(struct names *n)
{
	buf_free(&n->text);
	free(n->lines);
	n->lines = NULL;
	n->n = 0;
}

/* VALUE " " UNIQUE; a value has no space, a unique part may. */
static bool
parse_line(struct span line, struct name_line *l)
{
	struct cur c;

	cur_init(&c, line);
	l->value = cur_until(&c, ' ');
	if (l->value.len == 0 || !cur_ch(&c, ' '))
		return false;
	l->unique = cur_rest(&c);
	return uidlist_unique_ok(l->unique);
}

int
names_add(struct names *n, struct span value, struct span unique)
{
	if (value.len == 0 || span_haschr(value, ' ') ||
	    span_haschr(value, '\n') || !uidlist_unique_ok(unique)) {
		errno = EINVAL;
		return -1;
	}
	buf_addspan(&n->text, value);
	buf_addc(&n->text, ' ');
	buf_addspan(&n->text, unique);
	return buf_addc(&n->text, '\n');
}

static int
compare(struct span a, struct span b)
{
	int r = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return r != 0 ? r : a.len < b.len ? -1 : a.len > b.len;
}

static int
by_unique(const void *pa, const void *pb)
{
	const struct name_line *a = pa, *b = pb;
	int r = compare(a->unique, b->unique);

	return r != 0 ? r : a->value.p < b->value.p ? -1 : 1;
}

int
names_index(struct names *n)
{
	size_t lines = 0;
	struct cur c;

	if (n->text.bad)
		return -1;
	for (size_t i = 0; i < n->text.len; i++)
		lines += n->text.p[i] == '\n';
	free(n->lines);
	n->n = 0;
	n->lines = reallocarray(NULL, lines + 1, sizeof(*n->lines));
	if (n->lines == NULL)
		return -1;
	cur_init(&c, buf_span(&n->text));
	while (!cur_end(&c)) {
		struct span line = cur_until(&c, '\n');

		(void)cur_ch(&c, '\n');
		if (parse_line(line, &n->lines[n->n]))
			n->n++;
	}
	qsort(n->lines, n->n, sizeof(*n->lines), by_unique);
	return 0;
}

/* The title, and what stands behind it up to the last line end. */
static int
take_text(struct names *n)
{
	struct cur c;

	while (n->text.len > 0 && n->text.p[n->text.len - 1] != '\n')
		n->text.len--;
	n->kept = n->text.len;
	if (n->text.len == 0)		/* its writer died at once */
		return 0;
	cur_init(&c, buf_span(&n->text));
	if (!cur_word(&c, n->title) || !cur_word(&c, " 1\n")) {
		errno = EPROTO;
		return -1;
	}
	buf_drop(&n->text, n->text.len - cur_left(&c));
	return 0;
}

int
names_read(struct names *n, int dirfd)
{
	int fd = openat(dirfd, n->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	r = file_read_all(fd, &n->text);
	close(fd);
	if (r == -1 || take_text(n) == -1 || names_index(n) == -1)
		return -1;
	return 1;
}

bool
names_find(const struct names *n, struct span unique, struct span *value)
{
	size_t lo = 0, hi = n->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare(n->lines[mid].unique, unique) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n->n || !span_eq(n->lines[lo].unique, unique))
		return false;
	if (value != NULL)
		*value = n->lines[lo].value;
	return true;
}

int
names_write(const struct names *n, int dirfd)
{
	struct buf b;
	int r;

	buf_init(&b, POP3_NAMES_MAX + 64);
	buf_addf(&b, "%s 1\n", n->title);
	if (buf_addspan(&b, buf_span(&n->text)) == -1)
		r = -1;
	else
		r = file_replace(dirfd, n->file, b.p, b.len, 0600);
	buf_free(&b);
	return r;
}

int
names_append(const struct names *n, int dirfd, const struct names *more)
{
	int fd, r, e;

	if (more->text.bad)
		return -1;
	if (n->kept == 0)
		return names_write(more, dirfd);
	fd = openat(dirfd, n->file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	r = ftruncate(fd, (off_t)n->kept);
	if (r == 0 && lseek(fd, (off_t)n->kept, SEEK_SET) == -1)
		r = -1;
	if (r == 0)
		r = file_write_all(fd, more->text.p, more->text.len);
	if (r == 0)
		r = fsync(fd);
	e = errno;
	close(fd);
	errno = e;
	return r;
}
