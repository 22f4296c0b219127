/*
 * Being told what happens in many directories at one descriptor.
 */
#ifndef WATCH_MANY_H
#define WATCH_MANY_H

/* A descriptor that watches nothing yet.  -1: there is none to be had, or what happens below dirfd is not told
 * (NFS, FUSE): poll instead. */
int	watch_many_open(int dirfd);
/* Adds a directory: the number by which it is told of, the same again for one that is watched already; or -1. */
int	watch_many_add(int fd, const char *path);
/*
 * Reads all that has gathered and calls each, in order, for every name that came, went, or whose file was written
 * to.  name "": the directory itself is no longer watched.  0, or -1: some was lost, anything may have happened.
 */
int	watch_many_read(int fd, void (*each)(void *arg, int dir,
	    const char *name), void *arg);

#endif
