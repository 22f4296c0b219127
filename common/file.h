/*
 * Files: whole reads, complete writes, durable replacement.
 */
#ifndef FILE_H
#define FILE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct stat;

/* Writes all n bytes, going on after EINTR and short writes: 0, or -1. */
int	file_write_all(int fd, const void *, size_t n);
/* Writes the n bytes that from holds at offset to the end of to: 0, or -1 (EBADMSG: fewer). */
int	file_copy_from(int from, off_t offset, uint64_t n, int to);
/* Copies the n bytes (at most PIPE_BUF) that are in a pipe, whose ends are from and back, to
 * the pipe to; they stay there.  Where the system can, without looking at them.  0, or -1. */
int	file_tee(int from, int back, int to, size_t n);
/* Appends what can be read from fd up to its end to b: 0, or -1 (EFBIG when it
 * is more than b may hold). */
int	file_read_all(int fd, struct buf *b);
/* Opens path below dirfd for reading: a descriptor, or -1 with errno.  Never waits: a FIFO
 * is no file (EINVAL).  Follows symbolic links: for the administrator's own files, not
 * for users' mail. */
int	file_open(int dirfd, const char *path);
/* Reads what file_open opens whole: 0, or -1 with errno. */
int	file_read(int dirfd, const char *path, struct buf *b);
/*
 * Replaces path below dirfd by the n bytes, durably: temporary name in the
 * same directory, write, fsync, rename, fsync of the directory.  0, or -1 with
 * errno, and then the old file is untouched and no litter is left.
 */
int	file_replace(int dirfd, const char *path, const void *, size_t n,
	    mode_t mode);
/* The same, but a file that is there already stays, also where this host has not heard of it yet: -1 EEXIST. */
int	file_create(int dirfd, const char *path, const void *, size_t n,
	    mode_t mode);
/* fsync of n files, several at once where the system can, so that they share the waits: 0 when all are on the
 * disk, or -1 with errno of one that failed (file_sync.c). */
int	file_sync_all(const int *fd, size_t n);
/* fsync of the directory dirfd, taking EINVAL (not supported) for success. */
int	file_sync_dir(int dirfd);
/* fstat(2).  That of libc names an empty path, for which each process would have a piece of libc's
 * constants mapped. */
int	file_stat(int fd, struct stat *);
/* fstat(2) that asks the server: on a file system of several hosts it may otherwise be told what was true a while ago. */
int	file_stat_now(int fd, struct stat *);
int	file_nonblock(int fd, int on);
/* Gives the disk back the first n bytes of a file, which then read as NUL, where the file
 * system can do that: 0, or -1. */
int	file_give_back(int fd, uint64_t n);
/* Moves to the first byte that file_give_back has left: 0, or -1. */
int	file_seek_data(int fd);

#endif
