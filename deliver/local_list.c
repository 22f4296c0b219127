/*
 * The targets of one recipient: those of an alias, with the files that it
 * includes, or of its owner's .forward.  An alias is the administrator's word; a
 * .forward is its owner's, and is read as him; what an included file holds
 * are addresses and nothing else.  One broken line and nothing is delivered:
 * half of a list is not what anybody meant.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local_forward.h"
#include "rcpt.h"

struct source {
	const char *file;	/* for messages */
	unsigned line;		/* of its first line */
	const char *domain;
	bool lines;
	bool addresses_only;
	const struct person *who;	/* reads what is included; NULL: its owner */
};

static bool	take_list(struct forward *, const struct source *, struct span);

/* What stands in an included file is not quoted: it may be another file than
 * was thought.  The sender is told neither of the file nor of what is in it. */
static bool
refuse(struct forward *f, const struct source *s, unsigned line,
    const char *text, const char *why)
{
	if (s->addresses_only)
		text = "";
	outcome_set(&f->t.out, PROC_DEFER, "4.3.5", "the %s of this address is "
	    "broken; mail waits until it is mended", f->list ? "list" :
	    "forward");
	outcome_note(&f->t.out, "%.120s:%u: %s%.60s%s%s",
	    s->file, s->line + line - 1, *text == '\0' ? "" : "\"", text,
	    *text == '\0' ? "" : "\": ", why);
	return false;
}

/* Room for one more. */
static bool
grow(struct forward *f)
{
	size_t cap = f->cap == 0 ? 8 : f->cap * 2;
	struct target_item *items;
	uint64_t *hashes;

	if (f->nitems < f->cap)
		return true;
	if (f->nitems >= LIST_TARGETS_MAX ||
	    (items = reallocarray(f->items, cap, sizeof(*items))) == NULL)
		return false;
	f->items = items;
	if ((hashes = reallocarray(f->hashes, cap, sizeof(*hashes))) == NULL)
		return false;
	f->hashes = hashes;
	f->cap = cap;
	return true;
}

/* Who is named twice counts once.  Of thousands only the hashes are looked through. */
static bool
add_item(struct forward *f, const struct target_item *item)
{
	uint64_t h = target_hash(item);

	for (size_t i = 0; i < f->nitems; i++)
		if (f->hashes[i] == h && target_same(&f->items[i], item))
			return true;
	if (!grow(f)) {
		outcome_set(&f->t.out, PROC_DEFER, "4.3.5", "the list has more "
		    "than %d targets", LIST_TARGETS_MAX);
		return false;
	}
	f->items[f->nitems] = *item;
	f->hashes[f->nitems++] = h;
	return true;
}

/* Can nobody but root say what stands at the path?  In a directory with the sticky bit
 * others add names, but do not move root's. */
static bool
is_roots_path(const char *path)
{
	int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	char name[256];
	bool ok = at != -1;
	struct stat st;
	struct cur c;

	cur_init(&c, span_str(path));
	while (ok && !cur_end(&c)) {
		struct span part = cur_until(&c, '/');

		(void)cur_ch(&c, '/');
		if (part.len == 0)
			continue;
		ok = span_cstr(part, name, sizeof(name)) == 0 &&
		    (fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)) !=
		    -1;
		if (!ok)
			break;
		close(at);
		at = fd;
		ok = fstat(fd, &st) == 0 && st.st_uid == 0 &&
		    !S_ISLNK(st.st_mode) && ((st.st_mode &
		    (S_IWGRP | S_IWOTH)) == 0 || (st.st_mode & S_ISVTX) != 0);
	}
	if (at != -1)
		close(at);
	return ok;
}

/* An included file belongs to somebody who may say who is in the list, and is
 * read as him; but as root only what nobody else can have put there by a link. */
static bool
file_owner(const struct control *c, const char *path, struct person *who)
{
	struct stat st;

	memset(who, 0, sizeof(*who));
	if (stat(path, &st) == -1)
		return false;
	who->ids.uid = st.st_uid;
	who->ids.gid = st.st_gid;
	if (st.st_uid != 0)
		return true;
	who->ids.uid = (uid_t)-1;
	if (geteuid() != 0 || is_roots_path(path))
		return true;
	who->ids = c->set.program_user;
	errno = EPERM;
	return who->ids.uid != (uid_t)-1;
}

/* What it includes in turn is read by who has read it, for he could name the file of another;
 * root's names a file of anybody, as an alias does. */
