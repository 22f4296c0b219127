/*
 * The header of a submitted message: recipients for -t, fields that must not
 * go out, fields that are missing.  RFC 5322 section 3.6.  Trusts no field; what
 * is not a header field begins the body.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "encode.h"
#include "ex.h"
#include "qualify.h"
#include "sendmail.h"

/* Blind recipients, and what only the last server may add or what lies. */
static const char *const dropped[] = { "Bcc", "Resent-Bcc", "Return-Path",
    "Content-Length" };

#define RESENT_NAMES	16	/* different Resent- fields in one block */

struct extract {
	struct sendmail *s;
	struct span where;	/* field, or argument */
	int code;		/* exit, if an address is none */
	size_t found;
};

static void
each_item(void *arg, const struct addr_item *item)
{
	struct extract *x = arg;
	struct buf text;

	if (item->kind != ADDR_MAILBOX)
		return;
	buf_init(&text, ADDR_PATH_MAX);
	addr_clean(item->local, ADDR_CLEAN_KEEP, &text);
	if (item->domain.len > 0) {
		buf_addc(&text, '@');
		addr_clean(item->domain, ADDR_CLEAN_KEEP, &text);
	}
	if (text.bad)
		errx(x->code, "an address in %.*s is too long",
		    (int)x->where.len, (const char *)x->where.p);
	sendmail_add_rcpt(x->s, buf_span(&text), x->code);
	x->found++;
	buf_free(&text);
}

static void
extract_field(struct sendmail *s, const struct header_field *f)
{
	struct extract x = { s, f->name, EX_DATAERR, 0 };

	if (parse_address_list(f->body, each_item, &x) != 0)
		errx(EX_DATAERR, "the addresses in %.*s cannot all be read",
		    (int)f->name.len, (const char *)f->name.p);
}

/* White space that would fold a field is not folding in an argument. */
static bool
has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

/* "alice,bob@example.net", as cron hands on its MAILTO, and "Bob <bob@example.net>". */
void
sendmail_argument(struct sendmail *s, struct span text)
{
	struct extract x = { s, text, EX_USAGE, 0 };
	struct addr a;

	if (sendmail_address(s, text, &a) || has_control(text) ||
	    parse_address_list(text, each_item, &x) != 0 || x.found == 0)
		sendmail_add_rcpt(s, text, EX_USAGE);
}

static bool
has_prefix(struct span s, const char *prefix)
{
	return s.len >= strlen(prefix) &&
	    span_isis(span_of(s.p, strlen(prefix)), prefix);
}

static bool
is_rcpt_field(struct span name)
{
	return span_isis(name, "To") || span_isis(name, "Cc") ||
	    span_isis(name, "Bcc");
}

/* A new block of Resent- fields begins where a name comes back: RFC 5322
 * section 3.6.6.  Only the first block, the newest, is about this sending. */
static bool
block_ended(struct span names[RESENT_NAMES], size_t *n, struct span name)
{
	for (size_t i = 0; i < *n; i++)
		if (span_iseq(names[i], name))
			return true;
	if (*n < RESENT_NAMES)
		names[(*n)++] = name;
	return false;
}

/* Recipients of the newest Resent- block.  false: there is no such field. */
static bool
extract_resent(struct sendmail *s, struct span rest)
{
	struct span names[RESENT_NAMES];
	struct header_field f;
	size_t n = 0;
	bool any = false;

	while (header_next(&rest, &f) == HEADER_FIELD) {
		if (!has_prefix(f.name, "Resent-"))
			continue;
		if (block_ended(names, &n, f.name))
			break;
		if (is_rcpt_field(span_of(f.name.p + 7, f.name.len - 7))) {
			any = true;
			extract_field(s, &f);
		}
	}
	return any;
}

/* Where the message proper begins: a line "From " of a mailbox file is none. */
static struct span
after_from_line(const struct sendmail *s)
{
	struct span m = buf_span(&s->message);
	struct cur c;

	cur_init(&c, m);
	if (cur_word(&c, "From ") || cur_word(&c, ">From ")) {
		(void)cur_until(&c, '\n');
		(void)cur_ch(&c, '\n');
		return cur_rest(&c);
	}
	return m;
}

