/*
 * dovecot-uidlist and courierpop3dsizelist taken apart.  Free of I/O.  A line that is not as expected
 * is passed over: its message gets a name of our own.
 */
#include "uidl_import.h"

#include <stdint.h>

#include "maildir.h"
#include "uidl.h"

static struct span
next_line(struct cur *c)
{
	struct span line = cur_until(c, '\n');

	(void)cur_ch(c, '\n');
	return line;
}

static struct span
next_word(struct cur *c)
{
	struct span word = cur_until(c, ' ');

	(void)cur_ch(c, ' ');
	return word;
}

static void
tell(struct span file, struct span uidl, uidl_each *each, void *arg)
{
	struct maildir_name n;

	maildir_name_parse(file, &n);
	if (n.unique.len > 0 && uidl_ok(uidl))
		each(arg, n.unique, uidl);
}

/* "1 VALIDITY NEXT", or "3 V<validity> N<next> G<guid> ..." in any order. */
static int
dovecot_header(struct span line, unsigned *version, uint32_t *validity)
{
	struct cur c;
	uint64_t v, val = 0;

	cur_init(&c, line);
	if (cur_num(&c, 9, &v) == -1 || !cur_ch(&c, ' '))
		return -1;
	*version = (unsigned)v;
	if (v == 1) {
		if (cur_num(&c, UINT32_MAX, &val) == -1)
			return -1;
	} else if (v == 3) {
		while (!cur_end(&c)) {
			if (cur_peek(&c) == 'V') {
				(void)cur_next(&c);
				if (cur_num(&c, UINT32_MAX, &val) == -1)
					return -1;
			}
			(void)next_word(&c);
		}
	} else
		return -1;
	*validity = (uint32_t)val;
	return val > 0 ? 0 : -1;
}

/* "UID file", or "UID [Xvalue]... :file" where X is one letter. */
struct dovecot_line {
	struct uidl_parts parts;
	struct span uidl;		/* P */
	bool named;			/* there was a P */
};

static int
dovecot_line(struct span line, unsigned version, struct dovecot_line *d)
{
	struct cur c;
	uint64_t uid;

	cur_init(&c, line);
	d->named = false;
	d->parts.guid = span_of("", 0);
	if (cur_num(&c, UINT32_MAX, &uid) == -1 || !cur_ch(&c, ' '))
		return -1;
	d->parts.uid = (uint32_t)uid;
	while (version == 3 && !cur_ch(&c, ':')) {
		int key = cur_next(&c);
		struct span value = next_word(&c);

		if (key == -1)
			return -1;
		if (key == 'G')
			d->parts.guid = value;
		if (key == 'P') {
			d->uidl = value;
			d->named = true;
		}
	}
	d->parts.file = cur_until(&c, ':');
	return d->parts.file.len > 0 ? 0 : -1;
}

int
uidl_import_dovecot(struct span text, struct span format, uidl_each *each,
    void *arg)
{
	struct dovecot_line d = { 0 };
	struct buf uidl;
	struct cur c;
	unsigned version;

	cur_init(&c, text);
	if (dovecot_header(next_line(&c), &version, &d.parts.validity) == -1)
		return -1;
	buf_init(&uidl, 512);
	while (!cur_end(&c)) {
		if (dovecot_line(next_line(&c), version, &d) == -1)
			continue;
		buf_clear(&uidl);
		if (!d.named && uidl_format(format, &d.parts, &uidl) == 0)
			d.uidl = buf_span(&uidl);
		else if (!d.named)
			continue;
		else if (d.uidl.len == 0)	/* P alone: the file's name */
			d.uidl = d.parts.file;
		tell(d.parts.file, d.uidl, each, arg);
	}
	buf_free(&uidl);
	return 0;
}

/* The last word off the end of s. */
static struct span
last_word(struct span *s)
{
	struct span word = span_of("", 0);
	size_t n = s->len;

	while (n > 0 && s->p[n - 1] != ' ')
		n--;
	if (n > 0) {
		word = span_of(s->p + n, s->len - n);
		s->len = n - 1;
	}
	return word;
}

/* Version 0 names a message by its file, what cannot be sent as +XX. */
static int
courier_file(struct span file, struct buf *out)
{
	struct cur c;
	int ch;

	cur_init(&c, file);
	while ((ch = cur_next(&c)) != -1 && ch != ':')
		if (ch <= ' ' || ch >= 0x7f || ch == '\'' || ch == '"' ||
		    ch == '+')
			buf_addf(out, "+%02X", (unsigned)ch);
		else
			buf_addc(out, (unsigned char)ch);
	return out->bad ? -1 : 0;
}

/* "file size uid:validity[:utf8]" (versions 2 and 3), "file size uid" (1), "file size" before. */
static int
courier_line(struct span line, uint64_t version, struct span *file,
    struct buf *out)
{
	uint64_t uid = 0, validity = 0;
	struct cur c;

	if (version > 0) {
		cur_init(&c, last_word(&line));
		if (cur_num(&c, UINT64_MAX, &uid) == -1 ||
		    (version > 1 && (!cur_ch(&c, ':') ||
		    cur_num(&c, UINT64_MAX, &validity) == -1)))
			return -1;
	}
	if (last_word(&line).len == 0 || line.len == 0)
		return -1;
	*file = line;
	if (uid == 0)
		return courier_file(line, out);
	buf_addf(out, "UID%llu", (unsigned long long)uid);
	if (validity != 0)
		buf_addf(out, "-%llu", (unsigned long long)validity);
	return out->bad ? -1 : 0;
}

/* "/VERSION NEXT VALIDITY"; a list that begins otherwise is older than versions. */
static int
courier_header(struct cur *c, uint64_t *version)
{
	struct cur line;

	*version = 0;
	if (cur_peek(c) != '/')
		return 0;
	cur_init(&line, next_line(c));
	(void)cur_ch(&line, '/');
	return cur_num(&line, 3, version) == -1 || *version == 0 ? -1 : 0;
}

int
uidl_import_courier(struct span text, uidl_each *each, void *arg)
{
	uint64_t version;
	struct span file;
	struct buf uidl;
	struct cur c;

	cur_init(&c, text);
	if (courier_header(&c, &version) == -1)
		return -1;
	buf_init(&uidl, 1024);
	while (!cur_end(&c)) {
		buf_clear(&uidl);
		if (courier_line(next_line(&c), version, &file, &uidl) == 0)
			tell(file, buf_span(&uidl), each, arg);
	}
	buf_free(&uidl);
	return 0;
}
