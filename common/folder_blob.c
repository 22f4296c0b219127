/*
 * What a program wants to remember of a message, so that it need not read it again: posthouse.cache-parsed, records one
 * after the other, and posthouse.cache-index, where each message's record is.  Both are caches: without locks and
 * syncs, for a record says whose it is and has a checksum, and whatever does not fit is as if it were not there.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "folder_cache.h"

#define RECORDS		"posthouse.cache-parsed"
#define INDEX		"posthouse.cache-index"
#define OUT_MAX		((size_t)256 << 10)	/* bytes gathered before they are written */
#define RANGE_MAX	4096		/* UIDs whose places are written at once */
#define WASTE		((uint64_t)16 << 20)	/* bytes that may be out of use, and per message: */
#define WASTE_EACH	16384

/* How both files begin: they belong together, and to this folder. */
struct blob_head {
	char magic[8];
	uint32_t order, validity;
	uint64_t id;
	uint32_t base;			/* the index begins with this UID */
	uint32_t kinds;			/* that it has places for */
	uint32_t spare[6];
	uint64_t sum;
};

struct blob_record {
	uint32_t uid, kind;
	uint32_t format, len;
	uint64_t sum;			/* of what is above, and the bytes */
};

/* Places in the record file of one UID; 0: none. */
struct blob_places {
	uint64_t at[FOLDER_BLOB_KINDS];
};

struct blob_wait {
	uint32_t uid, kind;
	size_t at;			/* in out */
};

struct mapped {
	int fd;
	const unsigned char *p;
	size_t len;
};

struct blobs {
	struct blob_head head;
	struct mapped records, index;
	struct buf out;
	struct blob_wait *wait;
	size_t nwait, cap;
	bool writable, hopeless;
	bool looked;			/* the index is mapped as far as it went */
};

static const char magic[8] = "phblob2";

static void
mapped_close(struct mapped *m)
{
	if (m->p != NULL)
		munmap((void *)(uintptr_t)m->p, m->len);
	if (m->fd != -1)
		close(m->fd);
	*m = (struct mapped){ .fd = -1 };
}

/* Maps what the file has by now. */
static bool
mapped_grow(struct mapped *m)
{
	struct stat st;
	void *p;

	if (fstat(m->fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size <= m->len)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, m->fd, 0);
	if (p == MAP_FAILED)
		return false;
	if (m->p != NULL)
		munmap((void *)(uintptr_t)m->p, m->len);
	m->p = p;
	m->len = (size_t)st.st_size;
	return true;
}

static bool
mapped_open(struct mapped *m, int dirfd, const char *name, bool *writable)
{
	int flags = O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

	/* The index is written in its middle. */
	if (strcmp(name, INDEX) == 0)
		flags &= ~O_APPEND;
	m->fd = *writable ? openat(dirfd, name, O_RDWR | flags) : -1;
	if (m->fd == -1) {
		*writable = false;
		m->fd = openat(dirfd, name, O_RDONLY | flags);
	}
	return m->fd != -1 && mapped_grow(m);
}

static uint64_t
head_sum(const struct blob_head *h)
{
	return cache_sum(h, offsetof(struct blob_head, sum));
}

static bool
head_ok(const struct folder *f, const struct mapped *m, struct blob_head *h)
{
	if (m->len < sizeof(*h))
		return false;
	memcpy(h, m->p, sizeof(*h));
	return memcmp(h->magic, magic, sizeof(magic)) == 0 &&
	    h->order == CACHE_ORDER && h->validity == f->validity &&
	    h->base > 0 && h->kinds == FOLDER_BLOB_KINDS &&
	    h->sum == head_sum(h);
}

static bool
open_both(struct folder *f, struct blobs *b)
{
	struct blob_head other;

	b->writable = !f->assumed;
	if (mapped_open(&b->records, f->dirfd, RECORDS, &b->writable) &&
	    mapped_open(&b->index, f->dirfd, INDEX, &b->writable) &&
	    head_ok(f, &b->records, &b->head) &&
	    head_ok(f, &b->index, &other) && other.id == b->head.id &&
	    other.base == b->head.base && (!b->writable ||
	    b->records.len < WASTE + f->nmsgs * (uint64_t)WASTE_EACH))
		return true;
	mapped_close(&b->records);
	mapped_close(&b->index);
	return false;
}

