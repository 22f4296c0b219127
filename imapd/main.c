/*
 * imapd: serves a Maildir by IMAP4rev1.  With a directory as argument it serves
 * that one to whoever is on fd 0 and 1, already logged in.
 */
#include "chain_main.h"
#include "charset.h"
#include "folder.h"
#include "imap.h"
#include "log.h"
#include "login.h"
#include "reach.h"
#include "sandbox_table.h"

/* What a single directory is served from has no accounts that could share. */
static void
prepare_shared(const struct control *c)
{
	char shared[SHARE_PATH_MAX];

	share_path(&c->set, shared);
	if (c->want != 0 && shared[0] != '\0' &&
	    share_make(shared, &c->set.mail_user) == -1)
		log_warn_errno("%s: cannot be made, so nothing can be shared",
		    shared);
}

static int
prepare(struct control *c)
{
	/* Converters are loaded by the mailbox that needs one: each of them
	 * is five mappings, which every fork would copy. */
	if (c->want != 0)
		(void)charset_directory();
	else
		charset_prepare();
	folder_setup(c->set.sync_directory);
	prepare_shared(c);
	return 0;
}

static const struct chain_service service = {
	.name = "imapd", .auth = true, .protocol = FOR_IMAP,
	.returns = true,
	.session_role = &imapd_session_role,
	.mailbox_role = &imapd_mailbox_role,
	.prepare = prepare, .session = session_serve,
	.mailbox = mailbox_serve, .reach = reach_collect,
	.busy = "* BYE [UNAVAILABLE] Too many connections, try later\r\n",
	.broken = "* BYE [UNAVAILABLE] Not configured, try later\r\n",
};

int
main(int argc, char *argv[])
{
	return chain_main(&service, argc, argv);
}
