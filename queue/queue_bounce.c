/*
 * Runs the program "bounce": the spool file on its fd 0, the recipients that
 * failed on its fd 3.  Apart from the scheduler, which may not execute
 * anything.  Its answer is "done" only when bounce has exited with 0, that is
 * when the bounce is durable in the spool or none is due.
 */
#include "queue_bounce.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ex.h"
#include "file.h"
#include "job.h"
#include "log.h"
#include "proc.h"
#include "queue_message.h"
#include "queue_run.h"

#define REQUEST_MAX	134217728
#define READ_CHUNK	65536

struct request {
	struct span id, name, dir, kind, lines;
};

static struct span
tab_field(struct cur *c)
{
	struct span s = cur_until(c, '\t');

	(void)cur_ch(c, '\t');
	return s;
}

/* A whole request at the front of what was read: its length, or 0.  No line is looked at
 * twice: *seen bytes of them were there before, and are not the end. */
static size_t
request_take(struct span in, size_t *seen, struct request *q)
{
	struct cur c, head, first;
	struct span line;

	cur_init(&c, in);
	(void)cur_take(&c, *seen);
	do {
		*seen = in.len - cur_left(&c);
		line = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n'))
			return 0;
	} while (*seen == 0 || !span_is(line, "."));
	cur_init(&first, in);
	cur_init(&head, cur_until(&first, '\n'));
	(void)cur_ch(&first, '\n');
	q->id = tab_field(&head);
	q->name = tab_field(&head);
	q->dir = tab_field(&head);
	q->kind = cur_rest(&head);
	q->lines = span_of(first.p, (size_t)(line.p - first.p));
	*seen = 0;
	return in.len - cur_left(&c);
}

static int
open_message(const struct dirs *d, const struct request *q)
{
	struct spool_name name;

	if (!spool_name_parse(q->name, &name)) {
		errno = EINVAL;
		return -1;
	}
	return openat(span_is(q->dir, "cur") ? d->cur : d->new, name.text,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Starts bounce with the message and a pipe for the lines. */
static pid_t
start(const char *program, const struct control *c, const struct request *q,
    int message, int *lines)
{
	static char arg0[] = "bounce", dir_flag[] = "-C", delay_flag[] = "-d",
	    done_flag[] = "-s";
	char dir[sizeof(c->dir)], name[SPOOL_NAME_MAX];
	char *argv[6] = { arg0, dir_flag, dir };
	size_t n = 3;
	int p[2];
	pid_t pid;

	strlcpy(dir, c->dir, sizeof(dir));
	if (span_cstr(q->name, name, sizeof(name)) == -1 ||
	    pipe2(p, O_CLOEXEC) == -1)
		return -1;
	if (span_is(q->kind, "delay"))
		argv[n++] = delay_flag;
	else if (span_is(q->kind, "done"))
		argv[n++] = done_flag;
	argv[n++] = name;
	argv[n] = NULL;
	pid = proc_spawn(program, argv, NULL, (struct proc_map[]){
	    { message, 0 }, { -1, 1 }, { p[0], 3 } }, 3);
	close(p[0]);
	if (pid == -1)
		close(p[1]);
	else
		*lines = p[1];
	return pid;
}

/* bounce reads the lines before anything else, so that writing them ends. */
static int
run(const char *program, const struct control *c, const struct request *q,
    int message, int *status)
{
	int lines = -1;
	pid_t pid = start(program, c, q, message, &lines);

	if (pid == -1)
		return -1;
	if (file_write_all(lines, q->lines.p, q->lines.len) == -1 &&
	    errno != EPIPE)
		log_warn_errno("cannot write to bounce");
	close(lines);
	while (waitpid(pid, status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

static int
serve_one(const struct dirs *d, const char *program, const struct control *c,
    const struct request *q, int out)
{
	enum proc_class class = PROC_DEFER;
	int message = open_message(d, q), status = -1, r;
	struct buf b;

	if (message == -1)
		log_warn_errno("cannot open %.*s for its report",
		    (int)q->name.len, (const char *)q->name.p);
	else if (run(program, c, q, message, &status) == -1)
		log_warn_errno("cannot run %s", program);
	else if (status == 0)
		class = PROC_DONE;
	else
		log_warn("%s: exit status %d", program,
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	if (message != -1)
		close(message);
	buf_init(&b, 256);
	answer_print(&b, q->id, class, class == PROC_DONE ? "2.0.0" : "4.3.0",
	    span_str("bounce"));
	r = file_write_all(out, b.p, b.len);
	buf_free(&b);
	return r;
}

int
bounce_serve(const struct control *c, const char *program, int in, int out)
{
	struct request q;
	struct dirs d;
	struct buf b;
	unsigned char *p;
	size_t n, seen = 0;
	ssize_t r;

	if (dirs_open(&d, c->set.spool) == -1)
		log_die_errno(EX_IOERR, "cannot open the spool %s; posthouse "
		    "check tells what is wrong with it", c->set.spool);
	proc_ignore_sigpipe();
	buf_init(&b, REQUEST_MAX);
	for (;;) {
		if ((p = buf_room(&b, READ_CHUNK)) == NULL)
			return EX_OSERR;
		r = read(in, p, READ_CHUNK);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return r == 0 ? 0 : EX_IOERR;
		b.len += (size_t)r;
		while ((n = request_take(buf_span(&b), &seen, &q)) > 0) {
			if (serve_one(&d, program, c, &q, out) == -1)
				return EX_IOERR;
			buf_drop(&b, n);
		}
	}
}
