/*
 * A command is a line, or lines joined by literals (RFC 3501 section 4.3).
 * They are put together in one bounded buffer, markers and all; the grammar
 * sees only whole commands.  What cannot be told from data that a client has
 * already sent (an over-long line, a non-synchronizing literal that is too
 * large) ends the connection: reading on would take data for commands.
 */
#include "input.h"

#include <string.h>

#include "limits.h"

void
input_init(struct input *in, int fd, struct netout *out, size_t max,
    unsigned pause)
{
	memset(in, 0, sizeof(*in));
	netin_init(&in->in, fd, out, pause);
	in->out = out;
	in->max = max;
	buf_init(&in->cmd, max + 16);
}

void
input_free(struct input *in)
{
	netin_free(&in->in);
	buf_wipe(&in->cmd);
}

void
input_shrink(struct input *in)
{
	buf_free(&in->cmd);
	buf_init(&in->cmd, in->max + 16);
	if (netin_buffered(&in->in).len == 0)
		netin_free(&in->in);
}

static enum input_result
closing(struct input *in, const char *why)
{
	in->why = why;
	in->code = NULL;
	return INPUT_CLOSE;
}

static enum input_result
refused(struct input *in, const char *code, const char *why)
{
	in->why = why;
	in->code = code;
	return INPUT_REFUSED;
}

/* A line that is not clean.  Its tag, if any, is left in cmd for the reply. */
static enum input_result
bad_line(struct input *in, struct span line, const char *why)
{
	struct literal lit;

	if (in->cmd.len == 0)
		(void)buf_addspan(&in->cmd, line_tag(line));
	(void)buf_addc(&in->cmd, ' ');
	if (literal_at_end(line, &lit) && !lit.sync)
		return closing(in, why);
	return refused(in, NULL, why);
}

static enum input_result
take(struct input *in, enum netin_result r, struct span line)
{
	switch (r) {
	case NETIN_LINE:
		return INPUT_COMMAND;
	case NETIN_TOOLONG:
		return closing(in, "Command line too long");
	case NETIN_BARE_LF:
		return bad_line(in, line, "Line ends in LF without CR");
	case NETIN_BARE_CR:
		return bad_line(in, line, "CR inside a line");
	case NETIN_NUL:
		return bad_line(in, line, "NUL inside a line");
	case NETIN_EOF:
		return INPUT_EOF;
	case NETIN_TIMEOUT:
		return INPUT_TIMEOUT;
	default:
		return INPUT_ERROR;
	}
}

enum input_result
input_line(struct input *in, size_t max, struct span *line)
{
	return take(in, netin_line(&in->in, max, line), *line);
}

static int
ask(struct input *in)
{
	return in->lit.sync ? netout_adds(in->out, "+ OK\r\n") : 0;
}

static enum input_result
read_literal(struct input *in, int (*sink)(void *, const void *, size_t),
    void *arg)
{
	uint64_t left = in->lit.size;
	enum netin_result r;
	struct span s;
	bool failed = false;

	if (ask(in) == -1)
		return INPUT_ERROR;
	netin_rate(&in->in, in->rate);
	while (left > 0) {
		if ((r = netin_block(&in->in, &s)) != NETIN_DATA)
			return r == NETIN_EOF ? INPUT_EOF :
			    r == NETIN_TIMEOUT ? INPUT_TIMEOUT : INPUT_ERROR;
		if (s.len > left)
			s.len = (size_t)left;
		if (!failed && sink(arg, s.p, s.len) == -1)
			failed = true;
		left -= s.len;
		netin_consume(&in->in, s.len);
	}
	netin_rate(&in->in, 0);
	return INPUT_COMMAND;
}

static int
keep(void *arg, const void *p, size_t n)
{
	return buf_add(arg, p, n);
}

enum input_result
input_stream(struct input *in, int (*sink)(void *, const void *, size_t),
    void *arg)
{
	return read_literal(in, sink, arg);
}

/* RFC 7888 sections 4 and 5. */
static enum input_result
too_big(struct input *in)
{
	in->why = "Literal too large";
	in->code = "TOOBIG";
	return INPUT_CLOSE;
}

/* A literal has been announced at the end of cmd: keep it, stream it, or
 * refuse it. */
static enum input_result
literal(struct input *in, size_t line_start)
{
	size_t at = line_start + in->lit.at;

	if (in->streams != NULL && in->streams(span_of(in->cmd.p, at)))
		return INPUT_STREAM;
	if (!in->lit.sync && in->unasked > 0 && in->lit.size > in->unasked)
		return too_big(in);
	if (in->lit.size > in->max - in->cmd.len) {
		if (!in->lit.sync)
			return too_big(in);
		return refused(in, "TOOBIG", "Literal too large");
	}
	if (buf_adds(&in->cmd, "\r\n") == -1)
		return INPUT_ERROR;
	return read_literal(in, keep, &in->cmd);
}

enum input_result
input_rest(struct input *in)
{
	enum input_result r;
	struct span line;
	size_t start, max;

	buf_clear(&in->cmd);
	for (;;) {
		start = in->cmd.len;
		max = start < in->max ? in->max - start : 0;
		if (max > IMAP_LINE_MAX)
			max = IMAP_LINE_MAX;
		if ((r = input_line(in, max, &line)) != INPUT_COMMAND)
			return r;
		if (buf_addspan(&in->cmd, line) == -1)
			return INPUT_ERROR;
		if (!literal_at_end(line, &in->lit))
			return INPUT_COMMAND;
		if ((r = literal(in, start)) != INPUT_COMMAND)
			return r;
	}
}

enum input_result
input_command(struct input *in)
{
	return input_rest(in);
}
