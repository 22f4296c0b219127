/*
 * The worker: jobs in, deliveries, answers out.  Of what queue says it believes the
 * file's name and the addresses, and checks both: the name must be one of a
 * spool file, and where an address is delivered is looked up here.
 */
#include <sys/stat.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "local.h"
#include "local_request.h"
#include "log.h"
#include "rcpt.h"
#include "targets.h"

#define READ_CHUNK	65536
#define LOOK_MS		60000	/* between looks at full mailboxes */
#define ANSWERS_FLUSH	32768	/* answers gathered before a write */

struct state {
	struct worker *w;
	struct buf in, out;
	unsigned marks;		/* of full mailboxes */
	uint64_t looked;	/* when they were looked at, ms */
	bool reload;
};

/* All recipients of a job: how many, or -1 (malformed, no memory). */
static ssize_t
targets_parse(struct job *j, struct target **out)
{
	struct target *v = NULL, *p;
	size_t n = 0, cap = 0;
	int r;

	for (;;) {
		if (n == cap) {
			cap = cap == 0 ? 4 : cap * 2;
			if ((p = reallocarray(v, cap, sizeof(*v))) == NULL)
				break;
			v = p;
		}
		memset(&v[n], 0, sizeof(v[n]));
		if ((r = job_next(j, &v[n].rcpt)) == 0 && n > 0) {
			*out = v;
			return (ssize_t)n;
		}
		if (r != 1)
			break;
		n++;
	}
	free(v);
	return -1;
}

static void
deliver(struct delivery *d, struct target *t, size_t n, struct span mode)
{
	size_t known = 0;

	/* Those that are no mailbox (any more) have their outcome: behind. */
	for (size_t i = 0; i < n; i++)
		if (t[i].todo) {
			struct target swap = t[known];

			t[known++] = t[i];
			if (i != known - 1)
				t[i] = swap;
		}
	if (known == 0)
		return;
	d->take = span_is(mode, "take") && known == n;
	if (span_is(mode, "move") && n == 1)
		deliver_move(d, &t[0]);
	else
		deliver_copies(d, t, known);
}

/* A mailbox's address, or an alias's line: its address may be written in many ways,
 * and a domain's catch-all has as many as anybody likes. */
static void
owner_key(const struct control *c, const struct target *t,
    char out[OWNER_KEY_SIZE])
{
	struct target_item item = { .kind = TARGET_ADDRESS };
	struct rcpt_decision d;
	struct addr a;

	if (t->found == FOUND_FORWARD)
		strlcpy(item.addr.text, t->account.address,
		    sizeof(item.addr.text));
	else if (target_address(t, &a)) {
		rcpt_decide(c, &a, &d);
		snprintf(item.addr.text, sizeof(item.addr.text), "%s:%u",
		    d.file, d.line);
	}
	target_key(&item, out);
}

/* To the master, who starts a process for it; that one answers queue itself. */
static void
pass_on(struct state *s, const struct delivery *d, struct target *t, bool move)
{
	char owner[OWNER_KEY_SIZE];
	struct buf b;
	bool sent;

	owner_key(s->w->c, t, owner);
	buf_init(&b, PIPE_BUF);
	/* One write that is taken whole or not at all. */
	sent = request_print(&b, owner, &d->name, d->cur, move, &t->rcpt) == 0 &&
	    write(s->w->requests, b.p, b.len) == (ssize_t)b.len;
	buf_free(&b);
	t->passed = sent;
	t->todo = false;
	if (!sent)
		outcome_set(&t->out, PROC_DEFER, "4.3.2",
		    "too many forwards are under way");
}

/* Nobody tells of a new account of the system: the file is looked at. */
static bool
may_be_known_now(struct control *c)
{
	if (c->set.home_maildir[0] != '\0')
		c->refreshed = 0;
	return control_changed(c);
}

/* true: done, answered.  false: the control files have changed and say what
 * these addresses are. */
static bool
run_targets(struct state *s, struct delivery *d, struct target *t, size_t n,
    struct span mode)
{
	if (span_is(mode, "back")) {
		message_back(d, &t[0].out);
		answer_print(&s->out, t[0].rcpt.id, t[0].out.class,
		    t[0].out.dsn, span_str(t[0].out.text));
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		outcome_set(&t[i].out, PROC_DEFER, "4.3.5",
		    "this is no mailbox any more");
		t[i].found = target_find(s->w->c, &t[i]);
		t[i].todo = t[i].found == FOUND_MAILBOX;
		if (t[i].found == FOUND_NOTHING &&
		    may_be_known_now(s->w->c))
			return false;
	}
	for (size_t i = 0; i < n; i++)
		if (t[i].found == FOUND_FORWARD || t[i].found == FOUND_LIST)
			pass_on(s, d, &t[i], span_is(mode, "move") && n == 1);
	deliver(d, t, n, mode);
	for (size_t i = 0; i < n; i++) {
		if (t[i].passed)
			continue;
		target_log(d, &t[i]);
		answer_print(&s->out, t[i].rcpt.id, t[i].out.class,
		    t[i].out.dsn, span_str(t[i].out.text));
	}
	return true;
}

