/*
 * Copying is link(2), moving is rename(2); across file systems the bytes are copied.  The target's uid
 * list is locked while names appear there, so that UIDs rise in the order asked for and nobody
 * takes the new files up in another.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "folder_uids.h"
#include "limits.h"

#define BATCH	1000		/* messages under one lock: about ten milliseconds */
#define CHUNK	262144		/* bytes of one read when copying */

struct copy {
	struct folder *f;
	struct folder *to;		/* dirfd and keywords only */
	struct folder_marks marks;
	bool move, same, dirs_new, dirs_cur;
	char name[FOLDER_NAME_MAX + 1];	/* the one under way, in the target */
	char path[FOLDER_PATH_MAX];
	char tmp[FOLDER_PATH_MAX];	/* a real copy, waiting in tmp/; or "" */
	size_t unique;			/* length in name */
	uint64_t keywords;		/* in the target */
	size_t n, ncopied;
	struct buf done;		/* target paths so far, NUL-terminated */
};

struct folder *
folder_target(const char *dir)
{
	struct folder *t = calloc(1, sizeof(*t));
	int e;

	if (t == NULL)
		return NULL;
	t->watch = -1;
	t->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dirfd != -1 && folder_keywords_load(t) == 0)
		return t;
	e = errno;
	folder_close(t);
	errno = e;
	return NULL;
}

