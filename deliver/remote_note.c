/*
 * Notes of what was sent.  A worker appends a line for each recipient the
 * moment it has read the reply to the final dot; all of the answer's further
 * way, through the manager to queue and into the state, may then be cut by a
 * crash, and still nobody gets the message twice.  A worker can neither read the
 * file nor change what is in it.
 */
#include "remote_note.h"

#include <fcntl.h>
#include <unistd.h>

#include "file.h"
#include "log.h"

#define FD_APPEND	5
#define FD_LOOK		6
#define LOOK_MAX	268435456

static int append_fd = -1, look_fd = -1;

void
notes_begin(void)
{
	if (fcntl(FD_APPEND, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(FD_LOOK, F_SETFD, FD_CLOEXEC) == -1)
		log_die_errno(EX_USAGE, "-s needs descriptors 5 and 6");
	append_fd = FD_APPEND;
	look_fd = FD_LOOK;
}

void
notes_worker(void)
{
	if (look_fd != -1)
		close(look_fd);
	look_fd = -1;
}

void
notes_add(const struct remote_job *j, const size_t *rcpts,
    const bool *accepted, size_t n, const struct relay *relay,
    const struct verdict *v)
{
	struct buf lines, text;

	if (append_fd == -1 || v->class != PROC_DONE)
		return;
	buf_init(&lines, n * SENT_LINE_MAX);
	buf_init(&text, VERDICT_TEXT_MAX + RELAY_MAX);
	remote_answer_text(relay, v, &text);
	for (size_t i = 0; i < n; i++)
		if (accepted[i] && !j->rcpts[rcpts[i]].answered)
			(void)sent_print(&lines, j->name.text,
			    j->rcpts[rcpts[i]].index,
			    j->rcpts[rcpts[i]].address, v->passed, v->dsn,
			    buf_span(&text));
	if (lines.bad || file_write_all(append_fd, lines.p, lines.len) == -1)
		log_warn_errno("cannot note in sent that %s has gone out",
		    j->name.text);
	buf_free(&lines);
	buf_free(&text);
}

/* The line's recipient in the job, if it has no answer. */
static struct remote_rcpt *
find_rcpt(struct remote_job *j, const struct sent *s)
{
	for (size_t i = 0; i < j->nrcpts; i++) {
		struct remote_rcpt *r = &j->rcpts[i];

		if (!r->answered && span_is(s->index, r->index) &&
		    span_is(s->address, r->address))
			return r;
	}
	return NULL;
}

static void
answer_from(struct remote_job *j, const struct sent *s, struct buf *out)
{
	struct remote_rcpt *r;
	char dsn[16];

	if (!span_is(s->name, j->name.text) ||
	    (r = find_rcpt(j, s)) == NULL ||
	    span_cstr(s->answer.dsn, dsn, sizeof(dsn)) == -1)
		return;
	r->answered = true;
	if (s->answer.how == ANSWER_PASSED)
		(void)answer_print_done(out, span_str(r->id),
		    ANSWER_PASSED, dsn,
		    s->answer.text);
	else
		(void)answer_print(out, span_str(r->id), PROC_DONE, dsn,
		    s->answer.text);
}

void
notes_answer(struct remote_job *j, struct buf *out)
{
	struct span line;
	struct sent s;
	struct buf b;
	struct cur c;

	if (look_fd == -1)
		return;
	buf_init(&b, LOOK_MAX);
	if (file_seek_data(look_fd) == -1 || file_read_all(look_fd, &b) == -1)
		log_warn_errno("cannot read what was sent");
	cur_init(&c, buf_span(&b));
	while (!cur_end(&c)) {
		line = cur_until(&c, '\n');
		if (cur_ch(&c, '\n') && sent_parse(line, &s) == 0)
			answer_from(j, &s, out);
	}
	buf_free(&b);
}
