/*
 * State files: parser and printer.  The printer refuses control bytes, so that
 * no answer of a remote host becomes a line of its own (CVE-2020-8794); the
 * parser refuses anything that the printer would not have written, above all
 * a file without a last newline: it was cut by a crash.
 */
#include "queue_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS_MAX	1000000
#define RCPTS_FIRST	2

static void
free_attempts(struct rcpt *r)
{
	for (size_t i = 0; i < r->ntried; i++)
		free(r->tried[i].answer);
	free(r->tried);
	r->tried = NULL;
	r->ntried = 0;
}

void
rcpts_free(struct rcpts *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free_attempts(&r->v[i]);
		free(r->v[i].addr);
		free(r->v[i].answer);
	}
	free(r->v);
	memset(r, 0, sizeof(*r));
}

struct rcpt *
rcpts_add(struct rcpts *r, const char *index, const char *addr)
{
	size_t cap = r->cap == 0 ? RCPTS_FIRST : r->cap * 2;
	struct rcpt *p;

	if (r->n == r->cap) {
		if ((p = reallocarray(r->v, cap, sizeof(*p))) == NULL)
			return NULL;
		r->v = p;
		r->cap = cap;
	}
	p = &r->v[r->n];
	memset(p, 0, sizeof(*p));
	if (strlcpy(p->index, index, sizeof(p->index)) >= sizeof(p->index)) {
		errno = EINVAL;
		return NULL;
	}
	if ((p->addr = strdup(addr)) == NULL)
		return NULL;
	r->n++;
	return p;
}

size_t
rcpts_count(const struct rcpts *r, enum rcpt_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].status == status;
	return n;
}

bool
rcpt_is_reported(const struct rcpt *r)
{
	return r->status == RCPT_FAILED || r->status == RCPT_REPORT;
}

/* Control bytes of an answer become spaces: it is for people to read. */
int
rcpt_set_answer(struct rcpt *r, const char *dsn, struct span text)
{
	size_t n = strlen(dsn);
	char *p;

	if (text.len > JOB_TEXT_MAX)
		text.len = JOB_TEXT_MAX;
	if ((p = malloc(n + 1 + text.len + 1)) == NULL)
		return -1;
	memcpy(p, dsn, n);
	p[n] = ' ';
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.p[i];

		p[n + 1 + i] = c < ' ' || c == 0x7f ? ' ' : (char)c;
	}
	p[n + 1 + text.len] = '\0';
	free(r->answer);
	r->answer = p;
	return 0;
}

/* Adds an earlier attempt, its answer cut. */
static int
add_attempt(struct rcpt *r, unsigned attempt, time_t when, struct span answer)
{
	struct tried *t = r->tried;
	char *copy;

	if (answer.len > TRIED_TEXT_MAX)
		answer.len = TRIED_TEXT_MAX;
	if ((copy = span_dup(answer)) == NULL)
		return -1;
	if (r->ntried < TRIED_MAX) {
		t = reallocarray(t, r->ntried + 1, sizeof(*t));
		if (t == NULL) {
			free(copy);
			return -1;
		}
		r->tried = t;
		r->ntried++;
	} else {
		free(t[1].answer);
		memmove(&t[1], &t[2], (TRIED_MAX - 2) * sizeof(*t));
	}
	t[r->ntried - 1] = (struct tried){ attempt, when, copy };
	return 0;
}

int
rcpt_keep_attempt(struct rcpt *r)
{
	if (r->attempts == 0 || r->answer == NULL)
		return 0;
	return add_attempt(r, r->attempts, r->last, span_str(r->answer));
}

int
rcpt_copy_attempts(struct rcpt *to, const struct rcpt *from)
{
	to->attempts = from->attempts;
	to->last = from->last;
	if (from->answer != NULL && (to->answer = strdup(from->answer)) == NULL)
		return -1;
	for (size_t i = 0; i < from->ntried; i++) {
		const struct tried *t = &from->tried[i];

		if (add_attempt(to, t->attempt, t->when,
		    span_str(t->answer)) == -1)
			return -1;
	}
	return 0;
}

static bool
is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Digits and dots, beginning with a digit. */
static bool
is_index(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') && (i == 0 || s.p[i] != '.'))
			return false;
	return s.len > 0 && s.len < JOB_INDEX_MAX;
}

static int
refuse(void)
{
	errno = EINVAL;
	return -1;
}

