/*
 * Listing of cur and new: all names in one arena, found by their unique part through a hash.  Trusts
 * nothing about names: those that cannot stand in the uid list are left out.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder_uids.h"
#include "log.h"

const char *
listing_name(const struct listing *l, const struct entry *e)
{
	return (const char *)l->names.p + e->name;
}

static struct span
entry_unique(const struct listing *l, const struct entry *e)
{
	return span_of(l->names.p + e->name, e->unique);
}

void
listing_free(struct listing *l)
{
	if (!l->lent)
		buf_free(&l->names);
	free(l->e);
	free(l->hash);
	memset(l, 0, sizeof(*l));
}

size_t
listing_unknown(const struct listing *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->e[i].msg == 0 && !l->e[i].dup;
	return n;
}

/* FNV-1a over eight bytes at a time; names come from anybody, but a collision costs only time, and that
 * only to the owner of the folder. */
size_t
listing_hash_of(struct span s)
{
	uint64_t h = 0xcbf29ce484222325ULL, w;

	while (s.len >= sizeof(w)) {
		memcpy(&w, s.p, sizeof(w));
		h = (h ^ w) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
		s = span_of(s.p + sizeof(w), s.len - sizeof(w));
	}
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.p[i]) * 0x100000001b3ULL;
	return (size_t)(h ^ (h >> 32));
}

struct entry *
listing_find(const struct listing *l, struct span unique)
{
	if (l->hash == NULL)
		return NULL;
	for (size_t h = listing_hash_of(unique) & l->mask; l->hash[h] != 0;
	    h = (h + 1) & l->mask) {
		struct entry *e = &l->e[l->hash[h] - 1];

		if (span_eq(entry_unique(l, e), unique))
			return e;
	}
	return NULL;
}

/* Which of two files of one message stays: the one in cur, else the later one.  A rename that we
 * watched half is settled by listing again; a true double is left alone. */
static void
settle_double(struct listing *l, struct entry *old, struct entry *e)
{
	struct entry *loser = old->in_new || !e->in_new ? old : e;

	l->duplicates = true;
	if (loser == old) {
		struct entry t = *old;

		*old = *e;
		*e = t;
	}
	e->dup = true;
}

int
listing_hash(struct listing *l)
{
	size_t size = 16;

	while (size < l->n * 2)
		size *= 2;
	if ((l->hash = calloc(size, sizeof(*l->hash))) == NULL)
		return -1;
	l->mask = size - 1;
	for (size_t i = 0; i < l->n; i++) {
		struct span u = entry_unique(l, &l->e[i]);
		struct entry *old = listing_find(l, u);
		size_t h = listing_hash_of(u) & l->mask;

		if (l->e[i].dup)	/* came and went */
			continue;
		if (old != NULL) {
			settle_double(l, old, &l->e[i]);
			continue;
		}
		while (l->hash[h] != 0)
			h = (h + 1) & l->mask;
		l->hash[h] = (uint32_t)(i + 1);
	}
	return 0;
}

int
listing_add(struct listing *l, const char *name, bool in_new)
{
	struct maildir_name m;
	struct span s = span_str(name);
	struct entry *e;

	if (s.len > FOLDER_NAME_MAX)
		return 0;
	maildir_name_parse(s, &m);
	if (!uidlist_unique_ok(m.unique))
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : l->cap * 2;

		e = reallocarray(l->e, cap, sizeof(*e));
		if (e == NULL)
			return -1;
		l->e = e;
		l->cap = cap;
	}
	e = &l->e[l->n];
	memset(e, 0, sizeof(*e));
	e->name = (uint32_t)l->names.len;
	e->len = (uint8_t)s.len;
	e->unique = (uint8_t)m.unique.len;
	e->base = (uint8_t)m.base.len;
	e->in_new = in_new;
	if (buf_add(&l->names, name, s.len + 1) == -1)
		return -1;
	l->n++;
	return 0;
}

/*
 * Two files of one unique part that stay two: somebody copied a message by hand.  The second gets a name of
 * its own, so that nobody's mail stays unseen; two links to one file are one message.
 */
static void
part_double(struct folder *f, const struct listing *l, const struct entry *e)
{
	const struct entry *first = listing_find(l, entry_unique(l, e));
	char a[FOLDER_PATH_MAX], b[FOLDER_PATH_MAX], to[FOLDER_PATH_MAX];
	const char *sub = e->in_new ? "new" : "cur";
	struct stat sa, sb;
	char fresh[64];

	if (first == NULL || folder_fresh_name(fresh, sizeof(fresh)) == -1)
		return;
	snprintf(a, sizeof(a), "%s/%s", first->in_new ? "new" : "cur",
	    listing_name(l, first));
	snprintf(b, sizeof(b), "%s/%s", sub, listing_name(l, e));
	if (snprintf(to, sizeof(to), "%s/%s%s", sub, fresh,
	    listing_name(l, e) + e->unique) >= (int)sizeof(to) ||
	    fstatat(f->dirfd, a, &sa, AT_SYMLINK_NOFOLLOW) == -1 ||
	    fstatat(f->dirfd, b, &sb, AT_SYMLINK_NOFOLLOW) == -1 ||
	    sa.st_ino == sb.st_ino)
		return;
	if (renameat(f->dirfd, b, f->dirfd, to) == 0)
		log_warn("two messages of one name: %s is now %s", b, to);
}

void
listing_part_doubles(struct folder *f, const struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->e[i].dup)
			part_double(f, l, &l->e[i]);
}

static int
list_one(struct folder *f, struct listing *l, const char *sub, bool in_new)
{
	struct dirent *d;
	DIR *dir;
	int fd, r = 0, e;

	fd = openat(f->dirfd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	for (errno = 0; r == 0 && (d = readdir(dir)) != NULL; errno = 0)
		if (d->d_name[0] != '.' && d->d_type != DT_DIR)
			r = listing_add(l, d->d_name, in_new);
	e = errno;
	if (r == 0 && e != 0)
		r = -1;
	closedir(dir);
	errno = e;
	return r;
}

static int
stat_dirs(struct folder *f)
{
	struct stat st;

	if (fstatat(f->dirfd, "cur", &st, 0) == -1)
		return -1;
	f->cur_mtime = st.st_mtim;
	if (fstatat(f->dirfd, "new", &st, 0) == -1)
		return -1;
	f->new_mtime = st.st_mtim;
	clock_gettime(CLOCK_REALTIME, &f->listed);
	return 0;
}

int
listing_read_new(struct folder *f, struct listing *l)
{
	struct stat st;

	buf_init(&l->names, FOLDER_NAMES_MAX);
	l->partial = true;
	if (fstatat(f->dirfd, "new", &st, 0) == -1)
		return -1;
	f->new_mtime = st.st_mtim;
	clock_gettime(CLOCK_REALTIME, &f->listed);
	return list_one(f, l, "new", true);
}

/*
 * The times are taken before the listing, so that a change during it is seen as one
 * since.  new comes before cur: a file that moves from new to cur meanwhile is then seen twice
 * rather than not at all.
 */
int
listing_read(struct folder *f, struct listing *l)
{
	int e;

	memset(l, 0, sizeof(*l));
	buf_init(&l->names, FOLDER_NAMES_MAX);
	if (stat_dirs(f) == 0 && list_one(f, l, "new", true) == 0 &&
	    list_one(f, l, "cur", false) == 0 && listing_hash(l) == 0)
		return 0;
	e = errno;
	listing_free(l);
	errno = e;
	return -1;
}
