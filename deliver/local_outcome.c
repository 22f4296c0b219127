/*
 * What became of a recipient, in the words that the sender and the
 * administrator will read.  Only trouble that cannot mend itself fails; all
 * else is deferred.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "header.h"
#include "local_forward.h"

void
outcome_set(struct outcome *o, enum proc_class class, const char *dsn,
    const char *fmt, ...)
{
	va_list ap;

	o->class = class;
	o->note[0] = '\0';
	strlcpy(o->dsn, dsn, sizeof(o->dsn));
	va_start(ap, fmt);
	if (vsnprintf(o->text, sizeof(o->text), fmt, ap) < 0)
		o->text[0] = '\0';
	va_end(ap);
}

void
outcome_note(struct outcome *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(o->note, sizeof(o->note), fmt, ap) < 0)
		o->note[0] = '\0';
	va_end(ap);
}

/* RFC 3463: 4.2.2 mailbox full, 4.3.1 system full, 4.3.0 other. */
static const struct { int e; const char *dsn, *text; } errors[] = {
	{ EDQUOT, "4.2.2", "the mailbox is over its quota" },
	{ ENOSPC, "4.3.1", "no space is left for the mailbox" },
	{ EROFS, "4.3.0", "the mailbox is on a read-only file system" },
	{ EACCES, "4.3.5", "the mailbox may not be written" },
	{ EPERM, "4.3.5", "the mailbox belongs to somebody else" },
	{ ELOOP, "4.3.5", "a symbolic link stands in the mailbox's path" },
	{ ENOTDIR, "4.3.5", "the mailbox's path is no directory" },
};

static const char *
known_error(int e, const char **dsn)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].e == e) {
			*dsn = errors[i].dsn;
			return errors[i].text;
		}
	return NULL;
}

void
outcome_errno(struct outcome *o, int e, const char *what)
{
	const char *dsn, *text = known_error(e, &dsn);

	if (text != NULL)
		outcome_set(o, PROC_DEFER, dsn, "%s (%s)", text, what);
	else
		outcome_set(o, PROC_DEFER, "4.3.0", "%s: %s", what,
		    strerror(e));
}

void
outcome_path(struct outcome *o, int e, const char *path)
{
	const char *dsn, *text = known_error(e, &dsn);

	if (text != NULL)
		outcome_set(o, PROC_DEFER, dsn, "%s", text);
	else
		outcome_set(o, PROC_DEFER, "4.3.0", "the mailbox: %s",
		    strerror(e));
	outcome_note(o, "%.120s: %.120s", path, strerror(e));
}

static const char *const words[] = { [PROC_DONE] = "done",
    [PROC_FAIL] = "fail", [PROC_DEFER] = "defer" };

void
outcome_print(const struct outcome *o, struct buf *out)
{
	buf_addf(out, "%s %s %s\n%s\n", words[o->class], o->dsn, o->text,
	    o->note);
}

bool
outcome_parse(struct outcome *o, enum proc_class class, struct span said)
{
	static const char digits[] = { [PROC_DONE] = '2', [PROC_FAIL] = '5',
	    [PROC_DEFER] = '4' };
	char dsn[sizeof(o->dsn)];
	struct cur c, line;
	struct span code;
	uint64_t n;

	cur_init(&c, said);
	cur_init(&line, cur_until(&c, '\n'));
	if (!cur_word(&line, words[class]) || !cur_ch(&line, ' '))
		return false;
	code = cur_until(&line, ' ');
	cur_init(&c, code);
	if (cur_next(&c) != digits[class] || !cur_ch(&c, '.') ||
	    cur_num(&c, 999, &n) == -1 || !cur_ch(&c, '.') ||
	    cur_num(&c, 999, &n) == -1 || !cur_end(&c) ||
	    span_cstr(code, dsn, sizeof(dsn)) == -1)
		return false;
	(void)cur_ch(&line, ' ');
	outcome_set(o, class, dsn, "%.*s",
	    (int)(cur_left(&line) > 250 ? 250 : cur_left(&line)),
	    (const char *)line.p);
	return o->text[0] != '\0';
}

void
outcome_parse_note(struct outcome *o, struct span said)
{
	struct span note;
	struct cur c;

	cur_init(&c, said);
	(void)cur_until(&c, '\n');
	(void)cur_ch(&c, '\n');
	note = cur_until(&c, '\n');
	outcome_note(o, "%.*s", (int)(note.len > 250 ? 250 : note.len),
	    (const char *)note.p);
}

struct span
outcome_last_line(struct span said)
{
	struct span best = { NULL, 0 }, line;
	struct cur c;

	cur_init(&c, said);
	while (!cur_end(&c)) {
		line = header_trim(cur_until(&c, '\n'));
		(void)cur_ch(&c, '\n');
		if (line.len > 0)
			best = line;
	}
	return best;
}
