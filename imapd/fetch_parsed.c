/*
 * ENVELOPE and BODYSTRUCTURE as they were printed before, and the header fields that clients ask for, from the folder's
 * cache: a message is read and parsed once.  With them go INTERNALDATE and RFC822.SIZE, so that a client's usual first FETCH
 * opens no file again.
 */
#include <string.h>

#include "fetch.h"
#include "fields.h"
#include "kept.h"

#define FORMAT 1		/* of what is kept: another when the printers change */

void
parsed_begin(struct fetch_run *r, const struct fetch *f)
{
	struct parsed *p = &r->parsed;

	netout_init(&p->out, -1, 0);
	buf_init(&p->packed, FIELDS_MAX);
	buf_init(&p->picked, FIELDS_MAX);
	p->able = true;
	for (const struct fetch_item *i = f->first; i != NULL; i = i->next) {
		if (i->print == fetch_envelope)
			p->wants_envelope = true;
		else if (i->print == fetch_bodystructure)
			p->wants_structure = true;
		else if (i->print == fetch_section &&
		    (i->section->kept = fields_wanted(i->section)) != 0)
			p->wants_fields = true;
		else if (i->need != NEED_NOTHING)
			p->able = false;	/* it is read anyway */
	}
	p->able = p->able && (p->wants_envelope || p->wants_structure ||
	    p->wants_fields);
}

void
parsed_end(struct fetch_run *r)
{
	netout_free(&r->parsed.out);
	buf_free(&r->parsed.packed);
	buf_free(&r->parsed.picked);
	folder_blob_flush(r->m.folder);
}

/* A number and what was printed.  In a mailbox of others it is theirs to have put there, so it
 * must not be able to end the response and begin another. */
static struct span
get(struct fetch_run *r, unsigned kind, uint64_t *number)
{
	struct span s = folder_blob_get(r->m.folder, r->i, kind, FORMAT);

	if (s.p == NULL || s.len <= sizeof(*number))
		return span_of(NULL, 0);
	memcpy(number, s.p, sizeof(*number));
	s = span_of(s.p + sizeof(*number), s.len - sizeof(*number));
	return r->im->view.place.own || kept_is_list(s) ? s :
	    span_of(NULL, 0);
}

/* Kept, as the envelope is. */
static bool
get_fields(struct fetch_run *r)
{
	struct parsed *p = &r->parsed;
	struct span s = folder_blob_get(r->m.folder, r->i, FOLDER_BLOB_FIELDS,
	    FIELDS_FORMAT);

	buf_clear(&p->packed);
	if (s.p == NULL || !fields_pick(s, 0, NULL) ||
	    buf_addspan(&p->packed, s) == -1)
		return false;
	p->fields = p->packed.len > 0 ? buf_span(&p->packed) : span_of("", 0);
	return true;
}

bool
parsed_get(struct fetch_run *r, const struct fetch *f)
{
	struct parsed *p = &r->parsed;
	uint64_t date = 0;
	struct span s;

	p->envelope = p->structure = p->fields = span_of(NULL, 0);
	if (!p->able || r->m.folder == NULL)
		return false;
	if (p->wants_fields && !get_fields(r))
		return false;
	buf_clear(&p->out.buf);
	if (p->wants_envelope) {
		/* Kept, for the next one may move the map. */
		s = get(r, FOLDER_BLOB_ENVELOPE, &date);
		if (s.p == NULL || buf_addspan(&p->out.buf, s) == -1)
			return false;
		r->date = (time_t)date;
	}
	if (p->wants_structure) {
		s = get(r, FOLDER_BLOB_STRUCTURE, &r->size);
		if (s.p == NULL)
			return false;
		p->structure = s;
	}
	if (p->wants_envelope)
		p->envelope = buf_span(&p->out.buf);
	return (!f->date || p->wants_envelope ||
	    folder_date(r->m.folder, r->i, &r->date) == 0) &&
	    (!f->size || p->wants_structure ||
	    folder_size(r->m.folder, r->i, &r->size) == 0);
}

bool
fields_keep(const struct message *m, struct buf *packed)
{
	buf_clear(packed);
	if (fields_pack(message_header(m), packed) == -1)
		return false;
	folder_blob_put(m->folder, m->i, FOLDER_BLOB_FIELDS, FIELDS_FORMAT,
	    packed->len > 0 ? packed->p : (const void *)"", packed->len);
	return true;
}

/* The message is read. */
void
parsed_put(struct fetch_run *r)
{
	struct parsed *p = &r->parsed;
	struct folder *f = r->m.folder;
	uint64_t number;
	size_t n = 0;

	p->envelope = p->structure = p->fields = span_of(NULL, 0);
	if (!p->able)
		return;
	/* With the envelope, too: who asks for that often asks for fields next. */
	if ((p->wants_fields || p->wants_envelope) &&
	    fields_keep(&r->m, &p->packed))
		p->fields = p->packed.len > 0 ? buf_span(&p->packed) :
		    span_of("", 0);
	buf_clear(&p->out.buf);
	p->out.failed = false;
	if (p->wants_envelope) {
		number = (uint64_t)r->date;
		(void)netout_add(&p->out, &number, sizeof(number));
		envelope_out(&p->out, message_header(&r->m));
		n = p->out.buf.len;
	}
	if (p->wants_structure) {
		(void)netout_add(&p->out, &r->size, sizeof(r->size));
		structure_out(&p->out, &r->m.tree, true);
	}
	if (p->out.failed)		/* larger than a buffer */
		return;
	if (p->wants_envelope) {
		p->envelope = span_of(p->out.buf.p + sizeof(number),
		    n - sizeof(number));
		folder_blob_put(f, r->i, FOLDER_BLOB_ENVELOPE, FORMAT,
		    p->out.buf.p, n);
	}
	if (p->wants_structure) {
		p->structure = span_of(p->out.buf.p + n + sizeof(r->size),
		    p->out.buf.len - n - sizeof(r->size));
		folder_blob_put(f, r->i, FOLDER_BLOB_STRUCTURE, FORMAT,
		    p->out.buf.p + n, p->out.buf.len - n);
	}
}
