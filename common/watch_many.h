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
enum {				/* what happened to a name; neither: its file was written to */
	NOTICE_CAME = 1, NOTICE_LEFT = 2, NOTICE_DIRECTORY = 4	/* it is one */
};
/*
 * Reads all that has gathered, at such a descriptor or at one of watch_open, and calls each, in order, for every name.
 * name "": the directory itself is no longer watched.  0, or -1: some was lost, anything may have happened.
 */
int	watch_many_read(int fd, void (*each)(void *arg, int dir, unsigned what,
	    const char *name), void *arg);

#endif
