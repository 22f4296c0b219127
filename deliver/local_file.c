/*
 * One message into Maildirs.
 *
 * The order of a copy: content, fsync, link, fsync.  The first flush is before
 * the name, so that a crash leaves no short message that a second
 * delivery would take for its own; the second makes the names last before queue
 * hears of it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "limits.h"
#include "local.h"
#include "log.h"

/* rename(2) that refuses to replace, where the file system can. */
static int
rename_new(int from, const char *name, int to, const char *as)
{
#ifdef RENAME_NOREPLACE
	if (renameat2(from, name, to, as, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
#endif
	return renameat(from, name, to, as);
}

static void
done(struct target *t)
{
	t->todo = false;
	outcome_set(&t->out, PROC_DONE, "2.0.0", "delivered to mailbox");
}

/* Delivered into m, now or by an attempt that was cut off. */
static void
took(struct delivery *d, struct target *t, struct mailbox *m, uint64_t size,
    bool now)
{
	done(t);
	if (now)
		quota_took(d, t, m, size);
}

static void
failed(struct target *t, int e, const char *what)
{
	t->todo = false;
	outcome_errno(&t->out, e, what);
}

/* The path is the log's alone. */
static void
failed_at(const struct delivery *d, struct target *t, int e)
{
	t->todo = false;
	if (account_has_place(d->c, &t->account)) {
		outcome_path(&t->out, e, t->account.maildir);
		return;
	}
	outcome_set(&t->out, PROC_DEFER, "4.3.5",
	    "the mail directory is missing");
	outcome_note(&t->out, "the mail directory %.120s is missing; mount it, "
	    "make it, or name another in settings", d->c->set.mail);
}

/* The head of a copy: Return-Path alone of the envelope.  0, or -1. */
static int
clean_head(struct span head, const struct envelope *env, struct buf *out)
{
	buf_adds(out, "Return-Path: <");
	buf_adds(out, env->sender);
	buf_adds(out, ">\n");
	return buf_addspan(out, span_of(head.p + env->length,
	    head.len - env->length));
}

struct copy {
	struct delivery *d;
	bool whole;		/* of a sole recipient: with its envelope */
	bool given;		/* the spool file itself is somebody's, or about to be */
	int from;		/* the spool file, open */
	dev_t dev;		/* the spool's file system */
	struct buf head;	/* what stands before offset in the copy */
	off_t offset;		/* in from, where the rest begins */
	uint64_t size, wsize;	/* of the copy */
};

static size_t
count_lines(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.p[i] == '\n';
	return n;
}

/* Takes the envelope off, if it names others: a sole recipient, even one that is an alias
 * of many, is what all of them may know, and its copies are the file as it is. */
static int
take_off(struct copy *c, struct span head, const struct envelope *env)
{
	struct span cut = span_of(head.p, env->length);
	char path[ADDR_MAX + 32];
	int len;

	if (env->nrcpts == 1)
		return 0;
	len = snprintf(path, sizeof(path), "Return-Path: <%s>\n", env->sender);
	c->offset = (off_t)head.len;
	c->size += (uint64_t)len - cut.len;
	c->wsize += (uint64_t)len + 1 - cut.len - count_lines(cut);
	return clean_head(head, env, &c->head);
}

static int
copy_begin(struct copy *c)
{
	struct envelope env;
	struct buf b;
	int r;

	buf_init(&c->head, SPOOL_ENVELOPE_MAX + 16384);
	c->size = c->d->name.size;
	c->wsize = c->d->name.wsize;
	if (c->whole)
		return 0;
	r = message_head(c->from, &c->d->name, &b, &env);
	if (r == 0) {
		c->given = c->given || env.nrcpts == 0;
		r = take_off(c, buf_span(&b), &env);
		envelope_free(&env);
	}
	buf_free(&b);
	return r;
}

/* Not to the file's end: there are the other recipients. */
static int
copy_content(struct copy *c, int to)
{
	if (file_write_all(to, c->head.p, c->head.len) == -1)
		return -1;
	return file_copy_from(c->from, c->offset, c->size - c->head.len, to);
}

/* QID.i.HOST,S=,W=: the same after a crash, different for each recipient.  A
 * sole one has the spool file's name, as if it had been moved. */
static int
copy_name(const struct copy *c, struct target *t)
{
	const struct spool_name *n = &c->d->name;
	const char *host = n->text + n->qid_len + 1;
	int len = c->whole ? snprintf(t->file, sizeof(t->file), "%s", n->text) :
	    snprintf(t->file, sizeof(t->file), "%.*s.%.*s.%.*s,S=%llu,W=%llu", (int)n->qid_len, n->text,
	    (int)t->rcpt.index.len, (const char *)t->rcpt.index.p,
	    (int)strcspn(host, ","), host, (unsigned long long)c->size,
	    (unsigned long long)c->wsize);

	return len > 0 && (size_t)len < sizeof(t->file) ? 0 : -1;
}

/* Is it ours alone, and still what has the name? */
static bool
holds(int fd, int dir, const char *name)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat own, named;

	if (fcntl(fd, F_OFD_SETLK, &all) == -1 &&
	    (errno == EAGAIN || errno == EACCES))
		return false;
	return fstat(fd, &own) == 0 &&
	    fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    named.st_dev == own.st_dev && named.st_ino == own.st_ino;
}

/* Takes away what an attempt left that was killed.  One that still runs, a worker that has outlived
 * queue, has its file locked. */
static void
unlink_left(int dir, const char *name)
{
	int fd = openat(dir, name,
	    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 ? errno != ENOENT : holds(fd, dir, name))
		(void)unlinkat(dir, name, 0);
	if (fd != -1)
		close(fd);
}

/* A new file under a name that every attempt at this message uses, locked; fd or -1. */
static int
create_alone(int dir, const char *name)
{
	for (unsigned i = 0; i < COPY_WAIT / COPY_LOOK; i++) {
		int fd = openat(dir, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd != -1 && holds(fd, dir, name))
			return fd;
		if (fd != -1)
			close(fd);
		else if (errno != EEXIST)
			return -1;
		else
			unlink_left(dir, name);
		if (i > 0)
			(void)poll(NULL, 0, COPY_LOOK);
	}
	errno = EBUSY;
	return -1;
}

/* The clean copy in tmp/ of the first one's Maildir, on the disk; fd or -1. */
static int
copy_make(struct copy *c, struct target *t, struct mailbox *m)
{
	int tmp = mailbox_tmp(m), fd, e;

	if (tmp == -1 || (fd = create_alone(tmp, t->file)) == -1)
		return -1;
	if (copy_content(c, fd) == 0 && message_give(fd, &t->account.owner,
	    c->d->name.arrival) == 0 && fsync(fd) == 0)
		return fd;
	e = errno;
	(void)unlinkat(tmp, t->file, 0);
	close(fd);
	errno = e;
	return -1;
}

/* Other recipients of the same owner on the same file system share the copy. */
static bool
can_share(const struct target *t, const struct target *first,
    const struct mailbox *m, dev_t dev)
{
	return t->todo && m->dev == dev &&
	    t->account.owner.uid == first->account.owner.uid &&
	    t->account.owner.gid == first->account.owner.gid;
}

/* The names last by the flush of the file that follows; where that is not
 * known of the file system, or not trusted, by one of the directory. */
static int
sync_names(const struct copy *c, const struct mailbox *m)
{
	if (m->dev == c->dev && !c->d->c->set.sync_directory)
		return 0;
	return file_sync_dir(m->new);
}

/* A file system without links has one rename for each copy. */
static bool
no_links(int e)
{
	return e == EPERM || e == EOPNOTSUPP || e == EMLINK || e == ENOSYS;
}

/* A file that has been given to the first one. */
struct source {
	int dir;
	const char *name;
	dev_t dev;
	size_t first;
};

/* Links it for each from i on that can share it. */
static void
link_all(struct copy *c, struct target *t, size_t i, size_t n,
    const struct source *s)
{
	for (; i < n; i++) {
		struct mailbox *m;
		int r;

		if (!t[i].todo)
			continue;
		if ((m = mailbox_open(c->d->c, &t[i].account)) == NULL) {
			failed_at(c->d, &t[i], errno);
			continue;
		}
		if (!can_share(&t[i], &t[s->first], m, s->dev) ||
		    !quota_admit(c->d, &t[i], m, c->size))
			continue;
		if ((r = linkat(s->dir, s->name, m->new, t[i].file, 0)) == 0 ||
		    errno == EEXIST) {
			took(c->d, &t[i], m, c->size, r == 0);
			if (sync_names(c, m) == -1)
				failed(&t[i], errno, "cannot flush the mailbox");
		} else if (errno != EXDEV && !no_links(errno))
			failed_at(c->d, &t[i], errno);
	}
}

/* The names last when the file is on the disk. */
static void
flush_links(int fd, struct target *t, size_t first, size_t n)
{
	if (fsync(fd) == 0)
		return;
	for (size_t i = first; i < n; i++)
		if (!t[i].todo && t[i].out.class == PROC_DONE)
			failed(&t[i], errno, "cannot flush the mailbox");
}

static void
share_copy(struct copy *c, struct target *t, size_t n, size_t first)
{
	struct mailbox *m = mailbox_open(c->d->c, &t[first].account);
	struct source s = { .name = t[first].file, .first = first };
	bool moved = false;
	int fd, r;

	if (m != NULL && !quota_admit(c->d, &t[first], m, c->size))
		return;
	if (m == NULL || (fd = copy_make(c, &t[first], m)) == -1) {
		if (errno == EBUSY)
			failed(&t[first], errno,
			    "an earlier attempt is still at work");
		else
			failed_at(c->d, &t[first], errno);
		return;
	}
	s.dev = m->dev;
	/* The cache may give its place to another: the directory stays open. */
	s.dir = fcntl(m->tmp, F_DUPFD_CLOEXEC, 0);
	r = s.dir == -1 ? -1 : linkat(s.dir, s.name, m->new, s.name, 0);
	if (r == -1 && s.dir != -1 && no_links(errno)) {
		r = rename_new(s.dir, s.name, m->new, s.name);
		moved = r == 0;
	}
	if (r == 0 || errno == EEXIST) {
		took(c->d, &t[first], m, c->size, r == 0);
		if (sync_names(c, m) == -1)
			failed(&t[first], errno, "cannot flush the mailbox");
	} else
		failed_at(c->d, &t[first], errno);
	if (t[first].out.class == PROC_DONE)
		link_all(c, t, first + 1, n, &s);
	flush_links(fd, t, first, n);
	/* As long as it is locked the name is ours. */
	if (s.dir != -1 && !moved)
		(void)unlinkat(s.dir, s.name, 0);
	if (s.dir != -1)
		close(s.dir);
	close(fd);
}

/* Can all have the spool file itself: room, one owner, its file system, and no names of others
 * in front? */
static bool
can_take(struct copy *c, struct target *t, size_t n)
{
	if (!c->d->take || c->size != c->d->name.size)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct mailbox *m = mailbox_open(c->d->c, &t[i].account);

		if (m == NULL || !can_share(&t[i], &t[0], m, c->dev) ||
		    !quota_admit(c->d, &t[i], m, c->size))
			return false;
	}
	return true;
}

