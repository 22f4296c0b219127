/*
 * Listings of cur and new: inside the folder modules only.
 */
#ifndef FOLDER_LIST_H
#define FOLDER_LIST_H

#include "folder_impl.h"

/* One file in cur or new, as listed. */
struct entry {
	uint32_t name;		/* offset into names */
	uint32_t msg;		/* 1 + its index in msgs, 0: none yet */
	uint8_t len, unique, base;
	bool in_new, dup;
};

struct listing {
	struct buf names;
	struct entry *e;
	size_t n, cap;
	uint32_t *hash;		/* 1 + index into e; by unique part */
	size_t mask;
	bool duplicates;	/* a unique part was seen twice */
	bool lent;		/* names belong to the folder now */
	bool partial;		/* not all files are in it */
};

int	listing_read(struct folder *, struct listing *);
/* Lists new/ alone, into a listing that is zero: partial, and nothing is found in it. */
int	listing_read_new(struct folder *, struct listing *);
/* Adds a name; listing_hash makes them all known to listing_find. 0 or -1. */
int	listing_add(struct listing *, const char *name, bool in_new);
int	listing_hash(struct listing *);
size_t	listing_hash_of(struct span unique);
/* Files that belong to no message yet. */
size_t	listing_unknown(const struct listing *);
/* Gives the second of two different files with one unique part another name; list again after it. */
void	listing_part_doubles(struct folder *, const struct listing *);
void	listing_free(struct listing *);
struct entry *listing_find(const struct listing *, struct span unique);
const char *listing_name(const struct listing *, const struct entry *);

#endif
