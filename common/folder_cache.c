/*
 * posthouse.cache: what a listing found out, so that a folder whose directories have not changed is opened without
 * one.  It is written whole and then renamed into place, mapped by who opens the folder, and may be deleted at any
 * time.  Nothing in it is believed: it must fit the uid list and the directories, every block has a checksum that
 * is looked at before its first use, and every place in it is checked against its bounds.
 *
 * A session's own changes go to private copies of the pages, so that sessions on one folder share the rest.
 */
#include "folder_cache.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ex.h"
#include "file.h"
#include "folder_uids.h"
#include "log.h"

#define SLACK		65536	/* messages that may come before memory has to move */
#define SMALL_SUMS	(CACHE_MAP_MIN * (sizeof(struct msg) + 256) / CACHE_BLOCK + 2)
#define TAIL		1024	/* bytes of the uid list by which it is known again */

_Static_assert(sizeof(struct msg) == 64, "the file has it so");
_Static_assert(sizeof(struct cache_head) <= CACHE_BLOCK, "it is one block");

static const char magic[8] = "phcach2";

static uint64_t
sum_word(uint64_t h, uint64_t w)
{
	h = (h ^ w) * 0xff51afd7ed558ccdULL;
	return h ^ h >> 32;
}

/* Four sums side by side, none of which waits for another. */
static uint64_t
sum_lanes(uint64_t h, const unsigned char *p, size_t n)
{
	uint64_t a = h, b = h + 1, c = h + 2, d = h + 3, w[4];

	for (; n >= sizeof(w); p += sizeof(w), n -= sizeof(w)) {
		memcpy(w, p, sizeof(w));
		a = sum_word(a, w[0]);
		b = sum_word(b, w[1]);
		c = sum_word(c, w[2]);
		d = sum_word(d, w[3]);
	}
	return sum_word(sum_word(sum_word(a, b), c), d);
}

/* Fast, and good against accidents; who means harm may as well compute it. */
uint64_t
cache_sum(const void *data, size_t n)
{
	const unsigned char *p = data;
	uint64_t h = 0x9e3779b97f4a7c15ULL ^ n, w;

	if (n >= 4 * sizeof(w)) {
		h = sum_lanes(h, p, n);
		p += n - n % (4 * sizeof(w));
		n %= 4 * sizeof(w);
	}
	for (; n >= sizeof(w); p += sizeof(w), n -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		h = sum_word(h, w);
	}
	for (; n > 0; p++, n--)
		h = (h ^ *p) * 0x100000001b3ULL;
	return h ^ h >> 29;
}

static uint64_t
blocks(uint64_t bytes)
{
	return (bytes + CACHE_BLOCK - 1) / CACHE_BLOCK;
}

void
cache_layout(struct cache_head *h)
{
	uint64_t at = 1 + blocks(h->nmsgs * sizeof(struct msg));

	memcpy(h->magic, magic, sizeof(magic));
	h->order = CACHE_ORDER;
	h->msg_size = sizeof(struct msg);
	h->names_at = at * CACHE_BLOCK;
	at += blocks(h->names_len + 1);
	h->hash_at = at * CACHE_BLOCK;
	for (h->hash_size = 64; h->hash_size < 2 * h->nmsgs;)
		h->hash_size *= 2;
	at += blocks(h->hash_size * sizeof(uint32_t));
	h->sums_at = at * CACHE_BLOCK;
	h->size = h->sums_at + (at - 1) * sizeof(uint64_t);
}

bool
cache_head_ok(const struct cache_head *h, uint64_t size)
{
	struct cache_head want = { .nmsgs = h->nmsgs,
	    .names_len = h->names_len };

	if (h->nmsgs > UINT32_MAX || h->names_len > FOLDER_NAMES_MAX ||
	    h->sum != cache_sum(h, offsetof(struct cache_head, sum)))
		return false;
	cache_layout(&want);
	return memcmp(h->magic, magic, sizeof(magic)) == 0 &&
	    h->order == CACHE_ORDER && h->msg_size == want.msg_size &&
	    h->names_at == want.names_at && h->hash_at == want.hash_at &&
	    h->hash_size == want.hash_size && h->sums_at == want.sums_at &&
	    h->size == want.size && h->size == size && h->uids_at > 0 &&
	    h->first_unseen <= h->nmsgs &&
	    (h->id[0] == '\0' || uidlist_id_ok(span_of(h->id,
	    strnlen(h->id, sizeof(h->id)))));
}

