/*
 * Writing spool files: names and durability.  A message is open, write, rename,
 * fsync, close: the name is made before the one fsync, so that on journalling
 * file systems one flush makes both durable; a file whose length differs
 * from the S= of its name was never acknowledged.  Trusts the kernel's return
 * values only; after any failure nothing is left in tmp/ or visible in new/.
 * Must not be used by a process that may list the spool: it opens directories
 * for passage, not for reading, where it can.
 */
#include "spool.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "fmt.h"
#include "proc.h"

#define SPOOL_FIRST	8192	/* of the buffer: holds most messages */
#define SPOOL_CHUNK	65536	/* bytes gathered before a write(2) */
#define SPOOL_MODE	0640	/* owner writes, spool-group reads */
#define SPOOL_UMASK	027
#define HOST_IN_NAME	48	/* of the host name; sizes and id need the rest */
#define RANDOM_DIGITS	16
#define HEX		1
#define HOSTCHAR	2

/* Hexadecimal digits as written, and what a host may have in a file name. */
static const uint8_t name_class[256] = {
	['0'] = HEX | HOSTCHAR, ['1'] = HEX | HOSTCHAR, ['2'] = HEX | HOSTCHAR,
	['3'] = HEX | HOSTCHAR, ['4'] = HEX | HOSTCHAR, ['5'] = HEX | HOSTCHAR,
	['6'] = HEX | HOSTCHAR, ['7'] = HEX | HOSTCHAR, ['8'] = HEX | HOSTCHAR,
	['9'] = HEX | HOSTCHAR, ['a'] = HEX | HOSTCHAR, ['b'] = HEX | HOSTCHAR,
	['c'] = HEX | HOSTCHAR, ['d'] = HEX | HOSTCHAR, ['e'] = HEX | HOSTCHAR,
	['f'] = HEX | HOSTCHAR, ['g'] = HOSTCHAR, ['h'] = HOSTCHAR,
	['i'] = HOSTCHAR, ['j'] = HOSTCHAR, ['k'] = HOSTCHAR, ['l'] = HOSTCHAR,
	['m'] = HOSTCHAR, ['n'] = HOSTCHAR, ['o'] = HOSTCHAR, ['p'] = HOSTCHAR,
	['q'] = HOSTCHAR, ['r'] = HOSTCHAR, ['s'] = HOSTCHAR, ['t'] = HOSTCHAR,
	['u'] = HOSTCHAR, ['v'] = HOSTCHAR, ['w'] = HOSTCHAR, ['x'] = HOSTCHAR,
	['y'] = HOSTCHAR, ['z'] = HOSTCHAR, ['A'] = HOSTCHAR, ['B'] = HOSTCHAR,
	['C'] = HOSTCHAR, ['D'] = HOSTCHAR, ['E'] = HOSTCHAR, ['F'] = HOSTCHAR,
	['G'] = HOSTCHAR, ['H'] = HOSTCHAR, ['I'] = HOSTCHAR, ['J'] = HOSTCHAR,
	['K'] = HOSTCHAR, ['L'] = HOSTCHAR, ['M'] = HOSTCHAR, ['N'] = HOSTCHAR,
	['O'] = HOSTCHAR, ['P'] = HOSTCHAR, ['Q'] = HOSTCHAR, ['R'] = HOSTCHAR,
	['S'] = HOSTCHAR, ['T'] = HOSTCHAR, ['U'] = HOSTCHAR, ['V'] = HOSTCHAR,
	['W'] = HOSTCHAR, ['X'] = HOSTCHAR, ['Y'] = HOSTCHAR, ['Z'] = HOSTCHAR,
	['-'] = HOSTCHAR, ['.'] = HOSTCHAR, ['_'] = HOSTCHAR,
};

