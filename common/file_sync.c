/*
 * fsync(2) of many files.  One after the other, each waits for a flush of the disk of its own; those that are
 * under way together share them.  What is promised of each is what fsync promises, and a kernel that cannot have several
 * under way is asked for one after the other.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>

#include <linux/aio_abi.h>

#define AT_ONCE	32		/* each keeps a thread of the kernel busy */
#define WORTH	4		/* fewer are not worth the context */

/* Kept as long as the process lives: giving it back takes the kernel tens of milliseconds. */
static aio_context_t context;

/* Waits for n that were asked for, all of them.  0, or -1 with errno of one that failed. */
static int
await(size_t n)
{
	struct io_event done[AT_ONCE];
	int e = 0;

	while (n > 0) {
		long got = syscall(SYS_io_getevents, context, n, n, done, NULL);

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0) {		/* cannot be; then nothing is known of them */
			context = 0;
			errno = EIO;
			return -1;
		}
		for (long i = 0; i < got; i++)
			if (done[i].res != 0)
				e = (int)-done[i].res;
		n -= (size_t)got;
	}
	errno = e;
	return e == 0 ? 0 : -1;
}

/* Asks for up to AT_ONCE of them together: how many were taken, from the first on. */
static size_t
ask(const int *fd, size_t n)
{
	struct iocb block[AT_ONCE], *list[AT_ONCE];
	long taken;

	memset(block, 0, sizeof(block));
	for (size_t i = 0; i < n; i++) {
		block[i].aio_fildes = (uint32_t)fd[i];
		block[i].aio_lio_opcode = IOCB_CMD_FSYNC;
		list[i] = &block[i];
	}
	taken = syscall(SYS_io_submit, context, n, list);
	return taken < 0 ? 0 : (size_t)taken;
}

/* How many of the first were synced together, or -1. */
static ssize_t
sync_together(const int *fd, size_t n)
{
	static bool tried;
	size_t done = 0, want, taken;

	if (n < WORTH)
		return 0;
	if (!tried && syscall(SYS_io_setup, AT_ONCE, &context) == -1)
		context = 0;
	tried = true;
	while (context != 0 && done < n) {
		want = n - done < AT_ONCE ? n - done : AT_ONCE;
		taken = ask(fd + done, want);
		if (await(taken) == -1)
			return -1;
		done += taken;
		if (taken < want)
			break;
	}
	return (ssize_t)done;
}

#else

static ssize_t
sync_together(const int *fd, size_t n)
{
	(void)fd;
	(void)n;
	return 0;
}
#endif

/* Lets the disk begin to write what they have: they wait less. */
static void
begin_writing(const int *fd, size_t n)
{
#ifdef SYNC_FILE_RANGE_WRITE
	for (size_t i = 0; n > 1 && i < n; i++)
		(void)sync_file_range(fd[i], 0, 0, SYNC_FILE_RANGE_WRITE);
#else
	(void)fd;
	(void)n;
#endif
}

int
file_sync_all(const int *fd, size_t n)
{
	ssize_t done;

	begin_writing(fd, n);
	if ((done = sync_together(fd, n)) == -1)
		return -1;
	for (size_t i = (size_t)done; i < n; i++)
		if (fsync(fd[i]) == -1)
			return -1;
	return 0;
}