/* The end of the uid list as far as the cache has read it: a list made anew differs there. */
int
cache_text_sum(int dirfd, struct cache_head *h, uint64_t *sum)
{
	unsigned char tail[TAIL];
	size_t n = h->uids_at < TAIL ? (size_t)h->uids_at : TAIL;
	struct stat st;
	ssize_t r = -1;
	int fd = openat(dirfd, FOLDER_UIDS,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (file_stat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_ino == h->uids_ino)
		r = pread(fd, tail, n, (off_t)(h->uids_at - n));
	close(fd);
	if (r != (ssize_t)n)
		return -1;
	*sum = cache_sum(tail, n);
	return 0;
}

static bool
fits_list(struct folder *f, struct cache_head *h)
{
	uint64_t sum;
	struct stat st;

	if (fstatat(f->dirfd, FOLDER_UIDS, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    (uint64_t)st.st_ino != h->uids_ino ||
	    (uint64_t)st.st_size < h->uids_at)
		return false;
	if ((uint64_t)st.st_size == h->uids_at &&
	    st.st_mtim.tv_sec == h->uids_mtime.tv_sec &&
	    st.st_mtim.tv_nsec == h->uids_mtime.tv_nsec)
		return true;
	return cache_text_sum(f->dirfd, h, &sum) == 0 && sum == h->text_sum;
}

static bool
block_ok(const struct cache_map *map, size_t b)
{
	return cache_sum(map->file + (b + 1) * CACHE_BLOCK, CACHE_BLOCK) ==
	    map->sums[b];
}

void
folder_cache_check(const struct folder *f, const void *p, size_t n)
{
	const struct cache_map *map = &f->map;
	size_t at = (size_t)((const unsigned char *)p - map->file);

	for (size_t b = at / CACHE_BLOCK - 1;
	    b <= (at + n) / CACHE_BLOCK - 1 && b < map->nblocks; b++) {
		if ((map->checked[b / 8] >> b % 8 & 1) != 0)
			continue;
		if (!block_ok(map, b)) {
			(void)unlinkat(f->dirfd, FOLDER_CACHE, 0);
			log_die(EX_TEMPFAIL, "%s/%s is damaged: removed, "
			    "the next session makes it anew", f->dir,
			    FOLDER_CACHE);
		}
		map->checked[b / 8] |= (uint8_t)(1U << b % 8);
	}
}

/* Whole blocks to where they stay; sums is what the file has of them. */
static bool
read_blocks(int fd, void *to, size_t n, uint64_t at, const uint64_t *sums)
{
	const unsigned char *p = to;

	if (pread(fd, to, n, (off_t)at) != (ssize_t)n)
		return false;
	for (; n > 0; n -= CACHE_BLOCK, p += CACHE_BLOCK)
		if (cache_sum(p, CACHE_BLOCK) != *sums++)
			return false;
	return true;
}

/* A small one is read, private: what its hash tells is found without. */
static bool
take_small(struct folder *f, int fd, const struct cache_head *h)
{
	size_t n = (size_t)h->names_at - CACHE_BLOCK;
	size_t more = (size_t)(h->hash_at - h->names_at);
	size_t nsums = (n + more) / CACHE_BLOCK * sizeof(uint64_t);
	uint64_t sums[SMALL_SUMS];
	struct msg *msgs = malloc(n + sizeof(*msgs));
	unsigned char *room;
	struct buf names;

	buf_init(&names, FOLDER_NAMES_MAX);
	room = buf_room(&names, more);
	if (msgs == NULL || room == NULL || nsums > sizeof(sums) ||
	    pread(fd, sums, nsums, (off_t)h->sums_at) != (ssize_t)nsums ||
	    !read_blocks(fd, msgs, n, CACHE_BLOCK, sums) ||
	    !read_blocks(fd, room, more, h->names_at, sums + n / CACHE_BLOCK)) {
		free(msgs);
		buf_free(&names);
		return false;
	}
	names.len = (size_t)h->names_len;
	folder_cache_drop(f);
	f->msgs = msgs;
	f->cap = n / sizeof(*msgs) + 1;
	f->names = names;
	return true;
}

/* The messages, writable: our changes stay ours.  Behind them there is room. */
static struct msg *
map_msgs(struct cache_map *map, int fd, const struct cache_head *h)
{
	size_t n = (size_t)blocks(h->nmsgs * sizeof(struct msg)) * CACHE_BLOCK;
	void *p;

	map->reserved = n + SLACK * sizeof(struct msg);
	p = mmap(NULL, map->reserved, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (mmap(p, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
	    CACHE_BLOCK) != MAP_FAILED)
		return p;
	munmap(p, map->reserved);
	return NULL;
}

static bool
take_mapped(struct folder *f, struct cache_map *map, int fd,
    const struct cache_head *h)
{
	void *file = mmap(NULL, (size_t)h->size, PROT_READ, MAP_SHARED, fd, 0);
	struct msg *msgs = file == MAP_FAILED ? NULL : map_msgs(map, fd, h);

	map->checked = msgs == NULL ? NULL : calloc(map->nblocks / 8 + 1, 1);
	if (map->checked == NULL) {
		if (msgs != NULL)
			munmap(msgs, map->reserved);
		if (file != MAP_FAILED)
			munmap(file, (size_t)h->size);
		return false;
	}
	folder_cache_drop(f);
	map->file = file;
	map->size = (size_t)h->size;
	map->names = map->file + h->names_at;
	map->names_len = (size_t)h->names_len;
	map->sums = (const void *)(map->file + h->sums_at);
	map->nmsgs = map->nfile = (size_t)h->nmsgs;
	map->hash = (const void *)(map->file + h->hash_at);
	map->mask = (size_t)h->hash_size - 1;
	f->map = *map;
	f->msgs = msgs;
	f->cap = map->reserved / sizeof(struct msg);
	return true;
}

bool
cache_take(struct folder *f, int fd, const struct cache_head *h)
{
	struct cache_map map = {
		.nblocks = (size_t)(h->sums_at / CACHE_BLOCK - 1)
	};

	if (h->nmsgs < CACHE_MAP_MIN) {
		if (!take_small(f, fd, h))
			return false;
	} else if (!take_mapped(f, &map, fd, h)) {
		return false;
	}
	f->names_listed = f->names.len;
	f->nmsgs = (size_t)h->nmsgs;
	f->first_unseen = (size_t)h->first_unseen;
	return true;
}

void
folder_cache_drop(struct folder *f)
{
	if (f->map.reserved > 0)
		munmap(f->msgs, f->map.reserved);
	else
		free(f->msgs);
	if (f->map.file != NULL)
		munmap((void *)(uintptr_t)f->map.file, f->map.size);
	free(f->map.checked);
	memset(&f->map, 0, sizeof(f->map));
	buf_free(&f->names);
	buf_init(&f->names, FOLDER_NAMES_MAX);
	f->msgs = NULL;
	f->nmsgs = f->cap = 0;
}

/* What the uid list said as far as it was read. */
static void
take_head(struct folder *f, const struct cache_head *h)
{
	f->head.validity = f->validity = h->validity;
	f->head.next = h->head_next;
	f->head.floor = h->floor;
	memcpy(f->head.id, h->id, sizeof(f->head.id));
	f->uidnext = h->uidnext;
	f->line_uid = h->line_uid;
	f->highest = h->highest;
	f->lines = (size_t)h->lines;
	f->bytes = (size_t)h->bytes;
	f->past = (size_t)h->past;
	f->uids_ino = (ino_t)h->uids_ino;
	f->uids_at = (off_t)h->uids_at;
	f->cur_mtime = h->cur_mtime;
	f->new_mtime = h->new_mtime;
	f->listed = h->listed;
	f->counts = h->counts;
	f->count = f->nmsgs;
	f->dirty = false;
}

bool
folder_cache_load(struct folder *f)
{
	struct cache_head h;
	struct stat st;
	bool ok;
	int fd = openat(f->dirfd, FOLDER_CACHE,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return false;
	ok = file_stat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
	    cache_head_ok(&h, (uint64_t)st.st_size) && fits_list(f, &h) &&
	    cache_take(f, fd, &h);
	close(fd);
	if (ok)
		take_head(f, &h);
	return ok;
}

/* Message k as the file has it. */
static uint32_t
file_uid(const struct folder *f, size_t k)
{
	const struct msg *m = (const void *)(f->map.file + CACHE_BLOCK);

	folder_cache_check(f, m + k, 1);
	return m[k].uid;
}

/* Through the file's hash to a UID, which tells where the message is by now. */
static struct msg *
find_in_file(const struct folder *f, struct span unique)
{
	size_t h = listing_hash_of(unique) & f->map.mask;

	for (size_t n = 0; n <= f->map.mask; n++, h = (h + 1) & f->map.mask) {
		uint32_t k, uid;
		size_t i;

		folder_cache_check(f, f->map.hash + h, 1);
		if ((k = f->map.hash[h]) == 0 || k > f->map.nfile)
			return NULL;
		uid = file_uid(f, k - 1);
		i = folder_lower_all(f, uid);
		if (i < f->nmsgs && msg_at(f, i)->uid == uid &&
		    span_eq(msg_unique(f, msg_at(f, i)), unique))
			return msg_at(f, i);
	}
	return NULL;
}

struct msg *
folder_find(const struct folder *f, struct span unique)
{
	uint32_t last = 0;
	struct msg *m;

	if (f->map.file != NULL) {
		if ((m = find_in_file(f, unique)) != NULL)
			return m;
		last = file_uid(f, f->map.nfile - 1);
	}
	for (size_t i = f->nmsgs; i-- > 0;) {
		m = msg_at(f, i);
		if (m->uid <= last)
			break;		/* the file would have had it */
		if (m->unique == unique.len &&
		    span_eq(msg_unique(f, m), unique))
			return m;
	}
	return NULL;
}

int
folder_grow(struct folder *f)
{
	size_t cap = f->cap == 0 ? 64 : f->cap * 2;
	struct msg *m;

	if (f->map.file == NULL) {
		m = reallocarray(f->msgs, cap, sizeof(*m));
	} else {
		if ((m = reallocarray(NULL, cap, sizeof(*m))) == NULL)
			return -1;
		for (size_t i = 0; i < f->nmsgs; i++)
			m[i] = *msg_at(f, i);
		if (f->map.reserved > 0)
			munmap(f->msgs, f->map.reserved);
		else
			free(f->msgs);
		f->map.nmsgs = 0;	/* the names stay where they are */
		f->map.reserved = 0;
	}
	if (m == NULL)
		return -1;
	f->msgs = m;
	f->cap = cap;
	return 0;
}