/* QID "." HOST ",S=" size ",W=" size */
static bool
parse_name(struct cur *c, const unsigned char *start, struct spool_name *n)
{
	uint64_t seconds;

	if (cur_num(c, INT64_MAX, &seconds) == -1 || !cur_ch(c, '.') ||
	    cur_while(c, name_class, HEX).len != RANDOM_DIGITS)
		return false;
	n->arrival = (time_t)seconds;
	n->qid_len = (size_t)(c->p - start);
	if (!cur_ch(c, '.') || cur_while(c, name_class, HOSTCHAR).len == 0)
		return false;
	return cur_ch(c, ',') && cur_ch(c, 'S') && cur_ch(c, '=') &&
	    cur_num(c, INT64_MAX, &n->size) == 0 &&
	    cur_ch(c, ',') && cur_ch(c, 'W') && cur_ch(c, '=') &&
	    cur_num(c, INT64_MAX, &n->wsize) == 0 && cur_end(c);
}

bool
spool_name_parse(struct span s, struct spool_name *n)
{
	struct cur c;

	memset(n, 0, sizeof(*n));
	if (span_cstr(s, n->text, sizeof(n->text)) == -1)
		return false;
	cur_init(&c, s);
	if (parse_name(&c, c.p, n) && n->wsize >= n->size)
		return true;
	memset(n, 0, sizeof(*n));
	return false;
}

/* A directory below dir: readable only where its fsync is wanted and allowed. */
static int
open_dir(int dir, const char *name, bool sync)
{
	int fd = -1, flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	if (sync)
		fd = openat(dir, name, O_RDONLY | flags);
	if (fd == -1)
		fd = openat(dir, name, O_PATH | flags);
	return fd;
}

/*
 * O_RDWR keeps names in the FIFO while queue restarts; who may only write (the
 * group) gets them across when queue runs.  So does root: what it opens goes to
 * a session, which could otherwise read the names of other clients' messages
 * and, by them, the messages.
 */
void
spool_open_trigger(struct spool *s)
{
	static const char name[] = "../trigger";
	int fd, flags = O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;

	fd = proc_is_root() ? -1 : openat(s->tmp, name, O_RDWR | flags);
	if (fd == -1 && (proc_is_root() || errno == EACCES))
		fd = openat(s->tmp, name, O_WRONLY | flags);
	s->trigger = fd;
}

/* Keeps what a file name may hold of host. */
static void
set_host(struct spool *s, const char *host)
{
	size_t n = 0;

	for (; *host != '\0' && n < HOST_IN_NAME; host++) {
		unsigned char c = (unsigned char)*host;

		s->host[n++] = (name_class[c] & HOSTCHAR) != 0 ? *host : '_';
	}
	if (n == 0)
		s->host[n++] = '_';
	s->host[n] = '\0';
}

static int
open_dirs(struct spool *s, const char *path, const char *host,
    bool sync_directory)
{
	int dir, e;

	memset(s, 0, sizeof(*s));
	s->tmp = s->new = s->cur = s->state = s->hold = s->trigger = -1;
	s->full = s->rate = -1;
	s->sync_directory = sync_directory;
	set_host(s, host);
	if ((dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	umask(SPOOL_UMASK);
	s->tmp = open_dir(dir, "tmp", false);
	if (s->tmp != -1)
		s->new = open_dir(dir, "new", sync_directory);
	e = errno;
	if (s->new != -1) {
		s->full = open_dir(dir, "full", false);
		s->rate = open_dir(dir, "rate", false);
	}
	close(dir);
	if (s->new != -1)
		return 0;
	spool_close(s);
	errno = e;
	return -1;
}

int
spool_open_writer(struct spool *s, const char *path, const char *host,
    bool sync_directory)
{
	if (open_dirs(s, path, host, sync_directory) == -1)
		return -1;
	spool_open_trigger(s);
	return 0;
}

int
spool_place(struct spool *s, const char *path, const char *host,
    bool sync_directory, int first)
{
	int *all[SPOOL_PLACES] = { &s->tmp, &s->new, &s->full, &s->rate };

	if (open_dirs(s, path, host, sync_directory) == -1)
		return -1;
	for (int i = 0; i < SPOOL_PLACES; i++) {
		int fd = *all[i];

		if (fd == -1)
			continue;
		if (dup3(fd, first + i, O_CLOEXEC) == -1)
			return -1;
		close(fd);
		*all[i] = first + i;
	}
	return 0;
}

void
spool_close(struct spool *s)
{
	int *all[] = { &s->tmp, &s->new, &s->cur, &s->state, &s->hold,
	    &s->full, &s->rate, &s->trigger };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] != -1)
			close(*all[i]);
		*all[i] = -1;
	}
}

