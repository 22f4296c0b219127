/*
 * The mailbox process: one logged-in client.  Each family of commands is in a
 * cmd_*.c; the table that names them is in mailbox.c.
 */
#ifndef IMAP_H
#define IMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "chain.h"
#include "commands.h"
#include "compress.h"
#include "input.h"
#include "name.h"
#include "netio.h"
#include "parse.h"
#include "place.h"
#include "view.h"

struct imap;
struct notify;

enum {				/* states a command is legal in */
	S_AUTH = 1, S_SELECTED = 2, S_ANY = 3
};
enum {				/* what a command is like */
	C_UID = 1,		/* exists as "UID x" too */
	C_UID_BARE = 2,		/* exists without UID */
	C_KEEP = 4,		/* no EXPUNGE while it runs, but for UID x (RFC 3501 7.4.1) */
	C_QUIET = 8,		/* no untagged updates at its end */
	C_NUMBERS = 16,		/* without UID it speaks of sequence numbers */
	C_TELLS = 32		/* tells of the selected mailbox whatever NOTIFY said */
};
enum {				/* what the client has enabled: RFC 5161 */
	EN_CONDSTORE = 1, EN_QRESYNC = 2, EN_UIDONLY = 4, EN_UTF8 = 8,
	EN_REV2 = 16, EN_METADATA = 32, EN_METADATA_SERVER = 64
};
struct command {
	const char *name;
	unsigned states, flags;
	/* Parses its arguments, then acts, and sends exactly one tagged reply. */
	void (*run)(struct imap *, struct args *);
};

struct imap {
	struct control *control;
	struct conn *conn;
	const char *root;		/* the mail directory */
	const char *self;		/* the account's address */
	struct quota granted, quota;	/* the account's, and what its owner has made of it; all 0: none */
	struct input input;
	struct netout out;
	struct compress *compress;	/* between these two and the client; NULL: none */
	struct arena arena;		/* of the command that runs */
	struct view view;		/* the selected mailbox */
	struct notify *notify;		/* what the client wants to be told; NULL: it has not said */
	const struct command *command;
	struct span tag;
	unsigned enabled;		/* EN_* */
	uint64_t hidden;		/* capabilities not told, by their place in the table */
	bool uid;			/* it is the UID form */
	bool literal;			/* its last literal is not read yet */
	bool done;			/* leave after this command */
	bool modseq_code;		/* the tagged OK has HIGHESTMODSEQ */
	struct { time_t next; unsigned calls; } progress;	/* progress.h */
	unsigned errors;		/* BAD replies in a row */
	int exit_code;
	struct buf code;		/* response code of the next tagged reply */
};

/* Serves until the end.  first: what a session had read, or -1 (PREAUTH). */
int	mailbox_serve(struct control *, struct conn *, struct account *,
	    int first);

/* Are mailbox names UTF-8 for this client?  RFC 9755 section 3, RFC 9051
 * section 5.1. */
static inline bool
utf8_names(const struct imap *im)
{
	return (im->enabled & (EN_UTF8 | EN_REV2)) != 0;
}

/* reply.c: the tagged reply.  The untagged updates of the selected mailbox go
 * before OK and NO.  A code in im->code, else code (may be NULL), stands in
 * brackets. */
void	reply_ok(struct imap *, const char *code, const char *text);
void	reply_no(struct imap *, const char *code, const char *text);
void	reply_bad(struct imap *, const char *why);
void	reply_bad_code(struct imap *, const char *code, const char *why);
/* BAD for sequence numbers after ENABLE UIDONLY (RFC 9586 section 3). */
void	reply_uid_required(struct imap *);
/* For a parser that said no: BAD with its reason. */
void	reply_args(struct imap *, const struct args *);
/* NO with the code and text that fit errno. */
void	reply_errno(struct imap *, const char *what);
/* "* BYE text", once, and done. */
void	reply_bye(struct imap *, const char *code, const char *text);

/* out.c: strings in replies */
void	out_string(struct netout *, struct span);	/* quoted or literal */
void	out_nstring(struct netout *, struct span);	/* NIL when p is NULL */
void	out_astring(struct netout *, struct span);
void	out_mailbox(struct imap *, struct span);	/* in the client's form */
/* The flags of message i in parentheses. */
void	out_flags(struct imap *, size_t i);
/* "* 3 FETCH (", or "* 103 UIDFETCH (" where that is enabled (RFC 9586). */
void	out_fetch(struct imap *, size_t i);
/* The whole response that tells the flags of message i: with its UID where uid or
 * CONDSTORE asks for it, with its mod-sequence for CONDSTORE. */
void	out_message_flags(struct imap *, size_t i, bool uid);
/* All flags that exist here: "\Answered ... $Label1", without parentheses. */
void	out_all_flags(struct imap *);
/* Those that this session can change: RFC 4314 section 5.1.1. */
void	out_permanent_flags(struct imap *);

/* capability.c */
/* mechanisms: " AUTH=..." for each, or NULL. */
void	capability_session(struct netout *, bool can_tls, const char *mechanisms,
	    bool can_login);
void	capability_mailbox(struct imap *);
/* Reads which ones this account hides: posthouse.capabilities in its directory. */
void	capability_load(struct imap *);
/* The EN_* bits that enabling this name sets; 0: nothing to enable, or hidden. */
unsigned capability_enables(const struct imap *, struct span name);

/* cmd_acl.c: "* MYRIGHTS name rights", where some right is there that allows to know (RFC 4314 section 4).  0 or -1. */
int	myrights_out(struct imap *, const char *raw);

/* cmd_expunge.c: removes what is marked, of those UIDs or (NULL) of all; tells
 * nothing.  0, or -1 with errno. */
int	expunge(struct imap *, struct seqset *uids);

#endif
