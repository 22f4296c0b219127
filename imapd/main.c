/*
 * imapd: serves a Maildir by IMAP4rev1.  With a directory as argument it serves
 * that one to whoever is on fd 0 and 1, already logged in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "charset.h"
#include "clock.h"
#include "ex.h"
#include "imap.h"
#include "limits.h"
#include "log.h"
#include "login.h"
#include "proc.h"
#include "sandbox_table.h"

static int
prepare(struct control *c)
{
	static bool done;

	if (!done)
		charset_prepare();
	done = true;
	folder_setup(c->set.sync_directory);
	return 0;
}

static const struct chain_service service = {
	.name = "imapd", .auth = true,
	.session_role = &imapd_session_role,
	.mailbox_role = &imapd_mailbox_role,
	.prepare = prepare, .session = session_serve,
	.mailbox = mailbox_serve,
	.busy = "* BYE [UNAVAILABLE] Too many connections, try later\r\n",
	.broken = "* BYE [UNAVAILABLE] Not configured, try later\r\n",
};

static void
usage(void)
{
	fprintf(stderr, "usage: imapd [-nSty] [-C directory] "
	    "[-l host:port] ...\n"
	    "       imapd [-ty] [-C directory] maildir\n");
	exit(EX_USAGE);
}

static void
config_error(const char *error)
{
	log_warn("%s", error);
}

/* One session over one directory, without login. */
static int
serve_directory(struct control *control, const char *dir)
{
	static struct account account;
	struct conn conn = { .in = 0, .out = 1, .peer_text = "local",
	    .loopback = true, .auth_out = -1, .auth_in = -1 };
	struct sandbox_path path = { account.maildir,
	    SANDBOX_READ | SANDBOX_WRITE };
	char *full = realpath(dir, NULL);

	if (full == NULL)
		log_die_errno(EX_NOINPUT, "%s", dir);
	if (strlcpy(account.maildir, full, sizeof(account.maildir)) >=
	    sizeof(account.maildir))
		log_die(EX_USAGE, "%s: the path is too long", dir);
	free(full);
	random_hex64(conn.sid);
	conn.sid[CHAIN_SID_LEN] = '\0';
	proc_ignore_sigpipe();
	(void)prepare(control);
	if (sandbox_enter(&imapd_mailbox_role, NULL, NULL, &path, 1,
	    !control->set.sandbox) == -1)
		log_die_errno(EX_OSERR, "cannot give up privileges");
	return mailbox_serve(control, &conn, &account, -1);
}

/* A directory can be served without any configuration: then all settings have
 * their defaults. */
static void
load(struct control *control, const char *dir, bool served)
{
	control_init(control, dir, served ? 0 :
	    CONTROL_HOSTNAME | CONTROL_DOMAINS | CONTROL_USERS);
	if (served && dir == NULL && getenv("POSTHOUSE") == NULL)
		(void)settings_load(control, &control->set);
	else if (control_load(control, config_error) == -1)
		exit(EX_CONFIG);
}

int
main(int argc, char *argv[])
{
	struct chain_options opt = { .variant = 0 };
	static struct control control;
	bool check = false, stamp = false, to_syslog = false;
	const char *dir = NULL;
	int ch;

	while ((ch = getopt(argc, argv, "C:l:nSty")) != -1)
		switch (ch) {
		case 'C': dir = optarg; break;
		case 'l':
			if (opt.nlisten == sizeof(opt.listen) / sizeof(char *))
				usage();
			opt.listen[opt.nlisten++] = optarg;
			break;
		case 'n': check = true; break;
		case 'S': opt.implicit_tls = true; break;
		case 't': stamp = true; break;
		case 'y': to_syslog = true; break;
		default: usage();
		}
	if (argc - optind > 1 || (optind < argc && opt.nlisten > 0))
		usage();
	log_init("imapd", stamp, to_syslog);
	clock_init();
	load(&control, dir, optind < argc);
	if (check) {
		settings_print(&control.set);
		return EX_OK;
	}
	if (optind < argc)
		return serve_directory(&control, argv[optind]);
	return chain_run(&service, &control, &opt);
}
