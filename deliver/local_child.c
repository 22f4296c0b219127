/*
 * What is forwarded goes on as a message of its own: a new envelope, the
 * forwarder's address as Delivered-To so that a loop is seen (RFC 9228), and the
 * old message behind it.  Made exactly once: it is complete beside the journal,
 * its name is in the journal, and only then it appears in new/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dsn.h"
#include "file.h"
#include "header.h"
#include "local_forward.h"
#include "log.h"

#define COPY_CHUNK	65536

bool
child_is_new(const struct forward *f)
{
	return strcmp(f->sender, f->env.sender) != 0;
}

/*
 * What the sender wished for this recipient, as a list for NOTIFY, or NULL.  Of a
 * forward to several addresses the success is reported as "expanded", so theirs
 * is not asked for again.
 */
static const char *
child_notify(const struct forward *f, const struct envelope_rcpt *old,
    char out[DSN_NOTIFY_SIZE])
{
	unsigned bits = dsn_notify_of(old->notify, f->nitems == 1 ?
	    f->t.rcpt.index : span_str("1.1"));

	if (bits == 0)
		return NULL;
	dsn_notify_print(bits, out);
	return out;
}

/* RFC 3461 section 5.2.7: a list is a new sender, who asked for nothing. */
static const struct envelope_rcpt *
child_origin(const struct forward *f)
{
	unsigned long n = strtoul(f->t.rcpt.index.p == NULL ? "0" :
	    (const char *)f->t.rcpt.index.p, NULL, 10);

	return child_is_new(f) || n == 0 || n > f->env.nrcpts ? NULL :
	    &f->env.rcpts[n - 1];
}

static int
child_envelope(const struct forward *f, struct envelope *e)
{
	const struct envelope_rcpt *old = child_origin(f);
	char notify[DSN_NOTIFY_SIZE];

	envelope_init(e);
	if ((e->sender = strdup(f->sender)) == NULL)
		return -1;
	e->body8 = f->env.body8;
	e->binary = f->env.binary;
	e->smtputf8 = f->env.smtputf8;
	if (!child_is_new(f) && ((f->env.ret != NULL &&
	    (e->ret = strdup(f->env.ret)) == NULL) || (f->env.envid != NULL &&
	    (e->envid = strdup(f->env.envid)) == NULL)))
		return -1;
	for (size_t i = 0; i < f->nitems; i++) {
		const struct addr *a = &f->items[i].addr;

		if (f->items[i].kind != TARGET_ADDRESS)
			continue;
		e->smtputf8 = e->smtputf8 || a->utf8;
		if (envelope_add_rcpt(e, a->text, old == NULL ? NULL :
		    child_notify(f, old, notify),
		    old == NULL ? NULL : old->orcpt) == -1)
			return -1;
	}
	return 0;
}

/* Envelope, the Received field that ends it, and where it comes from. */
static int
add_head(struct forward *f, struct spool_writer *w)
{
	struct envelope e;
	char now[DATE_SIZE];
	struct buf out;
	int r;

	buf_init(&out, RECEIVED_FIELD_MAX);
	r = child_envelope(f, &e);
	if (r == 0)
		r = spool_envelope(w, &e);
	date_print(clock_now(), now);
	buf_addf(&out, "Received: by %s with local id %s\n\tfor <%s>;\n\t%s\n",
	    f->c->hostname, w->qid, f->addr.text, now);
	buf_addf(&out, "Delivered-To: %s\n", f->addr.text);
	if (r == 0)
		r = out.bad ? -1 : spool_add(w, out.p, out.len);
	envelope_free(&e);
	buf_free(&out);
	return r;
}

static int
add_content(struct forward *f, struct spool_writer *w)
{
	static unsigned char chunk[COPY_CHUNK];
	uint64_t left = f->d.name.size - f->env.length;
	off_t at = (off_t)f->env.length;

	while (left > 0) {
		size_t want = left < sizeof(chunk) ? (size_t)left :
		    sizeof(chunk);
		ssize_t n = pread(f->from, chunk, want, at);

		if (n <= 0) {
			errno = n == 0 ? EBADMSG : errno;
			return -1;
		}
		if (spool_add(w, chunk, (size_t)n) == -1)
			return -1;
		at += n;
		left -= (uint64_t)n;
	}
	return 0;
}

