/*
 * IMAP URLs in CATENATE: RFC 5092, of which only those that name a message or a part
 * of one on this server, for this user, mean anything here (RFC 4469 section
 * 3): "/mailbox;UIDVALIDITY=1/;UID=2/;SECTION=1.2/;PARTIAL=0.100".  Trusts
 * nothing; reads, and changes nothing.
 */
#include "append.h"

#include <string.h>

#include "crlf.h"
#include "encode.h"
#include "fetch.h"

struct url {
	struct span mailbox;		/* decoded; len 0: the selected one */
	struct span section;		/* decoded; p NULL: the whole message */
	uint32_t uidvalidity, uid;	/* uidvalidity 0: any */
	bool partial, to_end;
	uint64_t from, count;
};

/* RFC 3986 section 2.1, into the arena. */
static bool
decode(struct arena *arena, struct span in, struct span *out)
{
	struct buf b;
	struct cur c;
	int ch;

	buf_init(&b, in.len + 1);
	cur_init(&c, in);
	while ((ch = cur_next(&c)) != -1) {
		if (ch == '%' && (ch = hex_byte(&c)) == -1)
			break;
		(void)buf_addc(&b, (unsigned char)ch);
	}
	*out = arena_copy(arena, buf_span(&b));
	buf_free(&b);
	return cur_end(&c) && out->p != NULL && !span_haschr(*out, 0);
}

/* One ";NAME=value", or what stands before the first of them. */
static struct span
take_part(struct cur *c)
{
	struct span s = cur_until(c, ';');

	(void)cur_ch(c, ';');
	/* The "/" belongs to what follows: RFC 5092 section 11. */
	if (!cur_end(c) && s.len > 0 && s.p[s.len - 1] == '/')
		s.len--;
	return s;
}

static bool
parse_value(struct args *a, struct url *u)
{
	uint64_t n;

	if (cur_word(&a->c, "UIDVALIDITY="))
		return parse_nz_number(a, &u->uidvalidity) && parse_end(a);
	if (cur_word(&a->c, "UID="))
		return parse_nz_number(a, &u->uid) && parse_end(a);
	if (cur_word(&a->c, "SECTION="))
		return decode(a->arena, cur_rest(&a->c), &u->section);
	if (!cur_word(&a->c, "PARTIAL=") || !parse_number64(a, &n))
		return false;
	u->partial = true;
	u->from = n;
	u->to_end = !cur_ch(&a->c, '.');
	return u->to_end ? parse_end(a) :
	    parse_number64(a, &u->count) && parse_end(a);
}

/* imessagepart: RFC 5092 section 11, as a path from the root or from the
 * selected mailbox. */
static bool
parse_url(struct arena *arena, struct span text, struct url *u)
{
	struct args a = { .arena = arena };
	struct cur c;

	memset(u, 0, sizeof(*u));
	cur_init(&c, text);
	if (cur_word(&c, "//"))
		return false;
	(void)cur_ch(&c, '/');
	if (!decode(arena, take_part(&c), &u->mailbox))
		return false;
	while (!cur_end(&c)) {
		cur_init(&a.c, take_part(&c));
		if (!parse_value(&a, u))
			return false;
	}
	return u->uid != 0;
}

/* The mailbox of the URL, which is UTF-8 there (RFC 5092 section 3), open. */
static struct folder *
open_folder(struct imap *im, const struct url *u)
{
	char raw[NAME_RAW_MAX + 1];
	struct place place;

	if (u->mailbox.len == 0 && im->view.folder == NULL)
		return NULL;
	if (u->mailbox.len == 0)
		view_follow(im);
	if (u->mailbox.len == 0)
		(void)span_cstr(span_str(im->view.raw), raw, sizeof(raw));
	else if (name_to_raw(u->mailbox, true, raw) != NULL)
		return NULL;
	return place_find(im, raw, &place) == 0 && place.rights & ACL_READ ?
	    folder_open(place.dir, true) : NULL;
}

static void
add_part(const struct url *u, struct span bytes, struct buf *out)
{
	struct buf crlf;
	struct span s;

	if (!u->partial) {
		(void)crlf_add(out, bytes);
		return;
	}
	buf_init(&crlf, 2 * bytes.len + 2);
	(void)crlf_add(&crlf, bytes);
	s = buf_span(&crlf);
	if (u->from < s.len) {
		s = span_of(s.p + u->from, s.len - (size_t)u->from);
		if (!u->to_end && u->count < s.len)
			s.len = (size_t)u->count;
		(void)buf_addspan(out, s);
	}
	buf_free(&crlf);
}

static const char *
read_part(struct folder *f, const struct url *u, struct arena *arena,
    struct buf *out)
{
	struct args a = { .arena = arena };
	struct section section = { 0 };
	struct message m;
	struct span bytes;
	struct buf work;
	const char *why = "The URL names no part of the message";
	size_t i = folder_lower(f, u->uid);

	if (i == folder_count(f) || folder_uid(f, i) != u->uid)
		return "The URL names no message";
	cur_init(&a.c, u->section);
	if (u->section.len > 0 && (!parse_section(&a, &section) ||
	    !parse_end(&a)))
		return "Invalid section in the URL";
	buf_init(&work, 0);
	message_init(&m, f);
	message_begin(&m, i);
	if (message_need(&m, section_need(&section)) == 0 &&
	    section_bytes(&m, &section, &bytes, &work)) {
		add_part(u, bytes, out);
		why = out->bad ? "The URL names too much" : NULL;
	}
	message_free(&m);
	buf_free(&work);
	return why;
}

const char *
url_fetch(struct imap *im, struct span text, struct buf *out)
{
	const char *why;
	struct folder *f;
	struct url u;

	if (!parse_url(&im->arena, text, &u))
		return "The URL does not name a message here";
	if ((f = open_folder(im, &u)) == NULL)
		return "The URL names no mailbox";
	if (u.uidvalidity != 0 && u.uidvalidity != folder_uidvalidity(f))
		why = "The mailbox has another UIDVALIDITY";
	else
		why = read_part(f, &u, &im->arena, out);
	folder_close(f);
	return why;
}
