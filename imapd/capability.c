/*
 * What is advertised.  A name stands here only when all of its RFC is there.
 */
#include "imap.h"

static const char before[] = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE";
static const char after[] = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE "
    "NAMESPACE CHILDREN UIDPLUS UNSELECT MOVE SPECIAL-USE LIST-EXTENDED "
    "LIST-STATUS STATUS=SIZE ESEARCH SEARCHRES WITHIN MULTIAPPEND";

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
capability_mailbox(struct netout *o, uint64_t append_limit)
{
	(void)netout_addf(o, "CAPABILITY %s", after);
	if (append_limit > 0)		/* RFC 7889 */
		(void)netout_addf(o, " APPENDLIMIT=%ju",
		    (uintmax_t)append_limit);
}
