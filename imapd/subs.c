/*
 * The subscriptions file.  Two forms are read and kept: plain names whose parts are
 * joined by ".", and the one that begins "V<TAB>2" and joins them by tabs.
 * Writers use the lock file that Dovecot uses, and rename over the old one.
 */
#include "subs.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "limits.h"
#include "utf7.h"

#define FILE_MAX	(16 * 1048576)
#define LOCK_TRIES	500		/* of 20 ms */
#define LOCK_STALE	120		/* seconds */

static const char version2[] = "V\t2\n\n";

/* Courier's file, whose names begin with "INBOX.", where it had the mailbox before. */
static int
read_courier(int dirfd, struct buf *b)
{
	struct buf text;
	struct cur c;
	int r;

	buf_init(&text, FILE_MAX);
	r = file_read(dirfd, "courierimapsubscribed", &text);
	cur_init(&c, buf_span(&text));
	while (r == 0 && !cur_end(&c)) {
		struct cur line;

		cur_init(&line, cur_until(&c, '\n'));
		(void)cur_ch(&c, '\n');
		(void)cur_word(&line, "INBOX.");
		(void)buf_addspan(b, cur_rest(&line));
		r = buf_addc(b, '\n');
	}
	buf_free(&text);
	return r == -1 && errno != ENOENT ? -1 : 0;
}

static int
read_file(int dirfd, struct buf *b)
{
	if (file_read(dirfd, "subscriptions", b) == 0)
		return 0;
	return errno == ENOENT ? read_courier(dirfd, b) : -1;
}

/* The next line as a raw name; false at the end. */
static bool
next_name(struct cur *c, struct buf *raw)
{
	struct span line;
	struct buf b;
	bool users;
	int ch;

	do {
		if (cur_end(c))
			return false;
		line = cur_until(c, '\n');
		(void)cur_ch(c, '\n');
	} while (line.len == 0 || line.len > NAME_RAW_MAX ||
	    span_haschr(line, 0) || span_is(line, "V\t2"));
	buf_clear(raw);
	if (span_isis(line, "INBOX"))
		return true;
	buf_init(&b, NAME_RAW_MAX + 1);
	users = line.len > sizeof(NAME_USERS) && memcmp(line.p, NAME_USERS,
	    sizeof(NAME_USERS) - 1) == 0;
	for (size_t i = 0; i < line.len; i++) {
		ch = line.p[i];
		/* In names of other accounts "/" is a dot of the address. */
		(void)buf_addc(&b, ch == '\t' || (ch == '/' && !users) ? '.' :
		    (unsigned char)ch);
	}
	if (utf7_take(buf_span(&b), raw) == -1 || raw->len > NAME_RAW_MAX) {
		buf_clear(raw);
		raw->bad = false;
		(void)buf_addspan(raw, buf_span(&b));
	}
	buf_free(&b);
	return true;
}

int
subs_load(const char *root, struct buf *names)
{
	int dirfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	struct buf text, raw;
	struct cur c;

	if (dirfd == -1)
		return -1;
	buf_init(&text, FILE_MAX);
	buf_init(&raw, NAME_RAW_MAX + 1);
	r = read_file(dirfd, &text);
	close(dirfd);
	cur_init(&c, buf_span(&text));
	while (r == 0 && next_name(&c, &raw)) {
		(void)buf_addspan(names, buf_span(&raw));
		(void)buf_addc(names, 0);
	}
	buf_free(&text);
	buf_free(&raw);
	return r == -1 || names->bad ? -1 : 0;
}

/* The lock is the new file itself. */
static int
lock(int dirfd)
{
	struct stat st;
	int fd;

	for (int i = 0; i < LOCK_TRIES; i++) {
		fd = openat(dirfd, "subscriptions.lock",
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd != -1 || errno != EEXIST)
			return fd;
		if (fstatat(dirfd, "subscriptions.lock", &st,
		    AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime < time(NULL) - LOCK_STALE)
			(void)unlinkat(dirfd, "subscriptions.lock", 0);
		(void)poll(NULL, 0, 20);
	}
	errno = EAGAIN;
	return -1;
}

/* The text with the name added or taken out. */
static void
change(struct span text, const char *raw, bool on, struct buf *out)
{
	bool v2 = text.len >= sizeof(version2) - 1 &&
	    memcmp(text.p, version2, sizeof(version2) - 1) == 0;
	struct buf name;
	struct cur c;

	buf_init(&name, NAME_RAW_MAX + 1);
	if (v2)
		(void)buf_adds(out, version2);
	cur_init(&c, text);
	for (bool more = true; more;) {
		more = next_name(&c, &name);
		if (!more && on) {
			buf_clear(&name);
			(void)buf_adds(&name, raw);
		} else if (!more || span_is(buf_span(&name), raw)) {
			continue;
		}
		for (size_t i = 0; v2 && i < name.len; i++)
			if (name.p[i] == '.')
				name.p[i] = '\t';
		if (name.len == 0)
			(void)buf_adds(out, "INBOX");
		(void)buf_addspan(out, buf_span(&name));
		(void)buf_addc(out, '\n');
	}
	buf_free(&name);
}

static int
write_new(int dirfd, int fd, const char *raw, bool on)
{
	struct buf text, out;
	int r = -1;

	buf_init(&text, FILE_MAX);
	buf_init(&out, FILE_MAX + 1024);
	if (read_file(dirfd, &text) == 0) {
		change(buf_span(&text), raw, on, &out);
		if (!out.bad && file_write_all(fd, out.p, out.len) == 0 &&
		    fsync(fd) == 0)
			r = renameat(dirfd, "subscriptions.lock", dirfd,
			    "subscriptions");
	}
	buf_free(&text);
	buf_free(&out);
	return r;
}

int
subs_set(const char *root, const char *raw, bool on)
{
	int dirfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, r, e;

	if (dirfd == -1)
		return -1;
	if ((fd = lock(dirfd)) == -1) {
		close(dirfd);
		return -1;
	}
	r = write_new(dirfd, fd, raw, on);
	e = errno;
	if (r == -1)
		(void)unlinkat(dirfd, "subscriptions.lock", 0);
	close(fd);
	close(dirfd);
	errno = e;
	return r;
}
