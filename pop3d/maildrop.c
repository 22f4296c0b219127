/*
 * The snapshot of a maildrop over the mail store.  One POP3 session at a time, by an fcntl lock on a file of its
 * own, which ends with the process whatever kills it; IMAP sessions and other programs
 * may change the Maildir meanwhile, and a message that they remove is missed only when it is to be opened.
 */
#include "maildrop.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "folder.h"
#include "log.h"
#include "names.h"
#include "quota.h"
#include "takeover.h"

#define LOCK_NAME	"posthouse.pop3"
#define HIDDEN_NAME	"posthouse.hidden"
#define LOCK_TRIES	20
#define LOCK_PAUSE_MS	50	/* a session that just ended may not have let go yet */
#define STALE_MIN	256	/* lines about messages that are gone: not worth a new file */

struct maildrop {
	struct folder *folder;
	const struct settings *set;
	int dir, lock;
	size_t n;
	uint32_t *index;		/* of message number i + 1 in folder */
	unsigned char *marked;		/* one bit each */
	unsigned char *retrieved;
	struct names hidden;
	struct names uidls;		/* from another server */
	bool uidls_loaded;
};

/* Waits a moment for a session that is about to end. */
static int
lock_wait(int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };

	for (int i = 0; fcntl(fd, F_SETLK, &fl) == -1; i++) {
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		if (i == LOCK_TRIES) {
			errno = EBUSY;
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* RFC 2449 section 6.5: the time of the last login is the lock file's. */
static int
check_delay(int fd, const struct settings *set)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	time_t now = clock_now();
	struct stat st;

	if (set->login_delay == 0)
		return 0;
	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_mtime <= now && now - st.st_mtime < set->login_delay) {
		errno = EAGAIN;
		return -1;
	}
	times[1].tv_sec = now;
	return futimens(fd, times);
}

