/*
 * The log line "result": what became of one recipient of a queued message.
 */
#ifndef RESULT_H
#define RESULT_H

#include "ex.h"
#include "spool.h"

/* relay: who gave the answer, "local" for a mailbox here; tls: of the connection, "" for none. */
void	result_log(const struct spool_name *, const char *rcpt,
	    const char *relay, const char *tls, enum proc_class,
	    const char *dsn, const char *text);

#endif
