/*
 * The folders of others that this session can reach: found while nothing is confined yet, and all that the kernel
 * lets it reach later.  What may be done there is read from their lists at each look.
 */
#ifndef REACH_H
#define REACH_H

#include "acl.h"
#include "control.h"
#include "name.h"
#include "sandbox.h"

#define REACH_SHARED	"Shared"	/* namespaces; the shared tree, */
#define REACH_USERS	NAME_USERS	/* and other accounts */

struct grant {
	char raw[NAME_RAW_MAX + 1];	/* as the client has it */
	char name[NAME_RAW_MAX + 1];	/* in its tree */
	char dir[1024];
	const char *root;		/* of the tree */
	const char *owner;		/* SHARE_TREE, or an address */
	unsigned rights;		/* at the last look */
	struct acl_stamp stamp;
	bool told;			/* that its list is broken */
};

/* For chain_service.reach. */
size_t	reach_collect(const struct control *, const struct account *,
	    const struct sandbox_path **);
/* The directory of shared folders; NULL: nothing is shared here. */
const char *reach_shared(void);
/* The control files; NULL: nothing is shared here. */
const struct control *reach_control(void);
size_t	reach_count(void);
struct grant *reach_at(size_t);
/* The grant of that name (as the client has it), or NULL. */
struct grant *reach_find(const char *raw);
/* What may be done there now; 0 too when it is gone. */
unsigned reach_rights(struct grant *);
/* What had the name from, and what is below it, has the name to now, and name in its tree. */
void	reach_rename(const char *from, const char *to, const char *name);
/* A folder beside or below g that this session has made, or NULL with errno. */
struct grant *reach_add(const struct grant *g, const char *raw,
	    const char *name);

#endif
