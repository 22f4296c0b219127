/*
 * One message of an open folder: inside the folder modules only.  Kept at 64 bytes, and the same in memory and
 * in posthouse.cache, which is mapped.
 */
#ifndef FOLDER_MSG_H
#define FOLDER_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* States of a message between two refreshes. */
#define MSG_NEW		1u	/* the file lies in new/ */
#define MSG_MISSED	2u	/* not in the last listing */
#define MSG_GONE	4u	/* gone, not yet told */
#define MSG_CHANGED	8u	/* flags differ from what was told last */
#define MSG_LOGGED	32u	/* gone, and the list says so */

/* What the uid list says of a message. */
struct known {
	uint64_t modseq;	/* 0: nothing */
	uint64_t high;		/* its keywords that are no letters */
	uint32_t marks;		/* MSG_MARKS at that mod-sequence */
	uint32_t saved;		/* seconds; 0: when it arrived */
};
#define MSG_MARKS(flags, letters) ((letters) | (uint32_t)(flags) << FOLDER_LETTERS)

struct msg {
	struct known known;
	uint64_t wsize;		/* 1 + the size with CRLF, 0: not asked for yet */
	int64_t date;		/* INT64_MIN: not asked for yet */
	uint32_t uid;
	uint32_t name;		/* offset into names; NUL-terminated there */
	uint32_t letters;	/* keyword letters in the name */
	uint8_t len, unique, base;	/* lengths in name: all, unique part, up to ":2," */
	uint8_t flags;		/* MAIL_* in the name */
	uint8_t state;		/* MSG_* */
};

/* A line of the uid list whose file has not been seen (yet). */
struct pending {
	struct known known;
	uint32_t uid;
	uint32_t name;		/* offset into pending_names */
	uint8_t len;
};

/* What looking at all messages told. */
struct folder_counts {
	uint64_t known;			/* 0: the rest says nothing */
	uint64_t unseen, deleted, in_new;
	uint64_t names;			/* bytes of them, each with a NUL */
};

/* The messages and names of a cache file, mapped. */
struct cache_map {
	const unsigned char *file;	/* all of it, as it is; NULL: none */
	size_t size;
	const unsigned char *names;	/* in it */
	size_t names_len;
	const uint64_t *sums;		/* in it, one for each block */
	size_t nblocks;
	uint8_t *checked;		/* a bit for each block */
	size_t nmsgs;			/* at folder.msgs, to be checked before they are believed */
	size_t nfile;			/* in the file */
	const uint32_t *hash;		/* in it */
	size_t mask;
	size_t reserved;		/* bytes at folder.msgs, which are a private mapping */
};

#endif
