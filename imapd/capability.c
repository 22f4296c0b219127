/*
 * What is advertised.  A name stands here only when all of its RFC is there.
 */
#include "imap.h"

static const char before[] = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE";
static const char after[] = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE "
    "NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE SPECIAL-USE";

void
capability_session(struct netout *o, bool can_tls, bool can_login)
{
	(void)netout_addf(o, "CAPABILITY %s", before);
	if (can_tls)
		(void)netout_adds(o, " STARTTLS");
	(void)netout_adds(o, can_login ? " AUTH=PLAIN AUTH=LOGIN" :
	    " LOGINDISABLED");
}

void
capability_mailbox(struct netout *o)
{
	(void)netout_addf(o, "CAPABILITY %s", after);
}
