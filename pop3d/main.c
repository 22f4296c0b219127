/*
 * pop3d: serves a Maildir over POP3.  With a directory as argument it serves that one, to whoever
 * started it, on descriptors 0 and 1.
 */
#include "chain_main.h"
#include "pop3.h"

static const struct chain_service service = {
	.name = "pop3d", .auth = true, .protocol = FOR_POP3,
	.session_role = &pop3d_session_role,
	.mailbox_role = &pop3d_mailbox_role,
	.session = login_session, .mailbox = mailbox_session,
	.busy = "-ERR [SYS/TEMP] Too many connections, try later\r\n",
	.broken = "-ERR [SYS/TEMP] Not configured, try later\r\n",
};

int
main(int argc, char *argv[])
{
	return chain_main(&service, argc, argv);
}
