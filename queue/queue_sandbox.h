/*
 * What the scheduler may do: its uid, its one capability, its system calls and
 * paths.
 */
#ifndef QUEUE_SANDBOX_H
#define QUEUE_SANDBOX_H

#include "control.h"
#include "sandbox.h"

extern const struct sandbox_role queue_role;

/* Becomes queue-user with the groups that open the spool; set_times: keeps the
 * right to set the time of files that smtpd's sessions own.  0 or -1. */
int	queue_become(const struct settings *, bool set_times);
/* The last step before the first message is read.  0 or -1. */
int	queue_confine(const struct control *);
void	queue_log_start(const struct control *);

#endif