/* A line that is not in the grammar is dropped with a word: queue is ours, and
 * a message that gets no answer is tried again when queue starts. */
static bool
run_job(struct state *s, struct span line)
{
	struct delivery d = { .c = s->w->c, .full = s->w->full };
	struct target *t;
	struct job j;
	ssize_t n;
	bool r;

	if (job_parse(line, &j) == -1 || !spool_name_parse(j.name, &d.name) ||
	    (n = targets_parse(&j, &t)) == -1) {
		log_warn("a job is malformed: %.*s",
		    (int)(line.len > 200 ? 200 : line.len),
		    (const char *)line.p);
		return true;
	}
	d.cur = j.cur;
	d.dir = j.cur ? s->w->cur : s->w->new;
	r = run_targets(s, &d, t, (size_t)n, j.mode);
	s->marks += d.marked;
	free(t);
	return r;
}

/* Whole lines, no more than PIPE_BUF in one write: processes of the master
 * write into the same pipe. */
static int
flush(struct state *s)
{
	const unsigned char *p = s->out.p;
	size_t left = s->out.len;
	int r = 0;

	while (left > 0 && r == 0) {
		size_t n = left < PIPE_BUF ? left : PIPE_BUF;
		const unsigned char *end = memrchr(p, '\n', n);

		if (end != NULL)
			n = (size_t)(end - p) + 1;
		r = file_write_all(1, p, n);
		p += n;
		left -= n;
	}
	buf_clear(&s->out);
	return r;
}

/* Works on all whole lines that have been read. */
static int
run_lines(struct state *s)
{
	struct span line;
	size_t whole = 0;
	struct cur c;

	cur_init(&c, buf_span(&s->in));
	while (!s->reload) {
		line = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n'))
			break;
		if (!run_job(s, line)) {
			s->reload = true;
			break;
		}
		whole += line.len + 1;
		if (s->out.len > ANSWERS_FLUSH && flush(s) == -1)
			return -1;
	}
	buf_drop(&s->in, whole);
	return flush(s);
}

/* What this worker has read and not done is the next one's first input. */
static int
leave_rest(struct state *s)
{
	if (ftruncate(s->w->rest, 0) == -1 ||
	    lseek(s->w->rest, 0, SEEK_SET) == -1 ||
	    file_write_all(s->w->rest, s->in.p, s->in.len) == -1) {
		log_warn_errno("cannot hand over jobs");
		return EX_IOERR;
	}
	return LOCAL_EXIT_RELOAD;
}

static int
take_rest(struct state *s)
{
	if (lseek(s->w->rest, 0, SEEK_SET) == -1 ||
	    file_read_all(s->w->rest, &s->in) == -1 ||
	    ftruncate(s->w->rest, 0) == -1)
		return -1;
	return run_lines(s);
}

/* Waits for input; meanwhile looks at the marks of full mailboxes. */
static void
wait_input(struct state *s)
{
	struct pollfd p = { 0, POLLIN, 0 };
	int r = 0;

	while (r == 0 && s->marks > 0) {
		r = poll(&p, 1, LOOK_MS);
		if (clock_mono_ms() - s->looked >= LOOK_MS) {
			s->marks = quota_look(s->w->c, s->w->full);
			s->looked = clock_mono_ms();
		}
	}
}

int
worker_run(struct worker *w)
{
	struct state s = { .w = w };
	unsigned char *p;
	ssize_t n;

	buf_init(&s.in, JOB_LINE_MAX + READ_CHUNK);
	buf_init(&s.out, 2 * JOB_LINE_MAX);
	s.marks = quota_look(w->c, w->full);
	s.looked = clock_mono_ms();
	if (take_rest(&s) == -1)
		log_die_errno(EX_IOERR, "cannot take jobs over");
	while (!s.reload) {
		if ((p = buf_room(&s.in, READ_CHUNK)) == NULL)
			log_die_errno(EX_DATAERR, "a job is too long");
		wait_input(&s);
		n = read(0, p, READ_CHUNK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : EX_IOERR;
		s.in.len += (size_t)n;
		if (control_changed(w->c) || local_mail_changed(w->c))
			break;
		if (run_lines(&s) == -1)
			return EX_IOERR;
	}
	return leave_rest(&s);
}
