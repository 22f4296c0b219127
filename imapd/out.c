/*
 * Strings in replies: quoted where short and clean, else a literal.  What comes
 * from messages may hold anything; a NUL, which no literal may carry, is
 * sent as 0x80.
 */
#include <string.h>

#include "imap.h"

#define QUOTED_MAX 1000		/* some clients read quoted strings into 1 KiB */

/* What a quoted string may hold without escapes being the larger part. */
static bool
quotable(struct span s)
{
	if (s.len > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

static void
out_literal(struct netout *o, struct span s)
{
	struct cur c;
	struct span part;

	(void)netout_addf(o, "{%zu}\r\n", s.len);
	cur_init(&c, s);
	do {
		part = cur_until(&c, 0);
		if (part.len > 0)
			(void)netout_add(o, part.p, part.len);
		if (!cur_end(&c))
			(void)netout_add(o, "\200", 1);
	} while (cur_ch(&c, 0));
}

void
out_string(struct netout *o, struct span s)
{
	struct cur c;
	int ch;

	if (!quotable(s)) {
		out_literal(o, s);
		return;
	}
	(void)netout_add(o, "\"", 1);
	if (!span_haschr(s, '"') && !span_haschr(s, '\\')) {
		if (s.len > 0)
			(void)netout_add(o, s.p, s.len);
	} else {
		cur_init(&c, s);
		while ((ch = cur_next(&c)) != -1) {
			if (ch == '"' || ch == '\\')
				(void)netout_add(o, "\\", 1);
			(void)netout_add(o, &(unsigned char){
			    (unsigned char)ch }, 1);
		}
	}
	(void)netout_add(o, "\"", 1);
}

void
out_nstring(struct netout *o, struct span s)
{
	if (s.p == NULL)
		(void)netout_adds(o, "NIL");
	else
		out_string(o, s);
}

void
out_astring(struct netout *o, struct span s)
{
	struct cur c;

	cur_init(&c, s);
	if (s.len > 0 && cur_while(&c, imap_chars, IC_ASTRING).len == s.len &&
	    !span_isis(s, "NIL"))
		(void)netout_add(o, s.p, s.len);
	else
		out_string(o, s);
}

void
out_mailbox(struct imap *im, struct span s)
{
	if (!utf8_names(im) || span_isascii(s)) {
		out_astring(&im->out, s);
		return;
	}
	/* RFC 9755 section 3: UTF-8 in a quoted string.  A name of this client's
	 * has no control characters. */
	(void)netout_adds(&im->out, "\"");
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			(void)netout_adds(&im->out, "\\");
		(void)netout_add(&im->out, s.p + i, 1);
	}
	(void)netout_adds(&im->out, "\"");
}

static const struct { unsigned bit; const char *name; } names[] = {
	{ MAIL_ANSWERED, "\\Answered" }, { MAIL_FLAGGED, "\\Flagged" },
	{ MAIL_DELETED, "\\Deleted" }, { MAIL_SEEN, "\\Seen" },
	{ MAIL_DRAFT, "\\Draft" }, { MAIL_PASSED, "$Forwarded" },
};
#define NNAMES (sizeof(names) / sizeof(names[0]))

void
out_flags(struct imap *im, size_t i)
{
	struct folder *f = im->view.folder;
	unsigned flags = folder_flags(f, i);
	uint64_t keywords = folder_keywords(f, i);
	const char *sep = "";

	(void)netout_add(&im->out, "(", 1);
	for (size_t k = 0; k < NNAMES; k++)
		if (flags & names[k].bit) {
			(void)netout_adds(&im->out, sep);
			(void)netout_adds(&im->out, names[k].name);
			sep = " ";
		}
	if (folder_recent(f, i) && !(im->enabled & EN_REV2)) {
		(void)netout_adds(&im->out, sep);
		(void)netout_adds(&im->out, "\\Recent");
		sep = " ";
	}
	/* A letter may have no name, as when another server's are taken over. */
	for (size_t k = 0; keywords != 0; k++, keywords >>= 1)
		if (keywords & 1 && *folder_keyword_name(f, k) != '\0') {
			(void)netout_adds(&im->out, sep);
			(void)netout_adds(&im->out, folder_keyword_name(f, k));
			sep = " ";
		}
	(void)netout_add(&im->out, ")", 1);
}

void
out_fetch(struct imap *im, size_t i)
{
	bool uids = (im->enabled & EN_UIDONLY) != 0;

	(void)netout_adds(&im->out, "* ");
	(void)netout_addu(&im->out, uids ? folder_uid(im->view.folder, i) :
	    view_seq(&im->view, i));
	(void)netout_adds(&im->out, uids ? " UIDFETCH (" : " FETCH (");
}

void
out_message_flags(struct imap *im, size_t i, bool uid)
{
	bool modseq = (im->enabled & EN_CONDSTORE) != 0;

	out_fetch(im, i);
	/* RFC 7162 section 3.2.4: with mod-sequences always. */
	if ((uid || modseq) && !(im->enabled & EN_UIDONLY)) {
		(void)netout_adds(&im->out, "UID ");
		(void)netout_addu(&im->out, folder_uid(im->view.folder, i));
		(void)netout_adds(&im->out, " ");
	}
	(void)netout_adds(&im->out, "FLAGS ");
	out_flags(im, i);
	if (modseq) {
		(void)netout_adds(&im->out, " MODSEQ (");
		(void)netout_addu(&im->out,
		    folder_modseq(im->view.folder, i));
		(void)netout_adds(&im->out, ")");
	}
	(void)netout_adds(&im->out, ")\r\n");
}

/* The system flags of mask, and all keywords where keywords. */
static void
out_known_flags(struct imap *im, unsigned mask, bool keywords)
{
	struct folder *f = im->view.folder;
	const char *sep = "";

	for (size_t k = 0; k < NNAMES; k++)
		if (mask & names[k].bit) {
			(void)netout_adds(&im->out, sep);
			(void)netout_adds(&im->out, names[k].name);
			sep = " ";
		}
	for (size_t k = 0; keywords && k < folder_keyword_count(f); k++) {
		if (*folder_keyword_name(f, k) == '\0')
			continue;
		(void)netout_adds(&im->out, sep);
		(void)netout_adds(&im->out, folder_keyword_name(f, k));
		sep = " ";
	}
}

void
out_all_flags(struct imap *im)
{
	out_known_flags(im, ~0u, true);
}

void
out_permanent_flags(struct imap *im)
{
	const struct view *v = &im->view;
	bool write = view_may(v, ACL_WRITE);

	out_known_flags(im, place_flags(v->read_only ? 0 : v->place.rights),
	    write);
	if (write && folder_keyword_count(v->folder) < 64)
		(void)netout_adds(&im->out, " \\*");
}
