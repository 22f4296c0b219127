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

#include "folder_uids.h"

#define CUR		"cur/"
#define LETTER_BITS	((1U << FOLDER_LETTERS) - 1)
#define KNOWN_FLAGS	(MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED | \
	MAIL_DELETED | MAIL_DRAFT | MAIL_PASSED)

struct change {
	unsigned add_flags, del_flags;
	uint64_t add_keywords, del_keywords;
	uint64_t unchanged_since;
	size_t i;
};

/* Those that have a name here: of the others (letters of another program) nothing is known, and they stay. */
static uint64_t
named_keywords(const struct folder *f)
{
	uint64_t named = 0;

	for (size_t k = 0; k < f->nkeywords; k++)
		if (*f->keywords[k] != '\0')
			named |= (uint64_t)1 << k;
	return named;
}

static uint64_t
keywords_of(const struct msg *m)
{
	return m->letters | m->known.high;
}

/* Gives the file the name that its flags ask for. */
static int
rename_to(struct folder *f, struct msg *m, const char *path, unsigned flags,
    uint32_t letters)
{
	char to[sizeof(CUR) + FOLDER_NAME_MAX] = CUR;
	char *name = to + sizeof(CUR) - 1;

	if (maildir_name_print(msg_base(f, m), flags, letters, name,
	    FOLDER_NAME_MAX + 1) == -1)
		return -1;
	if (renameat(f->dirfd, path, f->dirfd, to) == -1)
		return -1;
	folder_own(f, path, false);
	folder_own(f, to, true);
	return msg_renamed(f, m, span_str(name));
}

/* 0, 1: changed since, -1. */
static int
op_set(struct folder *f, const char *path, void *arg)
{
	const struct change *c = arg;
	struct msg *m = msg_at(f, c->i);
	unsigned flags = (m->flags | c->add_flags) & ~c->del_flags;
	uint64_t keywords = (keywords_of(m) | c->add_keywords) &
	    ~c->del_keywords;
	uint32_t letters = (uint32_t)keywords & LETTER_BITS;

	/* A name that the list does not know is a change not told yet: newer than any. */
	if (c->unchanged_since < MODSEQ_MAX &&
	    (m->known.modseq > c->unchanged_since ||
	    m->known.marks != MSG_MARKS(m->flags, m->letters)))
		return 1;
	if (flags == m->flags && keywords == keywords_of(m))
		return 0;
	if ((flags != m->flags || letters != m->letters) &&
	    rename_to(f, m, path, flags, letters) == -1)
		return -1;
	return folder_log_change(f, c->i, keywords - letters);
}

/* Within a batch. */
static int
set(struct folder *f, size_t i, unsigned flags, uint64_t keywords,
    uint64_t unchanged_since)
{
	struct change c = { .i = i, .unchanged_since = unchanged_since };
	uint64_t named = named_keywords(f), old;
	struct msg *m = msg_at(f, i);
	int r;

	flags &= KNOWN_FLAGS;
	old = keywords_of(m);
	keywords = (keywords & named) | (old & ~named);
	c.add_flags = flags & ~(unsigned)m->flags;
	c.del_flags = m->flags & ~flags;
	c.add_keywords = keywords & ~old;
	c.del_keywords = old & ~keywords;
	r = msg_try(f, i, op_set, &c);
	m = msg_at(f, i);
	/* Somebody else's change came in between: the caller must be told what holds now. */
	if (r == 0 && (m->flags != flags || keywords_of(m) != keywords)) {
		m->state |= MSG_CHANGED;
		msg_touch(f, m);
	}
	return r;
}

int
folder_set_unchanged(struct folder *f, size_t i, unsigned flags,
    uint64_t keywords, uint64_t unchanged_since)
{
	bool alone = f->batch == NULL;
	int r, e;

	if (i >= f->count) {
		errno = ENOENT;
		return -1;
	}
	if (folder_store_begin(f) == -1)
		return -1;
	r = set(f, i, flags, keywords, unchanged_since);
	e = errno;
	if (alone && folder_store_end(f) == -1 && r != -1)
		return -1;
	errno = e;
	return r;
}

int
folder_set(struct folder *f, size_t i, unsigned flags, uint64_t keywords)
{
	return folder_set_unchanged(f, i, flags, keywords, MODSEQ_MAX);
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
	msg_at(f, i)->state |= MSG_GONE;
	msg_touch(f, msg_at(f, i));
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
	if (!f->dirty)
		folder_watch_if_large(f);
	if (msg_try(f, i, op_unlink, NULL) == -1 && errno != ENOENT)
		return -1;
	msg_gone(f, i);
	return 0;
}
