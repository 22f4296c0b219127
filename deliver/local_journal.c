/*
 * What is done of a recipient that means several things, so that a second
 * attempt, after a deferral or a crash, does not do it again.  One file in the
 * spool's local/ for each such recipient, named NAME:INDEX, each line one fact,
 * added and flushed before the next thing is begun:
 *
 *	KEY done|fail DSN text
 *	child NAME
 *
 * The child is the message for other addresses, which waits beside the journal
 * as NAME:INDEX.child until its name is noted.
 *
 * The lock on it keeps two processes off one recipient: a deliver-local that
 * was killed may have left one at work.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "local_forward.h"
#include "log.h"

#define JOURNAL_MAX	16777216 /* of a list with many programs */

/* Half a line, of a crash or a full disk, tells nothing, and must not become part of the next one. */
static int
cut(struct journal *j)
{
	size_t n = j->text.len;

	while (n > 0 && j->text.p[n - 1] != '\n')
		n--;
	if (n == j->text.len)
		return 0;
	j->text.len = n;
	return ftruncate(j->fd, (off_t)n);
}

int
journal_open(struct journal *j, int spool, const struct spool_name *n,
    struct span index)
{
	char path[sizeof(j->name) + 16];
	int e;

	snprintf(j->name, sizeof(j->name), "%s:%.*s", n->text, (int)index.len,
	    (const char *)index.p);
	snprintf(path, sizeof(path), "local/%s", j->name);
	buf_init(&j->text, JOURNAL_MAX);
	j->fd = openat(spool, path,
	    O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->fd == -1)
		return -1;
	if (flock(j->fd, LOCK_EX | LOCK_NB) == 0 &&
	    file_read_all(j->fd, &j->text) == 0 && cut(j) == 0)
		return 0;
	e = errno;
	close(j->fd);
	j->fd = -1;
	errno = e;
	return -1;
}

/* The last whole line that begins with that word. */
static bool
find_line(const struct journal *j, const char *word, struct cur *out)
{
	struct span line;
	bool found = false;
	struct cur c, l;

	cur_init(&c, buf_span(&j->text));
	for (;;) {
		line = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n'))
			return found;
		cur_init(&l, line);
		if (cur_word(&l, word) && cur_ch(&l, ' ')) {
			*out = l;
			found = true;
		}
	}
}

bool
journal_find(const struct journal *j, const char *key, struct outcome *o)
{
	char dsn[16];
	struct cur c;
	bool fail;

	if (j->fd == -1 || !find_line(j, key, &c))
		return false;
	fail = cur_word(&c, "fail");
	if (!fail && !cur_word(&c, "done"))
		return false;
	(void)cur_ch(&c, ' ');
	if (span_cstr(cur_until(&c, ' '), dsn, sizeof(dsn)) == -1)
		return false;
	(void)cur_ch(&c, ' ');
	outcome_set(o, fail ? PROC_FAIL : PROC_DONE, fail ? dsn : "2.0.0",
	    "%.*s", (int)(cur_left(&c) > 200 ? 200 : cur_left(&c)),
	    (const char *)c.p);
	return true;
}

static int
add(struct journal *j, const struct buf *line)
{
	struct stat st;
	int e;

	if (line->bad || fstat(j->fd, &st) == -1)
		return -1;
	if (file_write_all(j->fd, line->p, line->len) == 0)
		return fsync(j->fd);
	e = errno;
	if (ftruncate(j->fd, st.st_size) == -1)	/* others may follow */
		log_warn_errno("%s: cutting back", j->name);
	errno = e;
	return -1;
}

int
journal_note(struct journal *j, const char *key, const struct outcome *o)
{
	struct buf b;
	int r;

	if (j->fd == -1)
		return 0;
	buf_init(&b, 1024);
	buf_addf(&b, "%s %s %s ", key, o->class == PROC_FAIL ? "fail" : "done",
	    o->dsn);
	for (const char *p = o->text; *p != '\0'; p++)
		buf_addc(&b, (unsigned char)*p < ' ' ? ' ' : (unsigned char)*p);
	buf_addc(&b, '\n');
	r = add(j, &b);
	buf_free(&b);
	return r;
}

bool
journal_child(const struct journal *j, struct spool_name *n)
{
	struct cur c;

	return j->fd != -1 && find_line(j, "child", &c) &&
	    spool_name_parse(cur_rest(&c), n);
}

int
journal_note_child(struct journal *j, const struct spool_name *n)
{
	struct buf b;
	int r;

	buf_init(&b, 1024);
	buf_addf(&b, "child %s\n", n->text);
	r = add(j, &b);
	buf_free(&b);
	return r;
}

void
journal_remove(struct journal *j, int spool)
{
	char path[sizeof(j->name) + 16];

	if (j->fd == -1)
		return;
	snprintf(path, sizeof(path), "local/%s", j->name);
	(void)unlinkat(spool, path, 0);
	close(j->fd);
	j->fd = -1;
}
