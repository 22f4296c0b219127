/*
 * Jobs under way and the pipes to the workers.  Lines are gathered and written
 * many at once; answers are read many at once.  Trusts a worker's answer only
 * for a recipient that it was given.
 */
#include "queue_jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define OUT_MAX		134217728 /* some lines of JOB_LINE_MAX */
#define ANSWER_MAX	16384	/* one answer line: JOB_TEXT_MAX and its head */
#define READ_CHUNK	65536
#define RCPT_BITS	20	/* of an id: the recipient in its message */

int
worker_init(struct worker *w, int out, int in)
{
	memset(w, 0, sizeof(*w));
	w->out = out;
	w->in = in;
	buf_init(&w->outbuf, OUT_MAX);
	buf_init(&w->inbuf, ANSWER_MAX + READ_CHUNK);
	return file_nonblock(out, 1) == -1 || file_nonblock(in, 1) == -1 ?
	    -1 : 0;
}

int
worker_flush(struct worker *w)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < w->outbuf.len) {
		n = write(w->out, w->outbuf.p + done, w->outbuf.len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		done += (size_t)n;
	}
	if (done > 0)
		buf_drop(&w->outbuf, done);
	return n == -1 && errno != EAGAIN ? -1 : 0;
}

int
worker_read(struct worker *w, void (*each)(void *arg, struct span line),
    void *arg)
{
	unsigned char *p;
	struct cur c;
	struct span line;
	size_t whole = 0;
	ssize_t n;

	if (w->inbuf.len > ANSWER_MAX ||
	    (p = buf_room(&w->inbuf, READ_CHUNK)) == NULL) {
		errno = EMSGSIZE;
		return -1;
	}
	do
		n = read(w->in, p, READ_CHUNK);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return n == -1 && errno == EAGAIN ? 1 : (int)n;
	w->inbuf.len += (size_t)n;
	cur_init(&c, buf_span(&w->inbuf));
	for (;;) {
		line = cur_until(&c, '\n');
		if (!cur_ch(&c, '\n'))
			break;
		whole += line.len + 1;
		each(arg, line);
	}
	buf_drop(&w->inbuf, whole);
	return 1;
}

int
jobs_init(struct jobs *j, unsigned max)
{
	memset(j, 0, sizeof(*j));
	j->max = max;
	j->next = 1;
	j->v = calloc(max, sizeof(*j->v));
	return j->v == NULL ? -1 : 0;
}

/* A serial's place is its remainder, so that an id leads to it at once; serials
 * whose place is taken are passed over. */
struct job_entry *
job_new(struct jobs *j, enum worker_kind kind, struct message *m)
{
	struct job_entry *e;

	if (j->used == j->max)
		return NULL;
	while (j->v[j->next % j->max].serial != 0)
		j->next++;
	e = &j->v[j->next % j->max];
	memset(e, 0, sizeof(*e));
	e->serial = j->next++;
	e->kind = kind;
	e->m = m;
	j->used++;
	return e;
}

void
job_free(struct jobs *j, struct job_entry *e)
{
	e->serial = 0;
	j->used--;
}

uint64_t
job_id(const struct job_entry *e, size_t k)
{
	return e->serial << RCPT_BITS | k;
}

struct job_entry *
job_find(const struct jobs *j, uint64_t id, size_t *k)
{
	uint64_t serial = id >> RCPT_BITS;
	struct job_entry *e = &j->v[serial % j->max];

	*k = id & ((1u << RCPT_BITS) - 1);
	return serial != 0 && e->serial == serial ? e : NULL;
}

bool
jobs_before(const struct jobs *j, uint64_t serial)
{
	for (unsigned i = 0; i < j->max; i++)
		if (j->v[i].serial != 0 && j->v[i].serial < serial)
			return true;
	return false;
}
