/*
 * STATUS: RFC 3501 section 6.3.10, SIZE of RFC 8438, DELETED of RFC 9051,
 * APPENDLIMIT of RFC 7889, DELETED-STORAGE of RFC 9208, HIGHESTMODSEQ of
 * RFC 7162, MAILBOXID of RFC 8474.
 */
#include "status.h"

#include <errno.h>

#include "progress.h"
#include "qresync.h"

static const struct { const char *name; unsigned bit; } items_table[] = {
	{ "MESSAGES", ST_MESSAGES }, { "RECENT", ST_RECENT },
	{ "UIDNEXT", ST_UIDNEXT }, { "UIDVALIDITY", ST_UIDVALIDITY },
	{ "UNSEEN", ST_UNSEEN }, { "SIZE", ST_SIZE },
	{ "DELETED", ST_DELETED }, { "APPENDLIMIT", ST_APPENDLIMIT },
	{ "DELETED-STORAGE", ST_DELETED_STORAGE },
	{ "HIGHESTMODSEQ", ST_MODSEQ },
};
#define NITEMS (sizeof(items_table) / sizeof(items_table[0]))

struct values {
	uint64_t v[NITEMS];		/* in order of the table */
};

bool
parse_status_items(struct args *a, unsigned *items)
{
	struct span name;
	size_t i;

	*items = 0;
	if (!cur_ch(&a->c, '('))
		return parse_fail(a, "STATUS item list expected");
	do {
		if (!parse_atom(a, &name))
			return false;
		if (span_isis(name, "MAILBOXID")) {
			*items |= ST_MAILBOXID;
			continue;
		}
		for (i = 0; i < NITEMS && !span_isis(name,
		    items_table[i].name); i++)
			;
		if (i == NITEMS)
			return parse_fail(a, "Unknown STATUS item");
		*items |= items_table[i].bit;
	} while (cur_ch(&a->c, ' '));
	return cur_ch(&a->c, ')') || parse_fail(a, "Unterminated list");
}

/* What only the messages themselves can tell. */
struct counts { uint64_t size, storage; };
#define ST_COUNTED (ST_SIZE | ST_DELETED_STORAGE)

static int
count(struct imap *im, const char *dir, unsigned items, struct counts *c)
{
	struct folder *f = folder_open(dir, true);
	uint64_t n;

	if (f == NULL)
		return -1;
	for (size_t i = 0; i < folder_count(f); i++) {
		bool deleted = (folder_flags(f, i) & MAIL_DELETED) != 0;

		progress(im, i, folder_count(f));
		if (!(items & ST_SIZE) && !(deleted &&
		    items & ST_DELETED_STORAGE))
			continue;
		if (folder_size(f, i, &n) == 0) {
			c->size += n;
			c->storage += deleted ? n : 0;
		}
	}
	folder_close(f);
	return 0;
}

static void
tell(struct imap *im, const char *raw, unsigned items,
    const struct folder_status *st, const struct counts *c)
{
	struct values val = { { st->messages, st->recent, st->uidnext,
	    st->uidvalidity, st->unseen, c->size, st->deleted,
	    im->control->set.message_size, c->storage, st->highest_modseq } };
	const char *sep = "";
	struct buf name;

	buf_init(&name, 4 * NAME_RAW_MAX);
	(void)name_from_raw(raw, utf8_names(im), &name);
	(void)netout_adds(&im->out, "* STATUS ");
	out_mailbox(im, buf_span(&name));
	buf_free(&name);
	(void)netout_adds(&im->out, " (");
	for (size_t i = 0; i < NITEMS; i++)
		if (items & items_table[i].bit) {
			(void)netout_addf(&im->out, "%s%s %ju", sep,
			    items_table[i].name, (uintmax_t)val.v[i]);
			sep = " ";
		}
	if (items & ST_MAILBOXID)
		(void)netout_addf(&im->out, "%sMAILBOXID (%s)", sep, st->id);
	(void)netout_adds(&im->out, ")\r\n");
}

void
status_tell(struct imap *im, const char *raw, unsigned items,
    const struct folder_status *st)
{
	tell(im, raw, items, st, &(struct counts){ 0 });
}

int
status_out(struct imap *im, const char *raw, unsigned items)
{
	struct folder_status st;
	struct counts c = { 0 };
	struct place place;

	if (items & ST_MODSEQ)
		condstore_enable(im);
	if (place_find(im, raw, &place) == -1)
		return -1;
	if (!(place.rights & ACL_READ)) {
		errno = place.rights & ACL_LOOKUP ? EACCES : ENOENT;
		return -1;
	}
	if (folder_status(place.dir, &st) == -1 || (items & ST_COUNTED &&
	    count(im, place.dir, items, &c) == -1))
		return -1;
	tell(im, raw, items, &st, &c);
	return 0;
}

void
cmd_status(struct imap *im, struct args *a)
{
	char raw[NAME_RAW_MAX + 1];
	struct span name;
	const char *why;
	unsigned items;

	if (!parse_sp(a) || !parse_astring(a, &name) || !parse_sp(a) ||
	    !parse_status_items(a, &items) || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	if ((why = name_to_raw(name, utf8_names(im), raw)) != NULL)
		reply_no(im, "NONEXISTENT", why);
	else if (status_out(im, raw, items) == -1)
		reply_errno(im, "cannot tell the status");
	else
		reply_ok(im, NULL, "Status completed");
}