static bool
take_include(struct forward *f, const struct source *from, unsigned line,
    const char *path)
{
	struct source s = { path, 1, from->domain, true, true, from->who };
	struct person owner;
	struct buf b;
	bool r;

	if (f->included++ == INCLUDED_MAX)	/* also how deep this recurses */
		return refuse(f, from, line, path, "too many files are included, "
		    "or one includes itself; name the addresses here");
	buf_init(&b, LIST_FILE_MAX - f->included_size);
	if ((from->who == NULL && !file_owner(f->c, path, &owner)) ||
	    user_read(from->who != NULL ? from->who : &owner, path, NULL, &b) ==
	    -1) {
		buf_free(&b);
		return refuse(f, from, line, path, strerror(errno));
	}
	if (from->who == NULL && owner.ids.uid != (uid_t)-1)
		s.who = &owner;
	f->included_size += b.len;
	r = take_list(f, &s, buf_span(&b));
	buf_free(&b);
	return r;
}

static bool
take_list(struct forward *f, const struct source *s, struct span text)
{
	struct target_item item;
	const char *wrong;
	struct targets t;
	int r;

	targets_init(&t, text, s->domain, s->lines);
	while ((r = targets_next(&t, &item, &wrong)) != 0) {
		bool special = item.kind == TARGET_PROGRAM ||
		    item.kind == TARGET_FILE;

		if (r == -1)
			return refuse(f, s, item.line, item.text, wrong);
		if (special && s->addresses_only)
			return refuse(f, s, item.line, item.text, "an included "
			    "file holds addresses only");
		if (special && !f->who.programs)
			return refuse(f, s, item.line, item.text, "programs and "
			    "files are for accounts of the system, or if root "
			    "owns this file");
		if (item.kind == TARGET_INCLUDE) {
			if (!take_include(f, s, item.line, item.text))
				return false;
		} else if (!add_item(f, &item))
			return false;
	}
	return true;
}

/* sendmail's owner- convention; what has no sender keeps none, so that no
 * bounce is bounced. */
static bool
alias_list(struct forward *f, const struct rcpt_decision *d)
{
	const char *domain = addr_domain(&f->addr);
	struct source s = { "aliases", d->line, *domain == '\0' ?
	    f->c->first_domain : domain, false, false, NULL };

	char owner[sizeof(f->sender)];

	if (f->sender[0] != '\0' &&
	    alias_owner(f->c, &f->addr, owner, sizeof(owner)))
		strlcpy(f->sender, owner, sizeof(f->sender));
	f->who.ids = f->c->set.program_user;
	strlcpy(f->who.home, "/", sizeof(f->who.home));
	f->who.programs = true;
	return take_list(f, &s, d->targets);
}

/* Whose file it may be, and who may write to it. */
static const char *
forward_wrong(const struct forward *f, const struct stat *st)
{
	uid_t uid = f->t.account.owner.uid;

	if (!S_ISREG(st->st_mode))
		return "this is not a file";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write to it; chmod go-w";
	if (uid != (uid_t)-1 && st->st_uid != uid && st->st_uid != 0)
		return "it belongs to somebody else; give it to its user";
	return NULL;
}

/*
 * Virtual users share one account: a program in the file of one could read the
 * mail of all, so it must be root's.
 */
static bool
forward_list(struct forward *f)
{
	const struct account *a = &f->t.account;
	struct source s = { .line = 1, .domain = strrchr(a->address, '@') + 1,
	    .lines = true, .who = &f->who };
	char path[600];
	const char *why;
	struct stat st;
	struct buf b;
	bool r;

	s.file = path;
	if (account_forward(a, path, sizeof(path)) == -1)
		return true;
	if (lstat(path, &st) == -1) {
		if (errno == ENOENT)
			return true;
		outcome_path(&f->t.out, errno, path);
		return false;
	}
	if ((why = forward_wrong(f, &st)) != NULL)
		return refuse(f, &s, 1, "", why);
	f->who.programs = st.st_uid == 0 ||
	    a->owner.uid != f->c->set.mail_user.uid;
	buf_init(&b, FORWARD_FILE_MAX);
	if (user_read(&f->who, path, &st, &b) == -1) {
		outcome_path(&f->t.out, errno, path);
		r = false;
	} else
		r = take_list(f, &s, buf_span(&b));
	buf_free(&b);
	return r;
}

static void
set_person(struct forward *f)
{
	const struct account *a = &f->t.account;
	const char *at = strrchr(a->address, '@'), *slash;

	f->who.ids = a->owner;
	snprintf(f->who.user, sizeof(f->who.user), "%.*s",
	    (int)(at - a->address), a->address);
	strlcpy(f->who.home, a->home[0] != '\0' ? a->home : a->maildir,
	    sizeof(f->who.home));
	/* A Maildir is no home: what a program leaves there would be folders. */
	if (a->home[0] == '\0' &&
	    (slash = strrchr(f->who.home, '/')) != NULL)
		f->who.home[slash - f->who.home] = '\0';
}

bool
list_make(struct forward *f)
{
	struct rcpt_decision d;

	strlcpy(f->sender, f->env.sender, sizeof(f->sender));
	if (f->list) {
		rcpt_decide(f->c, &f->addr, &d);
		return alias_list(f, &d);
	}
	set_person(f);
	return forward_list(f);
}
