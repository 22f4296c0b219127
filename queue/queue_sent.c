/*
 * No crash sends a message to another host again that the host has said it
 * took: deliver-remote notes each such recipient in spool/sent before it
 * answers.  A new scheduler sends nothing to other hosts before every process of
 * the runs before it is gone (their files are locked as long as one lives), and
 * then takes what they noted for answers.  A file goes when the state of every
 * message in it is on disk.
 */
#include "queue_sent.h"

#include <sys/file.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "log.h"
#include "queue_run.h"

#define LOOK_EVERY_MS	200
#define FILE_READ_MAX	268435456	/* of one run: far beyond what trimming leaves */
#define TRIM_SIZE	1048576		/* less is given back only where nothing is under way */

struct old_line {
	struct spool_name name;
	struct sent sent;
	bool seen;			/* its message was worked on in this run */
	bool settled;			/* it is gone, or held and its state written */
};

struct old_sent {
	struct old_sent *next;
	char name[48];
	struct buf text;
	struct old_line *v;
	size_t n;
};

int
sent_create(struct sent_log *l, const struct settings *set, int *append,
    int *look)
{
	const struct ids *ids = &set->queue_user;
	char path[sizeof(set->spool) + 64], hex[17];

	random_hex64(hex);
	snprintf(l->name, sizeof(l->name), "%lld.%s", (long long)clock_now(),
	    hex);
	snprintf(path, sizeof(path), "%s/sent/%s", set->spool, l->name);
	*append = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	*look = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	l->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (*append != -1 && *look != -1 && l->fd != -1 &&
	    (geteuid() != 0 || fchown(l->fd, ids->uid, ids->gid) == 0) &&
	    flock(*append, LOCK_SH) == 0)
		return 0;
	return -1;
}

/* The lines of one file, by message. */
static int
line_order(const void *a, const void *b)
{
	return strcmp(((const struct old_line *)a)->name.text,
	    ((const struct old_line *)b)->name.text);
}

/* A line that was cut by a crash was no answer to anybody. */
static int
parse_lines(struct old_sent *o)
{
	size_t cap = 0;
	struct span line;
	struct cur c;

	for (size_t i = 0; i < o->text.len; i++)
		cap += o->text.p[i] == '\n';
	if ((o->v = calloc(cap + 1, sizeof(*o->v))) == NULL)
		return -1;
	cur_init(&c, buf_span(&o->text));
	while (!cur_end(&c)) {
		struct old_line *l = &o->v[o->n];

		line = cur_until(&c, '\n');
		if (cur_ch(&c, '\n') && sent_parse(line, &l->sent) == 0 &&
		    spool_name_parse(l->sent.name, &l->name))
			o->n++;
	}
	qsort(o->v, o->n, sizeof(*o->v), line_order);
	return 0;
}

static void
old_free(struct old_sent *o)
{
	buf_free(&o->text);
	free(o->v);
	free(o);
}

/* Reads a file that nobody can write to any more: 0, or -1. */
static int
read_old(struct sched *s, const char *name, int fd)
{
	struct old_sent *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return -1;
	strlcpy(o->name, name, sizeof(o->name));
	buf_init(&o->text, FILE_READ_MAX);
	if (file_seek_data(fd) == -1 || file_read_all(fd, &o->text) == -1 ||
	    parse_lines(o) == -1) {
		log_warn_errno("cannot read sent/%s", name);
		old_free(o);
		return -1;
	}
	if (o->n == 0) {
		unlinkat(s->dirs.sent, name, 0);
		old_free(o);
		return 0;
	}
	o->next = s->sent.old;
	s->sent.old = o;
	return 0;
}

static bool
is_read(const struct sched *s, const char *name)
{
	const struct old_sent *o = s->sent.old;

	while (o != NULL && strcmp(o->name, name) != 0)
		o = o->next;
	return o != NULL;
}

