/*
 * Files as targets, written as their owner: an mbox that is added to under a
 * lock (fcntl), or a Maildir.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "local_forward.h"
#include "log.h"
#include "mbox.h"

#define MBOX_CHUNK	65536	/* of a message, however large it is */

/* The message as one of an mbox. */
static int
append_mbox(const struct forward *f, int in, int out)
{
	unsigned char chunk[MBOX_CHUNK];
	struct mbox_out o = { .open = false };
	struct buf b;
	ssize_t n;
	int r;

	buf_init(&b, 2 * MBOX_CHUNK);
	mbox_put_from(&b, f->env.sender, clock_now());
	do {
		while ((n = read(in, chunk, sizeof(chunk))) == -1 &&
		    errno == EINTR)
			;
		if (n > 0)
			mbox_put(&o, span_of(chunk, (size_t)n), &b);
		else
			mbox_put_end(&o, &b);
		r = n == -1 || b.bad ? -1 : file_write_all(out, b.p, b.len);
		buf_clear(&b);
	} while (r == 0 && n > 0);
	buf_free(&b);
	return r;
}

/* What cannot be added whole is taken off again. */
static void
file_append(struct forward *f, const char *path, int in, struct outcome *o)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;
	off_t end;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY |
	    O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd == -1 || fstat(fd, &st) == -1) {
		outcome_path(o, errno, path);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		outcome_set(o, PROC_DEFER, "4.3.5", "the mailbox is not a file");
		outcome_note(o, "%.200s is not a file", path);
		return;
	}
	if (fcntl(fd, F_SETLKW, &lock) == -1 ||
	    (end = lseek(fd, 0, SEEK_END)) == -1) {
		outcome_path(o, errno, path);
		return;
	}
	if (append_mbox(f, in, fd) == -1 || fsync(fd) == -1) {
		int e = errno;

		if (ftruncate(fd, end) == -1)
			log_warn_errno("cannot take half a message off %s",
			    path);
		outcome_path(o, e, path);
		return;
	}
	outcome_set(o, PROC_DONE, "2.0.0", "added to a file");
	outcome_note(o, "added to %.200s", path);
}

/* A Maildir, where the same message has the same name. */
static void
file_maildir(struct forward *f, const char *path, int in, struct outcome *o)
{
	struct target t = { .rcpt = f->t.rcpt };
	size_t n = strlcpy(t.account.maildir, path, sizeof(t.account.maildir));

	if (n >= sizeof(t.account.maildir)) {
		outcome_errno(o, ENAMETOOLONG, "a Maildir");
		return;
	}
	while (n > 1 && t.account.maildir[n - 1] == '/')
		t.account.maildir[--n] = '\0';
	t.account.owner = (struct ids){ (uid_t)-1, (gid_t)-1 };
	close(in);			/* deliver_copies has its own */
	deliver_copies(&f->d, &t, 1);
	*o = t.out;
}

/* What an alias names is written as its owner, so it must be there. */
static bool
file_person(const struct forward *f, const char *path, struct person *who,
    struct outcome *o)
{
	struct stat st;

	*who = f->who;
	if (!f->list)
		return true;
	if (stat(path, &st) == -1) {
		outcome_path(o, errno, path);
		return false;
	}
	if (st.st_uid == 0) {
		outcome_set(o, PROC_DEFER, "4.3.5", "the file belongs to the "
		    "wrong account");
		outcome_note(o, "%.150s is root's; give it to another account",
		    path);
		return false;
	}
	who->ids.uid = geteuid() == 0 ? st.st_uid : (uid_t)-1;
	who->ids.gid = st.st_gid;
	return true;
}

void
user_file(struct forward *f, const char *path, struct outcome *o)
{
	struct person who;

	if (strcmp(path, "/dev/null") == 0)
		outcome_set(o, PROC_DONE, "2.0.0", "thrown away");
	else if (file_person(f, path, &who, o))
		user_call(f, path[strlen(path) - 1] == '/' ? file_maildir :
		    file_append, &who, path, o);
}
