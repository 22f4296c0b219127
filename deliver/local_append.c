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
#include "header.h"
#include "local_forward.h"
#include "log.h"

#define MBOX_CHUNK	65536	/* of a message, however large it is */

struct mbox_out {
	struct buf b;
	int fd;
	size_t from;		/* so much of "From " begins the line, or MID_LINE */
	bool ended;		/* the last line has its end */
};
#define FROM		"From "
#define MID_LINE	SIZE_MAX

static int
mbox_flush(struct mbox_out *o)
{
	int r = o->b.bad ? -1 : file_write_all(o->fd, o->b.p, o->b.len);

	buf_clear(&o->b);
	return r;
}

/* One byte at the beginning of a line: behind any ">" a "From " is quoted. */
static void
mbox_begin(struct mbox_out *o, int ch)
{
	if (ch == FROM[o->from]) {
		if (++o->from < strlen(FROM))
			return;
		buf_adds(&o->b, ">" FROM);
		o->from = MID_LINE;
		return;
	}
	buf_add(&o->b, FROM, o->from);
	if (ch != '>' || o->from > 0)
		o->from = ch == '\n' ? 0 : MID_LINE;
	buf_addc(&o->b, (unsigned char)ch);
}

static int
mbox_add(struct mbox_out *o, struct span s)
{
	struct cur c;

	cur_init(&c, s);
	while (!cur_end(&c)) {
		if (o->from != MID_LINE) {
			mbox_begin(o, cur_next(&c));
			continue;
		}
		buf_addspan(&o->b, cur_until(&c, '\n'));
		if (cur_ch(&c, '\n')) {
			buf_addc(&o->b, '\n');
			o->from = 0;
		}
	}
	o->ended = s.p[s.len - 1] == '\n';
	return mbox_flush(o);
}

static int
mbox_end(struct mbox_out *o)
{
	if (o->from != MID_LINE)
		buf_add(&o->b, FROM, o->from);
	buf_adds(&o->b, o->ended ? "\n" : "\n\n");
	return mbox_flush(o);
}

/* The message as one of an mbox: lines that look like a beginning are quoted. */
static int
append_mbox(const struct forward *f, int in, int out)
{
	unsigned char chunk[MBOX_CHUNK];
	struct mbox_out o = { .fd = out, .ended = true };
	char date[DATE_SIZE];
	time_t now = clock_now();
	struct tm tm;
	ssize_t n;
	int r;

	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y",
	    gmtime_r(&now, &tm));
	buf_init(&o.b, 2 * MBOX_CHUNK);
	buf_addf(&o.b, "From %s %s\n", f->env.sender[0] == '\0' ?
	    "MAILER-DAEMON" : f->env.sender, date);
	do {
		while ((n = read(in, chunk, sizeof(chunk))) == -1 &&
		    errno == EINTR)
			;
		r = n == -1 ? -1 : n == 0 ? mbox_end(&o) :
		    mbox_add(&o, span_of(chunk, (size_t)n));
	} while (r == 0 && n > 0);
	buf_free(&o.b);
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
