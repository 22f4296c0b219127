/*
 * Editing of a keyed control file so that a reader sees the old or the new
 * file, and two editors never lose each other's lines.
 */
#ifndef ADMIN_EDIT_H
#define ADMIN_EDIT_H

#include "control.h"

/* Waits until no other edit goes on.  A descriptor that ends the lock when it is
 * closed (or the program ends), or -1 and told why. */
int	edit_lock(const struct control *);
/*
 * Replaces the lines with that key by line (NULL: removes them); without such a
 * line it is added at the end.  All else, comments too, stays, and so do owner
 * and mode; a new file gets mode.  0, or -1 and told why, and then the file is as
 * it was.
 */
int	edit_line(const struct control *, const char *file, struct span key,
	    const char *line, mode_t mode);
/*
 * The same for some of the lines with that key: those of which is_old, given
 * what stands behind the first colon, says that they are meant.
 */
int	edit_some(const struct control *, const char *file, struct span key,
	    bool (*is_old)(const void *arg, struct span value), const void *arg,
	    const char *line, mode_t mode);

#endif
