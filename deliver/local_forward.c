/*
 * One recipient that means more than a mailbox, in a process of its own: root
 * with a few powers, which does as little as it can itself and the rest as the
 * recipient.  The targets are worked on one after the other; what is done is
 * noted before the next is begun.  The recipient is done when all are, deferred
 * when one is, and failed when none is left and one has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dirent.h>

#include "clock.h"
#include "file.h"
#include "header.h"
#include "local_forward.h"
#include "log.h"
#include "rcpt.h"

#define LOOP_HEAD	1048576	/* bytes of header in which a loop is looked for */
#define LITTER_AGE	600	/* seconds before a journal may be litter */

static int
open_dir(int spool, const char *name)
{
	return openat(spool, name,
	    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The header, which may be all of the content: what is behind that names the other
 * recipients. */
static int
read_header(const struct forward *f, struct buf *b)
{
	uint64_t left = f->d.name.size - f->env.length;
	unsigned char *p;
	ssize_t n;

	buf_init(b, LOOP_HEAD);
	if ((p = buf_room(b, LOOP_HEAD)) == NULL)
		return -1;
	n = pread(f->from, p, left < LOOP_HEAD ? (size_t)left : LOOP_HEAD,
	    (off_t)f->env.length);
	b->len = n > 0 ? (size_t)n : 0;
	return n == -1 ? -1 : 0;
}

/*
 * Has it been here before?  RFC 9228: a Delivered-To field with this very
 * address; RFC 5321 section 6.3: too many Received fields.
 */
static bool
is_loop(struct forward *f)
{
	struct header_field h;
	struct span rest, body;
	unsigned hops = 0;
	bool seen = false;
	struct buf b;

	if (read_header(f, &b) == -1) {
		outcome_errno(&f->t.out, errno, "cannot read the spool file");
		return true;
	}
	rest = buf_span(&b);
	while (!seen && header_next(&rest, &h) == HEADER_FIELD) {
		hops += span_isis(h.name, "Received");
		if (!span_isis(h.name, "Delivered-To"))
			continue;
		body = header_trim(h.body);
		seen = span_isis(body, f->addr.text);
	}
	buf_free(&b);
	if (seen)
		outcome_set(&f->t.out, PROC_FAIL, "5.4.6", "this message has "
		    "been to %s before: its forward leads back here",
		    f->addr.text);
	else if (hops > RECEIVED_MAX)
		outcome_set(&f->t.out, PROC_FAIL, "5.4.6", "this message has "
		    "gone through more than %d servers: it goes round in a "
		    "circle", RECEIVED_MAX);
	return seen || hops > RECEIVED_MAX;
}

int
message_clean(struct forward *f)
{
	char name[64], random[17];
	struct envelope e = { .sender = f->env.sender };
	struct buf b;
	int w, r = -1;

	buf_init(&b, 8192);
	if (envelope_add_rcpt(&e, f->addr.text, NULL, NULL) == -1 ||
	    envelope_print(&e, &b) == -1)
		return -1;
	random_hex64(random);
	snprintf(name, sizeof(name), "tmp/forward.%s", random);
	w = openat(f->spool, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w == -1)
		return -1;
	if (file_write_all(w, b.p, b.len) == 0 &&
	    file_copy_from(f->from, (off_t)f->env.length,
	    f->d.name.size - f->env.length, w) == 0)
		r = openat(f->spool, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	(void)unlinkat(f->spool, name, 0);
	close(w);
	buf_free(&b);
	free(e.rcpts[0].addr);
	free(e.rcpts);
	return r;
}

static void
deliver_here(struct forward *f, const struct account *a, bool folder,
    struct outcome *o)
{
	struct target t = { .rcpt = f->t.rcpt, .account = *a,
	    .folder = folder };

	deliver_copies(&f->d, &t, 1);
	*o = t.out;
}

/* \name in an alias is anybody's mailbox. */
static void
deliver_named(struct forward *f, const struct addr *a, struct outcome *o)
{
	struct rcpt_decision d;

	rcpt_mailbox(f->c, a, &d);
	if (d.kind == RCPT_MAILBOX)
		deliver_here(f, &d.account, false, o);
	else {
		outcome_set(o, PROC_FAIL, "5.1.1", "no such user here");
		outcome_note(o, "no such user here: %s", a->text);
	}
}

/* The owner's own address, or his mailbox: not once more round. */
static bool
is_own(const struct forward *f, const struct target_item *item)
{
	struct rcpt_decision d;

	if (f->list)
		return false;
	rcpt_mailbox(f->c, &item->addr, &d);
	return d.kind == RCPT_MAILBOX &&
	    strcasecmp(d.account.address, f->t.account.address) == 0;
}

static void
run_item(struct forward *f, struct target_item *item, struct outcome *o)
{
	switch (item->kind) {
	case TARGET_MAILBOX:
		if (is_own(f, item))
			deliver_here(f, &f->t.account, f->t.folder, o);
		else
			deliver_named(f, &item->addr, o);
		break;
	case TARGET_PROGRAM:
		user_program(f, item->text, o);
		break;
	case TARGET_FILE:
		user_file(f, item->text, o);
		break;
	default:
		outcome_set(o, PROC_DONE, "2.0.0", "forwarded");
		break;
	}
}

/* One of several, unless it was done before. */
static void
run_noted(struct forward *f, struct target_item *item, struct outcome *o)
{
	char key[17];

	target_key(item, key);
	if (journal_find(&f->journal, key, o))
		return;
	run_item(f, item, o);
	if (o->class != PROC_DEFER && journal_note(&f->journal, key, o) == -1)
		log_warn_errno("cannot note what is done of %s",
		    f->d.name.text);
}

/* The worst of all; of many that went well, their number. */
static void
combine(struct outcome *all, const struct outcome *one, size_t nth)
{
	if (nth == 0 || (all->class != PROC_DEFER &&
	    one->class == PROC_DEFER) || (all->class == PROC_DONE &&
	    one->class == PROC_FAIL))
		*all = *one;
	else if (all->class == PROC_DONE && one->class == PROC_DONE)
		outcome_set(all, PROC_DONE, "2.0.0", "delivered to %zu targets",
		    nth + 1);
}

static void
run_items(struct forward *f)
{
	struct outcome o;
	bool others = false;
	size_t n = 0;

	for (size_t i = 0; i < f->nitems; i++) {
		struct target_item *item = &f->items[i];

		if (item->kind == TARGET_ADDRESS && is_own(f, item))
			item->kind = TARGET_MAILBOX;
		if (item->kind == TARGET_MAILBOX && !f->list &&
		    !is_own(f, item))
			item->kind = TARGET_ADDRESS;
		if (item->kind == TARGET_ADDRESS) {
			others = true;
			continue;
		}
		run_noted(f, item, &o);
		combine(&f->t.out, &o, n++);
	}
	if (!others)
		return;
	child_send(f, &o);
	combine(&f->t.out, &o, n);
}

/* RFC 3461 section 5.2.7: who asked to hear of success is told by the one message
 * that went on, or that there are several now; a list is the end of it. */
static void
answer(const struct forward *f, struct buf *out)
{
	const struct outcome *o = &f->t.out;
	struct span id = f->t.rcpt.id, text = span_str(o->text);
	enum answer_how how = ANSWER_HERE;

	for (size_t i = 0; i < f->nitems && !child_is_new(f); i++)
		if (f->items[i].kind == TARGET_ADDRESS)
			how = f->nitems == 1 ? ANSWER_PASSED : ANSWER_EXPANDED;
	if (o->class == PROC_DONE)
		(void)answer_print_done(out, id, how, o->dsn, text);
	else
		(void)answer_print(out, id, o->class, o->dsn, text);
}

/* Everything up to the answer. */
static void
work(struct forward *f)
{
	enum found found;
	bool itself = f->t.rcpt.address[0] == '\\';

	outcome_set(&f->t.out, PROC_DEFER, "4.3.5",
	    "this is no mailbox any more");
	found = target_find(f->c, &f->t);
	f->list = found == FOUND_LIST;
	if (found == FOUND_NOTHING || !target_address(&f->t, &f->addr))
		return;
	if ((f->from = message_open(&f->d, &f->t.out)) == -1)
		return;
	f->d.given = f->from;
	if (message_head(f->from, &f->d.name, &f->head, &f->env) == -1) {
		outcome_errno(&f->t.out, errno, "cannot read the spool file");
		return;
	}
	if (is_loop(f) || (!itself && !list_make(f)))
		return;
	if (f->nitems == 0 && f->list) {
		outcome_set(&f->t.out, PROC_DONE, "2.0.0", "the list is empty");
		return;
	}
	if (f->nitems == 0) {		/* an empty .forward, or none any more */
		deliver_here(f, &f->t.account, f->t.folder, &f->t.out);
		return;
	}
	if (journal_open(&f->journal, f->spool, &f->d.name, f->t.rcpt.index) ==
	    0)
		run_items(f);
	else if (errno == EWOULDBLOCK)
		outcome_set(&f->t.out, PROC_DEFER, "4.3.2",
		    "this is under way already");
	else
		outcome_errno(&f->t.out, errno, "cannot note what is done");
}

void
forward_run(const struct control *c, int spool, struct span line)
{
	struct forward f = { .c = c, .spool = spool, .from = -1,
	    .journal = { .fd = -1 } };
	struct buf out;
	struct job j;

	if (job_parse(line, &j) == -1 ||
	    !spool_name_parse(j.name, &f.d.name) ||
	    job_next(&j, &f.t.rcpt) != 1)
		return;
	f.move = span_is(j.mode, "move");
	f.d.c = c;
	f.d.cur = j.cur;
	f.d.full = openat(spool, "full",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	f.d.dir = open_dir(spool, j.cur ? "cur" : "new");
	work(&f);
	if (f.move && f.t.out.class == PROC_DONE) {
		(void)unlinkat(f.d.dir, f.d.name.text, 0);
		journal_remove(&f.journal, spool);
	}
	target_log(&f.d, &f.t);
	buf_init(&out, PIPE_BUF);
	answer(&f, &out);
	(void)file_write_all(1, out.p, out.len);
}

/* Is that message still in the spool?  It may be moved from new to cur just now. */
static bool
is_in_spool(int spool, const char *name)
{
	static const char *const dirs[] = { "new", "cur", "hold", "new" };
	char path[SPOOL_NAME_MAX + 8];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (faccessat(spool, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

static void
clean_one(int spool, int local, const char *name)
{
	struct spool_name n;
	struct stat st;
	struct cur c;
	struct span message;

	cur_init(&c, span_str(name));
	message = cur_until(&c, ':');
	if (spool_name_parse(message, &n) &&
	    fstatat(local, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    clock_now() - st.st_mtime > LITTER_AGE &&
	    !is_in_spool(spool, n.text))
		(void)unlinkat(local, name, 0);
}

void
forward_clean(int spool)
{
	int fd = openat(spool, "local",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *e;
	DIR *d;

	if (fd == -1 || (d = fdopendir(fd)) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			clean_one(spool, fd, e->d_name);
	closedir(d);
}
