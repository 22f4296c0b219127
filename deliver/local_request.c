/*
 * Requests of the worker, parser and printer.  The worker is the less trusted side:
 * what its lines say is looked up again by the process that they ask for.
 */
#include "local_request.h"

#include <string.h>

int
request_print(struct buf *out, const char owner[OWNER_KEY_SIZE],
    const struct spool_name *name, bool cur, bool move,
    const struct job_rcpt *r)
{
	char index[JOB_INDEX_MAX];
	uint64_t id = 0;
	struct cur c;

	cur_init(&c, r->id);
	(void)cur_num(&c, UINT64_MAX, &id);
	(void)span_cstr(r->index, index, sizeof(index));
	buf_addf(out, "%s\t", owner);
	job_print(out, name->text, cur, move ? "move" : "copy");
	(void)job_print_rcpt(out, id, index, r->address);
	return job_print_end(out);
}

struct span
request_job(struct span line, char owner[OWNER_KEY_SIZE])
{
	struct cur c;

	cur_init(&c, line);
	if (span_cstr(cur_until(&c, '\t'), owner, OWNER_KEY_SIZE) == -1)
		owner[0] = '\0';
	(void)cur_ch(&c, '\t');
	return cur_rest(&c);
}

struct span
request_id(struct span job)
{
	struct job_rcpt r;
	struct job j;

	if (job_parse(job, &j) == -1 || job_next(&j, &r) != 1)
		return span_of("", 0);
	return r.id;
}

void
requests_serve(struct buf *b, bool (*serve)(void *arg, struct span line),
    void *arg)
{
	size_t kept = 0;
	struct cur c, look;
	struct span line;

	if (b->len == 0)		/* and no memory: memmove takes no NULL */
		return;
	cur_init(&c, buf_span(b));
	for (;;) {
		look = c;
		line = cur_until(&look, '\n');
		if (!cur_ch(&look, '\n'))
			break;
		c = look;
		if (serve(arg, line))
			continue;
		memmove(b->p + kept, line.p, line.len + 1);
		kept += line.len + 1;
	}
	memmove(b->p + kept, c.p, cur_left(&c));
	b->len = kept + cur_left(&c);
}
