/*
 * What a watch tells, name by name.
 */
#ifndef WATCH_NAMES_H
#define WATCH_NAMES_H

#include <stdbool.h>

/*
 * Reads all that has gathered at fd, a descriptor of watch_open, and calls each, in order, for
 * every name that came to or left cur or new.  0, or -1: some was lost, so that only listing can tell.  A rename is
 * two notices, of which the second may be for the next call.
 */
int	watch_names(int fd, void (*each)(void *arg, bool in_new, bool came,
	    const char *name), void *arg);

#endif
