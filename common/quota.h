/*
 * Quotas of mailboxes, kept as Maildir++ has them: a text file "maildirsize"
 * in the Maildir, which Dovecot and Courier read and write as well.  The file
 * is a cache of what the names of the messages say: it is counted anew when it
 * is missing, malformed, grown long, made for other limits, or says that the
 * mailbox is full and is not quite fresh.  All folders count, Trash too, and
 * messages that are marked deleted until they are gone.
 */
#ifndef QUOTA_H
#define QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "settings.h"

#define QUOTA_FILE	"maildirsize"
#define QUOTA_MARK_MAX	256	/* a marker's name and its NUL */

struct quota { uint64_t bytes, messages; };		/* limits; 0: none */
struct quota_usage { uint64_t bytes, messages; };

/* Is there any limit?  If not, nothing here need be called, and no file is kept. */
bool	quota_is_set(const struct quota *);
/*
 * How much the Maildir open at dir (its own directory, not new/) holds.
 * owner: to whom a new file is given and a present one must belong, for root;
 * else it may be NULL.  Counting a large mailbox lists its folders: some
 * 100 ms for 100,000 messages.  0, or -1 with errno.
 */
int	quota_get(int dir, const struct quota *, const struct ids *owner,
	    struct quota_usage *);
/* The same by looking, whatever the file says.  0, or -1 with errno. */
int	quota_count(int dir, struct quota_usage *);
/* Replaces the file by one that says so.  0, or -1 with errno. */
int	quota_write(int dir, const struct quota *, const struct ids *owner,
	    const struct quota_usage *);
/*
 * The owner's own limits (SETQUOTA), in the file posthouse.quota: a line as maildirsize begins with.  They lower what the account
 * has, and can do no more; where it has no limit there is nothing to lower, and nothing is looked for.
 */
#define QUOTA_OWN	"posthouse.quota"
void	quota_lower(int dir, const struct ids *owner, struct quota *);
/* Both 0: none any more.  0, or -1 with errno. */
int	quota_set_own(int dir, const struct quota *);
/* Would so much more fit? */
bool	quota_fits(const struct quota *, const struct quota_usage *,
	    uint64_t bytes, uint64_t messages);
/* Is it so full that an ordinary message would not fit (QUOTA_ROOM)? */
bool	quota_is_full(const struct quota *, const struct quota_usage *);
/*
 * Notes what has come (or gone, if negative), after it was done; sizes are
 * those of the files, as in ",S=" of their names.  Without a file nothing is
 * noted: the next quota_get counts.  0, or -1 with errno; a caller need not
 * care, for the next count mends it.
 */
int	quota_add(int dir, const struct ids *owner, int64_t bytes,
	    int64_t messages);

/*
 * The file: "BYTESS,MESSAGESC" (either may be missing), then lines of two
 * numbers, bytes and messages, whose sums are the usage.  0, or -1 when it is
 * not of that form or the sums are below zero.
 */
int	quota_parse(struct span, struct quota *, struct quota_usage *);
/* The file with one line. */
void	quota_print(const struct quota *, const struct quota_usage *,
	    struct buf *out);

/*
 * Markers: deliver-local keeps a file in the spool's full/ for each mailbox
 * that is full, so that smtpd can say so at RCPT.  Its first line is a text for
 * people; its name is the canonical address in lower case, with "/", "%", space
 * and control bytes as %XX.  0, or -1: too long, so there is no marker.
 */
int	quota_mark_name(const char *address, char out[QUOTA_MARK_MAX]);
/* Back: 0, or -1 when it is no such name. */
int	quota_mark_address(const char *name, char *out, size_t size);

#endif