/* false: somebody may still write to it. */
static bool
look_at(struct sched *s, const char *name)
{
	bool over;
	int fd;

	if (name[0] == '.' || strcmp(name, s->sent.name) == 0 ||
	    strlen(name) >= sizeof(s->sent.name) || is_read(s, name))
		return true;
	fd = openat(s->dirs.sent, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT;
	over = flock(fd, LOCK_EX | LOCK_NB) == 0 && read_old(s, name, fd) == 0;
	close(fd);
	return over;
}

static void
look(struct sched *s)
{
	int fd = openat(s->dirs.sent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool over = true;

	s->sent.next_look = clock_mono_ms() + LOOK_EVERY_MS;
	if (d == NULL) {
		log_warn_errno("cannot list sent");
		return;
	}
	while (errno = 0, (e = readdir(d)) != NULL)
		over = look_at(s, e->d_name) && over;
	if (errno != 0) {	/* what is not seen here would be sent again */
		log_warn_errno("cannot list sent");
		over = false;
	}
	closedir(d);
	s->sent.ready = over;
}

static bool
is_there(const struct sched *s, const char *name)
{
	return faccessat(s->dirs.new, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    faccessat(s->dirs.cur, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * What is held is not looked at, and may be released in a later run, when the
 * notes are gone: its state is written here and now.  false: not yet.
 */
static bool
settle_held(struct sched *s, const struct spool_name *name)
{
	struct dirs d = s->dirs;
	struct message m;
	struct rcpts out;
	bool unknown, r = true;

	d.cur = d.hold;
	if (message_load(&m, &d, name, true, true, false) == -1)
		return (errno == ENOENT && !is_there(s, name->text)) ||
		    errno == EBADMSG || errno == ELOOP;
	if (message_route(&m, s->c, &out, &unknown) == -1)
		r = false;
	else {
		rcpts_free(&m.rcpts);
		m.rcpts = out;
		r = !sent_mark(s, &m) || done_held(s, &m) == 0;
	}
	message_free(&m);
	return r;
}

/* Is what the line says on disk?  If not, its message is looked at soon. */
static bool
is_settled(struct sched *s, struct old_line *l)
{
	uint32_t id = index_find(&s->ix, &l->name);
	struct item *it;

	if (id == ITEM_NONE)		/* gone, held, or too young to be taken */
		l->settled = l->settled || (s->scanned &&
		    !is_there(s, l->name.text) && settle_held(s, &l->name));
	if (l->settled)
		return true;
	if (id == ITEM_NONE)
		return false;
	it = index_item(&s->ix, id);
	if (it->where == ITEM_HEAP && !l->seen) {
		heap_remove(&s->ix, id);
		list_push(&s->ix, &s->fresh, id);
	}
	return l->seen && it->where != ITEM_ACTIVE;
}

void
sent_step(struct sched *s)
{
	struct old_sent **at = &s->sent.old, *o;
	bool settled;

	if (!s->sent.ready && clock_mono_ms() >= s->sent.next_look)
		look(s);
	if (!s->sent.ready)
		return;
	while ((o = *at) != NULL) {
		settled = true;
		for (size_t i = 0; i < o->n; i++)
			settled = is_settled(s, &o->v[i]) && settled;
		if (!settled) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		unlinkat(s->dirs.sent, o->name, 0);
		old_free(o);
	}
}

static struct rcpt *
find_rcpt(struct message *m, const struct sent *sent)
{
	for (size_t i = 0; i < m->rcpts.n; i++) {
		struct rcpt *r = &m->rcpts.v[i];

		if (r->status == RCPT_TODO &&
		    span_is(sent->index, r->index) &&
		    span_is(sent->address, r->addr))
			return r;
	}
	return NULL;
}

static void
log_found(const struct message *m, const struct rcpt *r)
{
	struct log l;

	log_begin(&l, "warn");
	log_span(&l, "qid", span_of(m->name.text, m->name.qid_len));
	log_addr(&l, "rcpt", span_str(r->addr));
	log_text(&l, "was sent before the last stop; not sent again");
	log_end(&l);
}

static bool
mark_from(struct sched *s, struct old_sent *o, struct message *m)
{
	struct old_line key = { .name = m->name }, *l;
	struct rcpt *r;
	bool any = false;

	l = bsearch(&key, o->v, o->n, sizeof(*o->v), line_order);
	if (l == NULL)
		return false;
	while (l > o->v && line_order(l - 1, &key) == 0)
		l--;
	for (; l < o->v + o->n && line_order(l, &key) == 0; l++) {
		l->seen = true;
		if ((r = find_rcpt(m, &l->sent)) == NULL)
			continue;
		done_rcpt(s, m, r, &l->sent.answer);
		log_found(m, r);
		any = true;
	}
	return any;
}

bool
sent_concerns(const struct sched *s, const struct spool_name *name)
{
	struct old_line key = { .name = *name };

	for (const struct old_sent *o = s->sent.old; o != NULL; o = o->next)
		if (bsearch(&key, o->v, o->n, sizeof(*o->v), line_order) !=
		    NULL)
			return true;
	return false;
}

bool
sent_mark(struct sched *s, struct message *m)
{
	bool any = false;

	for (struct old_sent *o = s->sent.old; o != NULL; o = o->next)
		any = mark_from(s, o, m) || any;
	m->partial = m->partial || any;
	return any;
}

/* Whatever was noted for jobs up to the mark is settled once they have ended, for
 * their messages' states were written before the next round began. */
void
sent_trim(struct sched *s)
{
	struct sent_log *l = &s->sent;
	off_t size;

	if (!l->used || l->fd == -1 || (size = lseek(l->fd, 0, SEEK_END)) <= 0)
		return;
	if (s->jobs.used == 0) {
		if (ftruncate(l->fd, 0) == 0) {
			l->mark_size = 0;
			l->used = false;
		}
		return;
	}
	if (l->mark_size == 0 || (uint64_t)size < l->mark_size) {
		if (size >= TRIM_SIZE) {
			l->mark_size = (uint64_t)size;
			l->mark_serial = s->jobs.next;
		}
	} else if (!jobs_before(&s->jobs, l->mark_serial)) {
		(void)file_give_back(l->fd, l->mark_size);
		l->mark_size = 0;
	}
}
