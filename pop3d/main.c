/*
 * pop3d: serves a Maildir over POP3.  With a directory as argument it serves that one, to whoever
 * started it, on descriptors 0 and 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "pop3.h"
#include "proc.h"

static const struct chain_service service = {
	.name = "pop3d", .auth = true,
	.session_role = &pop3d_session_role,
	.mailbox_role = &pop3d_mailbox_role,
	.session = login_session, .mailbox = mailbox_session,
	.busy = "-ERR [SYS/TEMP] Too many connections, try later\r\n",
	.broken = "-ERR [SYS/TEMP] Not configured, try later\r\n",
};

static void
usage(void)
{
	fprintf(stderr, "usage: pop3d [-nSty] [-C directory] "
	    "[-l host:port] ...\n       pop3d [-ty] [-C directory] "
	    "maildir\n");
	exit(EX_USAGE);
}

static void
config_error(const char *error)
{
	log_warn("%s", error);
}

/* Who started us has the rights to the Maildir or has not: nothing is given up but what is not needed. */
static int
serve_directory(struct control *control, const char *dir)
{
	const struct sandbox_path path = { dir, SANDBOX_READ | SANDBOX_WRITE };
	struct account account = { .address = "local" };
	struct conn conn = { .in = 0, .out = 1, .peer_text = "local",
	    .loopback = true, .auth_in = -1, .auth_out = -1 };

	if (strlcpy(account.maildir, dir, sizeof(account.maildir)) >=
	    sizeof(account.maildir))
		log_die(EX_USAGE, "%s: the path is too long", dir);
	if (access(dir, R_OK | X_OK) == -1)
		log_die_errno(EX_NOINPUT, "%s", dir);
	proc_ignore_sigpipe();
	random_hex64(conn.sid);
	conn.sid[CHAIN_SID_LEN] = '\0';
	if (sandbox_enter(&pop3d_mailbox_role, NULL, NULL, &path, 1,
	    !control->set.sandbox) == -1)
		log_die_errno(EX_OSERR, "cannot give up privileges");
	return mailbox_session(control, &conn, &account, -1);
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
	struct chain_options opt = { .nlisten = 0 };
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
	log_init("pop3d", stamp, to_syslog);
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
