/*
 * Changing messages: flags and keywords are the name of the file, so a change is one rename.  Another
 * program may rename or remove the same file at any moment; then its new name is looked up, and
 * what the caller wanted to change is applied to what is there now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "folder_impl.h"

#define KNOWN_FLAGS	(MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED | \
	MAIL_DELETED | MAIL_DRAFT | MAIL_PASSED)

struct change {
	unsigned add_flags, del_flags;
	uint32_t add_letters, del_letters;
	size_t i;
};

/* Letters that have a name here: of the others (another program's) nothing is known, and they stay. */
static uint32_t
named_letters(const struct folder *f)
{
	return (uint32_t)((1ULL << f->nkeywords) - 1);
}

static int
op_set(struct folder *f, const char *path, void *arg)
{
	struct change *c = arg;
	struct msg *m = &f->msgs[c->i];
	char name[FOLDER_NAME_MAX + 1], to[FOLDER_PATH_MAX];
	unsigned flags = (m->flags | c->add_flags) & ~c->del_flags;
	uint32_t letters = (m->letters | c->add_letters) & ~c->del_letters;
	struct span base = span_of(f->names.p + m->name, m->base);

	if (flags == m->flags && letters == m->letters)
		return 0;
	if (maildir_name_print(base, flags, letters, name,
	    sizeof(name)) == -1)
		return -1;
	if (snprintf(to, sizeof(to), "cur/%s", name) >= (int)sizeof(to)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (renameat(f->dirfd, path, f->dirfd, to) == -1)
		return -1;
	folder_own(f, path, false);
	folder_own(f, to, true);
	return msg_renamed(f, m, span_str(name));
}

int
folder_set(struct folder *f, size_t i, unsigned flags, uint64_t keywords)
{
	struct change c = { .i = i };
	uint32_t letters, named = named_letters(f);
	struct msg *m;
	int r;

	if (f->read_only) {
		errno = EROFS;
		return -1;
	}
	if (i >= f->count) {
		errno = ENOENT;
		return -1;
	}
	folder_watch_if_large(f);
	m = &f->msgs[i];
	flags &= KNOWN_FLAGS;
	letters = ((uint32_t)keywords & named) | (m->letters & ~named);
	c.add_flags = flags & ~(unsigned)m->flags;
	c.del_flags = m->flags & ~flags;
	c.add_letters = letters & ~m->letters;
	c.del_letters = m->letters & ~letters;
	r = msg_try(f, i, op_set, &c);
	m = &f->msgs[i];
	/* Somebody else's change came in between: the caller must be told what holds now. */
	if (r == 0 && (m->flags != flags || m->letters != letters)) {
		m->state |= MSG_CHANGED;
		f->news = true;
	}
	return r;
}

static int
op_unlink(struct folder *f, const char *path, void *arg)
{
	(void)arg;
	if (unlinkat(f->dirfd, path, 0) == -1)
		return -1;
	folder_own(f, path, false);
	return 0;
}

void
msg_gone(struct folder *f, size_t i)
{
	f->msgs[i].state |= MSG_GONE;
	f->news = true;
}

int
folder_remove(struct folder *f, size_t i)
{
	if (f->read_only) {
		errno = EROFS;
		return -1;
	}
	if (i >= f->count)
		return 0;
	folder_watch_if_large(f);
	if (msg_try(f, i, op_unlink, NULL) == -1 && errno != ENOENT)
		return -1;
	msg_gone(f, i);
	return 0;
}
