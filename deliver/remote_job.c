/*
 * Jobs from queue, the answers to them, and the log line of each.  A job line
 * comes from our own scheduler, but holds addresses that strangers chose: each
 * is parsed again before it goes near a dialogue, and a line that does not fit
 * is refused whole.
 */
#include "remote.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fmt.h"
#include "result.h"

#define LINES_CHUNK	65536	/* bytes asked for in one read of a pipe */

/* What any of our pipes may carry: a job line is the longest. */
#define LINES_MAX	(JOB_LINE_MAX + LINES_CHUNK)

static int
add_rcpt(struct remote_job *j, const struct job_rcpt *from)
{
	struct remote_rcpt *r = &j->rcpts[j->nrcpts];
	struct addr addr;

	if (span_cstr(from->id, r->id, sizeof(r->id)) == -1 ||
	    span_cstr(from->index, r->index, sizeof(r->index)) == -1 ||
	    parse_mailbox(span_str(from->address), true, &addr) != ADDR_OK)
		return -1;
	if ((r->address = strdup(addr.text)) == NULL)
		return -1;
	j->nrcpts++;
	return 0;
}

static int
parse_line(struct remote_job *j, struct span line)
{
	struct job parsed;
	struct job_rcpt r;
	size_t room = 0;
	int more;

	if (job_parse(line, &parsed) == -1 ||
	    !spool_name_parse(parsed.name, &j->name) ||
	    span_cstr(parsed.mode, j->domain, sizeof(j->domain)) == -1)
		return -1;
	for (char *s = j->domain; *s != '\0'; s++)
		*s = (char)ascii_lower((unsigned char)*s);
	j->cur = parsed.cur;
	for (size_t i = 0; i < line.len; i++)
		room += line.p[i] == '\t';
	if ((j->rcpts = calloc(room, sizeof(j->rcpts[0]))) == NULL)
		return -1;
	while ((more = job_next(&parsed, &r)) == 1)
		if (add_rcpt(j, &r) == -1)
			return -1;
	return more;
}

struct remote_job *
remote_job_parse(struct span line)
{
	struct remote_job *j = calloc(1, sizeof(*j));

	if (j == NULL || (j->line = malloc(line.len + 1)) == NULL) {
		free(j);
		errno = ENOMEM;
		return NULL;
	}
	memcpy(j->line, line.p, line.len);
	j->line[line.len] = '\n';
	j->line_len = line.len + 1;
	errno = EINVAL;
	if (parse_line(j, line) == 0)
		return j;
	remote_job_free(j);
	if (errno != ENOMEM)
		errno = EINVAL;
	return NULL;
}

void
remote_job_free(struct remote_job *j)
{
	if (j == NULL)
		return;
	for (size_t i = 0; i < j->nrcpts; i++)
		free(j->rcpts[i].address);
	free(j->rcpts);
	free(j->line);
	free(j);
}

void
verdict_clear(struct verdict *v)
{
	memset(v, 0, offsetof(struct verdict, text));
	v->text[0] = '\0';
}

void
verdict_set(struct verdict *v, enum proc_class class, const char *dsn,
    const char *fmt, ...)
{
	va_list ap;

	v->class = class;
	v->passed = false;
	strlcpy(v->dsn, dsn, sizeof(v->dsn));
	va_start(ap, fmt);
	if (fmt_vprint(v->text, sizeof(v->text), fmt, ap) < 0)
		v->text[0] = '\0';
	va_end(ap);
	/* One line, whatever the other side or the system said. */
	for (char *s = v->text; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

/* The host's own brackets where it is an address.  A text of our own may begin with the host's name already. */
void
remote_answer_text(const struct relay *relay, const struct verdict *v,
    struct buf *out)
{
	const char *host = relay->host;

	if (host[0] != '\0' && strncmp(v->text, host, strlen(host)) == 0)
		;
	else if (host[0] == '[')
		buf_addf(out, "%s ", host);
	else if (host[0] != '\0')
		buf_addf(out, "[%s] ", host);
	buf_adds(out, v->text);
}

void
remote_answer(struct remote_job *j, size_t rcpt, const struct relay *relay,
    const struct verdict *v, struct buf *out)
{
	struct remote_rcpt *r = &j->rcpts[rcpt];
	struct buf text;

	if (r->answered)
		return;
	r->answered = true;
	result_log(&j->name, r->address, relay->text[0] == '\0' ? "none" :
	    relay->text, relay->tls, v->class, v->dsn, v->text);
	buf_init(&text, VERDICT_TEXT_MAX + RELAY_MAX);
	remote_answer_text(relay, v, &text);
	if (v->passed && v->class == PROC_DONE)
		(void)answer_print_done(out, span_str(r->id),
		    ANSWER_PASSED, v->dsn,
		    buf_span(&text));
	else
		(void)answer_print(out, span_str(r->id), v->class, v->dsn,
		    buf_span(&text));
	buf_free(&text);
}

void
remote_answer_all(struct remote_job *j, const struct relay *relay,
    const struct verdict *v, struct buf *out)
{
	for (size_t i = 0; i < j->nrcpts; i++)
		remote_answer(j, i, relay, v, out);
}

void
dead_print(struct buf *out, const struct relay *relay,
    const struct verdict *v)
{
	buf_addf(out, ".dead %s %s %s ", v->dsn,
	    relay->host[0] == '\0' ? "-" : relay->host,
	    relay->text[0] == '\0' ? "-" : relay->text);
	buf_adds(out, v->text);
	buf_addc(out, '\n');
}

static bool
take_word(struct cur *c, char *out, size_t size)
{
	struct span s = cur_until(c, ' ');

	if (!cur_ch(c, ' ') || span_cstr(s, out, size) == -1)
		return false;
	if (span_is(s, "-"))
		out[0] = '\0';
	return true;
}

bool
dead_parse(struct span line, struct relay *relay, struct verdict *v)
{
	char dsn[sizeof(v->dsn)], text[VERDICT_TEXT_MAX];
	struct cur c;

	memset(relay, 0, sizeof(*relay));
	cur_init(&c, line);
	if (!cur_word(&c, ".dead ") || !take_word(&c, dsn, sizeof(dsn)) ||
	    !take_word(&c, relay->host, sizeof(relay->host)) ||
	    !take_word(&c, relay->text, sizeof(relay->text)) ||
	    span_cstr(cur_rest(&c), text, sizeof(text)) == -1)
		return false;
	verdict_set(v, PROC_DEFER, dsn, "%s", text);
	return dsn[0] == '4';
}

void
lines_init(struct lines *l)
{
	buf_init(&l->buf, LINES_MAX);
	l->used = 0;
}

int
lines_read(struct lines *l, int fd)
{
	unsigned char *p;
	ssize_t r;

	buf_drop(&l->buf, l->used);
	l->used = 0;
	if ((p = buf_room(&l->buf, LINES_CHUNK)) == NULL)
		return -1;
	while ((r = read(fd, p, LINES_CHUNK)) == -1 && errno == EINTR)
		;
	if (r <= 0)
		return (int)r;
	l->buf.len += (size_t)r;
	return 1;
}

bool
lines_next(struct lines *l, struct span *line)
{
	const unsigned char *end = NULL;

	if (l->used < l->buf.len)
		end = memchr(l->buf.p + l->used, '\n', l->buf.len - l->used);
	if (end == NULL)
		return false;
	*line = span_of(l->buf.p + l->used,
	    (size_t)(end - (l->buf.p + l->used)));
	l->used += line->len + 1;
	return true;
}
