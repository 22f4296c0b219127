/*
 * Waiting for the client.
 */
#ifndef WAIT_H
#define WAIT_H

#include "imap.h"

/*
 * Waits until there is input (NETIN_DATA), and tells meanwhile what happens: in IDLE,
 * or between commands where NOTIFY asks for it.  NETIN_TIMEOUT after idle-timeout; NETIN_ERROR: the
 * client or the selected mailbox is gone.
 */
enum netin_result wait_for_client(struct imap *, bool idle);

#endif
