/*
 * UIDLs that messages had on another server, kept in posthouse.uidl.
 */
#ifndef TAKEOVER_H
#define TAKEOVER_H

#include "folder.h"
#include "names.h"
#include "settings.h"

#define TAKEOVER_FILE	"posthouse.uidl"

/*
 * Reads posthouse.uidl of the Maildir dirfd; where it does not exist, makes it from the lists that Dovecot or
 * Courier left there, and from fields X-UIDL if the setting says so.  n is initialized here.  What cannot be
 * read or kept is logged, and n is then as good as could be.
 */
void	takeover_load(struct names *n, int dirfd, struct folder *,
	    const struct settings *);

#endif
