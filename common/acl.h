/*
 * Access control lists of folders (RFC 4314): the text file posthouse.acl in a folder's directory, and the index
 * that tells an account where it may look.  A list that cannot be understood whole gives nobody any right.
 */
#ifndef ACL_H
#define ACL_H

#include <sys/types.h>

#include <time.h>

#include "addr.h"
#include "buf.h"
#include "settings.h"

#define ACL_FILE	"posthouse.acl"

/* RFC 4314 section 2.1, in the order in which they are printed. */
enum {
	ACL_LOOKUP = 1, ACL_READ = 2, ACL_SEEN = 4, ACL_WRITE = 8,
	ACL_INSERT = 16, ACL_POST = 32, ACL_CREATE = 64, ACL_DELETE = 128,
	ACL_DELETED = 256, ACL_EXPUNGE = 512, ACL_ADMIN = 1024,
	ACL_ALL = 2047
};
/* Those whose holder changes files of the folder. */
#define ACL_CHANGES	(ACL_SEEN | ACL_WRITE | ACL_INSERT | ACL_CREATE | \
	ACL_DELETE | ACL_DELETED | ACL_EXPUNGE | ACL_ADMIN)
/* Those that make or remove folders beside it. */
#define ACL_TREE	(ACL_CREATE | ACL_DELETE)

struct acl_entry {
	size_t at, len;			/* its identifier in names: canonical */
	bool negative;
	unsigned rights;
};
struct acl {
	struct acl_entry *e;
	size_t n, cap;
	struct buf names;
};
/* Which file was read: another one is to be read again. */
struct acl_stamp {
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

void	acl_init(struct acl *);
void	acl_free(struct acl *);		/* safe on all zeroes */
struct span acl_identifier(const struct acl *, const struct acl_entry *);

/* "lrs"; the virtual c and d (RFC 4314 section 2.1.1) mean k x and t e.  0, or -1: not a right. */
int	acl_rights_parse(struct span, unsigned *);
/* The letters; virtuals: c and d too where a member of them is there. */
void	acl_rights_print(unsigned, bool virtuals, struct buf *);
/* An identifier as it is kept: without control characters and spaces, A-Z as a-z.  Takes the leading
 * "-" away.  0, or -1: none. */
int	acl_identifier_parse(struct span, struct buf *out, bool *negative);

/* The text of the file.  0, or -1 with *why and *line; then there is nothing in it. */
int	acl_parse(struct acl *, struct span text, const char **why,
	    unsigned *line);
void	acl_print(const struct acl *, struct buf *);
/* Sets the rights of an identifier; 0: takes it out.  0, or -1: too many. */
int	acl_set(struct acl *, struct span identifier, bool negative,
	    unsigned rights);
const struct acl_entry *acl_find(const struct acl *, struct span identifier,
	    bool negative);
/* What an account may do: what it and "anyone" are given, less what the negative ones take. */
unsigned acl_rights(const struct acl *, const char *address);

/* folder_acl.c */
/* Reads dir's list; none is an empty one.  stamp may be NULL.  0, or -1 with errno: EBADMSG is a list
 * that cannot be understood, with *why and *line. */
int	acl_load(const char *dir, struct acl *, struct acl_stamp *stamp,
	    const char **why, unsigned *line);
/* Is the file there the one that was read (none counts as all zeroes)?  False too where it cannot be seen. */
bool	acl_is_same(const char *dir, const struct acl_stamp *);
/* Reads, lets change do its work, and replaces the file, under the folder's lock.  0, or -1. */
int	acl_change(const char *dir, int (*change)(void *arg, struct acl *),
	    void *arg);

/* share.c: the directory of shared folders; see posthouse-maildir(5). */
#define SHARE_PATH_MAX	(256 + 64 + 2)
/* Where it is; "": nothing is shared. */
void	share_path(const struct settings *, char out[SHARE_PATH_MAX]);
#define SHARE_TREE	"-"		/* as the owner: the shared tree itself */
/* Makes it and its index, owned by mail-user where root; not the mail directory.  0, or -1. */
int	share_make(const char *shared, const struct ids *owner);
/* Appends to the index that owner's folder name concerns identifier.  0, or -1. */
int	share_note(const char *shared, struct span identifier,
	    const char *owner, const char *name);
/* Is there anybody who would look there? */
bool	share_is_known(const struct control *, struct span identifier);
/* The same for all of the list who are known. */
int	share_note_all(const char *shared, const struct control *,
	    const struct acl *, const char *owner, const char *name);
/* Calls each with what the index has for the identifier; nothing at all is no error.  0, or -1. */
int	share_each(const char *shared, const char *identifier,
	    void (*each)(void *arg, const char *owner, const char *name),
	    void *arg);
/* One line of it: calls each, or not where it is none. */
void	share_line(struct span line,
	    void (*each)(void *arg, const char *owner, const char *name),
	    void *arg);
/* The path of the identifier's file.  0 or -1. */
int	share_index(const char *shared, struct span identifier,
	    char out[1024]);
/* share_tidy.c: takes out what is there twice, and what keep does not want, when that is half
 * of it or more.  0, or -1: another does so now, or errno. */
int	share_tidy(const char *shared, const char *identifier,
	    bool (*keep)(void *arg, const char *owner, const char *name),
	    void *arg);

#endif