static int
parse_line(struct cur *c, struct rcpts *out)
{
	char index[JOB_INDEX_MAX], addr[ADDR_MAX + 1];
	struct span field, answer;
	uint64_t attempts, last;
	struct rcpt *r;

	field = cur_until(c, '\t');
	if (!is_index(field) || !cur_ch(c, '\t') ||
	    cur_num(c, ATTEMPTS_MAX, &attempts) == -1 || !cur_ch(c, '\t') ||
	    cur_num(c, UINT32_MAX, &last) == -1 || !cur_ch(c, '\t') ||
	    span_cstr(field, index, sizeof(index)) == -1)
		return refuse();
	field = cur_until(c, '\t');
	if (field.len == 0 || !is_plain(field) || !cur_ch(c, '\t') ||
	    span_cstr(field, addr, sizeof(addr)) == -1)
		return refuse();
	answer = cur_rest(c);
	if (!is_plain(answer) || answer.len > JOB_TEXT_MAX + 16)
		return refuse();
	if ((r = rcpts_add(out, index, addr)) == NULL)
		return -1;
	r->attempts = (unsigned)attempts;
	r->last = (time_t)last;
	if (answer.len > 0 && (r->answer = span_dup(answer)) == NULL)
		return -1;
	if (answer.len > 0 && answer.p[0] == '5')
		r->status = RCPT_FAILED;
	else if (answer.len > 0 && answer.p[0] == '2')
		r->status = RCPT_REPORT;
	return 0;
}

/* Of the recipient before it. */
static int
parse_tried(struct cur *c, struct rcpts *out)
{
	uint64_t attempt, when;
	struct span answer;

	if (out->n == 0 || cur_num(c, ATTEMPTS_MAX, &attempt) == -1 ||
	    !cur_ch(c, '\t') || cur_num(c, UINT32_MAX, &when) == -1 ||
	    !cur_ch(c, '\t'))
		return refuse();
	answer = cur_rest(c);
	if (!is_plain(answer))
		return refuse();
	return add_attempt(&out->v[out->n - 1], (unsigned)attempt,
	    (time_t)when, answer);
}

static int
parse_warned(struct cur *c, struct rcpts *out)
{
	uint64_t when;

	if (cur_num(c, UINT32_MAX, &when) == -1 || !cur_end(c))
		return refuse();
	out->warned = (time_t)when;
	return 0;
}

int
state_parse(struct span s, struct rcpts *out)
{
	struct cur c, line;
	int r = 0;

	memset(out, 0, sizeof(*out));
	cur_init(&c, s);
	while (r == 0 && !cur_end(&c)) {
		cur_init(&line, cur_until(&c, '\n'));
		if (!cur_ch(&c, '\n'))
			r = refuse();
		else if (out->n == 0 && cur_word(&line, "warned\t"))
			r = parse_warned(&line, out);
		else if (cur_word(&line, "tried\t"))
			r = parse_tried(&line, out);
		else
			r = parse_line(&line, out);
	}
	if (r == 0 && out->n > 0)
		return 0;
	if (r == 0)
		r = refuse();
	rcpts_free(out);
	return r;
}

int
state_print_rcpt(const struct rcpt *r, struct buf *out)
{
	struct span answer = span_str(r->answer == NULL ? "" : r->answer);

	if (!is_index(span_str(r->index)) || *r->addr == '\0' ||
	    !is_plain(span_str(r->addr)) || !is_plain(answer)) {
		out->bad = true;
		return refuse();
	}
	buf_addf(out, "%s\t%u\t%lld\t%s\t%.*s\n", r->index, r->attempts,
	    (long long)r->last, r->addr, (int)answer.len,
	    (const char *)answer.p);
	for (size_t i = 0; i < r->ntried; i++)
		buf_addf(out, "tried\t%u\t%lld\t%s\n", r->tried[i].attempt,
		    (long long)r->tried[i].when, r->tried[i].answer);
	return out->bad ? -1 : 0;
}

int
state_print(const struct rcpts *r, struct buf *out)
{
	if (r->warned != 0)
		buf_addf(out, "warned\t%lld\n", (long long)r->warned);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].status != RCPT_DONE &&
		    r->v[i].status != RCPT_TOLD &&
		    state_print_rcpt(&r->v[i], out) == -1)
			return -1;
	return out->bad ? -1 : 0;
}
