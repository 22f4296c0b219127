/*
 * Being told that a directory changed: inotify where there is one.  The one file that knows it.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>

/*
 * A descriptor that becomes readable when names appear in, leave, or are renamed in DIR/cur or
 * DIR/new, or a file in DIR is written to, also by the caller.  -1: the system has none, no more
 * may be had, or the file system does not tell (NFS, FUSE): poll instead.
 */
int	watch_open(int dirfd, const char *dir);
/* One of watch_open tells nothing of cur and new, or again: without being closed, for which the kernel waits 10 to 20 ms.
 * 0, or -1: close it. */
int	watch_quiet(int fd, int dirfd, const char *dir, bool quiet);
/* The same for the names in DIR itself and for changes of its files' content. */
int	watch_files(int dirfd, const char *dir);
/* Reads away what has gathered: true when there was anything. */
bool	watch_drain(int fd);
/* Whether the file system is on this machine: its clock is ours, its directories are never a
 * cached copy, and every change to them is told. */
bool	watch_is_local(int dirfd);

#endif
