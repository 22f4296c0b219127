/*
 * Job and answer lines: parser and printer.  Neither side trusts the other:
 * what is not in the grammar is refused, lengths are bounded, and no value can
 * hold a separator.
 */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DIGIT	1
#define DOT	2
#define UPHEX	4	/* of the escapes that we print */

static const uint8_t job_class[256] = {
	['0'] = DIGIT | UPHEX, ['1'] = DIGIT | UPHEX, ['2'] = DIGIT | UPHEX,
	['3'] = DIGIT | UPHEX, ['4'] = DIGIT | UPHEX, ['5'] = DIGIT | UPHEX,
	['6'] = DIGIT | UPHEX, ['7'] = DIGIT | UPHEX, ['8'] = DIGIT | UPHEX,
	['9'] = DIGIT | UPHEX, ['.'] = DOT, ['A'] = UPHEX, ['B'] = UPHEX,
	['C'] = UPHEX, ['D'] = UPHEX, ['E'] = UPHEX, ['F'] = UPHEX
};

static const char *const class_words[] = {
	[PROC_DONE] = "done", [PROC_FAIL] = "fail", [PROC_DEFER] = "defer"
};
static const char *const how_words[] = {
	[ANSWER_HERE] = "done", [ANSWER_PASSED] = "passed",
	[ANSWER_EXPANDED] = "expanded"
};

static int
refuse(void)
{
	errno = EINVAL;
	return -1;
}

static struct span
tab_field(struct cur *c)
{
	struct span s = cur_until(c, '\t');

	(void)cur_ch(c, '\t');
	return s;
}

int
job_parse(struct span line, struct job *j)
{
	struct span dir;

	cur_init(&j->rest, line);
	j->name = tab_field(&j->rest);
	dir = tab_field(&j->rest);
	j->mode = tab_field(&j->rest);
	j->cur = span_is(dir, "cur");
	if (j->name.len == 0 || j->mode.len == 0 ||
	    (!j->cur && !span_is(dir, "new")) || cur_end(&j->rest))
		return refuse();
	return 0;
}

