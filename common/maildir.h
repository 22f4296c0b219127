/*
 * Maildir: names, flags in names, and delivery into new/.
 */
#ifndef MAILDIR_H
#define MAILDIR_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "settings.h"

/* System flags, as bits; the letters of a name's ":2,..." part. */
#define MAIL_SEEN	1u	/* S */
#define MAIL_ANSWERED	2u	/* R */
#define MAIL_FLAGGED	4u	/* F */
#define MAIL_DELETED	8u	/* T */
#define MAIL_DRAFT	16u	/* D */
#define MAIL_PASSED	32u	/* P: forwarded; IMAP $Forwarded */

/* A file name taken apart: UNIQUE[,S=n][,W=n][:2,flags]. */
struct maildir_name {
	struct span unique;		/* up to the first ',' or ':': identifies the message */
	struct span base;		/* up to ":2,": with the sizes */
	uint64_t size, wsize;		/* 0: not in the name */
	unsigned flags;			/* MAIL_* */
	uint32_t letters;		/* bit 0 is 'a' ... bit 25 is 'z': keywords */
};
void	maildir_name_parse(struct span, struct maildir_name *);
/* base + ":2," + letters in ASCII order. 0 or -1. */
int	maildir_name_print(struct span base, unsigned flags, uint32_t letters,
	    char *out, size_t size);

/* The letters alone.  parse: false when one has no meaning. */
#define MAILDIR_LETTERS_SIZE 33
void	maildir_letters_print(unsigned flags, uint32_t letters,
	    char out[MAILDIR_LETTERS_SIZE]);
bool	maildir_letters_parse(struct span, unsigned *flags, uint64_t *letters);

/* Makes DIR/{cur,new,tmp} (mode 0700) owned by ids where root; existing ones are fine.  0 or -1. */
int	maildir_make(const char *dir, const struct ids *owner);
/* The same with these below it. */
int	maildir_make_dirs(const char *dir, const char *const *subdirs, size_t n,
	    const struct ids *owner);
/* Opens DIR/new safely for a privileged deliverer: no symbolic link on the way below the
 * owner's directory, a directory, owned by owner.  fd or -1. */
int	maildir_open_new(const char *dir, const struct ids *owner);

#endif
