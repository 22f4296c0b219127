/*
 * Subscriptions: the file "subscriptions" in the mail directory, one name a
 * line, as Dovecot has it.
 */
#ifndef SUBS_H
#define SUBS_H

#include "buf.h"
#include "name.h"

/* Raw names, each ended by a NUL. */
int	subs_load(const char *root, struct buf *names);
/* Adds or removes a name: 0, or -1 with errno. */
int	subs_set(const char *root, const char *raw, bool on);

#endif
