/*
 * A folder whose uid list and keywords file, separated by a NUL, hold any bytes.  It opens; its UIDs rise, one for each
 * file, and are the same when it is opened again without its cache; its flags can be changed; and what "posthouse
 * maildir repair" has mended is sound.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "folder_check.h"
#include "folder_impl.h"
#include "log.h"

#define MESSAGES 8

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const subs[] = { "cur", "new", "tmp" };
static char	dir[] = "/dev/shm/fuzz-uids.XXXXXX";
static int	top = -1, null_fd, log_fd;

/* Everything that is a file, of the directory and of those in it. */
static void
empty(int fd)
{
	DIR *d = fdopendir(dup(fd));
	struct dirent *e;

	if (d == NULL)
		err(1, "%s", dir);
	rewinddir(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_type == DT_REG)
			(void)unlinkat(fd, e->d_name, 0);
	closedir(d);
}

static void
clean(void)
{
	for (size_t i = 0; i < 3; i++) {
		int fd = openat(top, subs[i], O_RDONLY | O_DIRECTORY);

		empty(fd);
		close(fd);
	}
	empty(top);
}

static void
clean_all(void)
{
	clean();
	for (size_t i = 0; i < 3; i++)
		(void)unlinkat(top, subs[i], AT_REMOVEDIR);
	(void)rmdir(dir);
}

static void
put(const char *path, struct span s)
{
	int fd = openat(top, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || file_write_all(fd, s.p, s.len) == -1)
		err(1, "%s", path);
	close(fd);
}

static void
setup(void)
{
	clock_init();
	log_init("fuzz", false, false);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	log_fd = dup(2);
	if (mkdtemp(dir) == NULL ||
	    (top = open(dir, O_RDONLY | O_DIRECTORY)) == -1)
		err(1, "%s", dir);
	for (size_t i = 0; i < 3; i++)
		if (mkdirat(top, subs[i], 0700) == -1)
			err(1, "%s", dir);
	atexit(clean_all);
}

/* Files "0.m" and on, some with flags and letters. */
static void
make(struct span uids, struct span keywords)
{
	static const char *const flags[] = { "", ":2,", ":2,S", ":2,FSa",
	    ":2,abc" };
	char name[64];

	clean();
	for (int i = 0; i < MESSAGES; i++) {
		snprintf(name, sizeof(name), "%s/%d.m,S=5,W=6%s",
		    subs[i < 5 ? 0 : 1], i, flags[i < 5 ? i : 0]);
		put(name, span_str("a: b\n"));
	}
	put(FOLDER_UIDS, uids);
	put(FOLDER_KEYWORDS, keywords);
}

static void
check(struct folder *f)
{
	if (folder_count(f) != MESSAGES || folder_uidvalidity(f) == 0)
		abort();
	for (size_t i = 0; i < MESSAGES; i++) {
		if (folder_uid(f, i) == 0 || folder_uid(f, i) >=
		    folder_uidnext(f) || (i > 0 && folder_uid(f, i) <=
		    folder_uid(f, i - 1)))
			abort();
		if (folder_modseq(f, i) == 0 || folder_modseq(f, i) >
		    folder_highest_modseq(f))
			abort();
	}
	for (size_t k = 0; k < folder_keyword_count(f); k++)
		if (strpbrk(folder_keyword_name(f, k), " \r\n()\"\\") != NULL)
			abort();
}

static int
count(void *arg, uint32_t lo, uint32_t hi)
{
	size_t *n = arg;

	if (lo == 0 || hi < lo)
		abort();
	return ++*n > 100000 ? -1 : 0;
}

/* Changes as a client makes them; their traces are read at the next opening. */
static void
change(struct folder *f)
{
	size_t n = 0;
	int k = folder_keyword_bit(f, span_str("$New"), true);

	(void)folder_vanished(f, 1, count, &n);
	(void)folder_set(f, 0, MAIL_SEEN, k == -1 ? 0 : UINT64_C(1) << k);
	if (folder_remove(f, 1) == -1 || folder_refresh(f, NULL) == -1 ||
	    folder_count(f) != MESSAGES - 1)
		abort();
	(void)folder_vanished(f, 1, count, &n);
}

static void
tell(void *arg, const struct folder_finding *f)
{
	(void)arg, (void)f;
}

/* A second repair finds nothing but what only a person can mend. */
static void
check_repair(void)
{
	struct folder_check first = { .repair = true, .tell = tell,
	    .owner = { (uid_t)-1, (gid_t)-1 } }, second = first;

	if (folder_check(&first, dir) == -1 || first.failed ||
	    folder_check(&second, dir) == -1 ||
	    second.findings != second.by_hand)
		abort();
}

static void
run(struct span uids, struct span keywords)
{
	uint32_t validity, uid[MESSAGES];
	struct folder *f;

	make(uids, keywords);
	if ((f = folder_open(dir, false)) == NULL)
		return;		/* a list of a later version, or too long */
	check(f);
	validity = folder_uidvalidity(f);
	for (size_t i = 0; i < MESSAGES; i++)
		uid[i] = folder_uid(f, i);
	folder_close(f);
	(void)unlinkat(top, FOLDER_CACHE, 0);
	if ((f = folder_open(dir, false)) == NULL)
		abort();
	check(f);
	for (size_t i = 0; i < MESSAGES; i++)
		if (folder_uid(f, i) != uid[i])
			abort();
	if (folder_uidvalidity(f) != validity)
		abort();
	change(f);
	folder_close(f);
	if ((f = folder_open(dir, true)) == NULL ||
	    folder_count(f) != MESSAGES - 1 || folder_uid(f, 0) != uid[0] ||
	    folder_uid(f, 1) != uid[2])
		abort();
	folder_close(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span uids;
	struct cur c;

	if (top == -1)
		setup();
	cur_init(&c, span_of(data, size));
	uids = cur_until(&c, 0);
	(void)cur_ch(&c, 0);
	dup2(null_fd, 2);
	run(uids, cur_rest(&c));
	make(uids, cur_rest(&c));
	check_repair();
	dup2(log_fd, 2);
	return 0;
}