void
sendmail_extract(struct sendmail *s)
{
	struct span rest = after_from_line(s);
	struct header_field f;

	if (extract_resent(s, rest))
		return;
	while (header_next(&rest, &f) == HEADER_FIELD)
		if (is_rcpt_field(f.name))
			extract_field(s, &f);
}

/* display-name of RFC 5322 section 3.4: words, quoted or encoded as it needs. */
static void
add_name(struct buf *out, const char *name)
{
	struct span s = span_str(name);
	bool ascii = true, plain = true;

	for (size_t i = 0; i < s.len; i++) {
		ascii = ascii && s.p[i] < 0x80;
		plain = plain && !span_haschr(span_str("()<>[]:;@\\,.\""),
		    s.p[i]);
	}
	if (!ascii)
		words_encode(s, out);
	else if (plain)
		buf_addspan(out, s);
	else {
		buf_addc(out, '"');
		for (size_t i = 0; i < s.len; i++) {
			if (s.p[i] == '"' || s.p[i] == '\\')
				buf_addc(out, '\\');
			buf_addc(out, s.p[i]);
		}
		buf_addc(out, '"');
	}
}

/* The null reverse-path names nobody, so the caller's own address stands. */
static void
add_from(struct sendmail *s, const char *prefix)
{
	const char *name = s->full_name != NULL ? s->full_name : s->gecos;
	struct buf *out = &s->header;
	struct addr a = s->sender;

	if (a.text[0] == '\0' &&
	    !sendmail_address(s, span_str(s->login), &a))
		return;
	buf_addf(out, "%sFrom: ", prefix);
	if (*name != '\0') {
		add_name(out, name);
		buf_addf(out, " <%s>\n", a.text);
	} else
		buf_addf(out, "%s\n", a.text);
}

static void
add_missing(struct sendmail *s, const char *prefix, const char *qid, bool from,
    bool date, bool message_id)
{
	char now[DATE_SIZE];

	if (!from)
		add_from(s, prefix);
	date_print(clock_now(), now);
	if (!date)
		buf_addf(&s->header, "%sDate: %s\n", prefix, now);
	if (!message_id)
		buf_addf(&s->header, "%sMessage-ID: <%s%s@%s>\n", prefix, qid,
		    prefix[0] != '\0' ? ".resent" : "", s->control.hostname);
}

static void
see(struct sendmail_seen *seen, struct span name)
{
	seen->from = seen->from || span_isis(name, "From");
	seen->date = seen->date || span_isis(name, "Date");
	seen->message_id = seen->message_id || span_isis(name, "Message-ID");
	if (!has_prefix(name, "Resent-"))
		return;
	seen->resent = true;
	seen->resent_from = seen->resent_from || span_isis(name, "Resent-From");
	seen->resent_date = seen->resent_date || span_isis(name, "Resent-Date");
	seen->resent_message_id = seen->resent_message_id ||
	    span_isis(name, "Resent-Message-ID");
}

static bool
is_dropped(struct span name)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (span_isis(name, dropped[i]))
			return true;
	return false;
}

int
sendmail_header(struct sendmail *s, const char *qid)
{
	struct span start = after_from_line(s), rest = start;
	struct sendmail_seen seen = { 0 };
	struct header_field f;

	buf_init(&s->header, s->message.max + HEADER_LINE_MAX);
	while (header_next(&rest, &f) == HEADER_FIELD)
		see(&seen, f.name);
	if (seen.resent)
		add_missing(s, "Resent-", qid, seen.resent_from,
		    seen.resent_date, seen.resent_message_id);
	add_missing(s, "", qid, seen.from, seen.date, seen.message_id);
	rest = start;
	while (header_next(&rest, &f) == HEADER_FIELD)
		if (is_dropped(f.name))
			;
		else if (qualify_is_for(f.name))
			(void)qualify_field(&f, s->control.first_domain,
			    &s->header);
		else
			buf_addspan(&s->header, f.whole);
	if (s->header.len > 0 && s->header.p[s->header.len - 1] != '\n')
		buf_addc(&s->header, '\n');
	buf_addc(&s->header, '\n');
	s->header_len = s->message.len - rest.len;
	return s->header.bad ? -1 : 0;
}
