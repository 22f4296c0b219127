/*
 * Look-ups in passwords.  The index is a sorted array of (hash of the address,
 * where the line begins), behind a header that says of which state of the file
 * it is; one that does not fit is made anew.  Trusts no entry: the line that is
 * found must have the address that was asked for.
 */
#include "passwords.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "fmt.h"
#include "log.h"
#include "secret.h"

#define INDEX_MAGIC	0x70687831u	/* "phx1" */
#define RECENT_S	2	/* a file changed so lately may change again in the same tick */
#define WINDOW_MAX	256	/* entries that are read at once: where one is looked for, it mostly is */

struct index_head {
	uint64_t magic, dev, ino, size, mtime, mtime_ns, ctime, ctime_ns;
	uint64_t n, usual;
};

static const struct table keys = { .format = { .sep = ':' } };

static void
head_of(const struct stat *st, struct index_head *h)
{
	memset(h, 0, sizeof(*h));
	h->magic = INDEX_MAGIC;
	h->dev = (uint64_t)st->st_dev;
	h->ino = (uint64_t)st->st_ino;
	h->size = (uint64_t)st->st_size;
	h->mtime = (uint64_t)st->st_mtim.tv_sec;
	h->mtime_ns = (uint64_t)st->st_mtim.tv_nsec;
	h->ctime = (uint64_t)st->st_ctim.tv_sec;
	h->ctime_ns = (uint64_t)st->st_ctim.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	const struct passwords_entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static size_t
count_lines(struct span text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == '\n';
	return n;
}

/* Takes the line at the cursor apart; false: a comment, or nothing. */
static bool
line_split(struct span line, struct span *key, struct span *value)
{
	struct cur c;

	line = span_trim(line);
	if (line.len == 0 || *line.p == '#')
		return false;
	cur_init(&c, line);
	*key = table_key(&keys, &c);
	(void)cur_ch(&c, ':');
	*value = span_trim(cur_rest(&c));
	return key->len > 0;
}

static bool
has_hash(struct span key, struct span value)
{
	struct password_line p;
	enum secret_kind kind;
	struct span rest;

	return password_line_parse(key, value, &p) == NULL &&
	    secret_kind(p.secret, &kind, &rest) == 0 && kind != SECRET_PLAIN;
}

static int
build(struct passwords *p, struct span text)
{
	struct span key, value;
	struct cur c;

	p->n = 0;
	p->usual = UINT64_MAX;
	p->entries = reallocarray(NULL, count_lines(text), sizeof(*p->entries));
	if (p->entries == NULL)
		return -1;
	cur_init(&c, text);
	while (!cur_end(&c)) {
		size_t at = (size_t)(c.p - text.p);
		struct span line = cur_until(&c, '\n');

		(void)cur_ch(&c, '\n');
		if (!line_split(line, &key, &value))
			continue;
		if (p->usual == UINT64_MAX && has_hash(key, value))
			p->usual = at;
		p->entries[p->n++] = (struct passwords_entry){
		    .hash = table_hash(key), .at = (uint32_t)at };
	}
	qsort(p->entries, p->n, sizeof(*p->entries), compare);
	return 0;
}

/* So that the next one need not build it; that it fails is no harm. */
static void
save(const struct passwords *p, const struct stat *st, const char *cache)
{
	char tmp[320];
	struct index_head h;
	int fd;

	if (*cache == '\0' || (size_t)snprintf(tmp, sizeof(tmp), "%s.%ld",
	    cache, (long)getpid()) >= sizeof(tmp))
		return;
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	head_of(st, &h);
	h.n = p->n;
	h.usual = p->usual;
	if (file_write_all(fd, &h, sizeof(h)) == -1 ||
	    file_write_all(fd, p->entries, p->n * sizeof(*p->entries)) == -1 ||
	    rename(tmp, cache) == -1)
		(void)unlink(tmp);
	close(fd);
}

/* Is the index there, ours, and of this state of the file? */
static bool
load(struct passwords *p, const struct stat *st, const char *cache)
{
	struct index_head h, want;
	struct stat ist;

	if (*cache == '\0')
		return false;
	p->index = open(cache, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (p->index == -1)
		return false;
	head_of(st, &want);
	if (fstat(p->index, &ist) == 0 && ist.st_uid == geteuid() &&
	    pread(p->index, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
	    (uint64_t)ist.st_size == sizeof(h) + h.n *
	    sizeof(struct passwords_entry)) {
		want.n = p->n = h.n;
		want.usual = p->usual = h.usual;
		if (h.n <= UINT32_MAX && memcmp(&want, &h, sizeof(h)) == 0)
			return true;
	}
	close(p->index);
	p->index = -1;
	return false;
}

int
passwords_open(struct passwords *p, struct control *c, const char *cache)
{
	char path[sizeof(c->dir) + 16];
	struct stat st;
	struct buf text;
	int r;

	memset(p, 0, sizeof(*p));
	p->fd = p->index = -1;
	p->usual = UINT64_MAX;
	fmt_print(path, sizeof(path), "%s/passwords", c->dir);
	p->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p->fd == -1 && errno == ENOENT)
		return 0;
	r = p->fd == -1 || fstat(p->fd, &st) == -1 ? -1 : 0;
	if (r == 0 && load(p, &st, cache))
		return 0;
	buf_init(&text, CONTROL_TABLE_MAX);
	if (r == 0 && (file_read_all(p->fd, &text) == -1 ||
	    build(p, buf_span(&text)) == -1))
		r = -1;
	buf_wipe(&text);
	if (r == -1)
		control_error(c, "passwords", 0, "cannot be read: %s; see to its "
		    "owner and mode", strerror(errno));
	else if (time(NULL) - st.st_ctim.tv_sec > RECENT_S)
		save(p, &st, cache);
	return r;
}

void
passwords_close(struct passwords *p)
{
	if (p->fd != -1)
		close(p->fd);
	if (p->index != -1)
		close(p->index);
	free(p->entries);
	p->entries = NULL;
	p->fd = p->index = -1;
	p->n = 0;
}

/* Entries side by side: a part of the index, or all that were made here. */
struct window {
	struct passwords_entry part[WINDOW_MAX];
	const struct passwords_entry *e;	/* [0] is entry from of all */
	uint64_t from, n;
};

/* The window around i: no search makes it twice for what it has. */
static int
window_at(const struct passwords *p, uint64_t i, struct window *w)
{
	uint64_t from = i < WINDOW_MAX / 2 ? 0 : i - WINDOW_MAX / 2;
	size_t size;

	if (p->index == -1) {
		w->e = p->entries;
		w->from = 0;
		w->n = p->n;
		return 0;
	}
	w->e = w->part;
	w->from = from;
	w->n = p->n - from < WINDOW_MAX ? p->n - from : WINDOW_MAX;
	size = (size_t)w->n * sizeof(*w->part);
	return pread(p->index, w->part, size, (off_t)(sizeof(struct
	    index_head) + from * sizeof(*w->part))) == (ssize_t)size ? 0 : -1;
}

static int
entry_at(const struct passwords *p, struct window *w, uint64_t i,
    struct passwords_entry *e)
{
	if ((i < w->from || i - w->from >= w->n) && window_at(p, i, w) == -1)
		return -1;
	*e = w->e[i - w->from];
	return 0;
}

/* The line that begins at; out holds it until the next call. */
static int
read_line(const struct passwords *p, uint64_t at, struct buf *out,
    struct span *line)
{
	unsigned char *room;
	struct cur c;
	ssize_t n;

	buf_clear(out);
	if ((room = buf_room(out, CONTROL_LINE_MAX)) == NULL ||
	    (n = pread(p->fd, room, CONTROL_LINE_MAX, (off_t)at)) == -1)
		return -1;
	out->len = (size_t)n;
	cur_init(&c, buf_span(out));
	*line = cur_until(&c, '\n');
	return 0;
}

/* The first entry with this hash, or where it would be.  Hashes are spread evenly, so
 * that it is looked for there first, and by halves where they are not. */
static int
lower_bound(const struct passwords *p, struct window *w, uint32_t hash,
    uint64_t *at)
{
	uint64_t lo = 0, hi = p->n, min = 0, max = UINT32_MAX, mid;

	for (int guesses = 3; lo < hi; guesses--) {
		mid = guesses > 0 && max > min ? (hi - lo - 1) *
		    (hash - min) / (max - min) : (hi - lo) / 2;
		if (window_at(p, lo + mid, w) == -1)
			return -1;
		if (w->e[0].hash >= hash && w->from > lo) {
			hi = w->from;
			max = w->e[0].hash;
		} else if (w->e[w->n - 1].hash < hash && w->from + w->n < hi) {
			lo = w->from + w->n;
			min = w->e[w->n - 1].hash;
		} else
			break;
	}
	for (mid = 0; mid < w->n && w->e[mid].hash < hash;)
		mid++;
	*at = w->from + mid;
	return 0;
}

int
passwords_find(const struct passwords *p, struct span address, struct buf *out)
{
	uint32_t hash = table_hash(address);
	struct span line, key, value;
	struct passwords_entry e;
	struct window w = { .n = 0 };
	struct buf b;
	uint64_t i;
	int r;

	buf_init(&b, CONTROL_LINE_MAX);
	r = lower_bound(p, &w, hash, &i);
	for (; r == 0 && i < p->n; i++) {
		if ((r = entry_at(p, &w, i, &e)) == -1 || e.hash != hash)
			break;
		if ((r = read_line(p, e.at, &b, &line)) == 0 &&
		    line_split(line, &key, &value) && span_iseq(key, address)) {
			(void)buf_addspan(out, value);
			r = buf_addc(out, '\n');
		}
	}
	buf_wipe(&b);
	return r;
}

int
passwords_usual(const struct passwords *p, struct buf *out)
{
	struct span line, key, value;
	struct buf b;
	int r = -1;

	buf_init(&b, CONTROL_LINE_MAX);
	if (p->usual != UINT64_MAX && read_line(p, p->usual, &b, &line) == 0 &&
	    line_split(line, &key, &value))
		r = buf_addspan(out, value);
	buf_wipe(&b);
	return r;
}
