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

/* As it is to be read: without quoting, comments and folding. */
static void
out_clean(struct netout *o, struct span s, enum addr_clean how)
{
	struct buf b;

	buf_init(&b, HEADER_LINE_MAX);
	(void)addr_clean(s, how, &b);
	out_string(o, b.p == NULL ? span_str("") : buf_span(&b));
	buf_free(&b);
}

/* The display name, or the comment that old programs put it into: RFC 5322
 * appendix A.6.1. */
static void
out_name(struct netout *o, const struct addr_item *item)
{
	struct buf b;

	buf_init(&b, HEADER_LINE_MAX);
	if (item->name.len > 0)
		(void)addr_clean(item->name, ADDR_CLEAN_PHRASE, &b);
	else if (item->comment.p != NULL)
		(void)header_unfold(item->comment, &b);
	out_nstring(o, b.len > 0 ? buf_span(&b) : span_of(NULL, 0));
	buf_free(&b);
}

static void
one_address(void *arg, const struct addr_item *item)
{
	struct addresses *a = arg;

	(void)netout_adds(a->o, a->n++ == 0 ? "(" : "");
	if (item->kind == ADDR_GROUP_START) {
		(void)netout_adds(a->o, "(NIL NIL ");
		out_clean(a->o, item->name, ADDR_CLEAN_PHRASE);
		(void)netout_adds(a->o, " NIL)");
		return;
	}
	if (item->kind == ADDR_GROUP_END) {
		(void)netout_adds(a->o, "(NIL NIL NIL NIL)");
		return;
	}
	(void)netout_adds(a->o, "(");
	out_name(a->o, item);
	/* NIL for the mailbox or host would make it a group. */
	(void)netout_adds(a->o, " NIL ");
	out_clean(a->o, item->local, ADDR_CLEAN_PLAIN);
	(void)netout_adds(a->o, " ");
	out_clean(a->o, item->domain, ADDR_CLEAN_PLAIN);
	(void)netout_adds(a->o, ")");
}

/* All fields of that name make one list; false: no address is in them. */
static bool
out_addresses(struct netout *o, struct span header, const char *name)
{
	struct addresses a = { .o = o };
	struct header_field f;

	while (header_field(&header, &f))
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
	while (header_field(&header, &f))
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
