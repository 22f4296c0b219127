/*
 * The spool file itself.  The spool's new/ can be written by smtpd's sessions, so
 * it is opened without following links and checked through its descriptor;
 * what a session could swap afterwards is only its own message.
 *
 * A file with several names has become somebody's mail (local_file.c, take), and
 * either a crash or one recipient's failure left it here.  Only queue can have
 * allowed that, and it has left the envelope in the state.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "local.h"
#include "proc.h"

#define HEAD_CHUNK	8192
#define STATE_MAX	1073741824
#define SPOOL_MODE	0640

void
message_wrong(struct outcome *o)
{
	outcome_set(o, PROC_DEFER, "4.3.0",
	    "the spool file is not what its name says");
}

static int
open_file(const struct delivery *d)
{
	if (d->given > 0)
		return fcntl(d->given, F_DUPFD_CLOEXEC, 0);
	return openat(d->dir, d->name.text, (d->take ? O_RDWR : O_RDONLY) |
	    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int
message_open(struct delivery *d, struct outcome *o)
{
	bool again = false;
	struct stat st;
	int fd, r;

	for (;;) {
		if ((fd = open_file(d)) == -1) {
			outcome_errno(o, errno, "cannot open the spool file");
			return -1;
		}
		if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
		    (uint64_t)st.st_size < d->name.size)
			break;
		d->behind = (uint64_t)st.st_size - d->name.size;
		if (st.st_nlink == 1 || d->take)
			return fd;
		if (again || d->given > 0)
			break;
		r = message_take_back(d, fd);
		close(fd);
		if (r == -1) {
			message_wrong(o);
			return -1;
		}
		again = true;
	}
	close(fd);
	message_wrong(o);
	return -1;
}

int
message_head(int fd, const struct spool_name *name, struct buf *b,
    struct envelope *env)
{
	buf_init(b, SPOOL_ENVELOPE_MAX + HEAD_CHUNK);
	return envelope_read(fd, name, HEAD_CHUNK, b, env);
}

/* The time of a spool file that was deferred is that of its next try. */
int
message_give(int fd, const struct ids *owner, time_t arrival)
{
	struct timespec t[2] = { { arrival, 0 }, { arrival, 0 } };

	if (proc_is_root() && owner->uid != (uid_t)-1 &&
	    fchown(fd, owner->uid, owner->gid) == -1)
		return -1;
	if (fchmod(fd, 0600) == -1)
		return -1;
	return arrival == 0 ? 0 : futimens(fd, t);
}

/* What stands behind the content, from the state: nothing if there is one recipient. */
static int
behind_of_state(const struct delivery *d, struct buf *out)
{
	char path[SPOOL_NAME_MAX + 16];
	struct buf b, front;
	struct envelope e;
	struct cur c;
	int r;

	snprintf(path, sizeof(path), "../state/%s", d->name.text);
	buf_init(&b, STATE_MAX);
	buf_init(&front, SPOOL_ENVELOPE_MAX);
	envelope_init(&e);
	r = file_read(d->dir, path, &b);
	cur_init(&c, buf_span(&b));
	if (r == 0 && (r = envelope_parse_block(&c, &e)) == 0)
		r = envelope_split(&e, &front, out);
	envelope_free(&e);
	buf_free(&front);
	buf_free(&b);
	return r;
}

static int
give_queue(const struct delivery *d, int fd)
{
	struct stat st;

	if (fstat(d->dir, &st) == -1 || (proc_is_root() &&
	    fchown(fd, st.st_uid, st.st_gid) == -1))
		return -1;
	return fchmod(fd, SPOOL_MODE);
}

void
message_back(struct delivery *d, struct outcome *o)
{
	int fd = message_open(d, o), r;

	if (fd == -1)
		return;
	/* With its envelope again; without one in the state it has never lost it. */
	r = message_take_back(d, fd);
	if (r == -1 && errno == ENODATA)
		r = give_queue(d, fd);
	if (r == -1)
		outcome_errno(o, errno, "cannot give the spool file back");
	else
		outcome_set(o, PROC_DONE, "2.0.0", "given back");
	close(fd);
}

/* errno is ENODATA where the envelope stands neither in the state nor behind the content. */
static int
write_again(const struct delivery *d, int fd, int to)
{
	struct buf behind;
	int r;

	buf_init(&behind, SPOOL_ENVELOPE_MAX);
	/* Not what is in the file, if the state has it: it may be the owner's word. */
	r = behind_of_state(d, &behind);
	if (r == -1) {
		buf_clear(&behind);
		r = envelope_read_behind(fd, &d->name, &behind);
		if (r == 0 && behind.len == 0) {
			errno = ENODATA;
			r = -1;
		}
	}
	if (r == 0)
		r = file_copy_from(fd, 0, d->name.size, to);
	if (r == 0)
		r = file_write_all(to, behind.p, behind.len);
	buf_free(&behind);
	if (r == 0)
		r = give_queue(d, to);
	return r == 0 ? fsync(to) : -1;
}

int
message_take_back(const struct delivery *d, int fd)
{
	char path[64], random[17];
	int to, r, e;

	/* A name of its own: a process for one recipient may do the same now. */
	random_hex64(random);
	snprintf(path, sizeof(path), "../tmp/taken.%s", random);
	to = openat(d->dir, path,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, SPOOL_MODE);
	if (to == -1)
		return -1;
	r = write_again(d, fd, to);
	/* The administrator may have moved it. */
	if (r == 0)
		r = faccessat(d->dir, d->name.text, F_OK, AT_SYMLINK_NOFOLLOW);
	if (r == 0)
		r = renameat(d->dir, path, d->dir, d->name.text);
	e = errno;
	close(to);
	if (r == -1)
		(void)unlinkat(d->dir, path, 0);
	errno = e;
	return r;
}
