/*
 * Spool files (posthouse-spool(5)): names, envelopes, writing them so that 250
 * means kept.  Used by smtpd, sendmail and bounces to write, by queue and
 * deliver to read.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "limits.h"

/*
 * A name is QID.HOST,S=size,W=size-with-crlf where QID is decimal seconds, a
 * dot and 16 hexadecimal digits (64 random bits).  The temporary name has no
 * sizes.  It is also the Maildir name.
 */
struct spool_name {
	char text[SPOOL_NAME_MAX];
	size_t qid_len;			/* text[0..qid_len) is the queue id */
	time_t arrival;
	uint64_t size, wsize;
};
/* false: not a spool name (path separators, control bytes, no sizes, ...). */
bool	spool_name_parse(struct span, struct spool_name *);

/* Directories below the spool, opened once; -1 where a program has no use. */
struct spool {
	int tmp, new, cur, state, hold;
	int full, rate;		/* smtpd's; -1 where they do not exist */
	int trigger;		/* non-blocking, for writing only where that can be, or -1 */
	bool sync_directory;
	char host[ADDR_DOMAIN_MAX + 1];
};
/* For writers: tmp, new and trigger below path ("/" inside the chroot). 0 or -1. */
int	spool_open_writer(struct spool *, const char *path, const char *host,
	    bool sync_directory);
/*
 * The same for a program that forks its writers: tmp, new, full and rate become the
 * SPOOL_PLACES descriptors from first on, which must be taken (by /dev/null or
 * an earlier call); no trigger, which each writer opens for itself.
 */
#define SPOOL_PLACES	4
int	spool_place(struct spool *, const char *path, const char *host,
	    bool sync_directory, int first);
void	spool_open_trigger(struct spool *);
void	spool_close(struct spool *);

/*
 * One message being written: the caller gives the envelope and the Received
 * field, then the content with LF line ends in any pieces, then commits.
 */
struct spool_writer {
	const struct spool *spool;
	int fd;
	char tmp[SPOOL_NAME_MAX];	/* "" when nothing is open */
	char qid[40];
	struct buf buf;			/* what is not yet written */
	size_t counted;			/* of it, in size and lines */
	struct buf behind;		/* what comes behind the content */
	uint64_t size, lines;
	bool failed;			/* sticky; errno_ tells */
	int errno_;
};
/* Creates the file: 0, or -1 with errno. */
int	spool_begin(struct spool_writer *, const struct spool *);
/* Adds bytes that already have LF line ends.  Sticky failure. */
int	spool_add(struct spool_writer *, const void *, size_t);
/* Takes what the caller has put behind w->buf himself, at most SPOOL_AHEAD bytes. */
#define SPOOL_AHEAD	524288
int	spool_added(struct spool_writer *);
/*
 * Makes name and content durable (rename into new/, one fsync; and of the
 * directory where set) and only then returns 0 and the final name.  -1: nothing
 * is visible in new/ and nothing is left in tmp/.
 */
int	spool_commit(struct spool_writer *, struct spool_name *);
/*
 * The same in two steps, for who must note in between what he is about to do:
 * content durable in tmp/ as w->tmp, and its final name; then, from wherever
 * (dir, as) it has been put meanwhile, into new/.
 */
int	spool_prepare(struct spool_writer *, struct spool_name *);
int	spool_publish(const struct spool *, int dir, const char *as,
	    const char *name);
/* Throws away an open message; no effect after commit. */
void	spool_abort(struct spool_writer *);
/* Tells queue the name; never waits and never fails: queue scans as well. */
void	spool_trigger(const struct spool *, const struct spool_name *);

/*
 * Envelope: the fields up to the first "Received:".
 *	Return-Path: <sender>
 *	Delivered-To: recipient          one line each, in the order given
 *	Envelope-Id: xtext               ENVID, only when given
 *	Envelope-Ret: FULL|HDRS
 *	Envelope-Body: 8BITMIME|BINARYMIME
 *	Envelope-Smtputf8: yes
 *	Envelope-Notify: recipient-number NOTIFY-list   (numbers from 1)
 *	Envelope-Orcpt: recipient-number type;xtext
 *	Envelope-Auth: login
 * Of several recipients all but the Return-Path stands behind the content, at offset
 * S= of the name, up to an empty line: what is before is what each may get.
 * Parser and printer stand in one file with a round-trip test; the printer
 * refuses NUL, CR and LF.
 */
struct envelope_rcpt {
	char *addr;
	char *notify;			/* NULL: not given */
	char *orcpt;
};
struct envelope {
	char *sender;			/* "" is the null reverse-path */
	struct envelope_rcpt *rcpts;
	size_t nrcpts, cap;
	char *envid, *ret, *auth;	/* NULL: not given */
	bool body8, binary, smtputf8;
	size_t length;			/* parsed: bytes of the envelope fields */
};
void	envelope_init(struct envelope *);
void	envelope_free(struct envelope *);	/* and init */
int	envelope_add_rcpt(struct envelope *, const char *addr,
	    const char *notify, const char *orcpt);	/* copies; 0 or -1 */
int	envelope_print(const struct envelope *, struct buf *out);
/* The same in two parts, as they stand in the file. */
int	envelope_split(const struct envelope *, struct buf *front,
	    struct buf *behind);
/* Begins the content of a message with it: 0, or -1 with errno. */
int	spool_envelope(struct spool_writer *, const struct envelope *);
/* Parses the head of a spool file; no recipients: they are behind.  0; -1 EINVAL malformed, ENODATA
 * when head is too short to hold all of it (read more and call again). */
int	envelope_parse(struct span head, struct envelope *);
/* Adds fields up to an empty line, which it passes: 0; -1, and then free it. */
int	envelope_parse_block(struct cur *, struct envelope *);
/*
 * Reads the front of a file into head, chunk bytes or more, and the envelope.  No
 * recipients: what stood behind the content is gone.  0, or -1: EBADMSG when it is malformed.
 */
int	envelope_read(int fd, const struct spool_name *, size_t chunk,
	    struct buf *head, struct envelope *);
/* Reads all that stands behind the content: 0, or -1. */
int	envelope_read_behind(int fd, const struct spool_name *, struct buf *);

#endif