static bool
same_folder(const struct folder *a, const struct folder *b)
{
	struct stat sa, sb;

	return fstat(a->dirfd, &sa) == 0 && fstat(b->dirfd, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* The keywords of the target that bear the names of these. A name that finds no room there is left out. */
static uint64_t
translate(struct copy *c, uint64_t keywords)
{
	uint64_t out = 0;

	if (!c->marks.keywords)
		return 0;
	if (c->same || keywords == 0)
		return keywords;
	for (size_t k = 0; k < c->f->nkeywords; k++) {
		int bit;

		if ((keywords >> k & 1) == 0)
			continue;
		bit = folder_keyword_bit(c->to, span_str(c->f->keywords[k]),
		    true);
		if (bit >= 0)
			out |= (uint64_t)1 << bit;
	}
	return out;
}

int
folder_fresh_name(char *out, size_t size)
{
	char rnd[17];
	int n;

	random_hex64(rnd);
	n = snprintf(out, size, "%lld.%s", (long long)clock_now(), rnd);
	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return n;
}

/* A copy has another unique part: its name tells the id. */
static int
add_id(const struct copy *c, const struct msg *m, char *base, int n)
{
	char id[FOLDER_EMAIL_ID + 1], field[FOLDER_EMAIL_ID + 4];

	if (n >= FOLDER_NAME_MAX)
		return n;
	folder_id_of(msg_base(c->f, m), m->unique, id);
	snprintf(field, sizeof(field), ",E=%s", id);
	if (strstr(base, field) != NULL ||
	    n + (int)sizeof(field) + MAILDIR_LETTERS_SIZE > FOLDER_NAME_MAX)
		return n;
	memcpy(base + n, field, sizeof(field));
	return n + (int)sizeof(field) - 1;
}

/* The name in the target: a copy gets a unique part of its own, a moved message keeps it. */
static int
make_name(struct copy *c, const struct msg *m)
{
	struct span old = msg_base(c->f, m), unique = msg_unique(c->f, m);
	bool keep = c->move && !c->same;
	char base[FOLDER_NAME_MAX + 1];
	uint32_t letters;
	bool in_new;
	int n = 0;

	c->keywords = translate(c, m->letters | m->known.high);
	letters = (uint32_t)c->keywords & ((1U << FOLDER_LETTERS) - 1);
	in_new = (m->state & MSG_NEW) != 0 && letters == 0 &&
	    (m->flags & c->marks.flags) == 0;
	c->unique = unique.len;
	if (!keep) {
		if ((n = folder_fresh_name(base, sizeof(base))) == -1)
			return -1;
		c->unique = (size_t)n;
		old = old.len < unique.len ? span_of("", 0) :
		    span_of(old.p + unique.len, old.len - unique.len);
	}
	n += snprintf(base + n, sizeof(base) - (size_t)n, "%.*s",
	    (int)old.len, (const char *)old.p);
	if (!keep)
		n = add_id(c, m, base, n);
	if (in_new)
		snprintf(c->name, sizeof(c->name), "%s", base);
	else if (maildir_name_print(span_str(base), m->flags & c->marks.flags, letters,
	    c->name, sizeof(c->name)) == -1)
		return -1;
	/* From a cache that somebody changes: msg_path has not seen this name. */
	if (strchr(c->name, '/') != NULL) {
		errno = EINVAL;
		return -1;
	}
	c->dirs_new |= in_new;
	c->dirs_cur |= !in_new;
	snprintf(c->path, sizeof(c->path), "%s/%s", in_new ? "new" : "cur",
	    c->name);
	return n < (int)sizeof(base) ? 0 : -1;
}

static int
copy_bytes(int from, int to)
{
	unsigned char *chunk = malloc(CHUNK);
	ssize_t r = -1;

	if (chunk == NULL)
		return -1;
	while ((r = read(from, chunk, CHUNK)) > 0)
		if (file_write_all(to, chunk, (size_t)r) == -1) {
			r = -1;
			break;
		}
	free(chunk);
	return r == 0 ? 0 : -1;
}

/* Another file system: the bytes go to tmp/ of the target, durably and with their date. */
static int
op_copy_bytes(struct folder *f, const char *path, void *arg)
{
	struct copy *c = arg;
	struct stat st;
	int from, to, r = -1, e;

	from = openat(f->dirfd, path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from == -1)
		return -1;
	snprintf(c->tmp, sizeof(c->tmp), "tmp/%.*s", (int)c->unique, c->name);
	to = openat(c->to->dirfd, c->tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to != -1 && fstat(from, &st) == 0 && copy_bytes(from, to) == 0) {
		struct timespec ts[2] = { st.st_atim, st.st_mtim };

		r = futimens(to, ts) == -1 ? -1 : fsync(to);
	}
	e = errno == ENOENT ? EIO : errno;
	if (r == -1 && to != -1)
		unlinkat(c->to->dirfd, c->tmp, 0);
	if (to != -1)
		close(to);
	close(from);
	errno = e;
	return r;
}

static int
op_link(struct folder *f, const char *path, void *arg)
{
	struct copy *c = arg;

	if (c->move) {
		if (renameat(f->dirfd, path, c->to->dirfd, c->path) == -1)
			return -1;
		folder_own(f, path, false);
		return 0;
	}
	return linkat(f->dirfd, path, c->to->dirfd, c->path, 0);
}

static int
op_unlink(struct folder *f, const char *path, void *arg)
{
	(void)arg;
	return unlinkat(f->dirfd, path, 0);
}

/* File systems that have no links, or forbid them, get a real copy too. */
static bool
needs_bytes(int e)
{
	return e == EXDEV || e == EMLINK || e == EPERM || e == ENOTSUP ||
	    e == ENOSYS;
}

static int
copy_slowly(struct copy *c, size_t i)
{
	int e;

	if (msg_try(c->f, i, op_copy_bytes, c) == -1)
		return -1;
	if (renameat(c->to->dirfd, c->tmp, c->to->dirfd, c->path) == -1) {
		e = errno;
		unlinkat(c->to->dirfd, c->tmp, 0);
		errno = e;
		return -1;
	}
	if (c->move && msg_try(c->f, i, op_unlink, NULL) == -1 &&
	    errno != ENOENT)
		return -1;
	return 0;
}

/* What has vanished ends a copy: all or none, RFC 3501 section 6.4.7. */
static int
vanished(const struct copy *c)
{
	errno = ESRCH;
	return c->move ? 0 : -1;
}

/* Message i: 0 and its UID (0: it has vanished), or -1. */
static int
copy_one(struct copy *c, struct uids_out *o, size_t i, uint32_t *uid)
{
	*uid = 0;
	if (i >= c->f->count || (msg_at(c->f, i)->state & MSG_GONE) != 0)
		return vanished(c);
	if (make_name(c, msg_at(c->f, i)) == -1)
		return -1;
	if (msg_try(c->f, i, op_link, c) == -1) {
		if (errno == ENOENT)
			return vanished(c);
		if (!needs_bytes(errno) || copy_slowly(c, i) == -1)
			return -1;
	}
	if (c->move)
		msg_gone(c->f, i);
	if (buf_add(&c->done, c->path, strlen(c->path) + 1) == -1)
		return -1;
	return uids_add_message(o, span_of(c->name, c->unique),
	    msg_at(c->f, i)->flags & c->marks.flags, c->keywords, true, uid);
}

/* A copy that failed leaves nothing behind.  What was moved stays moved: it is whole, and gets its UID
 * when the target is opened next. */
static void
undo(struct copy *c)
{
	int e = errno;

	for (size_t at = 0; !c->move && at < c->done.len;) {
		const char *path = (const char *)c->done.p + at;

		unlinkat(c->to->dirfd, path, 0);
		at += strlen(path) + 1;
	}
	errno = e;
}

static int
copy_batch(struct copy *c, const size_t *i, size_t n, uint32_t *validity,
    uint32_t *uids)
{
	struct uids_out o;
	int r = 0;

	/* Names for keywords take the same lock: before it. */
	for (size_t k = 0; k < n; k++)
		if (i[k] < c->f->count)
			(void)translate(c, msg_at(c->f, i[k])->letters |
			    msg_at(c->f, i[k])->known.high);
	if (uids_begin(&o, c->to->dirfd, NULL) == -1)
		return -1;
	*validity = o.h.validity;
	for (size_t k = 0; r == 0 && k < n; k++) {
		r = copy_one(c, &o, i[k], &uids[k]);
		if (c->f->on_copy != NULL)
			c->f->on_copy(c->f->on_copy_arg, ++c->ncopied, c->n);
	}
	if (r == 0)
		r = folder_sync_dirs(c->to->dirfd, c->dirs_new, c->dirs_cur);
	if (r == 0)
		r = uids_commit(&o, true);
	uids_abort(&o);
	return r;
}

int
folder_copy_many(struct folder *f, const size_t *i, size_t n, const char *dir,
    bool move, uint32_t *validity, uint32_t *uids)
{
	static const struct folder_marks all = { ~0u, true };

	return folder_copy_marked(f, i, n, dir, move, &all, validity, uids);
}

int
folder_copy_marked(struct folder *f, const size_t *i, size_t n,
    const char *dir, bool move, const struct folder_marks *marks,
    uint32_t *validity, uint32_t *uids)
{
	struct copy c = { .f = f, .move = move, .marks = *marks,
	    .n = n };
	int r = 0, e;

	if (move && f->read_only) {
		errno = EROFS;
		return -1;
	}
	if ((c.to = folder_target(dir)) == NULL)
		return -1;
	c.same = same_folder(f, c.to);
	buf_init(&c.done, FOLDER_NAMES_MAX);
	for (size_t k = 0; r == 0 && k < n; k += BATCH)
		r = copy_batch(&c, i + k, n - k < BATCH ? n - k : BATCH,
		    validity, uids + k);
	if (r == -1)
		undo(&c);
	e = errno;
	buf_free(&c.done);
	folder_close(c.to);
	errno = e;
	return r;
}

void
folder_on_copy(struct folder *f, void (*each)(void *, size_t, size_t),
    void *arg)
{
	f->on_copy = each;
	f->on_copy_arg = arg;
}
