/*
 * The commands of the mailbox process: each parses its arguments, then acts, and
 * sends exactly one tagged reply.  The table in mailbox.c names them.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "buf.h"

struct imap;
struct args;

void	cmd_append(struct imap *, struct args *);
void	cmd_cancelupdate(struct imap *, struct args *);
void	cmd_capability(struct imap *, struct args *);
void	cmd_check(struct imap *, struct args *);
void	cmd_close(struct imap *, struct args *);
void	cmd_compress(struct imap *, struct args *);
void	cmd_copy(struct imap *, struct args *);
void	cmd_create(struct imap *, struct args *);
void	cmd_delete(struct imap *, struct args *);
void	cmd_deleteacl(struct imap *, struct args *);
void	cmd_enable(struct imap *, struct args *);
void	cmd_esearch(struct imap *, struct args *);
void	cmd_examine(struct imap *, struct args *);
void	cmd_expunge(struct imap *, struct args *);
void	cmd_fetch(struct imap *, struct args *);
void	cmd_getacl(struct imap *, struct args *);
void	cmd_getmetadata(struct imap *, struct args *);
void	cmd_getquota(struct imap *, struct args *);
void	cmd_getquotaroot(struct imap *, struct args *);
void	cmd_id(struct imap *, struct args *);
void	cmd_idle(struct imap *, struct args *);
void	cmd_language(struct imap *, struct args *);
void	cmd_list(struct imap *, struct args *);
void	cmd_listrights(struct imap *, struct args *);
void	cmd_logout(struct imap *, struct args *);
void	cmd_lsub(struct imap *, struct args *);
void	cmd_move(struct imap *, struct args *);
void	cmd_myrights(struct imap *, struct args *);
void	cmd_namespace(struct imap *, struct args *);
void	cmd_noop(struct imap *, struct args *);
void	cmd_notify(struct imap *, struct args *);
void	cmd_rename(struct imap *, struct args *);
void	cmd_replace(struct imap *, struct args *);
void	cmd_search(struct imap *, struct args *);
void	cmd_select(struct imap *, struct args *);
void	cmd_setacl(struct imap *, struct args *);
void	cmd_setmetadata(struct imap *, struct args *);
void	cmd_setquota(struct imap *, struct args *);
void	cmd_sort(struct imap *, struct args *);
void	cmd_status(struct imap *, struct args *);
void	cmd_store(struct imap *, struct args *);
void	cmd_subscribe(struct imap *, struct args *);
void	cmd_thread(struct imap *, struct args *);
void	cmd_uidbatches(struct imap *, struct args *);
void	cmd_unauthenticate(struct imap *, struct args *);
void	cmd_unselect(struct imap *, struct args *);
void	cmd_unsubscribe(struct imap *, struct args *);

/* cmd_append.c: is the literal after this text a message?  For input.streams. */
bool	append_streams(struct span before);
/* Of a command that was refused before its message was read: what the client has
 * sent of it unasked is taken for no command. */
void	append_skip(struct imap *);

#endif
