/*
 * ENVELOPE: RFC 3501 section 7.4.2.  The header is walked once; what it says
 * is sent as it stands, unfolded but not decoded.
 */
#include <string.h>

#include "addr.h"
#include "fetch.h"
#include "limits.h"

enum { DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO,
	MESSAGE_ID, NFIELDS };
static const char *const names[NFIELDS] = {
	"Date", "Subject", "From", "Sender", "Reply-To", "To", "Cc", "Bcc",
	"In-Reply-To", "Message-ID"
};

struct addresses {
	struct netout *o;
	size_t n;
};

/* A quoted-string without its quotes and escapes; anything else unfolded. */
static void
plain(struct span s, struct buf *out)
{
	struct cur c;
	int ch;

	if (s.len < 2 || s.p[0] != '"' || s.p[s.len - 1] != '"') {
		(void)header_unfold(s, out);
		return;
	}
	cur_init(&c, span_of(s.p + 1, s.len - 2));
	while ((ch = cur_next(&c)) != -1) {
		if (ch == '\\' && !cur_end(&c))
			ch = cur_next(&c);
		if (ch != '\r' && ch != '\n')
			(void)buf_addc(out, (unsigned char)ch);
	}
}

static void
out_plain(struct netout *o, struct span s)
{
	struct buf b;

	if (s.p == NULL || s.len == 0) {
		(void)netout_adds(o, "NIL");
		return;
	}
	buf_init(&b, HEADER_LINE_MAX);
	plain(s, &b);
	out_string(o, b.p == NULL ? span_str("") : buf_span(&b));
	buf_free(&b);
}

static void
one_address(void *arg, const struct addr_item *item)
{
	struct addresses *a = arg;

	(void)netout_adds(a->o, a->n++ == 0 ? "(" : "");
	if (item->kind == ADDR_GROUP_START) {
		(void)netout_adds(a->o, "(NIL NIL ");
		out_plain(a->o, item->name);
		(void)netout_adds(a->o, " NIL)");
		return;
	}
	if (item->kind == ADDR_GROUP_END) {
		(void)netout_adds(a->o, "(NIL NIL NIL NIL)");
		return;
	}
	(void)netout_adds(a->o, "(");
	/* RFC 5322 appendix A.6.1: old programs put the name into a comment. */
	out_plain(a->o, item->name.len > 0 ? item->name : item->comment);
	(void)netout_adds(a->o, " NIL ");
	/* NIL here would make it a group. */
	if (item->local.len == 0)
		(void)netout_adds(a->o, "\"\"");
	else
		out_plain(a->o, item->local);
	(void)netout_adds(a->o, " ");
	if (item->domain.len == 0)
		(void)netout_adds(a->o, "\"\"");
	else
		out_plain(a->o, item->domain);
	(void)netout_adds(a->o, ")");
}

/* All fields of that name make one list; false: no address is in them. */
static bool
out_addresses(struct netout *o, struct span header, const char *name)
{
	struct addresses a = { .o = o };
	struct header_field f;

	while (header_next(&header, &f) == HEADER_FIELD)
		if (span_isis(f.name, name))
			(void)parse_address_list(f.body, one_address, &a);
	(void)netout_adds(o, a.n > 0 ? ")" : "");
	return a.n > 0;
}

static void
out_text(struct netout *o, const struct header_field *f)
{
	struct buf b;

	if (f->name.p == NULL) {
		(void)netout_adds(o, "NIL");
		return;
	}
	buf_init(&b, HEADER_LINE_MAX);
	(void)header_unfold(f->body, &b);
	out_string(o, b.p == NULL ? span_str("") : buf_span(&b));
	buf_free(&b);
}

/* Where each field first stands. */
static void
find_all(struct span header, struct header_field found[NFIELDS])
{
	struct header_field f;

	memset(found, 0, NFIELDS * sizeof(*found));
	while (header_next(&header, &f) == HEADER_FIELD)
		for (size_t i = 0; i < NFIELDS; i++)
			if (found[i].name.p == NULL &&
			    span_isis(f.name, names[i]))
				found[i] = f;
}

void
envelope_out(struct netout *o, struct span header)
{
	struct header_field found[NFIELDS];

	find_all(header, found);
	(void)netout_adds(o, "(");
	for (size_t i = 0; i < NFIELDS; i++) {
		(void)netout_adds(o, i == 0 ? "" : " ");
		if (i < FROM || i > BCC) {
			out_text(o, &found[i]);
			continue;
		}
		if (found[i].name.p != NULL &&
		    out_addresses(o, header, names[i]))
			continue;
		/* RFC 3501 section 7.4.2: these default to From. */
		if ((i != SENDER && i != REPLY_TO) ||
		    !out_addresses(o, header, names[FROM]))
			(void)netout_adds(o, "NIL");
	}
	(void)netout_adds(o, ")");
}