/*
 * The spool file becomes the copy.  Off with the recipients, and that on the disk, before the
 * first sees it: the state has them, and all are tried again if this is cut
 * off.  Its owner's from then on, so that none finds a mail that is not his.
 */
static void
take(struct copy *c, struct target *t, size_t n)
{
	struct source s = { c->d->dir, c->d->name.text, c->dev, 0 };

	if (!can_take(c, t, n))
		return;
	c->given = true;
	if ((c->d->behind > 0 &&
	    (ftruncate(c->from, (off_t)c->size) == -1 ||
	    fsync(c->from) == -1)) || message_give(c->from,
	    &t[0].account.owner, c->d->name.arrival) == -1)
		return;
	link_all(c, t, 0, n, &s);
	flush_links(c->from, t, 0, n);
}

/* The spool's own files have one name and may be read by its group. */
static bool
is_given(const struct stat *st)
{
	return st->st_nlink > 1 || (st->st_mode & S_IRGRP) == 0;
}

static bool
all_done(const struct target *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].out.class != PROC_DONE)
			return false;
	return true;
}

static void
copies(struct delivery *d, struct target *t, size_t n, bool whole)
{
	struct copy c = { .d = d, .whole = whole };
	struct outcome o;
	struct stat st;
	int e;

	for (size_t i = 0; i < n; i++)
		t[i].todo = true;
	c.from = message_open(d, &o);
	if (c.from != -1 && fstat(c.from, &st) == 0) {
		c.dev = st.st_dev;
		c.given = !whole && is_given(&st);
	}
	if (c.from != -1 && copy_begin(&c) == -1) {
		e = errno;
		close(c.from);
		c.from = -1;
		outcome_errno(&o, e, "cannot read the spool file");
	}
	for (size_t i = 0; i < n; i++) {
		if (c.from == -1) {
			t[i].todo = false;
			t[i].out = o;
		} else if (copy_name(&c, &t[i]) == -1)
			failed(&t[i], ENAMETOOLONG, "name");
	}
	if (c.from == -1)
		return;
	take(&c, t, n);
	for (size_t i = 0; i < n; i++)
		if (t[i].todo)
			share_copy(&c, t, n, i);
	if (c.given && !all_done(t, n) && message_take_back(d, c.from) == -1)
		log_warn_errno("cannot take back %s", d->name.text);
	close(c.from);
	buf_free(&c.head);
}

