/*
 * The roles of imapd's processes, for the chain and for a served directory.
 */
#ifndef SANDBOX_TABLE_H
#define SANDBOX_TABLE_H

#include "sandbox.h"

extern const struct sandbox_role imapd_session_role, imapd_mailbox_role;

#endif
