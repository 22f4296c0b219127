/*
 * The file passwords for the auth process: opened while that still may, read
 * line by line where an index says, so that one login among 100,000 accounts
 * costs microseconds and one account's lines are all that is in memory.
 */
#ifndef PASSWORDS_H
#define PASSWORDS_H

#include "control.h"

struct passwords_entry { uint32_t hash, at; };

struct passwords {
	int fd;				/* -1: the file does not exist */
	int index;			/* -1: entries has it */
	struct passwords_entry *entries;
	uint64_t n;			/* entries */
	uint64_t usual;			/* where the first line with a hash begins; or UINT64_MAX */
};

/*
 * Opens CONTROL/passwords and its index, which is a cache in the file cache
 * (made anew when passwords has changed; "" keeps none).  0, or -1 and
 * control_error.
 */
int	passwords_open(struct passwords *, struct control *, const char *cache);
void	passwords_close(struct passwords *);
/* Appends what stands behind "address:" in each line of the account, and a LF to
 * each.  0, or -1 with errno. */
int	passwords_find(const struct passwords *, struct span address,
	    struct buf *out);
/* Appends what stands behind "address:" in the first line that has a hash: what a check
 * costs here.  0, or -1: there is none. */
int	passwords_usual(const struct passwords *, struct buf *out);

#endif
