/*
 * The snapshot of a maildrop over the mail store.  One POP3 session at a time, by an fcntl lock on a file of its
 * own, which ends with the process whatever kills it; IMAP sessions and other programs
 * may change the Maildir meanwhile, and a message that they remove is missed only when it is asked for.
 */
#include "maildrop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"

#define LOCK_NAME	"posthouse.pop3"
#define LOCK_TRIES	20
#define LOCK_PAUSE_MS	50	/* a session that just ended may not have let go yet */

struct maildrop {
	struct folder *folder;
	int lock;
	size_t n;
	unsigned char *marked;		/* one bit each */
};

static int
take_lock(const char *dir)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };
	char path[1024];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/" LOCK_NAME, dir) >=
	    sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	for (int i = 0; fcntl(fd, F_SETLK, &fl) == -1; i++) {
		if ((errno != EAGAIN && errno != EACCES) || i == LOCK_TRIES) {
			errno = errno == EAGAIN || errno == EACCES ? EBUSY :
			    errno;
			close(fd);
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

struct maildrop *
maildrop_open(const char *dir)
{
	struct maildrop *d = calloc(1, sizeof(*d));
	int e;

	if (d == NULL)
		return NULL;
	if ((d->lock = take_lock(dir)) == -1 ||
	    (d->folder = folder_open(dir, false)) == NULL)
		goto fail;
	d->n = folder_count(d->folder);
	if ((d->marked = calloc(d->n / 8 + 1, 1)) == NULL)
		goto fail;
	return d;
fail:
	e = errno;
	maildrop_close(d);
	errno = e;
	return NULL;
}

void
maildrop_close(struct maildrop *d)
{
	if (d == NULL)
		return;
	folder_close(d->folder);
	if (d->lock != -1)
		close(d->lock);
	free(d->marked);
	free(d);
}

size_t
maildrop_count(const struct maildrop *d)
{
	return d->n;
}

bool
maildrop_marked(const struct maildrop *d, size_t number)
{
	size_t i = number - 1;

	return (d->marked[i / 8] >> (i % 8) & 1) != 0;
}

void
maildrop_mark(struct maildrop *d, size_t number)
{
	size_t i = number - 1;

	d->marked[i / 8] |= (unsigned char)(1u << (i % 8));
}

void
maildrop_unmark_all(struct maildrop *d)
{
	memset(d->marked, 0, d->n / 8 + 1);
}

uint64_t
maildrop_size(struct maildrop *d, size_t number)
{
	uint64_t size;

	return folder_size(d->folder, number - 1, &size) == 0 ? size : 0;
}

void
maildrop_total(struct maildrop *d, size_t *messages, uint64_t *octets)
{
	*messages = 0;
	*octets = 0;
	for (size_t i = 1; i <= d->n; i++) {
		if (maildrop_marked(d, i))
			continue;
		++*messages;
		*octets += maildrop_size(d, i);
	}
}

/* The unique name, which survives moves between folders and machines; where it does not fit the
 * grammar, the UID, which is as lasting. */
void
maildrop_uidl(struct maildrop *d, size_t number,
    char out[MAILDROP_UIDL_MAX + 1])
{
	struct span u = folder_unique(d->folder, number - 1);
	bool fits = u.len > 0 && u.len <= MAILDROP_UIDL_MAX;

	for (size_t i = 0; fits && i < u.len; i++)
		fits = u.p[i] > ' ' && u.p[i] < 0x7f;
	if (fits)
		(void)span_cstr(u, out, MAILDROP_UIDL_MAX + 1);
	else
		snprintf(out, MAILDROP_UIDL_MAX + 1, "uid-%u-%u",
		    (unsigned)folder_uidvalidity(d->folder),
		    (unsigned)folder_uid(d->folder, number - 1));
}

int
maildrop_read(struct maildrop *d, size_t number)
{
	return folder_open_message(d->folder, number - 1);
}

size_t
maildrop_update(struct maildrop *d, size_t *failed)
{
	size_t removed = 0;

	*failed = 0;
	for (size_t i = 1; i <= d->n; i++) {
		if (!maildrop_marked(d, i))
			continue;
		if (folder_remove(d->folder, i - 1) == 0)
			removed++;
		else
			++*failed;
	}
	/* Before the reply: a client may come back at once. */
	close(d->lock);
	d->lock = -1;
	return removed;
}
