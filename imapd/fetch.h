/*
 * FETCH: what is asked for, as a list of items, and how each is printed.
 */
#ifndef FETCH_H
#define FETCH_H

#include "imap.h"
#include "limits.h"
#include "message.h"

/* What stands below the deepest part, opaque, still has a number: of a message in it, and of that one's text. */
#define SECTION_PATH_MAX (MIME_DEPTH_MAX + 2)

enum section_kind {
	SEC_ALL, SEC_HEADER, SEC_FIELDS, SEC_FIELDS_NOT, SEC_TEXT, SEC_MIME
};
struct section {
	unsigned path[SECTION_PATH_MAX];
	size_t npath;
	enum section_kind kind;
	struct span *fields;
	size_t nfields, cap;
	uint64_t kept;			/* fields.h: bits of the fields; 0: read the message */
};

struct fetch_item;
/* What was printed of the message before; p NULL: nothing is known. */
struct parsed {
	bool able, wants_envelope, wants_structure, wants_fields;
	struct span envelope, structure, fields;
	struct netout out;		/* memory only */
	struct buf packed, picked;	/* fields.h */
};
/* One message, while its response is being written. */
struct fetch_run {
	struct imap *im;
	struct message m;
	size_t i;
	uint64_t size;
	time_t date;
	struct parsed parsed;
};
struct fetch_item {
	const char *name;		/* printed; NULL: BODY[section] */
	enum message_need need;
	bool size, date;		/* RFC822.SIZE, INTERNALDATE are needed */
	bool binary;			/* needs an encoding that we know */
	bool seen;			/* reading this sets \Seen */
	void (*print)(struct fetch_run *, const struct fetch_item *);
	struct section *section;
	bool partial;
	uint64_t from, count;
	struct fetch_item *next;
};
struct fetch {
	struct fetch_item *first, **last;
	unsigned n;
	enum message_need need;
	bool size, date, seen, flags, uid, binary;
	bool modseq;
	struct partial partial;		/* RFC 9394 section 3.3 */
	bool changed, vanished;		/* RFC 7162 sections 3.1.4.1 and 3.2.6 */
	uint64_t since;
};

/* cmd_fetch.c: FETCH responses for n messages from index on, without those that
 * this session has added itself; sets no flag. */
void	fetch_new(struct imap *, const struct fetch *, size_t from, size_t n);

/* fetch_parse.c: the argument after the set.  RFC 3501 section 6.4.5. */
bool	parse_fetch_items(struct args *, struct fetch *);
/* fetch-modifiers: RFC 4466 section 2.4; none at all is fine too. */
bool	parse_fetch_modifiers(struct args *, struct fetch *);
bool	fetch_add_name(struct args *, struct fetch *, const char *name);
/* Adds the items that are not in it yet; what does not fit into the arena is left out. */
void	fetch_merge(struct arena *, struct fetch *, const struct fetch *);
/* section: what stands between "BODY[" and "]". */
bool	parse_section(struct args *, struct section *);

/* Printers of the items, each without its name. */
void	fetch_flags(struct fetch_run *, const struct fetch_item *);
void	fetch_uid(struct fetch_run *, const struct fetch_item *);
void	fetch_modseq(struct fetch_run *, const struct fetch_item *);
void	fetch_savedate(struct fetch_run *, const struct fetch_item *);
void	fetch_emailid(struct fetch_run *, const struct fetch_item *);
void	fetch_threadid(struct fetch_run *, const struct fetch_item *);
void	fetch_preview(struct fetch_run *, const struct fetch_item *);
void	fetch_internaldate(struct fetch_run *, const struct fetch_item *);
void	fetch_size(struct fetch_run *, const struct fetch_item *);
void	fetch_envelope(struct fetch_run *, const struct fetch_item *);
void	fetch_body(struct fetch_run *, const struct fetch_item *);
void	fetch_bodystructure(struct fetch_run *, const struct fetch_item *);
void	fetch_section(struct fetch_run *, const struct fetch_item *);

/* fetch_parsed.c: around a command; whether all that it wants of message r->i is known; and to remember it. */
void	parsed_begin(struct fetch_run *, const struct fetch *);
void	parsed_end(struct fetch_run *);
bool	parsed_get(struct fetch_run *, const struct fetch *);
void	parsed_put(struct fetch_run *);
/* The header of the message is read: packs the fields of fields.h, in place of what was there, and keeps them in the folder's
 * cache.  False: they are too much. */
bool	fields_keep(const struct message *, struct buf *packed);

void	fetch_binary(struct fetch_run *, const struct fetch_item *);
void	fetch_binary_size(struct fetch_run *, const struct fetch_item *);
/* "BODY[1.2]<0> " */
void	fetch_label(struct netout *, const struct fetch_item *,
	    const char *name);
/* fetch_section.c: how much of a message a section needs, and its bytes as they are
 * stored; false: there is none.  work is the caller's to free after it. */
enum message_need section_need(const struct section *);
bool	section_bytes(const struct message *, const struct section *,
	    struct span *bytes, struct buf *work);
/* fetch_binary.c: can the part that a BINARY item names be decoded? */
bool	binary_known(const struct fetch_run *, const struct fetch_item *);

/* envelope.c: the envelope of one header. */
void	envelope_out(struct netout *, struct span header);
/* structure.c: BODYSTRUCTURE of a tree, or BODY without extension data. */
void	structure_out(struct netout *, const struct mime_tree *, bool extended);

#endif
