/*
 * All folders of a user: of a Maildir++ tree (.Sub.Sub), or of a directory of mbox files and directories, and the
 * names that he has subscribed to, of Dovecot (subscriptions, .subscriptions), Courier (courierimapsubscribed) and the
 * c-client (.mailboxlist).  Links are not followed.  What is neither folder nor directory is named and left.
 */
#include "admin_import.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "folder_add.h"
#include "utf7.h"

#define NAME_MAX_	512		/* of a folder, all parts */
#define DEPTH_MAX	20		/* directories in directories */
#define SUBS_MAX	1048576

static bool
is_maildir(int fd)
{
	struct stat st;

	return fstatat(fd, "cur", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* prefix "." part, which may be UTF-8 (Courier 5, files), and where dots within a part, which separates parts here, become
 * "_". */
static int
join(char out[NAME_MAX_], const char *prefix, const char *part, bool dots)
{
	struct buf b;
	int r = -1;

	buf_init(&b, NAME_MAX_);
	errno = EILSEQ;
	if (utf7_take(span_str(part), &b) == 0) {
		for (size_t i = 0; !dots && i < b.len; i++)
			if (b.p[i] == '.')
				b.p[i] = '_';
		r = snprintf(out, NAME_MAX_, "%s%s%.*s", prefix,
		    prefix[0] != '\0' ? "." : "", (int)b.len,
		    (const char *)b.p);
		errno = ENAMETOOLONG;
	}
	buf_free(&b);
	return r >= 0 && r < NAME_MAX_ ? 0 : -1;
}

static int
told(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return -1;
}

/* ".Sub.Sub" of a Maildir. */
static int
maildir_entry(struct import *m, int dirfd, const char *name)
{
	char folder[NAME_MAX_];
	int fd;

	if (name[0] != '.' || name[1] == '.' || name[1] == '\0')
		return 0;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOTDIR || errno == ELOOP ? 0 : told(name);
	if (!is_maildir(fd)) {
		close(fd);
		return 0;
	}
	if (join(folder, m->folder, name + 1, true) == -1) {
		close(fd);
		return told(name);
	}
	return import_folder(m, fd, folder, name);
}

/* An mbox file is empty or begins so. */
static bool
is_mbox(int fd)
{
	char head[5];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n == 0 || (n == (ssize_t)sizeof(head) &&
	    memcmp(head, "From ", sizeof(head)) == 0);
}

static int	mbox_directory(struct import *, int fd, const char *prefix, unsigned depth);

static int
mbox_entry(struct import *m, int dirfd, const char *name, const char *prefix,
    unsigned depth)
{
	char folder[NAME_MAX_];
	struct stat st;
	int fd;

	if (name[0] == '.')
		return 0;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		return errno == ELOOP ? 0 : told(name);
	if (strcasecmp(name, "INBOX") == 0 && prefix[0] == '\0')
		folder[0] = '\0';
	else if (join(folder, prefix, name, false) == -1) {
		close(fd);
		return told(name);
	}
	if (S_ISDIR(st.st_mode))
		return mbox_directory(m, fd, folder, depth + 1);
	if (S_ISREG(st.st_mode) && is_mbox(fd))
		return import_folder(m, fd, folder, name);
	close(fd);
	fprintf(stderr, "%s: left, for it is no mbox file\n", name);
	return 0;
}

/* Each name below it, in order; closes fd. */
static int
each(struct import *m, int fd, const char *prefix, unsigned depth, bool maildir)
{
	struct dirent **list;
	int n = scandirat(fd, ".", &list, NULL, alphasort), r = 0;

	if (n == -1)
		r = told(m->source);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = maildir ? maildir_entry(m, fd, list[i]->d_name) :
			    mbox_entry(m, fd, list[i]->d_name, prefix, depth);
		free(list[i]);
	}
	if (n != -1)
		free(list);
	close(fd);
	return r;
}

static int
mbox_directory(struct import *m, int fd, const char *prefix, unsigned depth)
{
	if (depth <= DEPTH_MAX)
		return each(m, fd, prefix, depth, false);
	close(fd);
	errno = ELOOP;
	return told(prefix);
}

/* A name in a file of subscriptions, whose parts are separated by a tab, a slash or a dot; as we have it. */
static int
subscription(const struct import *m, struct span line, bool dots,
    struct buf *out)
{
	char name[NAME_MAX_], folder[NAME_MAX_];

	if (line.len == 0 || span_cstr(line, name, sizeof(name)) == -1)
		return 0;
	if (strncmp(name, "INBOX.", 6) == 0)
		memmove(name, name + 6, strlen(name + 6) + 1);
	for (char *p = name; *p != '\0'; p++)
		if (*p == '.' && !dots)
			*p = '_';
		else if (*p == '\t' || (*p == '/' && !dots))
			*p = '.';
	if (strcasecmp(name, "INBOX") == 0)
		strlcpy(folder, "INBOX", sizeof(folder));
	else if (join(folder, m->folder, name, true) == -1)
		return 0;
	return buf_addf(out, "%s\n", folder);
}

static bool
has_line(struct span text, struct span line)
{
	struct cur c;

	for (cur_init(&c, text); !cur_end(&c); (void)cur_ch(&c, '\n'))
		if (span_eq(cur_until(&c, '\n'), line))
			return true;
	return false;
}

/* Adds what is not there yet to our file, in its plain form. */
static int
subscribe(struct import *m, struct span names)
{
	int dir = open(m->account.maildir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct span line;
	struct buf b;
	struct cur c;
	int r;

	buf_init(&b, SUBS_MAX);
	r = dir == -1 ? -1 : file_read(dir, "subscriptions", &b);
	if (r == -1 && dir != -1 && errno == ENOENT)
		r = 0;
	if (r == 0 && b.len >= 2 && memcmp(b.p, "V\t", 2) == 0) {
		fprintf(stderr, "subscriptions: this mailbox has Dovecot's "
		    "list, which is left as it is\n");
		names.len = 0;
	}
	for (cur_init(&c, names); r == 0 && !cur_end(&c);) {
		line = cur_until(&c, '\n');
		(void)cur_ch(&c, '\n');
		if (!has_line(buf_span(&b), line) &&
		    (buf_addspan(&b, line) == -1 || buf_addc(&b, '\n') == -1))
			r = -1;
	}
	if (r == 0 && names.len > 0)
		r = file_replace(dir, "subscriptions", b.p, b.len, 0600);
	if (dir != -1)
		close(dir);
	buf_free(&b);
	return r == -1 ? told("subscriptions") : 0;
}

static int
import_subscriptions(struct import *m, int fd, bool maildir)
{
	static const char *const files[] = { "subscriptions",
	    "courierimapsubscribed", ".subscriptions", ".mailboxlist" };
	struct buf text, out;
	struct cur c;
	int r = -1;

	buf_init(&text, SUBS_MAX);
	buf_init(&out, 2 * SUBS_MAX);
	for (size_t i = maildir ? 0 : 2; i < (maildir ? 2u : 4u) && r == -1; i++)
		r = file_read(fd, files[i], &text);
	cur_init(&c, buf_span(&text));
	bool version2 = cur_word(&c, "V\t2\n\n");
	while (r == 0 && !cur_end(&c)) {
		r = subscription(m, cur_until(&c, '\n'), maildir && !version2,
		    &out);
		(void)cur_ch(&c, '\n');
	}
	r = r == 0 ? subscribe(m, buf_span(&out)) : 0;
	buf_free(&text);
	buf_free(&out);
	return r;
}

int
import_tree(struct import *m)
{
	const char *source = m->source;
	int fd = m->fd, again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int inbox = again == -1 ? -1 : dup(again);
	bool maildir = again != -1 && is_maildir(fd);
	int r = inbox == -1 ? told(source) : 0;

	if (r == 0 && maildir)
		r = import_folder(m, inbox, m->folder, source);
	else if (inbox != -1)
		close(inbox);
	if (r == 0)
		r = each(m, again, m->folder, 0, maildir);
	if (r == 0)
		r = import_subscriptions(m, fd, maildir);
	close(fd);
	return r;
}
