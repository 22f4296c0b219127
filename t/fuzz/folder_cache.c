/*
 * posthouse.cache as its owner, or whoever can write it, might make it: every checksum right and any byte wrong.  The
 * folder must open, tell what it likes within its bounds, and stay usable.
 */
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "folder_cache.h"
#include "log.h"
#include "uidlist.h"

#define MESSAGES 40

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char	dir[] = "/tmp/posthouse_fuzz_cache.XXXXXX";
static unsigned char whole[65536], work[65536];
static size_t	size;

static void
path_of(char path[512], const char *name)
{
	snprintf(path, 512, "%s/%s", dir, name);
}

static void
clean(void)
{
	static const char *const names[] = { "cur", "new", "tmp" };
	char cmd[600];

	/* Only what was made here. */
	for (size_t i = 0; i < 3; i++)
		for (int k = 0; k < MESSAGES; k++) {
			snprintf(cmd, sizeof(cmd), "%s/%s/%d.m,S=5,W=6", dir,
			    names[i], k);
			unlink(cmd);
		}
	for (size_t i = 0; i < 3; i++) {
		path_of(cmd, names[i]);
		rmdir(cmd);
	}
	path_of(cmd, FOLDER_CACHE);
	unlink(cmd);
	path_of(cmd, FOLDER_UIDS);
	unlink(cmd);
	path_of(cmd, FOLDER_LOCK);
	unlink(cmd);
	path_of(cmd, FOLDER_VALIDITY);
	unlink(cmd);
	rmdir(dir);
}

/* A folder with a good cache, once; times old enough to be believed. */
static void
setup(void)
{
	static const char *const names[] = { "cur", "new", "tmp" };
	struct timespec old[2] = { { .tv_sec = 1700000000 },
	    { .tv_sec = 1700000000 } };
	struct folder *f;
	char path[512], name[64];
	int fd;

	log_init("fuzz", false, false);
	if (mkdtemp(dir) == NULL)
		err(1, "mkdtemp");
	atexit(clean);
	for (size_t i = 0; i < 3; i++) {
		path_of(path, names[i]);
		mkdir(path, 0700);
	}
	for (int k = 0; k < MESSAGES; k++) {
		snprintf(name, sizeof(name), "new/%d.m,S=5,W=6", k);
		path_of(path, name);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	path_of(path, "new");
	utimensat(AT_FDCWD, path, old, 0);
	path_of(path, "cur");
	utimensat(AT_FDCWD, path, old, 0);
	if ((f = folder_open(dir, false)) == NULL)
		err(1, "folder_open");
	folder_close(f);
	path_of(path, FOLDER_CACHE);
	if ((fd = open(path, O_RDONLY)) == -1)
		err(1, "%s", path);
	size = (size_t)read(fd, whole, sizeof(whole));
	close(fd);
}

/* Three bytes each: where (two), what. */
static void
patch(const uint8_t *data, size_t n)
{
	struct cache_head h;

	memcpy(work, whole, size);
	for (; n >= 3; data += 3, n -= 3)
		work[((size_t)data[0] * 256 + data[1]) % size] = data[2];
	memcpy(&h, work, sizeof(h));
	h.sum = cache_sum(&h, offsetof(struct cache_head, sum));
	memcpy(work, &h, sizeof(h));
	if (h.sums_at % CACHE_BLOCK != 0 || h.sums_at >= size)
		return;
	for (size_t b = CACHE_BLOCK, at = (size_t)h.sums_at;
	    b < h.sums_at && at + 8 <= size; b += CACHE_BLOCK, at += 8) {
		uint64_t sum = cache_sum(work + b, CACHE_BLOCK);

		memcpy(work + at, &sum, sizeof(sum));
	}
}

static void
look(struct folder *f)
{
	char id[FOLDER_ID_SIZE];
	struct span u;
	uint64_t n;
	time_t t;

	for (size_t i = 0; i < folder_count(f); i++) {
		u = folder_unique(f, i);
		for (size_t k = 0; k < u.len; k++)
			if (u.p[k] == 1 && k > 255)
				abort();
		(void)folder_lower(f, folder_uid(f, i));
		(void)folder_email_id(f, i, id);
		(void)folder_size(f, i, &n);
		(void)folder_date(f, i, &t);
		(void)folder_recent(f, i);
	}
	(void)folder_first_unseen(f);
	(void)folder_recent_count(f);
	folder_id(f, id);
	if (id[0] != 'F' || !uidlist_id_ok(span_str(id + 1)))
		abort();		/* a response has it as it is */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct folder *f;
	char path[512];
	int fd;

	if (size == 0)
		setup();
	patch(data, n);
	path_of(path, FOLDER_CACHE);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	if (fd == -1 || write(fd, work, size) != (ssize_t)size)
		err(1, "%s", path);
	close(fd);
	if ((f = folder_open(dir, true)) != NULL) {
		look(f);
		(void)folder_refresh(f, NULL);
		look(f);
		folder_close(f);
	}
	return 0;
}