int
spool_begin(struct spool_writer *w, const struct spool *s)
{
	char rnd[RANDOM_DIGITS + 1];

	memset(w, 0, sizeof(*w));
	w->spool = s;
	random_hex64(rnd);
	fmt_print(w->qid, sizeof(w->qid), "%lld.%s", (long long)clock_now(),
	    rnd);
	fmt_print(w->tmp, sizeof(w->tmp), "%.39s.%.*s", w->qid, HOST_IN_NAME,
	    s->host);
	buf_init(&w->buf, SPOOL_CHUNK + SPOOL_AHEAD);
	buf_init(&w->behind, SPOOL_ENVELOPE_MAX);
	w->fd = openat(s->tmp, w->tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, SPOOL_MODE);
	if (w->fd == -1) {
		w->failed = true;
		w->errno_ = errno;
		w->tmp[0] = '\0';
		return -1;
	}
	(void)buf_room(&w->buf, SPOOL_FIRST - 1);
	return 0;
}

/* Remembers the first error. */
static int
fail(struct spool_writer *w)
{
	if (!w->failed)
		w->errno_ = errno != 0 ? errno : EIO;
	w->failed = true;
	buf_free(&w->buf);
	buf_free(&w->behind);
	errno = w->errno_;
	return -1;
}

static int
put(struct spool_writer *w, const void *p, size_t n)
{
	return file_write_all(w->fd, p, n) == -1 ? fail(w) : 0;
}

static uint64_t
count_lines(const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n, *lf;
	uint64_t lines = 0;

	for (; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			break;
		lines++;
	}
	return lines;
}

/* false: it has failed, or nothing is open; errno tells. */
static bool
is_open(const struct spool_writer *w)
{
	if (!w->failed && w->fd != -1)
		return true;
	errno = w->errno_ != 0 ? w->errno_ : EBADF;
	return false;
}

int
spool_added(struct spool_writer *w)
{
	size_t new = w->buf.len - w->counted;

	if (!is_open(w))
		return -1;
	if (w->buf.bad) {
		errno = ENOMEM;
		return fail(w);
	}
	w->size += new;
	w->lines += count_lines(w->buf.p + w->counted, new);
	w->counted = w->buf.len;
	if (w->buf.len < SPOOL_CHUNK)
		return 0;
	if (put(w, w->buf.p, w->buf.len) == -1)
		return -1;
	buf_clear(&w->buf);
	w->counted = 0;
	return 0;
}

int
spool_add(struct spool_writer *w, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t part;

	if (!is_open(w))
		return -1;
	for (; n > 0; p += part, n -= part) {
		part = n < SPOOL_CHUNK ? n : SPOOL_CHUNK;
		(void)buf_add(&w->buf, p, part);
		if (spool_added(w) == -1)
			return -1;
	}
	return 0;
}

int
spool_envelope(struct spool_writer *w, const struct envelope *e)
{
	struct buf front;
	int r;

	buf_init(&front, SPOOL_ENVELOPE_MAX);
	r = envelope_split(e, &front, &w->behind);
	if (r == 0)
		r = spool_add(w, front.p, front.len);
	buf_free(&front);
	return r;
}

void
spool_abort(struct spool_writer *w)
{
	buf_free(&w->buf);
	buf_free(&w->behind);
	if (w->tmp[0] == '\0')
		return;
	unlinkat(w->spool->tmp, w->tmp, 0);
	close(w->fd);
	w->fd = -1;
	w->tmp[0] = '\0';
}

/* fsync of new/ for the two-flush order; the whole file system where this
 * process may not open the directory for reading. */
