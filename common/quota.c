/*
 * The file maildirsize.  Trusts nothing in the Maildir: for root it takes only
 * a regular file of the owner with one name, and follows no link; numbers are
 * checked, and what does not add up is counted anew.
 */
#include "quota.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "limits.h"
#include "maildir.h"

#define NUMBER_MAX	(UINT64_C(1) << 62)
#define FRESH		900	/* seconds for which a full mailbox's one line is believed */

bool
quota_is_set(const struct quota *q)
{
	return q->bytes != 0 || q->messages != 0;
}

bool
quota_fits(const struct quota *q, const struct quota_usage *u, uint64_t bytes,
    uint64_t messages)
{
	if (q->bytes != 0 && (u->bytes > q->bytes || bytes > q->bytes - u->bytes))
		return false;
	return q->messages == 0 || (u->messages <= q->messages &&
	    messages <= q->messages - u->messages);
}

bool
quota_is_full(const struct quota *q, const struct quota_usage *u)
{
	uint64_t room = q->bytes / 20 < QUOTA_ROOM ? q->bytes / 20 : QUOTA_ROOM;

	return !quota_fits(q, u, room, 1);
}

/* "1000000S,100C": the limits, in any order. */
static int
parse_limits(struct cur *c, struct quota *q)
{
	uint64_t n;

	memset(q, 0, sizeof(*q));
	while (!cur_end(c)) {
		if (cur_num(c, NUMBER_MAX, &n) == -1)
			return -1;
		if (cur_ch(c, 'S'))
			q->bytes = n;
		else if (cur_ch(c, 'C'))
			q->messages = n;
		else
			return -1;
		if (!cur_ch(c, ',') && !cur_end(c))
			return -1;
	}
	return 0;
}

static int
parse_number(struct cur *c, int64_t *out)
{
	uint64_t n;
	bool minus;

	while (cur_ch(c, ' '))
		;
	minus = cur_ch(c, '-');
	if (cur_num(c, NUMBER_MAX, &n) == -1)
		return -1;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return 0;
}

/* Adds one line's numbers. */
static int
parse_change(struct cur *c, int64_t sum[2])
{
	int64_t n;

	for (int i = 0; i < 2; i++)
		if (parse_number(c, &n) == -1 ||
		    __builtin_add_overflow(sum[i], n, &sum[i]))
			return -1;
	while (cur_ch(c, ' '))
		;
	return cur_end(c) ? 0 : -1;
}

int
quota_parse(struct span s, struct quota *q, struct quota_usage *u)
{
	int64_t sum[2] = { 0, 0 };
	struct cur c, line;

	memset(u, 0, sizeof(*u));
	cur_init(&c, s);
	cur_init(&line, cur_until(&c, '\n'));
	if (!cur_ch(&c, '\n') || parse_limits(&line, q) == -1)
		return -1;
	while (!cur_end(&c)) {
		cur_init(&line, cur_until(&c, '\n'));
		if (!cur_ch(&c, '\n') || parse_change(&line, sum) == -1)
			return -1;
	}
	if (sum[0] < 0 || sum[1] < 0)
		return -1;
	u->bytes = (uint64_t)sum[0];
	u->messages = (uint64_t)sum[1];
	return 0;
}

static void
print_limits(const struct quota *q, struct buf *out)
{
	if (q->bytes != 0)
		buf_addf(out, "%" PRIu64 "S", q->bytes);
	if (q->messages != 0)
		buf_addf(out, "%s%" PRIu64 "C", q->bytes != 0 ? "," : "",
		    q->messages);
	buf_addc(out, '\n');
}

void
quota_print(const struct quota *q, const struct quota_usage *u,
    struct buf *out)
{
	print_limits(q, out);
	buf_addf(out, "%12" PRIu64 " %12" PRIu64 "\n", u->bytes, u->messages);
}