/* A lock file that is new has seen no login: its time is set back. */
static int
open_lock(int dir)
{
	static const struct timespec never[2];
	int fd = openat(dir, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd != -1 || errno != ENOENT)
		return fd;
	fd = openat(dir, LOCK_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd != -1 && futimens(fd, never) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
take_lock(struct maildrop *d)
{
	if ((d->lock = open_lock(d->dir)) == -1 || lock_wait(d->lock) == -1)
		return -1;
	return check_delay(d->lock, d->set);
}

/* Lines about messages that are gone are dropped when they are most of the file. */
static void
shrink_hidden(struct maildrop *d, size_t found)
{
	struct names left;
	struct span value;

	if (d->hidden.n - found < STALE_MIN || found > d->hidden.n / 2)
		return;
	names_init(&left, HIDDEN_NAME, d->hidden.title);
	for (size_t i = 0; i < folder_count(d->folder); i++) {
		struct span unique = folder_unique(d->folder, i);

		if (names_find(&d->hidden, unique, &value))
			(void)names_add(&left, value, unique);
	}
	if (names_index(&left) == -1 || names_write(&left, d->dir) == -1) {
		log_warn_errno(HIDDEN_NAME);
		names_free(&left);
		return;
	}
	names_free(&d->hidden);
	d->hidden = left;
	d->hidden.kept = left.text.len + strlen(left.title) + sizeof("1\n");
}

/* Numbers are given to what is not hidden. */
static int
number_messages(struct maildrop *d)
{
	size_t count = folder_count(d->folder), found = 0;

	if (names_read(&d->hidden, d->dir) == -1)
		return -1;
	d->index = reallocarray(NULL, count + 1, sizeof(*d->index));
	d->marked = calloc(count / 8 + 1, 1);
	d->retrieved = calloc(count / 8 + 1, 1);
	if (d->index == NULL || d->marked == NULL || d->retrieved == NULL)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (d->hidden.n > 0 && names_find(&d->hidden,
		    folder_unique(d->folder, i), NULL))
			found++;
		else
			d->index[d->n++] = (uint32_t)i;
	shrink_hidden(d, found);
	return 0;
}

struct maildrop *
maildrop_open(const char *dir, const struct settings *set)
{
	struct maildrop *d = calloc(1, sizeof(*d));
	int e;

	if (d == NULL)
		return NULL;
	d->set = set;
	d->lock = -1;
	names_init(&d->hidden, HIDDEN_NAME, "posthouse-hidden");
	d->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir == -1 || take_lock(d) == -1 ||
	    (d->folder = folder_open(dir, false)) == NULL ||
	    number_messages(d) == -1)
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
	if (d->dir != -1)
		close(d->dir);
	names_free(&d->hidden);
	if (d->uidls_loaded)
		names_free(&d->uidls);
	free(d->index);
	free(d->marked);
	free(d->retrieved);
	free(d);
}

size_t
maildrop_count(const struct maildrop *d)
{
	return d->n;
}

static bool
bit(const unsigned char *bits, size_t i)
{
	return (bits[i / 8] >> (i % 8) & 1) != 0;
}

static void
set_bit(unsigned char *bits, size_t i)
{
	bits[i / 8] |= (unsigned char)(1u << (i % 8));
}

bool
maildrop_marked(const struct maildrop *d, size_t number)
{
	return bit(d->marked, number - 1);
}

void
maildrop_mark(struct maildrop *d, size_t number)
{
	set_bit(d->marked, number - 1);
}

void
maildrop_unmark_all(struct maildrop *d)
{
	memset(d->marked, 0, d->n / 8 + 1);
}

void
maildrop_retrieved(struct maildrop *d, size_t number)
{
	set_bit(d->retrieved, number - 1);
}

uint64_t
maildrop_size(struct maildrop *d, size_t number)
{
	uint64_t size;

	return folder_size(d->folder, d->index[number - 1], &size) == 0 ?
	    size : 0;
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

/* What another server called it; else the unique name, which survives moves between folders and
 * machines; where that does not fit the grammar, the UID, which is as lasting. */
void
maildrop_uidl(struct maildrop *d, size_t number, char out[UIDL_MAX + 1])
{
	size_t i = d->index[number - 1];
	struct span u = folder_unique(d->folder, i), taken;

	if (!d->uidls_loaded)
		takeover_load(&d->uidls, d->dir, d->folder, d->set);
	d->uidls_loaded = true;
	if (names_find(&d->uidls, u, &taken) && uidl_ok(taken))
		u = taken;
	if (uidl_ok(u))
		(void)span_cstr(u, out, UIDL_MAX + 1);
	else
		snprintf(out, UIDL_MAX + 1, "uid-%u-%u",
		    (unsigned)folder_uidvalidity(d->folder),
		    (unsigned)folder_uid(d->folder, i));
}

int
maildrop_read(struct maildrop *d, size_t number, uint64_t *size)
{
	size_t n = 0;
	int fd = folder_open_sized(d->folder, d->index[number - 1], &n);

	*size = n;
	return fd;
}

/* Has it been here for longer than the setting pop3-expire?  The seconds that its name begins with tell that
 * of most messages without a look at the file. */
static bool
expired(struct maildrop *d, size_t i, time_t now)
{
	time_t since = now - (time_t)d->set->expire, arrived;
	uint64_t seconds;
	struct cur c;

	cur_init(&c, folder_unique(d->folder, i));
	if (cur_num(&c, INT32_MAX, &seconds) == 0 && cur_peek(&c) == '.' &&
	    (time_t)seconds > since && (time_t)seconds <= now)
		return false;
	return folder_date(d->folder, i, &arrived) == 0 && arrived < since;
}

/* RFC 2449 section 6.7: what EXPIRE has announced. */
static void
mark_by_policy(struct maildrop *d)
{
	time_t now = clock_now();

	for (size_t i = 0; i < d->n; i++)
		if ((!d->set->pop3_keep && bit(d->retrieved, i)) ||
		    (d->set->expire > 0 && expired(d, d->index[i], now)))
			set_bit(d->marked, i);
}

/* All of them, with one sync, or none. */
static size_t
hide_marked(struct maildrop *d, size_t *failed)
{
	struct names more;
	char now[24];
	size_t n = 0;

	snprintf(now, sizeof(now), "%lld", (long long)clock_now());
	names_init(&more, HIDDEN_NAME, d->hidden.title);
	for (size_t i = 0; i < d->n; i++)
		if (bit(d->marked, i)) {
			(void)names_add(&more, span_str(now),
			    folder_unique(d->folder, d->index[i]));
			n++;
		}
	if (n > 0 && names_append(&d->hidden, d->dir, &more) == -1) {
		log_warn_errno(HIDDEN_NAME);
		*failed = n;
		n = 0;
	}
	names_free(&more);
	return n;
}

/* Is usage counted here, so that what goes must be taken off? */
static bool
is_counted(const struct maildrop *d)
{
	int fd = openat(d->dir, QUOTA_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static int64_t
file_size(struct maildrop *d, size_t i)
{
	struct stat st;
	int fd = folder_open_message(d->folder, i), r;

	if (fd == -1)
		return 0;
	r = fstat(fd, &st);
	close(fd);
	return r == 0 ? st.st_size : 0;
}

static size_t
remove_marked(struct maildrop *d, size_t *failed)
{
	size_t removed = 0;
	int64_t bytes = 0, size;
	bool asked = false, counted = false;

	for (size_t i = 0; i < d->n; i++) {
		if (!bit(d->marked, i))
			continue;
		if (!asked)
			counted = is_counted(d);
		asked = true;
		size = counted ? file_size(d, d->index[i]) : 0;
		if (folder_remove(d->folder, d->index[i]) == 0) {
			bytes += size;
			removed++;
		} else
			++*failed;
	}
	if (counted && removed > 0)
		(void)quota_add(d->dir, NULL, -bytes, -(int64_t)removed);
	return removed;
}

size_t
maildrop_update(struct maildrop *d, size_t *failed)
{
	size_t n;

	*failed = 0;
	if (!d->set->pop3_keep || d->set->expire > 0)
		mark_by_policy(d);
	n = d->set->pop3_hide ? hide_marked(d, failed) :
	    remove_marked(d, failed);
	/* Before the reply: a client may come back at once. */
	close(d->lock);
	d->lock = -1;
	return n;
}