static void
log_child(const struct forward *f, const struct spool_name *n, size_t rcpts)
{
	struct log l;

	log_begin(&l, "queued");
	log_span(&l, "qid", span_of(n->text, n->qid_len));
	log_addr(&l, "from", span_str(f->sender));
	for (size_t i = 0; i < f->nitems; i++)
		if (f->items[i].kind == TARGET_ADDRESS) {
			log_addr(&l, "to", span_str(f->items[i].addr.text));
			break;
		}
	log_num(&l, "nrcpt", rcpts);
	log_num(&l, "size", n->size);
	log_text(&l, "%s %s of %.*s", f->list ? "list" : "forward",
	    f->addr.text, (int)f->d.name.qid_len, f->d.name.text);
	log_end(&l);
}

/* Where it waits, below local/. */
static void
child_path(const struct forward *f, char *out, size_t size)
{
	snprintf(out, size, "%s.child", f->journal.name);
}

static int
child_make(struct forward *f, struct spool *s, int local,
    struct spool_name *n)
{
	char path[sizeof(f->journal.name) + 8];
	struct spool_writer w;
	int e;

	child_path(f, path, sizeof(path));
	if (spool_begin(&w, s) == -1)
		return -1;
	if (add_head(f, &w) == 0 && add_content(f, &w) == 0 &&
	    spool_prepare(&w, n) == 0 &&
	    renameat(s->tmp, w.tmp, local, path) == 0) {
		buf_free(&w.buf);
		close(w.fd);
		if (f->c->set.sync_directory && file_sync_dir(local) == -1)
			return -1;
		return journal_note_child(&f->journal, n);
	}
	e = errno;
	spool_abort(&w);
	errno = e;
	return -1;
}

static size_t
count(const struct forward *f, const struct addr **first)
{
	size_t n = 0;

	for (size_t i = f->nitems; i-- > 0;)
		if (f->items[i].kind == TARGET_ADDRESS) {
			*first = &f->items[i].addr;
			n++;
		}
	return n;
}

/* 0, or -1 with errno. */
static int
publish(struct forward *f, struct spool *s, int local,
    struct spool_name *n, size_t rcpts)
{
	char path[sizeof(f->journal.name) + 8];

	if (!journal_child(&f->journal, n) && child_make(f, s, local, n) == -1)
		return -1;
	child_path(f, path, sizeof(path));
	if (spool_publish(s, local, path, n->text) == -1)
		return errno == ENOENT ? 0 : -1;	/* it was, before a crash */
	log_child(f, n, rcpts);
	spool_trigger(s, n);
	return 0;
}

void
child_send(struct forward *f, struct outcome *o)
{
	const struct addr *first = NULL;
	size_t rcpts = count(f, &first);
	struct spool_name n;
	struct spool s;
	int local;

	if (spool_open_writer(&s, f->c->set.spool, f->c->hostname,
	    f->c->set.sync_directory) == -1) {
		outcome_errno(o, errno, "cannot open the spool");
		return;
	}
	local = openat(f->spool, "local",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (local == -1 || publish(f, &s, local, &n, rcpts) == -1)
		outcome_errno(o, errno, "cannot write into the spool");
	else if (rcpts == 1) {
		outcome_set(o, PROC_DONE, "2.0.0", "forwarded as %.*s",
		    (int)n.qid_len, n.text);
		outcome_note(o, "forwarded to <%s> as %.*s", first->text,
		    (int)n.qid_len, n.text);
	} else
		outcome_set(o, PROC_DONE, "2.0.0", "forwarded to %zu addresses "
		    "as %.*s", rcpts, (int)n.qid_len, n.text);
	if (local != -1)
		close(local);
	spool_close(&s);
}