int
quota_mark_name(const char *address, char out[QUOTA_MARK_MAX])
{
	size_t n = 0;

	for (; *address != '\0'; address++) {
		int c = ascii_lower((unsigned char)*address);

		if (n + 4 > QUOTA_MARK_MAX)
			return -1;
		if (c <= ' ' || c == 0x7f || c == '/' || c == '%')
			n += (size_t)snprintf(out + n, 4, "%%%02X", (unsigned)c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
	return n == 0 || out[0] == '.' ? -1 : 0;
}

static int
hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
quota_mark_address(const char *name, char *out, size_t size)
{
	struct cur c;
	size_t n = 0;
	int ch, hi, lo;

	cur_init(&c, span_str(name));
	while ((ch = cur_next(&c)) != -1) {
		if (ch == '%') {
			hi = hex_value(cur_next(&c));
			lo = hex_value(cur_next(&c));
			if (hi == -1 || lo == -1 || (hi | lo) == 0)
				return -1;
			ch = hi << 4 | lo;
		}
		if (n + 1 >= size)
			return -1;
		out[n++] = (char)ch;
	}
	if (size > 0)
		out[n] = '\0';
	return n == 0 ? -1 : 0;
}

/* For root: is it the mailbox owner's own? */
static bool
belongs(const struct stat *st, const struct ids *owner)
{
	return geteuid() != 0 || owner == NULL || owner->uid == (uid_t)-1 ||
	    st->st_uid == owner->uid;
}

/* The file, if it may be believed; -1 with errno. */
static int
open_file(int dir, const char *name, int flags, const struct ids *owner,
    struct stat *st)
{
	int fd = openat(dir, name,
	    flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	    belongs(st, owner))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* What the file says: 0, or -1 when it must be counted. */
static int
read_file(int dir, const struct quota *q, const struct ids *owner,
    struct quota_usage *u)
{
	struct quota written;
	struct stat st;
	struct buf b;
	int r, fd = open_file(dir, QUOTA_FILE, O_RDONLY, owner, &st);

	if (fd == -1)
		return -1;
	buf_init(&b, QUOTA_FILE_MAX);
	r = file_read_all(fd, &b);
	close(fd);
	if (r == 0)
		r = quota_parse(buf_span(&b), &written, u);
	if (r == 0 && (written.bytes != q->bytes ||
	    written.messages != q->messages))
		r = -1;
	/* Full?  Something may have been deleted by a program that does not
	 * know of quotas. */
	if (r == 0 && quota_is_full(q, u) && clock_now() - st.st_mtime > FRESH)
		r = -1;
	buf_free(&b);
	return r;
}

static uint64_t
lower_of(uint64_t limit, uint64_t own)
{
	return own != 0 && (limit == 0 || own < limit) ? own : limit;
}

void
quota_lower(int dir, const struct ids *owner, struct quota *q)
{
	struct quota_usage u;
	struct quota own;
	struct stat st;
	struct buf b;
	int fd;

	if (!quota_is_set(q) ||
	    (fd = open_file(dir, QUOTA_OWN, O_RDONLY, owner, &st)) == -1)
		return;
	buf_init(&b, QUOTA_FILE_MAX);
	if (file_read_all(fd, &b) == 0 &&
	    quota_parse(buf_span(&b), &own, &u) == 0) {
		q->bytes = lower_of(q->bytes, own.bytes);
		q->messages = lower_of(q->messages, own.messages);
	}
	buf_free(&b);
	close(fd);
}

int
quota_set_own(int dir, const struct quota *own)
{
	struct buf b;
	int r;

	if (!quota_is_set(own))
		return unlinkat(dir, QUOTA_OWN, 0) == -1 && errno != ENOENT ?
		    -1 : 0;
	buf_init(&b, QUOTA_FILE_MAX);
	print_limits(own, &b);
	r = b.bad ? -1 : file_replace(dir, QUOTA_OWN, b.p, b.len, 0600);
	buf_free(&b);
	return r;
}

/* One message, by its name; a name without its size is looked at. */
static void
count_one(int dir, const char *name, struct quota_usage *u)
{
	struct maildir_name n;
	struct stat st;

	maildir_name_parse(span_str(name), &n);
	if (n.size == 0) {
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode))
			return;
		n.size = (uint64_t)st.st_size;
	}
	u->bytes += n.size;
	u->messages++;
}

/* The messages in new/ or cur/ of the folder at dir; what is missing is empty. */
static int
count_dir(int dir, const char *name, struct quota_usage *u)
{
	struct dirent *e;
	DIR *d;
	int r, fd = openat(dir, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
		    0 : -1;
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (errno = 0, (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			count_one(fd, e->d_name, u);
	r = errno == 0 ? 0 : -1;
	closedir(d);
	return r;
}

static int
count_folder(int dir, struct quota_usage *u)
{
	return count_dir(dir, "new", u) == -1 || count_dir(dir, "cur", u) == -1 ?
	    -1 : 0;
}

/* The folders are the directories whose names begin with a dot. */
int
quota_count(int dir, struct quota_usage *u)
{
	struct dirent *e;
	DIR *d;
	int fd, r;

	memset(u, 0, sizeof(*u));
	r = count_folder(dir, u);
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (r == 0 && (errno = 0, e = readdir(d)) != NULL) {
		int folder;

		if (e->d_name[0] != '.' || e->d_name[1] == '\0' ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		folder = openat(fd, e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (folder == -1)
			continue;
		r = count_folder(folder, u);
		close(folder);
	}
	if (r == 0 && errno != 0)
		r = -1;
	closedir(d);
	return r;
}

/* tmp/, where root must not be led elsewhere by a link; -1 with errno. */
static int
open_tmp(int dir, const struct ids *owner)
{
	struct stat st;
	int fd = openat(dir, "tmp",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1 || (fstat(fd, &st) == 0 && belongs(&st, owner)))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* Built in tmp/ and renamed.  Not flushed: what a crash takes is counted again. */
int
quota_write(int dir, const struct quota *q, const struct ids *owner,
    const struct quota_usage *u)
{
	char name[64], random[17];
	struct buf b;
	int fd, r, tmp = open_tmp(dir, owner);

	if (tmp == -1)
		return -1;
	random_hex64(random);
	snprintf(name, sizeof(name), "%lld.%s.quota", (long long)clock_now(),
	    random);
	fd = openat(tmp, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		close(tmp);
		return -1;
	}
	buf_init(&b, QUOTA_FILE_MAX);
	quota_print(q, u, &b);
	r = b.bad ? -1 : file_write_all(fd, b.p, b.len);
	if (r == 0 && geteuid() == 0 && owner != NULL &&
	    owner->uid != (uid_t)-1)
		r = fchown(fd, owner->uid, owner->gid);
	buf_free(&b);
	close(fd);
	if (r == 0)
		r = renameat(tmp, name, dir, QUOTA_FILE);
	if (r == -1)
		(void)unlinkat(tmp, name, 0);
	close(tmp);
	return r;
}

int
quota_get(int dir, const struct quota *q, const struct ids *owner,
    struct quota_usage *u)
{
	if (read_file(dir, q, owner, u) == 0)
		return 0;
	if (quota_count(dir, u) == -1)
		return -1;
	/* On a full disk it is only not remembered. */
	(void)quota_write(dir, q, owner, u);
	return 0;
}

int
quota_add(int dir, const struct ids *owner, int64_t bytes, int64_t messages)
{
	char line[64];
	struct stat st;
	int fd, n, r;

	if ((fd = open_file(dir, QUOTA_FILE, O_WRONLY | O_APPEND, owner,
	    &st)) == -1)
		return errno == ENOENT ? 0 : -1;
	n = snprintf(line, sizeof(line), "%12" PRId64 " %12" PRId64 "\n", bytes,
	    messages);
	r = file_write_all(fd, line, (size_t)n);
	close(fd);
	return r;
}
