/*
 * Tidying the index of what is shared.  Sessions only add to it, so whoever shares, renames and removes folders again
 * and again would fill it until nobody could share with that account.  Who reads it takes out what is stale.
 *
 * Nothing that is added meanwhile gets lost: what came before the new file had the name is copied behind it, and who adds
 * later sees that the file is another (share_note).  A lock keeps out others who tidy.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acl.h"
#include "file.h"
#include "folder_impl.h"
#include "limits.h"

struct line {
	struct span text;
	size_t at;			/* the how manieth */
	bool twice;
};
struct tidy {
	bool (*keep)(void *arg, const char *owner, const char *name);
	void *arg;
	struct buf text, out;
	struct line *line;
	size_t n, cap;
	off_t end;			/* of the file that was read */
};

static int
by_text(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;
	size_t n = a->text.len < b->text.len ? a->text.len : b->text.len;
	int c = memcmp(a->text.p, b->text.p, n);

	if (c != 0 || a->text.len != b->text.len)
		return c != 0 ? c : a->text.len < b->text.len ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int
by_place(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;

	return a->at < b->at ? -1 : a->at > b->at;
}

static int
split(struct tidy *t)
{
	struct span one;
	struct line *p;
	struct cur c;

	cur_init(&c, buf_span(&t->text));
	while (!cur_end(&c)) {
		one = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n'))
			break;
		if (one.len == 0)
			continue;
		if (t->n == t->cap) {
			t->cap = t->cap == 0 ? 256 : t->cap * 2;
			if ((p = reallocarray(t->line, t->cap, sizeof(*p))) ==
			    NULL)
				return -1;
			t->line = p;
		}
		t->line[t->n] = (struct line){ one, t->n, false };
		t->n++;
	}
	return 0;
}

static void
take(void *arg, const char *owner, const char *name)
{
	struct tidy *t = arg;

	if (t->keep(t->arg, owner, name))
		(void)buf_addf(&t->out, "%s %s\n", owner, name);
}

/* The last ones stay: who shares writes here first, and then the list. */
static int
choose(struct tidy *t)
{
	if (split(t) == -1)
		return -1;
	if (t->n > 0)
		qsort(t->line, t->n, sizeof(*t->line), by_text);
	for (size_t i = 1; i < t->n; i++)
		t->line[i].twice = span_eq(t->line[i].text,
		    t->line[i - 1].text);
	if (t->n > 0)
		qsort(t->line, t->n, sizeof(*t->line), by_place);
	for (size_t i = 0; i < t->n; i++) {
		if (t->n - i <= SHARE_YOUNG) {
			(void)buf_addspan(&t->out, t->line[i].text);
			(void)buf_addc(&t->out, '\n');
		} else if (!t->line[i].twice) {
			share_line(t->line[i].text, take, t);
		}
	}
	return t->out.bad ? -1 : 0;
}

/* What others have added since it was read. */
static int
copy_rest(struct tidy *t, int from, int to)
{
	buf_clear(&t->text);
	if (lseek(from, t->end, SEEK_SET) == -1 ||
	    (file_read_all(from, &t->text) == -1 && errno != EFBIG))
		return -1;
	return file_write_all(to, t->text.p, t->text.len);
}

static int
put(struct tidy *t, const char *shared, const char *path, int old)
{
	char tmp[SHARE_PATH_MAX + 96], unique[64];
	int r = -1, fd;

	if (folder_fresh_name(unique, sizeof(unique)) == -1)
		return -1;
	snprintf(tmp, sizeof(tmp), "%s/tmp/index.%s", shared, unique);
	fd = open(tmp, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (file_write_all(fd, t->out.p, t->out.len) == 0 && fsync(fd) == 0)
		r = rename(tmp, path);
	if (r == -1)
		(void)unlink(tmp);
	else
		r = copy_rest(t, old, fd);
	close(fd);
	return r;
}

/* Reads it, if nobody else tidies, or has done so just now. */
static int
begin(struct tidy *t, const char *path, int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st, now;

	if (fcntl(fd, F_SETLK, &fl) == -1 || fstat(fd, &st) == -1 ||
	    lstat(path, &now) == -1)
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_ino != now.st_ino) {
		errno = EAGAIN;
		return -1;
	}
	t->end = st.st_size;
	return file_read_all(fd, &t->text) == -1 && errno != EFBIG ? -1 : 0;
}

int
share_tidy(const char *shared, const char *identifier,
    bool (*keep)(void *arg, const char *owner, const char *name), void *arg)
{
	struct tidy t = { .keep = keep, .arg = arg };
	char path[1024];
	int fd, r = -1;

	if (share_index(shared, span_str(identifier), path) == -1 ||
	    (fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) ==
	    -1)
		return -1;
	buf_init(&t.text, SHARE_INDEX_MAX);
	buf_init(&t.out, SHARE_INDEX_MAX);
	if (begin(&t, path, fd) == 0 && choose(&t) == 0)
		r = t.out.len > t.text.len / 2 ? 0 : put(&t, shared, path, fd);
	buf_free(&t.text);
	buf_free(&t.out);
	free(t.line);
	close(fd);
	return r;
}
