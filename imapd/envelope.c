/*
 * ENVELOPE: RFC 3501 section 7.4.2.  The header is walked once; what it says
 * is sent as it stands, unfolded but not decoded.
 */
#include "addr.h"
#include "fetch.h"
#include "limits.h"

enum { DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO,
	MESSAGE_ID, NFIELDS };
static const struct span names[NFIELDS] = {
	HEADER_NAME("Date"), HEADER_NAME("Subject"), HEADER_NAME("From"),
	HEADER_NAME("Sender"), HEADER_NAME("Reply-To"), HEADER_NAME("To"),
	HEADER_NAME("Cc"), HEADER_NAME("Bcc"), HEADER_NAME("In-Reply-To"),
	HEADER_NAME("Message-ID")
};

struct envelope {
	struct netout *o;
	struct span header;
	struct header_field found[NFIELDS];
	uint64_t again;			/* names that stand more than once */
	struct buf work;
	size_t n;			/* addresses of this list */
};

/* As it is to be read: without quoting, comments and folding. */
static void
out_clean(struct envelope *e, struct span s, enum addr_clean how)
{
	buf_clear(&e->work);
	(void)addr_clean(s, how, &e->work);
	out_string(e->o, e->work.len == 0 ? span_str("") :
	    buf_span(&e->work));
}

/* The display name, or the comment that old programs put it into: RFC 5322
 * appendix A.6.1. */
static void
out_name(struct envelope *e, const struct addr_item *item)
{
	buf_clear(&e->work);
	if (item->name.len > 0)
		(void)addr_clean(item->name, ADDR_CLEAN_PHRASE, &e->work);
	else if (item->comment.p != NULL)
		(void)header_unfold(item->comment, &e->work);
	out_nstring(e->o, e->work.len > 0 ? buf_span(&e->work) :
	    span_of(NULL, 0));
}

static void
one_address(void *arg, const struct addr_item *item)
{
	struct envelope *e = arg;

	(void)netout_adds(e->o, e->n++ == 0 ? "(" : "");
	if (item->kind == ADDR_GROUP_START) {
		(void)netout_adds(e->o, "(NIL NIL ");
		out_clean(e, item->name, ADDR_CLEAN_PHRASE);
		(void)netout_adds(e->o, " NIL)");
		return;
	}
	if (item->kind == ADDR_GROUP_END) {
		(void)netout_adds(e->o, "(NIL NIL NIL NIL)");
		return;
	}
	(void)netout_adds(e->o, "(");
	out_name(e, item);
	/* NIL for the mailbox or host would make it a group. */
	(void)netout_adds(e->o, " NIL ");
	out_clean(e, item->local, ADDR_CLEAN_PLAIN);
	(void)netout_adds(e->o, " ");
	out_clean(e, item->domain, ADDR_CLEAN_PLAIN);
	(void)netout_adds(e->o, ")");
}

/* All fields of that name make one list; false: no address is in them. */
static bool
out_addresses(struct envelope *e, size_t which)
{
	struct span rest = e->header;
	struct header_field f;

	e->n = 0;
	if (e->found[which].name.p == NULL)
		return false;
	if ((e->again >> which & 1) == 0)
		(void)parse_address_list(e->found[which].body, one_address, e);
	else
		while (header_field(&rest, &f))
			if (span_iseq(f.name, names[which]))
				(void)parse_address_list(f.body, one_address,
				    e);
	(void)netout_adds(e->o, e->n > 0 ? ")" : "");
	return e->n > 0;
}

static void
out_text(struct envelope *e, const struct header_field *f)
{
	if (f->name.p == NULL) {
		(void)netout_adds(e->o, "NIL");
		return;
	}
	buf_clear(&e->work);
	(void)header_unfold(f->body, &e->work);
	out_string(e->o, e->work.len == 0 ? span_str("") :
	    buf_span(&e->work));
}

void
envelope_out(struct netout *o, struct span header)
{
	struct envelope e = { .o = o, .header = header };

	e.again = header_find_all(header, names, NFIELDS, e.found);
	buf_init(&e.work, HEADER_LINE_MAX);
	(void)netout_adds(o, "(");
	for (size_t i = 0; i < NFIELDS; i++) {
		(void)netout_adds(o, i == 0 ? "" : " ");
		if (i < FROM || i > BCC) {
			out_text(&e, &e.found[i]);
			continue;
		}
		/* RFC 3501 section 7.4.2: these default to From. */
		if (!out_addresses(&e, i) && ((i != SENDER && i != REPLY_TO) ||
		    !out_addresses(&e, FROM)))
			(void)netout_adds(o, "NIL");
	}
	(void)netout_adds(o, ")");
	buf_free(&e.work);
}
