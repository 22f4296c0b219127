/*
 * mbox files (mboxo and mboxrd): a line "From " behind an empty one begins a message.  Trusts nothing: whatever
 * comes is text of some message.
 */
#include "mbox.h"

#include <string.h>

#include "header.h"
#include "maildir.h"
#include "table.h"

#define FROM	"From "
#define WORDS	5		/* of asctime(3): Sun Nov 22 00:00:00 2026 */

/* Letters of Status and X-Status, as mail programs have written them since elm. */
static const struct { const char *field; unsigned char letter; unsigned flag; } marks[] = {
	{ "Status:", 'R', MAIL_SEEN },
	{ "X-Status:", 'A', MAIL_ANSWERED }, { "X-Status:", 'F', MAIL_FLAGGED },
	{ "X-Status:", 'D', MAIL_DELETED }, { "X-Status:", 'T', MAIL_DRAFT },
};

static void
take_status(struct mbox *m, struct span line)
{
	struct cur c;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		cur_init(&c, line);
		if (cur_word(&c, marks[i].field) &&
		    span_haschr(cur_rest(&c), marks[i].letter))
			m->flags |= marks[i].flag;
	}
}

/* Dovecot's and Thunderbird's: words, and spaces to be filled later. */
static void
take_keywords(struct mbox *m, struct span line)
{
	size_t n = strlen(m->keywords);
	struct span word;
	struct cur c;

	cur_init(&c, line);
	if (!cur_word(&c, "X-Keywords:") && !cur_word(&c, "X-Mozilla-Keys:"))
		return;
	while ((word = cur_nextword(&c)).len > 0) {
		if (n + word.len + 2 > sizeof(m->keywords) ||
		    span_haschr(word, '\0'))
			continue;
		memcpy(m->keywords + n, word.p, word.len);
		n += word.len;
		m->keywords[n++] = ' ';
		m->keywords[n] = '\0';
	}
}

/* ">From ", ">>From " and so on lose one ">". */
static struct span
unquote(struct span line)
{
	struct cur c;

	cur_init(&c, line);
	while (cur_ch(&c, '>'))
		;
	if (line.p[0] == '>' && cur_left(&c) >= 5 &&
	    memcmp(c.p, "From ", 5) == 0)
		return span_of(line.p + 1, line.len - 1);
	return line;
}

static enum mbox_result
empty_line(struct mbox *m)
{
	m->filled = false;
	if (m->header) {
		m->header = false;
		return MBOX_LINE;
	}
	if (m->held)
		return MBOX_LINE;
	m->held = true;
	return MBOX_NOTHING;
}

enum mbox_result
mbox_line(struct mbox *m, struct span *line)
{
	bool ended = line->len > 0 && line->p[line->len - 1] == '\n';
	bool begins = !m->inside;

	m->inside = !ended;
	m->empty_first = false;
	if (begins && !m->filled && line->len >= 5 &&
	    memcmp(line->p, "From ", 5) == 0) {
		m->filled = true;
		return MBOX_FROM;
	}
	if (begins && (span_is(*line, "\n") || span_is(*line, "\r\n")))
		return empty_line(m);
	m->empty_first = m->held;
	m->held = false;
	m->filled = true;
	if (begins && m->header) {
		take_status(m, *line);
		take_keywords(m, *line);
	}
	if (begins)
		*line = unquote(*line);
	return MBOX_LINE;
}

void
mbox_begin(struct mbox *m, struct span from)
{
	struct span words[WORDS], word;
	struct buf date;
	struct cur c;
	int zone;

	m->header = true;
	m->held = false;
	m->flags = 0;
	m->keywords[0] = '\0';
	m->arrival = 0;
	memset(words, 0, sizeof(words));
	cur_init(&c, from);
	while ((word = cur_nextword(&c)).len > 0) {
		memmove(words, words + 1, sizeof(words) - sizeof(*words));
		words[WORDS - 1] = word;
	}
	buf_init(&date, 256);
	buf_addf(&date, "%.*s %.*s %.*s %.*s +0000", (int)words[2].len,
	    (const char *)words[2].p, (int)words[1].len,
	    (const char *)words[1].p, (int)words[4].len,
	    (const char *)words[4].p, (int)words[3].len,
	    (const char *)words[3].p);
	if (words[0].len == 0 || date.bad ||
	    date_parse(buf_span(&date), &m->arrival, &zone) == -1)
		m->arrival = 0;
	buf_free(&date);
}

void
mbox_put_from(struct buf *b, const char *sender, time_t arrival)
{
	char date[DATE_SIZE];
	struct tm tm;

	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y",
	    gmtime_r(&arrival, &tm));
	buf_addf(b, FROM "%s %s\n", sender[0] == '\0' ? "MAILER-DAEMON" :
	    sender, date);
}

/* One byte at the beginning of a line: behind any ">" a "From " is quoted. */
static void
put_begin(struct mbox_out *o, int ch, struct buf *b)
{
	if (ch == FROM[o->from]) {
		if (++o->from < strlen(FROM))
			return;
		buf_adds(b, ">" FROM);
		o->from = MBOX_MID_LINE;
		return;
	}
	buf_add(b, FROM, o->from);
	if (ch != '>' || o->from > 0)
		o->from = ch == '\n' ? 0 : MBOX_MID_LINE;
	buf_addc(b, (unsigned char)ch);
}

void
mbox_put(struct mbox_out *o, struct span s, struct buf *b)
{
	struct cur c;

	cur_init(&c, s);
	while (!cur_end(&c)) {
		if (o->from != MBOX_MID_LINE) {
			put_begin(o, cur_next(&c), b);
			continue;
		}
		buf_addspan(b, cur_until(&c, '\n'));
		if (cur_ch(&c, '\n')) {
			buf_addc(b, '\n');
			o->from = 0;
		}
	}
	if (s.len > 0)
		o->open = s.p[s.len - 1] != '\n';
}

void
mbox_put_end(struct mbox_out *o, struct buf *b)
{
	if (o->from != MBOX_MID_LINE)
		buf_add(b, FROM, o->from);
	buf_adds(b, o->open ? "\n\n" : "\n");
}
