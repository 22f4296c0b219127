/*
 * The maildrop: what was in INBOX at login, by message number 1..n (RFC 1939 section 5).
 */
#ifndef MAILDROP_H
#define MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "settings.h"
#include "uidl.h"

struct maildrop;

/* Takes the lock and the snapshot.  settings must live as long.  NULL: EBUSY another POP3 session has it,
 * EAGAIN the last login was too short a while ago, or another errno. */
struct maildrop *maildrop_open(const char *dir, const struct settings *);
void	maildrop_close(struct maildrop *);	/* deletes nothing */
size_t	maildrop_count(const struct maildrop *);	/* with those marked */
bool	maildrop_marked(const struct maildrop *, size_t number);
void	maildrop_mark(struct maildrop *, size_t number);
void	maildrop_unmark_all(struct maildrop *);
/* It was retrieved: with the setting pop3-keep no it is removed at the end. */
void	maildrop_retrieved(struct maildrop *, size_t number);
/* Octets as sent, without stuffing; 0 for a message that has vanished. */
uint64_t maildrop_size(struct maildrop *, size_t number);
/* Messages not marked, and their octets. */
void	maildrop_total(struct maildrop *, size_t *messages, uint64_t *octets);
/* RFC 1939 section 7, UIDL. */
void	maildrop_uidl(struct maildrop *, size_t number, char out[UIDL_MAX + 1]);
/* fd and how many bytes it has, or -1. */
int	maildrop_read(struct maildrop *, size_t number, uint64_t *size);
/* Removes or hides what is marked, and what the settings add to it, and lets go of the lock: how many
 * were removed; *failed how many not. */
size_t	maildrop_update(struct maildrop *, size_t *failed);

#endif
