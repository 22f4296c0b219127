/*
 * GETQUOTA, GETQUOTAROOT and SETQUOTA: RFC 9208.  An account has one quota root,
 * "", over all of its mailboxes; what it allows is the administrator's to say,
 * and the owner's to lower.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "log.h"
#include "quota.h"
#include "usage.h"

static int
open_root(const struct imap *im)
{
	return open(im->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
usage_begin(struct imap *im)
{
	int dirfd;

	im->quota = im->granted;
	if (!quota_is_set(&im->quota) || (dirfd = open_root(im)) == -1)
		return;
	quota_lower(dirfd, NULL, &im->quota);
	close(dirfd);
}

static int
get(struct imap *im, struct quota_usage *u)
{
	int dirfd = open_root(im), r = -1;

	if (dirfd == -1)
		return -1;
	r = quota_get(dirfd, &im->quota, NULL, u);
	close(dirfd);
	return r;
}

bool
usage_permits(struct imap *im, const struct usage *more)
{
	struct quota_usage u;

	if (!quota_is_set(&im->quota) || (more->bytes <= 0 &&
	    more->messages <= 0))
		return true;
	if (get(im, &u) == -1) {
		reply_errno(im, "cannot count the mailbox");
		return false;
	}
	if (quota_fits(&im->quota, &u,
	    more->bytes > 0 ? (uint64_t)more->bytes : 0,
	    more->messages > 0 ? (uint64_t)more->messages : 0))
		return true;
	reply_no(im, "OVERQUOTA", "The mailbox is full");
	return false;
}

void
usage_count(const struct imap *im, struct folder *f, size_t i,
    struct usage *u)
{
	struct stat st;
	int fd;

	if (!quota_is_set(&im->quota) ||
	    (fd = folder_open_message(f, i)) == -1)
		return;
	if (fstat(fd, &st) == 0) {
		u->bytes += st.st_size;
		u->messages++;
	}
	close(fd);
}

void
usage_note(const struct imap *im, const struct usage *u, int sign)
{
	int dirfd;

	if (!quota_is_set(&im->quota) || (u->bytes == 0 && u->messages == 0) ||
	    (dirfd = open_root(im)) == -1)
		return;
	(void)quota_add(dirfd, NULL, sign * u->bytes, sign * u->messages);
	close(dirfd);
}

void
usage_forget(const struct imap *im)
{
	int dirfd;

	if (!quota_is_set(&im->quota) || (dirfd = open_root(im)) == -1)
		return;
	(void)unlinkat(dirfd, QUOTA_FILE, 0);
	close(dirfd);
}

/* "* QUOTA "" (...)": RFC 9208 section 4.2.1.  STORAGE is in units of 1024. */
static int
tell(struct imap *im)
{
	const struct quota *q = &im->quota;
	struct netout *o = &im->out;
	struct quota_usage u;

	if (get(im, &u) == -1)
		return -1;
	(void)netout_adds(o, "* QUOTA \"\" (");
	if (q->bytes > 0)
		(void)netout_addf(o, "STORAGE %ju %ju",
		    (uintmax_t)((u.bytes + 1023) / 1024),
		    (uintmax_t)(q->bytes / 1024));
	if (q->messages > 0)
		(void)netout_addf(o, "%sMESSAGE %ju %ju",
		    q->bytes > 0 ? " " : "", (uintmax_t)u.messages,
		    (uintmax_t)q->messages);
	(void)netout_adds(o, ")\r\n");
	return 0;
}

/* The root that a client names.  False: the reply is sent. */
static bool
is_root(struct imap *im, struct span root)
{
	if (root.len == 0 && quota_is_set(&im->quota))
		return true;
	reply_no(im, "NONEXISTENT", "There is no such quota root");
	return false;
}

/* RFC 9208 section 4.1.1. */
void
cmd_getquota(struct imap *im, struct args *a)
{
	struct span root;

	if (!parse_sp(a) || !parse_astring(a, &root) || !parse_end(a))
		reply_args(im, a);
	else if (!is_root(im, root))
		return;
	else if (tell(im) == -1)
		reply_errno(im, "cannot count the mailbox");
	else
		reply_ok(im, NULL, "Getquota completed");
}

/* RFC 9208 section 4.1.2: the mailbox need not exist. */
void
cmd_getquotaroot(struct imap *im, struct args *a)
{
	struct place place;
	struct span name;
	bool set;

	if (!parse_sp(a) || !parse_astring(a, &name) || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	/* What others share counts for them.  RFC 9208 section 6. */
	if (!place_named(im, name, false, &place) ||
	    (place.root != NULL && !place_need(im, &place, ACL_READ)))
		return;
	set = place.own && quota_is_set(&im->quota);
	(void)netout_adds(&im->out, "* QUOTAROOT ");
	out_mailbox(im, name);
	(void)netout_adds(&im->out, set ? " \"\"\r\n" : "\r\n");
	if (set && tell(im) == -1)
		reply_errno(im, "cannot count the mailbox");
	else
		reply_ok(im, NULL, "Getquotaroot completed");
}

/* A limit that the account has may be lowered; where it has none, any may be set. */
static const char *
take_limit(const struct quota *granted, struct span name, uint64_t n,
    struct quota *own)
{
	bool storage = span_isis(name, "STORAGE");
	uint64_t most = storage ? granted->bytes / 1024 : granted->messages;

	if (!storage && !span_isis(name, "MESSAGE"))
		return "There are STORAGE and MESSAGE";
	if (n == 0 || n > INT64_MAX / 1024)
		return "There can be no such limit";
	if (most > 0 && n > most)
		return "Only the administrator gives more";
	*(storage ? &own->bytes : &own->messages) = storage ? n * 1024 : n;
	return NULL;
}

/* setquota-list: RFC 9208 section 7.  *why: what a limit cannot be. */
static bool
parse_limits(struct args *a, const struct quota *granted, struct quota *own,
    const char **why)
{
	const char *wrong;
	struct span name;
	uint64_t n;

	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "List of limits expected");
	if (cur_ch(&a->c, ')'))
		return true;
	do {
		if (!parse_atom(a, &name) || !parse_sp(a) ||
		    !parse_number64(a, &n))
			return false;
		if ((wrong = take_limit(granted, name, n, own)) != NULL)
			*why = wrong;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

static int
set_own(struct imap *im, const struct quota *own)
{
	int dirfd = open_root(im), r;

	if (dirfd == -1)
		return -1;
	r = quota_set_own(dirfd, own);
	close(dirfd);
	if (r == 0)
		usage_begin(im);
	return r == -1 ? -1 : tell(im);
}

/* RFC 9208 section 4.1.3: what the administrator grants is in the users file, which no mailbox process can reach;
 * what is set here stands beside the mail, and lowers it. */
void
cmd_setquota(struct imap *im, struct args *a)
{
	struct quota own = { 0, 0 };
	const char *why = NULL;
	struct span root;

	if (!parse_sp(a) || !parse_astring(a, &root) || !parse_sp(a) ||
	    !parse_limits(a, &im->granted, &own, &why) || !parse_end(a))
		reply_args(im, a);
	else if (!is_root(im, root))
		return;
	else if (why != NULL)
		reply_no(im, "NOPERM", why);
	else if (set_own(im, &own) == -1)
		reply_errno(im, "cannot set the limits");
	else
		reply_ok(im, NULL, "Setquota completed");
}
