/*
 * posthouse.keywords: line n is the name of keyword n: the first 26 are letters in file names (a is the first), the
 * others stand in the uid list.  Names are only ever added, so that a letter keeps its meaning.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "folder_impl.h"

#define KEYWORD_MAX	100		/* bytes of a name: it must fit a reply many times */
#define KEYWORDS_SIZE	8192		/* bytes of the file */

/* RFC 9051 section 9, flag-keyword: an atom.  "\" begins system flags. */
static bool
name_ok(struct span s)
{
	if (s.len == 0 || s.len > KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    strchr("(){%*\"\\]", s.p[i]) != NULL)
			return false;
	return true;
}

void
folder_keywords_free(struct folder *f)
{
	for (size_t i = 0; i < f->nkeywords; i++)
		free(f->keywords[i]);
	f->nkeywords = 0;
}

/* A line that is no keyword still takes its letter: those after it must not move. */
static int
parse(struct folder *f, const struct buf *b)
{
	struct cur c;

	folder_keywords_free(f);
	cur_init(&c, buf_span(b));
	while (!cur_end(&c) && f->nkeywords < FOLDER_KEYWORDS_MAX) {
		struct span line = cur_until(&c, '\n');

		if (!cur_ch(&c, '\n'))
			break;		/* half a line: no letter was given out */
		if (!name_ok(line))
			line = span_of("", 0);
		if ((f->keywords[f->nkeywords] = span_dup(line)) == NULL)
			return -1;
		f->nkeywords++;
	}
	return 0;
}

static bool
stamp_same(const struct stamp *s, const struct stat *st)
{
	return s->ino == st->st_ino && s->size == st->st_size;
}

int
folder_keywords_load(struct folder *f)
{
	struct stat st;
	struct buf b;
	int r;

	if (fstatat(f->dirfd, FOLDER_KEYWORDS, &st, 0) == -1)
		return errno == ENOENT ? 0 : -1;
	if (stamp_same(&f->keywords_stamp, &st))
		return 0;
	buf_init(&b, KEYWORDS_SIZE);
	r = folder_read_text(f->dirfd, FOLDER_KEYWORDS, &b);
	if (r == -1 && errno == ENOENT)
		r = 0;
	if (r == 0)
		r = parse(f, &b);
	if (r == 0)
		f->keywords_stamp = (struct stamp){ st.st_ino, st.st_size };
	buf_free(&b);
	return r;
}

size_t
folder_keyword_count(const struct folder *f)
{
	return f->nkeywords;
}

const char *
folder_keyword_name(const struct folder *f, size_t k)
{
	return k < f->nkeywords ? f->keywords[k] : "";
}

static int
find(const struct folder *f, struct span name)
{
	for (size_t i = 0; i < f->nkeywords; i++)
		if (span_isis(name, f->keywords[i]))
			return (int)i;
	return -1;
}

/* The letters that file names have. */
static int
letters_in_use(const struct folder *f, uint32_t *letters)
{
	int fd = openat(f->dirfd, "cur", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct maildir_name name;
	struct dirent *d;
	int e;

	*letters = 0;
	if (dir == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (errno = 0, (d = readdir(dir)) != NULL) {
		maildir_name_parse(span_str(d->d_name), &name);
		*letters |= name.letters;
	}
	e = errno;
	closedir(dir);
	errno = e;
	return e == 0 ? 0 : -1;
}

/* A letter without a name that stands in file names is a keyword of another program's, as Dovecot's: it gets none, or
 * those messages would have ours. */
static int
pass_foreign(struct folder *f)
{
	uint32_t letters;

	if (f->nkeywords >= FOLDER_LETTERS)
		return 0;
	if (letters_in_use(f, &letters) == -1)
		return -1;
	for (; f->nkeywords < FOLDER_LETTERS && letters >> f->nkeywords & 1;
	    f->nkeywords++)
		if ((f->keywords[f->nkeywords] = span_dup(span_of("", 0))) ==
		    NULL)
			return -1;
	return 0;
}

/* The whole file again, durably, with the new name at the end. The lock is held.  -1 EEXIST: there was no file, but another
 * host has made one since. */
static int
add_name(struct folder *f, struct span name)
{
	struct stat st;
	struct buf b;
	int r = 0;

	if (pass_foreign(f) == -1)
		return -1;
	buf_init(&b, KEYWORDS_SIZE);
	for (size_t i = 0; i < f->nkeywords; i++) {
		buf_adds(&b, f->keywords[i]);
		buf_addc(&b, '\n');
	}
	buf_addspan(&b, name);
	buf_addc(&b, '\n');
	if (b.bad || (f->keywords[f->nkeywords] = span_dup(name)) == NULL)
		r = -1;
	if (r == 0)
		r = (f->keywords_stamp.ino == 0 ? file_create : file_replace)
		    (f->dirfd, FOLDER_KEYWORDS, b.p, b.len, 0600);
	if (r == -1)
		free(f->keywords[f->nkeywords]);
	else if (fstatat(f->dirfd, FOLDER_KEYWORDS, &st, 0) == 0)
		f->keywords_stamp = (struct stamp){ st.st_ino, st.st_size };
	buf_free(&b);
	return r == -1 ? -1 : (int)f->nkeywords++;
}

/* Under the lock, for another process may have added it. */
static int
find_or_add(struct folder *f, struct span name)
{
	int k;

	if (!f->local)			/* what its stamp tells may be old */
		f->keywords_stamp = (struct stamp){ 0, 0 };
	if (folder_keywords_load(f) == -1)
		return -1;
	if ((k = find(f, name)) != -1)
		return k;
	if (f->nkeywords < FOLDER_KEYWORDS_MAX)
		return add_name(f, name);
	errno = ENOSPC;
	return -1;
}

int
folder_keyword_bit(struct folder *f, struct span name, bool create)
{
	int k, lock, e;

	if (!name_ok(name)) {
		errno = EINVAL;
		return -1;
	}
	if ((k = find(f, name)) != -1)
		return k;
	errno = ENOENT;
	if (!create)
		return -1;
	/* A batch has the lock, and closing another descriptor of its file would end it. */
	lock = f->batch != NULL ? -1 : folder_lock(f->dirfd, true);
	if (f->batch == NULL && lock == -1)
		return -1;
	k = find_or_add(f, name);
	if (k == -1 && errno == EEXIST)
		k = find_or_add(f, name);
	e = errno;
	if (lock != -1)
		close(lock);
	errno = e;
	return k;
}
