/*
 * The index of what is shared: for each identifier a file "for/IDENTIFIER" below the directory of shared folders, with
 * a line "OWNER NAME" for each folder whose list names it.  It only says where to look; the lists
 * decide.  Sessions may add lines to any of these files, so nothing in them is trusted, and a line may be stale
 * or there twice.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "acl.h"
#include "control.h"
#include "file.h"
#include "fmt.h"
#include "limits.h"
#include "maildir.h"

#define NAME_LIMIT	255	/* of a file */
#define TRIES		5	/* to add a line to a file that others replace */

void
share_path(const struct settings *set, char out[SHARE_PATH_MAX])
{
	out[0] = '\0';
	if (set->shared[0] != '\0')
		fmt_print(out, SHARE_PATH_MAX, "%s/%s", set->mail, set->shared);
}

/* tmp is for folders that are being made: folder_create. */
int
share_make(const char *shared, const struct ids *owner)
{
	static const char *const subdirs[] = { "tmp", "for" };
	const char *slash = strrchr(shared, '/');
	char mail[SHARE_PATH_MAX];

	/* As for Maildirs: account_has_place. */
	if (slash == NULL || span_cstr(span_of(shared,
	    (size_t)(slash - shared)), mail, sizeof(mail)) == -1 ||
	    access(mail, F_OK) == -1)
		return -1;
	return maildir_make_dirs(shared, subdirs, 2, owner);
}

/* Bytes that could mean something in a path are written %XX. */
int
share_index(const char *shared, struct span identifier, char out[1024])
{
	struct buf b;
	int r = -1;

	buf_init(&b, 1024);
	for (size_t i = 0; i < identifier.len; i++) {
		unsigned char ch = identifier.p[i];

		if (ch <= ' ' || ch >= 0x7f || ch == '%' || ch == '/' ||
		    (i == 0 && ch == '.'))
			(void)buf_addf(&b, "%%%02X", ch);
		else
			(void)buf_addc(&b, (unsigned char)ascii_lower(ch));
	}
	errno = ENAMETOOLONG;
	if (b.len > 0 && b.len <= NAME_LIMIT && !b.bad &&
	    (size_t)fmt_print(out, 1024, "%s/for/%s", shared, buf_cstr(&b)) <
	    1024)
		r = 0;
	buf_free(&b);
	return r;
}

/* Neither may hold what separates them.  With an LF before it, for half a line may stand at the
 * end, of a write that was cut off, and who adds may not read. */
static bool
line_make(const char *owner, const char *name, struct buf *out)
{
	for (const char *p = owner; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ')
			return false;
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			return false;
	return buf_addf(out, "\n%s %s\n", owner, name) == 0;
}

/* One line at the end.  Who tidies may have put another file in its place meanwhile: *again. */
static int
append(const char *path, const struct buf *line, bool *again)
{
	struct stat st, now;
	int r = -1, e, fd = open(path, O_WRONLY | O_APPEND | O_CREAT |
	    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	*again = false;
	if (fd == -1)
		return -1;
	errno = EDQUOT;			/* nobody reads more of it */
	if (fstat(fd, &st) == 0 && st.st_size < SHARE_INDEX_MAX &&
	    file_write_all(fd, line->p + (st.st_size == 0),
	    line->len - (st.st_size == 0)) == 0) {
		r = fsync(fd);
		*again = lstat(path, &now) == -1 || now.st_ino != st.st_ino;
	}
	e = errno;
	close(fd);
	errno = e;
	return r;
}

int
share_note(const char *shared, struct span identifier, const char *owner,
    const char *name)
{
	bool again = true;
	char path[1024];
	struct buf line;
	int r = -1;

	buf_init(&line, 1024);
	errno = EINVAL;
	if (line_make(owner, name, &line) &&
	    share_index(shared, identifier, path) == 0)
		for (int tries = 0; again && tries < TRIES; tries++)
			r = append(path, &line, &again);
	buf_free(&line);
	return r;
}

bool
share_is_known(const struct control *c, struct span identifier)
{
	char address[ADDR_MAX + 1];
	struct account a;

	return span_is(identifier, "anyone") || (span_cstr(identifier, address,
	    sizeof(address)) == 0 && account_find(c, address, &a) == 0);
}

int
share_note_all(const char *shared, const struct control *c,
    const struct acl *a, const char *owner, const char *name)
{
	int r = 0;

	for (size_t i = 0; i < a->n; i++)
		if (!a->e[i].negative &&
		    share_is_known(c, acl_identifier(a, &a->e[i])) &&
		    share_note(shared, acl_identifier(a, &a->e[i]), owner,
		    name) == -1)
			r = -1;
	return r;
}

void
share_line(struct span line, void (*each)(void *, const char *, const char *),
    void *arg)
{
	char owner[ADDR_MAX + 1], name[256];
	struct cur c;

	cur_init(&c, line);
	if (span_cstr(cur_until(&c, ' '), owner, sizeof(owner)) == 0 &&
	    cur_ch(&c, ' ') &&
	    span_cstr(cur_rest(&c), name, sizeof(name)) == 0 &&
	    owner[0] != '\0' && name[0] != '\0')
		each(arg, owner, name);
}

int
share_each(const char *shared, const char *identifier,
    void (*each)(void *arg, const char *owner, const char *name), void *arg)
{
	struct span one;
	char path[1024];
	struct buf text;
	struct stat st;
	struct cur c;
	int fd, r;

	if (share_index(shared, span_str(identifier), path) == -1)
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	buf_init(&text, SHARE_INDEX_MAX);
	r = fstat(fd, &st);
	if (r == 0 && S_ISREG(st.st_mode) &&
	    (r = file_read_all(fd, &text)) == -1 && errno == EFBIG)
		r = 0;			/* what was read so far counts */
	close(fd);
	cur_init(&c, buf_span(&text));
	while (r == 0 && !cur_end(&c)) {
		one = cur_until(&c, '\n');
		if (cur_ch(&c, '\n'))
			share_line(one, each, arg);
	}
	buf_free(&text);
	return r;
}
