/*
 * Job and answer lines.  What the parsers take and the printers do not refuse
 * reads back as the same; and whatever the printers take, from any strings, is
 * one line that the parsers take.
 */
#include "job.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What was printed is one line: returns it without its LF. */
static struct span
one_line(const struct buf *b)
{
	struct span s = buf_span(b);

	if (s.len == 0 || s.p[s.len - 1] != '\n')
		abort();
	s.len--;
	if (span_haschr(s, '\n') || span_haschr(s, '\0'))
		abort();
	return s;
}

static void
check_same(struct span a, struct span b)
{
	struct job_rcpt x, y;
	struct job i, j;
	int r;

	if (job_parse(a, &i) == -1 || job_parse(b, &j) == -1 ||
	    !span_eq(i.name, j.name) || i.cur != j.cur ||
	    !span_eq(i.mode, j.mode))
		abort();
	do {
		r = job_next(&i, &x);
		if (r == -1 || job_next(&j, &y) != r)
			abort();
		if (r == 1 && (!span_eq(x.index, y.index) ||
		    strcmp(x.address, y.address) != 0))
			abort();
	} while (r == 1);
}

static void
check_job(struct span line)
{
	char *name, *mode, *index;
	struct job_rcpt r;
	struct buf out;
	struct job j;
	int n;

	if (job_parse(line, &j) == -1)
		return;
	name = span_dup(j.name);
	mode = span_dup(j.mode);
	buf_init(&out, 4 * line.len + 64);
	if (name != NULL && mode != NULL)
		job_print(&out, name, j.cur, mode);
	else
		out.bad = true;
	while ((n = job_next(&j, &r)) == 1) {
		index = span_dup(r.index);
		if (index == NULL ||
		    (!out.bad && job_print_rcpt(&out, UINT64_MAX, index,
		    r.address) == -1))
			abort();	/* the parser is no wider */
		free(index);
	}
	job_print_end(&out);
	if (n == 0 && !out.bad)
		check_same(line, one_line(&out));
	buf_free(&out);
	free(name);
	free(mode);
}

/* Four strings separated by NULs: name, mode, index, address. */
static void
check_print(struct span in)
{
	char *v[4] = { NULL };
	struct job_rcpt r;
	struct buf out;
	struct job j;
	struct cur c;

	cur_init(&c, in);
	for (size_t i = 0; i < 4; i++) {
		v[i] = span_dup(cur_until(&c, '\0'));
		(void)cur_ch(&c, '\0');
		if (v[i] == NULL)
			abort();
	}
	buf_init(&out, 4 * in.len + 64);
	if (job_print(&out, v[0], true, v[1]) == 0 &&
	    job_print_rcpt(&out, 17, v[2], v[3]) == 0 &&
	    job_print_end(&out) == 0) {
		if (job_parse(one_line(&out), &j) == -1 || !j.cur ||
		    !span_is(j.name, v[0]) || !span_is(j.mode, v[1]) ||
		    job_next(&j, &r) != 1 || !span_is(r.id, "17") ||
		    !span_is(r.index, v[2]) || strcmp(r.address, v[3]) != 0 ||
		    job_next(&j, &r) != 0)
			abort();
	}
	buf_free(&out);
	for (size_t i = 0; i < 4; i++)
		free(v[i]);
}

static void
check_answer(struct span line)
{
	struct answer a, b;
	struct buf out;
	char *dsn;

	buf_init(&out, 2 * JOB_TEXT_MAX);
	if (answer_parse(line, &a) == 0) {
		if ((dsn = span_dup(a.dsn)) == NULL ||
		    answer_print(&out, span_str("42"), a.class, dsn,
		    a.text) == -1 || answer_parse(one_line(&out), &b) == -1 ||
		    b.id != 42 || a.class != b.class ||
		    !span_eq(a.dsn, b.dsn) || !span_eq(a.text, b.text))
			abort();
		free(dsn);
	}
	/* Any bytes are a text that somebody may answer. */
	buf_clear(&out);
	if (answer_print(&out, span_str("1"), PROC_DEFER, "4.0.0", line) ==
	    -1 || answer_parse(one_line(&out), &b) == -1 ||
	    b.class != PROC_DEFER || b.text.len != (line.len > JOB_TEXT_MAX ?
	    JOB_TEXT_MAX : line.len))
		abort();
	buf_free(&out);
}

/* A note that the parser takes is printed as the same again. */
static void
check_sent(struct span line)
{
	char name[SPOOL_NAME_MAX], index[JOB_INDEX_MAX], address[ADDR_MAX + 1];
	struct sent a, b;
	struct buf out;
	char *dsn;

	if (sent_parse(line, &a) == -1 ||
	    span_cstr(a.name, name, sizeof(name)) == -1 ||
	    span_cstr(a.index, index, sizeof(index)) == -1)
		return;
	buf_init(&out, 2 * SENT_LINE_MAX);
	if (span_cstr(a.address, address, sizeof(address)) == -1 ||
	    (dsn = span_dup(a.answer.dsn)) == NULL)
		abort();
	if (sent_print(&out, name, index, address, a.answer.how ==
	    ANSWER_PASSED, dsn,
	    a.answer.text) == 0 && (sent_parse(one_line(&out), &b) == -1 ||
	    !span_eq(a.name, b.name) || !span_eq(a.address, b.address) ||
	    (a.answer.how == ANSWER_PASSED) !=
	    (b.answer.how == ANSWER_PASSED) ||
	    !span_eq(a.answer.text, b.answer.text)))
		abort();
	free(dsn);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);

	check_job(in);
	check_print(in);
	check_answer(in);
	check_sent(in);
	return 0;
}
