/*
 * The inside of folder_check*.c.
 */
#ifndef FOLDER_CHECK_IMPL_H
#define FOLDER_CHECK_IMPL_H

#include "buf.h"
#include "folder_check.h"
#include "folder_impl.h"

/* One message file. */
struct check_file {
	char *name;
	size_t unique;		/* bytes of its unique part */
	ino_t ino;
	bool in_new;
};

/* One folder being looked at. */
struct check_dir {
	struct folder_check *c;
	const char *path;
	int fd;
	bool sub;			/* not the root */
	uint32_t validity;		/* as check_uids found it, or 0 */
	struct check_file *files;	/* by unique part */
	size_t n, cap;
};

/* Tells a finding about path/name. */
void	check_tell(const struct check_dir *, const char *name, unsigned line,
	    bool by_hand, const char *mend, const char *fmt, ...)
	    __attribute__((format(printf, 6, 7)));
/* "cur" or "new" and the name. */
void	check_tell_file(const struct check_dir *, const struct check_file *,
	    const char *mend, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

/* folder_check_files.c: lists, tells and mends; files stays filled.  0 or -1. */
int	check_files(struct check_dir *);
void	check_files_free(struct check_dir *);
const struct check_file *check_find(const struct check_dir *, struct span unique);

/* folder_check_uids.c: posthouse.uids.  0 or -1. */
int	check_uids(struct check_dir *);
/* folder_check_text.c: posthouse.keywords, posthouse.acl, and of the root the others.  0 or -1. */
int	check_keywords(struct check_dir *);
int	check_acl(struct check_dir *);
int	check_subscriptions(struct check_dir *);
int	check_quota(struct check_dir *);
/* validity: the largest of the folders. */
int	check_validity(struct check_dir *, uint32_t validity);

#endif
