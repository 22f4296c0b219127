/*
 * Where a mailbox is, of whatever namespace (RFC 2342), and what this session may do with it (RFC 4314).  Every
 * command asks here before it opens a directory.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>

#include "acl.h"
#include "name.h"

#define DIR_SIZE 1024

/* RFC 4314 section 5.2: who has none of them has a mailbox that is READ-ONLY. */
#define PLACE_WRITES	(ACL_INSERT | ACL_EXPUNGE | ACL_SEEN | ACL_WRITE | \
	ACL_DELETED)

struct imap;

struct place {
	bool own;			/* of this account, who may do all */
	unsigned rights;
	const char *root;		/* of its tree; NULL: there is none */
	const char *owner;		/* as the index of shares has it */
	char raw[NAME_RAW_MAX + 1];	/* as the client has it */
	char name[NAME_RAW_MAX + 1];	/* in the tree */
	char dir[DIR_SIZE];
};

/* The mailbox of that raw name, which need not exist.  0, or -1 with errno: no such name can be. */
int	place_find(const struct imap *, const char *raw, struct place *);
/* Does that name belong to a namespace of others' mailboxes? */
bool	place_is_foreign(const char *raw);
/* Where a mailbox of that name would be made; rights are those on the nearest
 * parent that exists, all in a tree of one's own.  0 or -1. */
int	place_for_new(struct imap *, const char *raw, struct place *);
/* The MAIL_* flags that these rights let one set and clear: RFC 4314 section 4. */
unsigned place_flags(unsigned rights);
/* The code of a NO to who lacks rights: not even that there is such a mailbox is told to who may not look it
 * up (RFC 4314 section 6). */
const char *place_code(const struct place *);
/* All of these rights?  False: the tagged NO is sent. */
bool	place_need(struct imap *, const struct place *, unsigned rights);
/* Once it is made: it takes the list of its parent (RFC 4314 section 4).  0 or -1. */
int	place_made(const struct place *);
/* Others, and this session, find it under its new name, and what is below it. */
void	place_renamed(const struct place *from, const struct place *to);
/* Parses a name of what a client sent: false, and the tagged NO is sent. */
bool	place_named(struct imap *, struct span wire, bool trycreate,
	    struct place *);

#endif
