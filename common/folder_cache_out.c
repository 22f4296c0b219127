/*
 * Writing posthouse.cache.  Into tmp/ first, where a writer's litter is removed some day; no sync, for after a
 * crash of the machine the checksums tell what became of it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "fmt.h"
#include "folder_cache.h"
#include "folder_uids.h"

#define OUT_MIN	16		/* messages that are not worth a file */
#define CHUNK	(64 * (size_t)CACHE_BLOCK)

struct cache_out {
	int fd;
	unsigned char *chunk;
	size_t len;
	uint64_t *sums;
	size_t nsums;
	bool failed;
};

static void
flush(struct cache_out *o)
{
	if (file_write_all(o->fd, o->chunk, o->len) == -1)
		o->failed = true;
	for (size_t at = 0; at < o->len; at += CACHE_BLOCK)
		o->sums[o->nsums++] = cache_sum(o->chunk + at, CACHE_BLOCK);
	o->len = 0;
}

static void
add(struct cache_out *o, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n > 0) {
		size_t take = CHUNK - o->len < n ? CHUNK - o->len : n;

		memcpy(o->chunk + o->len, p, take);
		o->len += take;
		p += take;
		n -= take;
		if (o->len == CHUNK)
			flush(o);
	}
}

/* Up to the next block. */
static void
pad(struct cache_out *o)
{
	size_t rest = o->len % CACHE_BLOCK;

	if (rest != 0) {
		memset(o->chunk + o->len, 0, CACHE_BLOCK - rest);
		o->len += CACHE_BLOCK - rest;
	}
	if (o->len == CHUNK)
		flush(o);
}

static void
add_msgs(struct folder *f, struct cache_out *o)
{
	size_t at = 0;

	for (size_t i = 0; i < f->nmsgs; i++) {
		struct msg m = *msg_at(f, i);

		m.state &= MSG_NEW;
		m.name = (uint32_t)at;
		at += (size_t)m.len + 1;
		add(o, &m, sizeof(m));
	}
	pad(o);
}

static void
add_names(struct folder *f, struct cache_out *o)
{
	for (size_t i = 0; i < f->nmsgs; i++) {
		struct span name = msg_name(f, msg_at(f, i));

		add(o, name.p, name.len);
		add(o, "", 1);
	}
	add(o, "", 1);
	pad(o);
}

static void
add_hash(struct folder *f, struct cache_out *o, size_t size)
{
	uint32_t *hash = calloc(size, sizeof(*hash));

	if (hash == NULL) {
		o->failed = true;
		return;
	}
	for (size_t i = 0; i < f->nmsgs; i++) {
		size_t h = listing_hash_of(msg_unique(f, msg_at(f, i))) &
		    (size - 1);

		while (hash[h] != 0)
			h = (h + 1) & (size - 1);
		hash[h] = (uint32_t)(i + 1);
	}
	add(o, hash, size * sizeof(*hash));
	pad(o);
	free(hash);
}

void
folder_count_all(struct folder *f)
{
	struct folder_counts c = { .known = true };

	for (size_t i = 0; i < f->nmsgs; i++) {
		const struct msg *m = msg_at(f, i);

		c.unseen += (m->flags & MAIL_SEEN) == 0;
		c.deleted += (m->flags & MAIL_DELETED) != 0;
		c.in_new += (m->state & MSG_NEW) != 0;
		c.names += (size_t)m->len + 1;
	}
	f->counts = c;
}

static int
make_head(struct folder *f, struct cache_head *h)
{
	struct stat st;

	memset(h, 0, sizeof(*h));
	folder_count_all(f);
	h->counts = f->counts;
	h->nmsgs = f->nmsgs;
	h->names_len = f->counts.names;
	h->uids_ino = f->uids_ino;
	h->uids_at = (uint64_t)f->uids_at;
	h->floor = f->head.floor;
	h->highest = f->highest;
	h->lines = f->lines;
	h->bytes = f->bytes;
	h->past = f->past;
	h->validity = f->validity;
	h->uidnext = f->uidnext;
	h->head_next = f->head.next;
	h->line_uid = f->line_uid;
	memcpy(h->id, f->head.id, sizeof(f->head.id));
	h->cur_mtime = f->cur_mtime;
	h->new_mtime = f->new_mtime;
	h->listed = f->listed;
	h->first_unseen = folder_first_unseen(f);
	cache_layout(h);
	if (fstatat(f->dirfd, FOLDER_UIDS, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    st.st_ino != f->uids_ino ||
	    cache_text_sum(f->dirfd, h, &h->text_sum) == -1)
		return -1;
	/* A time that a change may still come to bear is none. */
	if (st.st_size == f->uids_at && st.st_mtim.tv_sec <
	    f->listed.tv_sec - 1)
		h->uids_mtime = st.st_mtim;
	h->sum = cache_sum(h, offsetof(struct cache_head, sum));
	return 0;
}

static bool
write_all(struct folder *f, int fd, const struct cache_head *h)
{
	struct cache_out o = { .fd = fd };
	unsigned char head[CACHE_BLOCK] = { 0 };

	o.chunk = malloc(CHUNK);
	o.sums = reallocarray(NULL, h->sums_at / CACHE_BLOCK,
	    sizeof(*o.sums));
	memcpy(head, h, sizeof(*h));
	o.failed = o.chunk == NULL || o.sums == NULL ||
	    file_write_all(fd, head, sizeof(head)) == -1;
	if (!o.failed) {
		add_msgs(f, &o);
		add_names(f, &o);
		add_hash(f, &o, (size_t)h->hash_size);
		if (o.len > 0)
			flush(&o);
	}
	if (!o.failed && (o.nsums != h->sums_at / CACHE_BLOCK - 1 ||
	    file_write_all(fd, o.sums, o.nsums * sizeof(*o.sums)) == -1))
		o.failed = true;
	free(o.chunk);
	free(o.sums);
	return !o.failed;
}

void
folder_cache_save(struct folder *f)
{
	struct cache_head h;
	char tmp[FOLDER_PATH_MAX], unique[64];
	int fd, e = errno;

	f->save = false;
	if (!folder_settled(f) || f->nmsgs < OUT_MIN || f->dirty || f->news || f->npending > 0 ||
	    f->assumed != 0 || f->uids_ino == 0 || f->batch != NULL ||
	    make_head(f, &h) == -1 ||
	    folder_fresh_name(unique, sizeof(unique)) == -1)
		return;
	fmt_print(tmp, sizeof(tmp), "tmp/posthouse.cache.%s", unique);
	fd = openat(f->dirfd, tmp,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		errno = e;
		return;
	}
	if (!write_all(f, fd, &h) || renameat(f->dirfd, tmp, f->dirfd,
	    FOLDER_CACHE) == -1)
		(void)unlinkat(f->dirfd, tmp, 0);
	else if (f->nmsgs >= CACHE_MAP_MIN)
		(void)cache_take(f, fd, &h);
	close(fd);
	errno = e;
}
