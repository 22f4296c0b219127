/*
 * The folder's lock and its UIDVALIDITY.  fcntl locks alone: they work over NFS and end with their
 * process.  They also end when the process closes any descriptor of the file, so a lock is taken,
 * used and closed within one function of this module, and never two of one folder at a time.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "folder_impl.h"

#define LOCK_PAUSE_MS	20	/* the longest pause between two tries */
#define VALIDITY_MAX	64	/* bytes of posthouse.uidvalidity */

/* F_SETLKW could wait for ever behind a stopped process, and an alarm would reach into the caller. */
static int
lock_wait(int fd, bool exclusive)
{
	struct flock fl = { .l_type = exclusive ? F_WRLCK : F_RDLCK,
	    .l_whence = SEEK_SET };
	long waited = 0, pause = 1;

	while (fcntl(fd, F_SETLK, &fl) == -1) {
		struct timespec ts = { 0, pause * 1000000L };

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (waited >= FOLDER_LOCK_MS) {
			errno = EAGAIN;
			return -1;
		}
		nanosleep(&ts, NULL);
		waited += pause;
		if (pause < LOCK_PAUSE_MS)
			pause *= 2;
	}
	return 0;
}

int
folder_lock(int dirfd, bool exclusive)
{
	int fd, e;

	fd = openat(dirfd, FOLDER_LOCK,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (lock_wait(fd, exclusive) == -1) {
		e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

int
folder_read_text(int dirfd, const char *name, struct buf *b)
{
	struct stat st;
	int r, e, fd = openat(dirfd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1) {
		if (errno == ELOOP)
			errno = ENOENT;
		return -1;
	}
	r = fstat(fd, &st);
	if (r == 0 && !S_ISREG(st.st_mode)) {
		errno = ENOENT;
		r = -1;
	}
	if (r == 0)
		r = file_read_all(fd, b);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

static uint32_t
read_validity(int dirfd)
{
	struct buf b;
	struct cur c;
	uint64_t v = 0;

	buf_init(&b, VALIDITY_MAX);
	if (folder_read_text(dirfd, FOLDER_VALIDITY, &b) == 0) {
		cur_init(&c, buf_span(&b));
		if (cur_num(&c, UINT32_MAX - 1, &v) == -1)
			v = 0;
	}
	buf_free(&b);
	return (uint32_t)v;
}

static int
next_validity(int rootfd, uint32_t *validity)
{
	char text[VALIDITY_MAX];
	uint32_t last = read_validity(rootfd), now = (uint32_t)clock_now();
	int n;

	/* Rising, so that a folder deleted and made again never gets its old number, even within one second
	 * or after the clock was set back. */
	*validity = now > last ? now : last + 1;
	n = snprintf(text, sizeof(text), "%u\n", (unsigned)*validity);
	return file_replace(rootfd, FOLDER_VALIDITY, text, (size_t)n, 0600);
}

/* Whether dirfd is a Maildir++ subfolder, whose root is the directory above. */
static bool
is_subfolder(int dirfd)
{
	struct stat st;

	return fstatat(dirfd, "maildirfolder", &st, 0) == 0;
}

int
folder_new_validity(int dirfd, uint32_t *validity)
{
	int root, lock, r, e;

	if (!is_subfolder(dirfd))
		return next_validity(dirfd, validity);
	root = openat(dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return -1;
	lock = folder_lock(root, true);
	r = lock == -1 ? -1 : next_validity(root, validity);
	e = errno;
	if (lock != -1)
		close(lock);
	close(root);
	errno = e;
	return r;
}

static bool sync_directory;

void
folder_setup(bool sync)
{
	sync_directory = sync;
}

static int
sync_one(int dirfd, const char *sub)
{
	int fd = openat(dirfd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r, e;

	if (fd == -1)
		return -1;
	r = file_sync_dir(fd);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

int
folder_sync_dirs(int dirfd, bool in_new, bool in_cur)
{
	if (!sync_directory)
		return 0;
	if (in_new && sync_one(dirfd, "new") == -1)
		return -1;
	return in_cur ? sync_one(dirfd, "cur") : 0;
}