void
deliver_copies(struct delivery *d, struct target *t, size_t n)
{
	copies(d, t, n, false);
}

void
deliver_move(struct delivery *d, struct target *t)
{
	struct mailbox *m;
	int fd, r, e;

	t->todo = false;
	if ((m = mailbox_open(d->c, &t->account)) == NULL) {
		failed_at(d, t, errno);
		return;
	}
	if ((fd = message_open(d, &t->out)) == -1)
		return;
	if (d->behind > 0) {
		close(fd);
		message_wrong(&t->out);
		return;
	}
	strlcpy(t->file, d->name.text, sizeof(t->file));
	if (!quota_admit(d, t, m, d->name.size)) {
		close(fd);
		return;
	}
	r = message_give(fd, &t->account.owner, d->cur ? d->name.arrival : 0);
	close(fd);
	if (r == 0)
		r = rename_new(d->dir, d->name.text, m->new, d->name.text);
	e = errno;
	if (r == -1 && e == ENOENT)	/* the Maildir went away under us */
		mailbox_drop(m);
	if (r == 0 || e == EEXIST)
		took(d, t, m, d->name.size, r == 0);
	else if (e == EXDEV)
		copies(d, t, 1, true);
	else
		failed_at(d, t, e);
	/* It was delivered before, or it is a copy now. */
	if (r == -1 && t->out.class == PROC_DONE)
		(void)unlinkat(d->dir, d->name.text, 0);
}
