/*
 * What the worker of deliver-local writes to its master.  The first byte says which requests are served and which wait:
 * those that wait stay, whole and in their order, whatever comes behind them; and what a request was made of is read back.
 * LINK: deliver/local_request.c
 */
#include "deliver/local_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct served { struct buf lines, waiting; unsigned pattern, n; };

static void
add_line(struct buf *b, struct span line)
{
	(void)buf_addspan(b, line);
	if (buf_addc(b, '\n') == -1)
		abort();
}

/* A request in every order that the bits of a byte have. */
static bool
serve(void *arg, struct span line)
{
	struct served *s = arg;
	bool now = (s->pattern >> s->n++ % 8 & 1) != 0;
	char owner[OWNER_KEY_SIZE];
	struct span job = request_job(line, owner), id = request_id(job);

	if (strlen(owner) >= sizeof(owner) || span_haschr(line, '\n') ||
	    (id.len > 0 && (id.p < line.p ||
	    id.p + id.len > line.p + line.len)))
		abort();
	add_line(now ? &s->lines : &s->waiting, line);
	return now;
}

static void
check_serve(unsigned pattern, struct span in)
{
	struct served s = { .pattern = pattern };
	struct buf b;
	struct cur c;

	buf_init(&b, 1 << 20);
	buf_init(&s.lines, 1 << 20);
	buf_init(&s.waiting, 1 << 20);
	(void)buf_addspan(&b, in);
	requests_serve(&b, serve, &s);
	cur_init(&c, buf_span(&b));
	if (!span_eq(cur_take(&c, s.waiting.len), s.waiting.len == 0 ?
	    span_of(NULL, 0) : buf_span(&s.waiting)) ||
	    span_haschr(cur_rest(&c), '\n') ||
	    s.lines.len + b.len != in.len)
		abort();
	s.pattern = 255;
	requests_serve(&b, serve, &s);
	if (s.lines.len + b.len != in.len || span_haschr(buf_span(&b), '\n'))
		abort();
	buf_free(&b);
	buf_free(&s.lines);
	buf_free(&s.waiting);
}

/* A line of queue, passed on. */
static void
check_print(struct span line)
{
	struct job_rcpt r, again;
	struct spool_name name;
	struct job j, passed;
	char owner[OWNER_KEY_SIZE];
	struct span s;
	struct buf b;

	if (job_parse(line, &j) == -1 || !spool_name_parse(j.name, &name) ||
	    job_next(&j, &r) != 1)
		return;
	buf_init(&b, 4096);
	if (request_print(&b, "0123456789abcdef", &name, j.cur, true, &r) ==
	    0) {
		s = buf_span(&b);
		s = request_job(span_of(s.p, s.len - 1), owner);
		if (strcmp(owner, "0123456789abcdef") != 0 ||
		    job_parse(s, &passed) == -1 || passed.cur != j.cur ||
		    !span_is(passed.name, name.text) ||
		    job_next(&passed, &again) != 1 ||
		    !span_eq(again.index, r.index) ||
		    strcmp(again.address, r.address) != 0 ||
		    request_id(s).len == 0 ||
		    job_next(&passed, &again) != 0)
			abort();
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in;
	struct cur c;

	if (size < 1)
		return 0;
	in = span_of(data + 1, size - 1);
	check_serve(data[0], in);
	cur_init(&c, in);
	while (!cur_end(&c)) {
		check_print(cur_until(&c, '\n'));
		(void)cur_ch(&c, '\n');
	}
	return 0;
}