static int
hex_value(int c)
{
	if (c < 0 || (job_class[c] & UPHEX) == 0)
		return -1;
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* %XX undone; a NUL cannot be part of an address. */
static int
unescape(struct cur *c, char *out, size_t size)
{
	size_t n = 0;
	int ch, hi, lo;

	while ((ch = cur_next(c)) != -1) {
		if (ch == '%') {
			hi = hex_value(cur_next(c));
			lo = hex_value(cur_next(c));
			if (hi == -1 || lo == -1 || hi + lo == 0)
				return refuse();
			ch = hi << 4 | lo;
		} else if (ch <= ' ' || ch == 0x7f)
			return refuse();
		if (n + 1 >= size)
			return refuse();
		out[n++] = (char)ch;
	}
	out[n] = '\0';
	return n == 0 ? refuse() : 0;
}

int
job_next(struct job *j, struct job_rcpt *r)
{
	struct cur c;

	if (cur_end(&j->rest))
		return 0;
	cur_init(&c, tab_field(&j->rest));
	r->id = cur_while(&c, job_class, DIGIT);
	if (r->id.len == 0 || !cur_ch(&c, ':'))
		return refuse();
	r->index = cur_while(&c, job_class, DIGIT | DOT);
	if (r->index.len == 0 || r->index.len >= JOB_INDEX_MAX ||
	    !cur_ch(&c, ':'))
		return refuse();
	return unescape(&c, r->address, sizeof(r->address)) == -1 ? -1 : 1;
}

static bool
is_field(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

static int
spoil(struct buf *out)
{
	out->bad = true;
	return refuse();
}

int
job_print(struct buf *out, const char *name, bool cur, const char *mode)
{
	if (!is_field(name) || !is_field(mode))
		return spoil(out);
	buf_adds(out, name);
	buf_adds(out, cur ? "\tcur\t" : "\tnew\t");
	return buf_adds(out, mode);
}

/* As job_next takes it. */
static bool
is_index(const char *s)
{
	struct cur c;

	cur_init(&c, span_str(s));
	return cur_while(&c, job_class, DIGIT | DOT).len > 0 && cur_end(&c) &&
	    strlen(s) < JOB_INDEX_MAX;
}

int
job_print_rcpt(struct buf *out, uint64_t id, const char *index,
    const char *address)
{
	static const char hex[] = "0123456789ABCDEF";

	if (!is_index(index) || strlen(address) > ADDR_MAX || *address == '\0')
		return spoil(out);
	buf_addf(out, "\t%llu:%s:", (unsigned long long)id, index);
	for (; *address != '\0'; address++) {
		unsigned char c = (unsigned char)*address;

		if (c <= ' ' || c == 0x7f || c == '%') {
			buf_addc(out, '%');
			buf_addc(out, (unsigned char)hex[c >> 4]);
			c = (unsigned char)hex[c & 15];
		}
		buf_addc(out, c);
	}
	return out->bad ? -1 : 0;
}

int
job_print_end(struct buf *out)
{
	return buf_addc(out, '\n');
}

static int
class_parse(struct span s, struct answer *a)
{
	a->class = PROC_DONE;
	for (int i = ANSWER_HERE; i <= ANSWER_EXPANDED; i++)
		if (span_is(s, how_words[i])) {
			a->how = (enum answer_how)i;
			return 0;
		}
	a->how = ANSWER_HERE;
	for (int i = PROC_DONE; i <= PROC_DEFER; i++)
		if (span_is(s, class_words[i])) {
			a->class = (enum proc_class)i;
			return 0;
		}
	return refuse();
}

/* RFC 3463 section 2: class "." subject "." detail, in digits. */
static bool
is_dsn(struct span s)
{
	struct cur c;

	cur_init(&c, s);
	for (int i = 0; i < 3; i++) {
		size_t n = cur_while(&c, job_class, DIGIT).len;

		if (n == 0 || n > 3 || (i < 2 && !cur_ch(&c, '.')))
			return false;
	}
	return cur_end(&c);
}

int
answer_parse(struct span line, struct answer *a)
{
	struct cur c;

	cur_init(&c, line);
	if (cur_num(&c, UINT64_MAX / 2, &a->id) == -1 || !cur_ch(&c, ' ') ||
	    class_parse(cur_until(&c, ' '), a) == -1 ||
	    !cur_ch(&c, ' '))
		return refuse();
	a->dsn = cur_until(&c, ' ');
	(void)cur_ch(&c, ' ');
	a->text = cur_rest(&c);
	if (!is_dsn(a->dsn) || a->text.len > JOB_TEXT_MAX)
		return refuse();
	for (size_t i = 0; i < a->text.len; i++)
		if (a->text.p[i] < ' ' || a->text.p[i] == 0x7f)
			return refuse();
	return 0;
}

static int
print_answer(struct buf *out, struct span id, const char *class,
    const char *dsn, struct span text)
{
	if (!is_dsn(span_str(dsn)))
		return spoil(out);
	buf_addspan(out, id);
	buf_addf(out, " %s %s ", class, dsn);
	if (text.len > JOB_TEXT_MAX)
		text.len = JOB_TEXT_MAX;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.p[i];

		buf_addc(out, c < ' ' || c == 0x7f ? ' ' : c);
	}
	return buf_addc(out, '\n');
}

int
answer_print(struct buf *out, struct span id, enum proc_class class,
    const char *dsn, struct span text)
{
	return print_answer(out, id, class_words[class], dsn, text);
}

int
answer_print_done(struct buf *out, struct span id, enum answer_how how,
    const char *dsn, struct span text)
{
	return print_answer(out, id, how_words[how], dsn, text);
}

static bool
is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.len > 0;
}

int
sent_parse(struct span line, struct sent *s)
{
	struct cur c;

	cur_init(&c, line);
	while (cur_ch(&c, '\0'))
		;
	s->name = tab_field(&c);
	s->index = tab_field(&c);
	s->address = tab_field(&c);
	if (!is_plain(s->name) || !is_plain(s->index) ||
	    s->index.len >= JOB_INDEX_MAX || !is_plain(s->address) ||
	    s->address.len > ADDR_MAX ||
	    answer_parse(cur_rest(&c), &s->answer) == -1 ||
	    s->answer.class != PROC_DONE)
		return refuse();
	return 0;
}

int
sent_print(struct buf *out, const char *name, const char *index,
    const char *address, bool passed, const char *dsn, struct span text)
{
	if (!is_field(name) || !is_index(index) ||
	    !is_plain(span_str(address)) || strlen(address) > ADDR_MAX)
		return spoil(out);
	buf_addf(out, "%s\t%s\t%s\t", name, index, address);
	return print_answer(out, span_str("0"), how_words[passed ?
	    ANSWER_PASSED : ANSWER_HERE], dsn, text);
}