static int
sync_names(struct spool_writer *w)
{
	if (!w->spool->sync_directory)
		return 0;
	if (file_sync_dir(w->spool->new) == 0)
		return 0;
	return errno == EBADF ? syncfs(w->fd) : -1;
}

/* Gives the file its name in new/ and waits for the disk. */
static int
make_durable(struct spool_writer *w, const char *name)
{
	if (renameat(w->spool->tmp, w->tmp, w->spool->new, name) == -1 ||
	    fsync(w->fd) == -1 || sync_names(w) == -1)
		return fail(w);
	if (close(w->fd) == -1) {
		w->fd = -1;		/* gone all the same, on Linux */
		return fail(w);
	}
	w->fd = -1;
	return 0;
}

static void
final_name(const struct spool_writer *w, char name[SPOOL_NAME_MAX])
{
	fmt_print(name, SPOOL_NAME_MAX, "%.*s,S=%llu,W=%llu",
	    39 + 1 + HOST_IN_NAME, w->tmp, (unsigned long long)w->size,
	    (unsigned long long)(w->size + w->lines));
}

/* All bytes to the file.  0, or -1 and the message is gone. */
static int
finish(struct spool_writer *w)
{
	int e;

	if (!w->failed && w->behind.len <= SPOOL_CHUNK - w->buf.len &&
	    buf_addspan(&w->buf, buf_span(&w->behind)) == 0)
		buf_clear(&w->behind);
	if (!w->failed && w->buf.len > 0)
		(void)put(w, w->buf.p, w->buf.len);
	if (!w->failed && w->behind.len > 0)
		(void)put(w, w->behind.p, w->behind.len);
	buf_free(&w->behind);
	if (!w->failed && w->tmp[0] != '\0') {
		buf_clear(&w->buf);
		return 0;
	}
	e = w->errno_ != 0 ? w->errno_ : EBADF;
	spool_abort(w);
	errno = e;
	return -1;
}

int
spool_prepare(struct spool_writer *w, struct spool_name *n)
{
	char name[SPOOL_NAME_MAX];

	if (finish(w) == -1)
		return -1;
	final_name(w, name);
	if (spool_name_parse(span_str(name), n) && fsync(w->fd) == 0)
		return 0;
	(void)fail(w);
	return finish(w);
}

int
spool_publish(const struct spool *s, int dir, const char *as, const char *name)
{
	int fd, r, e;

	if (renameat(dir, as, s->new, name) == -1)
		return -1;
	fd = openat(s->new, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	r = fd == -1 ? -1 : fsync(fd);
	if (r == 0 && s->sync_directory)
		r = file_sync_dir(s->new);
	e = errno;
	if (fd != -1)
		close(fd);
	errno = e;
	/* Queue may have taken it already. */
	return r == -1 && e != ENOENT && e != EBADF ? -1 : 0;
}

int
spool_commit(struct spool_writer *w, struct spool_name *n)
{
	char name[SPOOL_NAME_MAX];
	int e;

	if (finish(w) == -1)
		return -1;
	final_name(w, name);
	buf_free(&w->buf);
	if (make_durable(w, name) == 0) {
		w->tmp[0] = '\0';
		if (spool_name_parse(span_str(name), n))
			return 0;
		w->errno_ = EINVAL;	/* a clock before 1970 */
	}
	e = w->errno_;
	unlinkat(w->spool->new, name, 0);
	if (w->tmp[0] != '\0')
		unlinkat(w->spool->tmp, w->tmp, 0);
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	w->tmp[0] = '\0';
	errno = e;
	return -1;
}

void
spool_trigger(const struct spool *s, const struct spool_name *n)
{
	char line[SPOOL_NAME_MAX + 1];
	int len;

	if (s->trigger == -1)
		return;
	len = fmt_print(line, sizeof(line), "%s\n", n->text);
	/* A full FIFO or no reader: queue will find the file when it scans. */
	if (len > 0 && write(s->trigger, line, (size_t)len) == -1)
		return;
}
