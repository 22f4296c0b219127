/*
 * Counts on files.  A file is locked while it is read and written, for
 * microseconds, and written by one pwrite of fixed length: who is killed leaves
 * the old or the new count.  Not synced: a power loss may forget the last
 * minute of it, which harms nobody.  A file that is not of our form, as after
 * such a loss, begins a new hour.
 */
#include "rate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "quota.h"

#define HOUR		3600
#define COUNT_MAX	UINT64_C(9999999999)	/* ten digits */
#define LOCK_TRIES	200
#define LOCK_PAUSE_MS	10

bool
rate_over(const struct rate *limit, const struct rate *now)
{
	return (limit->messages > 0 && now->messages > limit->messages) ||
	    (limit->recipients > 0 && now->recipients > limit->recipients);
}

int
rate_parse(struct span s, struct rate *r)
{
	uint64_t *all[] = { &r->since, &r->messages, &r->recipients };
	struct cur c;

	cur_init(&c, s);
	for (size_t i = 0; i < 3; i++) {
		if (i > 0 && !cur_ch(&c, ' '))
			return -1;
		if (cur_num(&c, COUNT_MAX, all[i]) == -1)
			return -1;
	}
	while (cur_ch(&c, ' '))
		;
	return cur_ch(&c, '\n') && cur_end(&c) ? 0 : -1;
}

void
rate_print(const struct rate *r, char out[RATE_SIZE + 1])
{
	int n = snprintf(out, RATE_SIZE + 1, "%llu %llu %llu",
	    (unsigned long long)r->since, (unsigned long long)r->messages,
	    (unsigned long long)r->recipients);

	for (; n < RATE_SIZE - 1; n++)
		out[n] = ' ';
	out[RATE_SIZE - 1] = '\n';
	out[RATE_SIZE] = '\0';
}

/* A session that holds a lock for long is broken, or not ours any more. */
static int
lock(int fd, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_SETLK, &l) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		(void)poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return -1;
}

static int
open_locked(int dir, const char *user, int flags, short type)
{
	char name[QUOTA_MARK_MAX];
	int fd, e;

	if (dir == -1 || quota_mark_name(user, name) == -1) {
		errno = ENOENT;
		return -1;
	}
	fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd != -1 && lock(fd, type) == -1) {
		e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

/* What the file says of the hour that is now. */
static void
read_counts(int fd, struct rate *r)
{
	char text[RATE_SIZE + 1];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	uint64_t now = (uint64_t)clock_now();

	if (n > 0 && rate_parse(span_of(text, (size_t)n), r) == 0 &&
	    r->since <= now && now - r->since < HOUR)
		return;
	*r = (struct rate){ .since = now };
}

int
rate_get(int dir, const char *user, struct rate *r)
{
	int fd = open_locked(dir, user, O_RDONLY, F_RDLCK);

	*r = (struct rate){ .since = 0 };
	if (fd == -1)
		return dir != -1 && errno == ENOENT ? 0 : -1;
	read_counts(fd, r);
	close(fd);
	return 0;
}

static uint64_t
at_most(uint64_t count)
{
	return count < COUNT_MAX ? count : COUNT_MAX;
}

int
rate_add(int dir, const char *user, const struct rate *limit,
    const struct rate *more, struct rate *now)
{
	int fd = open_locked(dir, user, O_RDWR | O_CREAT, F_WRLCK), e;
	char text[RATE_SIZE + 1];
	ssize_t n = -1;

	if (fd == -1)
		return -1;
	read_counts(fd, now);
	now->messages = at_most(now->messages + more->messages);
	now->recipients = at_most(now->recipients + more->recipients);
	rate_print(now, text);
	if (rate_over(limit, now))
		errno = EDQUOT;
	else if ((n = pwrite(fd, text, RATE_SIZE, 0)) >= 0 && n < RATE_SIZE)
		errno = ENOSPC;
	e = errno;
	close(fd);
	errno = e;
	return n == RATE_SIZE ? 0 : -1;
}
