/*
 * Quotas at delivery, and the marks by which smtpd knows at RCPT that a mailbox
 * is full.  A mark is made when a message did not fit or has filled the
 * mailbox, and taken away when there is room again; who makes room is another
 * program, so the worker looks again every minute as long as there are marks.
 * A count that cannot be had (a broken Maildir) is no reason to refuse: the
 * delivery itself will tell.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "local.h"
#include "log.h"
#include "quota.h"

static const char full_text[] = "the mailbox is full\n";

static void
mark(struct delivery *d, const char *address)
{
	char name[QUOTA_MARK_MAX];
	int fd, full = d->full;

	if (full == -1 || quota_mark_name(address, name) == -1)
		return;
	fd = openat(full, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1) {
		if (errno != EEXIST)
			log_warn_errno("cannot mark %s as full", address);
		return;
	}
	if (fchmod(fd, 0640) == -1 ||
	    file_write_all(fd, full_text, sizeof(full_text) - 1) == -1) {
		log_warn_errno("cannot mark %s as full", address);
		(void)unlinkat(full, name, 0);
	}
	close(fd);
	d->marked++;
}

static void
unmark(int full, const char *address)
{
	char name[QUOTA_MARK_MAX];

	if (full != -1 && quota_mark_name(address, name) == 0)
		(void)unlinkat(full, name, 0);
}

/* The Maildir itself, above new/ of it or of a folder. */
static int
open_maildir(const struct mailbox *m, bool folder)
{
	return openat(m->new, folder ? "../.." : "..",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* *q: what the limits are. */
static int
usage(const struct account *a, const struct mailbox *m, bool folder,
    struct quota *q, struct quota_usage *u)
{
	int dir = open_maildir(m, folder), r, e;

	if (dir == -1)
		return -1;
	*q = a->quota;
	quota_lower(dir, &a->owner, q);
	r = quota_get(dir, q, &a->owner, u);
	e = errno;
	close(dir);
	errno = e;
	return r;
}

/* RFC 3463: 4.2.2, 5.2.2 mailbox full. */
bool
quota_admit(struct delivery *d, struct target *t, struct mailbox *m,
    uint64_t size)
{
	const struct account *a = &t->account;
	bool bounce = d->c->set.full_bounces;
	struct quota_usage u;
	struct quota q;

	if (!quota_is_set(&a->quota) || faccessat(m->new, t->file, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0 || usage(a, m, t->folder, &q, &u) == -1 ||
	    quota_fits(&q, &u, size, 1))
		return true;
	t->todo = false;
	outcome_set(&t->out, bounce ? PROC_FAIL : PROC_DEFER,
	    bounce ? "5.2.2" : "4.2.2", quota_is_full(&q, &u) ?
	    "the mailbox is full" : "the mailbox has no room for a message of "
	    "this size");
	if (quota_is_full(&q, &u))
		mark(d, a->address);
	return false;
}

void
quota_took(struct delivery *d, struct target *t, struct mailbox *m,
    uint64_t size)
{
	const struct account *a = &t->account;
	struct quota q = a->quota;
	struct quota_usage u;
	int dir;

	if (!quota_is_set(&a->quota) || (dir = open_maildir(m, t->folder)) == -1)
		return;
	(void)quota_add(dir, &a->owner, (int64_t)size, 1);
	quota_lower(dir, &a->owner, &q);
	if (quota_get(dir, &q, &a->owner, &u) == 0 && quota_is_full(&q, &u))
		mark(d, a->address);
	close(dir);
}

/* Whether that mailbox is still full. */
static bool
still_full(const struct control *c, const char *address)
{
	struct account a;
	struct quota_usage u;
	struct quota q;
	struct mailbox *m;

	if (account_find(c, address, &a) == -1 || !quota_is_set(&a.quota))
		return false;
	m = mailbox_open(c, &a);
	return m != NULL && usage(&a, m, false, &q, &u) == 0 && quota_is_full(&q, &u);
}

unsigned
quota_look(const struct control *c, int full)
{
	char address[ADDR_MAX + 1];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;
	int fd = full == -1 ? -1 : openat(full, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return 0;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (quota_mark_address(e->d_name, address, sizeof(address)) ==
		    0 && still_full(c, address))
			n++;
		else if (quota_mark_address(e->d_name, address,
		    sizeof(address)) == 0)
			unmark(full, address);
	}
	closedir(d);
	return n;
}
