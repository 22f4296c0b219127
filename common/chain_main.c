/*
 * What the two servers of Maildirs have in common: options, and serving one
 * directory to whoever started them.  Trusts its caller with the directory:
 * who started us has the rights to it or has not.
 */
#include "chain_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "limits.h"
#include "log.h"
#include "proc.h"

struct options {
	struct chain_options chain;
	const char *control_dir, *maildir;	/* NULL: not given */
	bool check, stamp, to_syslog;
};

static void
usage(const char *name)
{
	fprintf(stderr, "usage: %s [-nSty] [-C directory] [-l host:port] ...\n"
	    "       %s [-ty] [-C directory] maildir\n", name, name);
	exit(EX_USAGE);
}

static void
options_parse(const char *name, int argc, char *argv[], struct options *o)
{
	struct chain_options *c = &o->chain;
	int ch;

	memset(o, 0, sizeof(*o));
	while ((ch = getopt(argc, argv, "C:l:nSty")) != -1)
		switch (ch) {
		case 'C': o->control_dir = optarg; break;
		case 'l':
			if (c->nlisten == sizeof(c->listen) / sizeof(char *))
				usage(name);
			c->listen[c->nlisten++] = optarg;
			break;
		case 'n': o->check = true; break;
		case 'S': c->implicit_tls = true; break;
		case 't': o->stamp = true; break;
		case 'y': o->to_syslog = true; break;
		default: usage(name);
		}
	if (argc - optind > 1 || (optind < argc && c->nlisten > 0))
		usage(name);
	if (optind < argc)
		o->maildir = argv[optind];
}

static void
config_error(const char *error)
{
	log_warn("%s", error);
}

/* A directory can be served without any configuration: then all settings have
 * their defaults. */
static int
load(struct control *control, const struct options *o)
{
	bool served = o->maildir != NULL;

	control_init(control, o->control_dir, served ? 0 :
	    CONTROL_HOSTNAME | CONTROL_DOMAINS | CONTROL_USERS |
	    CONTROL_PROXIES);
	if (served && o->control_dir == NULL && getenv("POSTHOUSE") == NULL) {
		(void)settings_load(control, &control->set);
		return 0;
	}
	return control_load(control, config_error);
}

static int
serve_directory(const struct chain_service *s, struct control *control,
    const char *dir)
{
	static struct account account = { .address = "local" };
	struct conn conn = { .in = 0, .out = 1, .peer_text = "local",
	    .loopback = true, .auth_out = -1, .auth_in = -1 };
	const struct sandbox_path path = { account.maildir,
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
	if (s->prepare != NULL && s->prepare(control) != 0)
		return EX_CONFIG;
	if (sandbox_enter(s->mailbox_role, NULL, NULL, &path, 1,
	    !control->set.sandbox) == -1)
		log_die_errno(EX_OSERR, "cannot give up privileges");
	return s->mailbox(control, &conn, &account, -1);
}

int
chain_main(const struct chain_service *s, int argc, char *argv[])
{
	static struct control control;
	struct options o;

	log_init(s->name, false, false);	/* usage() is not for a client either */
	options_parse(s->name, argc, argv, &o);
	log_init(s->name, o.stamp, o.to_syslog);
	clock_init();
	if (load(&control, &o) == -1) {
		if (!o.check && o.maildir == NULL)
			chain_not_configured(s, &o.chain);
		return EX_CONFIG;
	}
	if (o.check) {
		settings_print(&control.set);
		return EX_OK;
	}
	if (o.maildir != NULL)
		return serve_directory(s, &control, o.maildir);
	return chain_run(s, &control, &o.chain);
}
