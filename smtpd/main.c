/*
 * smtpd: receives mail by SMTP, and for submission with -s or -S.  Writes one
 * file into the spool for each message and answers 250 when it is durable.
 */
#include "smtpd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"
#include "listen.h"
#include "log.h"
#include "proc.h"
#include "resolver.h"

static SMALL struct spool spool;
static bool		spool_ready;
static struct resolver	resolver;
static bool		resolves;

/* Opens the spool once for all sessions, as long as the settings stay. */
static void
place(struct control *c, int first)
{
	spool_ready = spool_place(&spool, c->set.spool, c->hostname,
	    c->set.sync_directory, first) == 0;
}

/* While the session may still see the spool by its full name. */
static int
before(struct control *c, struct conn *conn)
{
	resolves = c->set.domain_check && conn->variant != LMTP &&
	    resolver_start(&resolver, c) == 0;
	if (spool_ready)
		spool_open_trigger(&spool);
	else
		spool_ready = spool_open_writer(&spool, c->set.spool,
		    c->hostname, c->set.sync_directory) == 0;
	if (!spool_ready)
		log_warn_errno("%s: not a spool; mail is refused with 451 until "
		    "queue is started, which makes it", c->set.spool);
	return 0;
}

static int
session(struct control *c, struct conn *conn)
{
	static SMALL struct session s;

	session_init(&s, c, conn, spool_ready ? &spool : NULL);
	s.resolver = resolves ? &resolver : NULL;
	return session_run(&s);		/* its memory ends with this process */
}

static const struct chain_service plain = {
	.name = "smtpd", .protocol = FOR_SMTP, .chroot_spool = true,
	.session_role = &smtpd_role,
	.kept = SPOOL_PLACES, .place = place,
	.before = before, .session = session,
	.busy = "421 4.3.2 Too many connections, try later\r\n",
	.broken = "421 4.3.5 Not configured, try later\r\n",
};

static void
usage(void)
{
	fprintf(stderr, "usage: smtpd [-LnSsty] [-C directory] "
	    "[-l host:port] ...\n");
	exit(EX_USAGE);
}

static void
config_error(const char *error)
{
	log_warn("%s", error);
}

int
main(int argc, char *argv[])
{
	struct chain_service service = plain;
	struct chain_options opt = { .variant = SMTP };
	const struct ids nobody = { 65534, 65534 };
	struct control control;
	bool check = false, stamp = false, to_syslog = false;
	const char *dir = NULL;
	int ch;

	log_init("smtpd", false, false);	/* usage() is not for a client either */
	while ((ch = getopt(argc, argv, "C:Ll:nSsty")) != -1)
		switch (ch) {
		case 'C': dir = optarg; break;
		case 'L': opt.variant = LMTP; break;
		case 'l':
			if (opt.nlisten == sizeof(opt.listen) / sizeof(char *))
				usage();
			opt.listen[opt.nlisten++] = optarg;
			break;
		case 'n': check = true; break;
		case 'S':
			opt.implicit_tls = true;	/* FALLTHROUGH */
		case 's':
			opt.variant = SUBMISSION;
			service.auth = true;
			break;
		case 't': stamp = true; break;
		case 'y': to_syslog = true; break;
		default: usage();
		}
	if (optind != argc)
		usage();
	log_init("smtpd", stamp, to_syslog);
	clock_init();
	signal(SIGXFSZ, SIG_IGN);	/* a write that is too long fails instead */
	control_init(&control, dir, CONTROL_HOSTNAME | CONTROL_DOMAINS |
	    CONTROL_NETWORKS | CONTROL_PROXIES | CONTROL_USERS | CONTROL_ALIASES);
	/* A try-out on a pipe needs no control directory: nobody is local then,
	 * nobody may relay, and root is not needed. */
	control.optional = dir == NULL && getenv("POSTHOUSE") == NULL &&
	    opt.nlisten == 0 && listen_kind(0) == LISTEN_OTHER &&
	    access(control.dir, F_OK) == -1;
	if (control.optional && proc_become(&nobody) == -1)
		log_die_errno(EX_OSERR, "cannot give up root");
	ch = EX_OK;
	if (control_load(&control, config_error) == -1) {
		ch = EX_CONFIG;
		if (!check)
			chain_not_configured(&service, &opt);
	} else if (check)
		settings_print(&control.set);
	else
		ch = chain_run(&service, &control, &opt);
	control_free(&control);
	return ch;
}
