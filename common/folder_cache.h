/*
 * The file posthouse.cache: a header block, the messages, their names, a hash of the unique parts (1 + a message's
 * place, 0: none; the next one where one is taken), a checksum for each block.  In the byte order
 * and the sizes of the machine that wrote it; on another it is no cache.  Inside the folder modules only.
 */
#ifndef FOLDER_CACHE_H
#define FOLDER_CACHE_H

#include <time.h>

#include "folder_impl.h"

#define CACHE_ORDER 0x01020304u
#define CACHE_MAP_MIN 1024		/* messages from which mapping is worth it */

struct cache_head {
	char magic[8];
	uint32_t order, msg_size;
	uint64_t nmsgs, names_len;
	uint64_t names_at, hash_at, sums_at, size; /* places in the file */
	uint64_t hash_size;			/* a power of two, more than nmsgs */
	/* the uid list, and how far it was read */
	uint64_t uids_ino, uids_at, text_sum;
	struct timespec uids_mtime;
	uint64_t floor, highest, lines, bytes, past;
	uint32_t validity, uidnext, head_next, line_uid;
	char id[UIDLIST_ID_MAX + 8];
	/* the directories before they were listed, and when that was */
	struct timespec cur_mtime, new_mtime, listed;
	uint64_t first_unseen;
	struct folder_counts counts;
	uint64_t sum;				/* of all before it */
};

uint64_t cache_sum(const void *, size_t n);
/* Where things stand, from nmsgs and names_len. */
void	cache_layout(struct cache_head *);
/* Whether a header of a file of that size may be believed. */
bool	cache_head_ok(const struct cache_head *, uint64_t size);
/* A checksum of the end of the uid list that the header tells of. 0 or -1. */
int	cache_text_sum(int dirfd, struct cache_head *, uint64_t *sum);
/* Puts the file's messages and names in place of those that f has.  false: f is as it was. */
bool	cache_take(struct folder *, int fd, const struct cache_head *);

#endif