static int
make_one(int dirfd, const char *name, const struct blob_head *h)
{
	char tmp[FOLDER_PATH_MAX], unique[64];
	int fd, r;

	if (folder_fresh_name(unique, sizeof(unique)) == -1)
		return -1;
	snprintf(tmp, sizeof(tmp), "tmp/posthouse.cache.%s", unique);
	fd = openat(dirfd, tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	r = file_write_all(fd, h, sizeof(*h));
	close(fd);
	if (r == 0)
		r = renameat(dirfd, tmp, dirfd, name);
	if (r == -1)
		(void)unlinkat(dirfd, tmp, 0);
	return r;
}

static bool
make_both(struct folder *f)
{
	struct blob_head h = { .order = CACHE_ORDER, .validity = f->validity,
	    .kinds = FOLDER_BLOB_KINDS,
	    .base = f->nmsgs > 0 ? msg_at(f, 0)->uid : 1 };

	if (f->assumed != 0 || h.base == 0)
		return false;
	memcpy(h.magic, magic, sizeof(magic));
	random_bytes(&h.id, sizeof(h.id));
	h.sum = head_sum(&h);
	return make_one(f->dirfd, RECORDS, &h) == 0 &&
	    make_one(f->dirfd, INDEX, &h) == 0;
}

static void
out_init(struct blobs *b)
{
	buf_init(&b->out, OUT_MAX + FOLDER_BLOB_MAX + 64);
}

/* NULL: there is no cache to be had.  make: for writing. */
static struct blobs *
blobs_of(struct folder *f, bool make)
{
	struct blobs *b = f->blobs;
	int e = errno;

	if (b == NULL) {
		if ((b = calloc(1, sizeof(*b))) == NULL)
			return NULL;
		b->records.fd = b->index.fd = -1;
		out_init(b);
		(void)open_both(f, b);
		f->blobs = b;
	}
	if (b->records.fd == -1 && make && !b->hopeless && make_both(f))
		(void)open_both(f, b);
	if (b->records.fd == -1 && make)
		b->hopeless = true;	/* do not try for every message */
	errno = e;
	return b->records.fd == -1 ? NULL : b;
}

static uint64_t
record_sum(const struct blob_record *r, const void *data)
{
	return cache_sum(r, offsetof(struct blob_record, sum)) ^
	    cache_sum(data, r->len);
}

/* The place of a record as the index has it; 0: none. */
static uint64_t
place_of(struct blobs *b, uint32_t uid, unsigned kind)
{
	struct blob_places p;
	uint64_t at;

	if (uid < b->head.base)
		return 0;
	at = sizeof(b->head) + (uint64_t)(uid - b->head.base) * sizeof(p);
	/* What others add is seen after the next flush: not a look for each message. */
	if (at + sizeof(p) > b->index.len && !b->looked) {
		b->looked = true;
		(void)mapped_grow(&b->index);
	}
	if (at + sizeof(p) > b->index.len)
		return 0;
	memcpy(&p, b->index.p + at, sizeof(p));
	return p.at[kind];
}

struct span
folder_blob_get(struct folder *f, size_t i, unsigned kind, uint32_t format)
{
	struct blobs *b = blobs_of(f, false);
	const struct span none = { NULL, 0 };
	struct blob_record r;
	const unsigned char *data;
	uint32_t uid;
	uint64_t at;

	if (b == NULL || i >= f->count || kind >= FOLDER_BLOB_KINDS)
		return none;
	uid = msg_at(f, i)->uid;
	if ((at = place_of(b, uid, kind)) < sizeof(b->head))
		return none;
	if (at > b->records.len || b->records.len - at < sizeof(r))
		if (!mapped_grow(&b->records) || at > b->records.len ||
		    b->records.len - at < sizeof(r))
			return none;
	memcpy(&r, b->records.p + at, sizeof(r));
	data = b->records.p + at + sizeof(r);
	if (r.uid != uid || r.kind != kind || r.format != format ||
	    r.len > FOLDER_BLOB_MAX ||
	    r.len > b->records.len - at - sizeof(r) ||
	    r.sum != record_sum(&r, data))
		return none;
	return span_of(data, r.len);
}

/* The places of a run of waiting records whose UIDs are near each other. */
static int
write_places(struct blobs *b, const struct blob_wait *w, size_t n,
    uint32_t lo, uint32_t hi, uint64_t start)
{
	size_t bytes = ((size_t)(hi - lo) + 1) * sizeof(struct blob_places);
	off_t at = (off_t)(sizeof(b->head) +
	    (uint64_t)(lo - b->head.base) * sizeof(struct blob_places));
	struct blob_places *p = calloc(1, bytes);
	int r = -1;

	if (p != NULL && pread(b->index.fd, p, bytes, at) != -1) {
		for (size_t k = 0; k < n; k++)
			p[w[k].uid - lo].at[w[k].kind] = start + w[k].at;
		r = pwrite(b->index.fd, p, bytes, at) == (ssize_t)bytes ? 0 :
		    -1;
	}
	free(p);
	return r;
}

static int
write_index(struct blobs *b, uint64_t start)
{
	for (size_t i = 0, n; i < b->nwait; i += n) {
		uint32_t lo = b->wait[i].uid, hi = lo;

		for (n = 1; i + n < b->nwait; n++) {
			uint32_t uid = b->wait[i + n].uid;

			if ((uid < lo && hi - uid >= RANGE_MAX) ||
			    (uid > hi && uid - lo >= RANGE_MAX))
				break;
			lo = uid < lo ? uid : lo;
			hi = uid > hi ? uid : hi;
		}
		if (write_places(b, b->wait + i, n, lo, hi, start) == -1)
			return -1;
	}
	return 0;
}

/* One write, so that nothing of another process comes in between; where it went the file position tells. */
static void
blobs_flush(struct blobs *b)
{
	int e = errno;
	off_t end;
	bool ok = true;

	if (b->nwait > 0 && !b->out.bad) {
		ok = write(b->records.fd, b->out.p, b->out.len) ==
		    (ssize_t)b->out.len &&
		    (end = lseek(b->records.fd, 0, SEEK_CUR)) >=
		    (off_t)(b->out.len + sizeof(b->head)) &&
		    write_index(b, (uint64_t)end - b->out.len) == 0;
	}
	b->nwait = 0;
	b->looked = false;
	buf_clear(&b->out);
	b->writable = b->writable && ok;
	errno = e;
}

static bool
blobs_wait(struct blobs *b, uint32_t uid, unsigned kind)
{
	if (b->nwait == b->cap) {
		size_t cap = b->cap == 0 ? 64 : b->cap * 2;
		struct blob_wait *w = reallocarray(b->wait, cap, sizeof(*w));

		if (w == NULL)
			return false;
		b->wait = w;
		b->cap = cap;
	}
	b->wait[b->nwait++] = (struct blob_wait){ uid, kind, b->out.len };
	return true;
}

void
folder_blob_put(struct folder *f, size_t i, unsigned kind, uint32_t format,
    const void *data, size_t n)
{
	struct blobs *b;
	struct blob_record r = { .kind = kind, .format = format,
	    .len = (uint32_t)n };

	if (i >= f->count || n > FOLDER_BLOB_MAX || kind >= FOLDER_BLOB_KINDS ||
	    (b = blobs_of(f, true)) == NULL || !b->writable)
		return;
	r.uid = msg_at(f, i)->uid;
	if (r.uid < b->head.base || !blobs_wait(b, r.uid, kind))
		return;
	r.sum = record_sum(&r, data);
	(void)buf_add(&b->out, &r, sizeof(r));
	(void)buf_add(&b->out, data, n);
	if (b->out.len >= OUT_MAX)
		blobs_flush(b);
}

void
folder_blob_flush(struct folder *f)
{
	if (f->blobs != NULL && f->blobs->records.fd != -1)
		blobs_flush(f->blobs);
	if (f->blobs != NULL) {
		buf_free(&f->blobs->out);
		out_init(f->blobs);
	}
}

void
folder_blob_close(struct folder *f)
{
	struct blobs *b = f->blobs;

	if (b == NULL)
		return;
	folder_blob_flush(f);
	mapped_close(&b->records);
	mapped_close(&b->index);
	free(b->wait);
	free(b);
	f->blobs = NULL;
}
