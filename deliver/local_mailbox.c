/*
 * Open Maildirs.  They are looked up anew after a second, so that a Maildir
 * that is renamed or made anew is seen at once by people's measure, and a
 * burst to one user costs nothing.  All paths come from the control files; maildir_open_new does not
 * follow the mailbox owner's links.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "local.h"
#include "maildir.h"
#include "proc.h"

#define CACHE_SIZE	256	/* descriptors; power of two */
#define CACHE_WAYS	8	/* places in which one can be */
#define CACHE_MS	1000

static struct mailbox cache[CACHE_SIZE];

void
mailbox_drop(struct mailbox *m)
{
	if (m->new != -1)
		close(m->new);
	if (m->tmp != -1)
		close(m->tmp);
	m->new = m->tmp = -1;
	m->since = 0;
	m->dir[0] = '\0';
}

/* Its place, or the one it takes: the least lately looked up.  A message to a hundred
 * goes through all of them twice, so no two may push each other out. */
static struct mailbox *
cache_slot(const char *dir)
{
	struct mailbox *set, *oldest;
	uint32_t h = 2166136261u;

	for (const char *p = dir; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	set = oldest = &cache[(h ^ h >> 16) & (CACHE_SIZE - CACHE_WAYS)];
	for (size_t i = 0; i < CACHE_WAYS; i++) {
		if (set[i].hash == h && strcmp(set[i].dir, dir) == 0)
			return &set[i];
		if (set[i].since < oldest->since)
			oldest = &set[i];
	}
	if (oldest->dir[0] == '\0')	/* here, not at the start: pages that none uses cost nothing */
		oldest->new = oldest->tmp = -1;
	oldest->hash = h;
	return oldest;
}

static int
open_or_make(const struct control *c, const struct account *a)
{
	int fd = maildir_open_new(a->maildir, &a->owner);

	/* EPERM: perhaps we were killed while we made it. */
	if (fd == -1 && (errno == ENOENT || errno == EPERM) &&
	    account_make(c, a) == 0)
		fd = maildir_open_new(a->maildir, &a->owner);
	return fd;
}

/* Does the path still lead to the directory that was opened with care? */
static bool
is_still(const struct mailbox *m)
{
	char path[sizeof(m->dir) + 8];
	struct stat st;

	snprintf(path, sizeof(path), "%s/new", m->dir);
	return stat(path, &st) == 0 && st.st_dev == m->dev &&
	    st.st_ino == m->ino && st.st_uid == m->uid;
}

static bool
has_forward(const struct account *a)
{
	char path[600];
	struct stat st;

	return account_forward(a, path, sizeof(path)) == 0 &&
	    lstat(path, &st) == 0;
}

struct mailbox *
mailbox_open(const struct control *c, const struct account *a)
{
	struct mailbox *m = cache_slot(a->maildir);
	uint64_t now = clock_mono_ms();
	struct stat st;

	if (m->new != -1 && strcmp(m->dir, a->maildir) == 0 &&
	    m->owner.uid == a->owner.uid && m->owner.gid == a->owner.gid &&
	    (now - m->since < CACHE_MS || is_still(m))) {
		if (now - m->since >= CACHE_MS) {
			m->since = now;
			m->forward = has_forward(a);
		}
		return m;
	}
	mailbox_drop(m);
	if ((m->new = open_or_make(c, a)) == -1 || fstat(m->new, &st) == -1)
		return NULL;
	strlcpy(m->dir, a->maildir, sizeof(m->dir));
	m->owner = a->owner;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	m->uid = st.st_uid;
	m->since = now;
	m->forward = has_forward(a);
	return m;
}

/* Beside new/, so through its descriptor: the path may lead elsewhere by now. */
int
mailbox_tmp(struct mailbox *m)
{
	struct stat st;

	if (m->tmp != -1)
		return m->tmp;
	m->tmp = openat(m->new, "../tmp",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->tmp != -1 && (fstat(m->tmp, &st) == -1 ||
	    (proc_is_root() && m->owner.uid != (uid_t)-1 &&
	    st.st_uid != m->owner.uid))) {
		close(m->tmp);
		m->tmp = -1;
		errno = EPERM;
	}
	return m->tmp;
}
