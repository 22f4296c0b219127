/*
 * What deliver-remote reads of queue and of its own workers, which the internet talks to: a job, and the word that a place is
 * dead.  What is taken of the second, printed, is taken again as the same.
 * LINK: deliver/remote_job.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/remote.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_job(struct span line)
{
	struct remote_job *j = remote_job_parse(line);
	struct addr a;

	if (j == NULL)
		return;
	if (j->nrcpts == 0 || j->line_len != line.len + 1 ||
	    memcmp(j->line, line.p, line.len) != 0)
		abort();
	for (size_t i = 0; i < j->nrcpts; i++)
		if (parse_mailbox(span_str(j->rcpts[i].address), true, &a) !=
		    ADDR_OK || j->rcpts[i].answered)
			abort();
	remote_job_free(j);
}

static void
check_dead(struct span line)
{
	static struct verdict v, again;
	struct relay r, same;
	struct buf b;
	struct span s;

	if (!dead_parse(line, &r, &v))
		return;
	buf_init(&b, 2 * VERDICT_TEXT_MAX);
	dead_print(&b, &r, &v);
	s = buf_span(&b);
	if (b.bad || s.p[s.len - 1] != '\n' || span_haschr(span_of(s.p,
	    s.len - 1), '\n'))
		abort();
	s.len--;
	if (!dead_parse(s, &same, &again) || strcmp(r.host, same.host) != 0 ||
	    strcmp(r.text, same.text) != 0 || strcmp(v.text, again.text) != 0 ||
	    strcmp(v.dsn, again.dsn) != 0)
		abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line;
	struct cur c;

	cur_init(&c, span_of(data, size));
	while (!cur_end(&c)) {
		line = cur_until(&c, '\n');
		(void)cur_ch(&c, '\n');
		check_job(line);
		check_dead(line);
	}
	return 0;
}
