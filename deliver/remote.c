/*
 * deliver-remote: sends messages to other hosts by SMTP.  Jobs on fd 0, answers
 * on fd 1, log on fd 2; see posthouse-deliver-remote(8).  Here are the options,
 * the places and the privileges; the work is the manager's.
 */
#include "remote.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dns.h"
#include "log.h"
#include "proc.h"
#include "remote_note.h"

#define WANTED	(CONTROL_HOSTNAME | CONTROL_ROUTES)

static void
usage(void)
{
	fputs("usage: deliver-remote [-nsty] [-C controldir]\n", stderr);
	exit(EX_USAGE);
}

static void
tell(const char *error)
{
	fprintf(stderr, "%s\n", error);
}

/* Directories stay open, so that neither chroot nor sandbox is in the way. */
static void
open_dirs(const struct control *c, struct dirs *d)
{
	int spool = open(c->set.spool, O_PATH | O_DIRECTORY | O_CLOEXEC);

	d->new = openat(spool, "new", O_PATH | O_DIRECTORY | O_CLOEXEC);
	d->cur = openat(spool, "cur", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (spool == -1 || d->new == -1 || d->cur == -1)
		log_die_errno(EX_IOERR, "cannot open %s, its new and cur",
		    c->set.spool);
	close(spool);
}

int
main(int argc, char *argv[])
{
	static struct control control;
	const char *dir = NULL;
	bool check = false, stamp = false, syslog = false,
	    notes = false;
	struct dirs dirs;
	int ch;

	while ((ch = getopt(argc, argv, "C:nsty")) != -1)
		switch (ch) {
		case 'C':
			dir = optarg;
			break;
		case 'n':
			check = true;
			break;
		case 's':
			notes = true;
			break;
		case 't':
			stamp = true;
			break;
		case 'y':
			syslog = true;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	log_init("deliver-remote", stamp, syslog);
	clock_init();
	control_init(&control, dir, WANTED);
	if (control_load(&control, tell) == -1)
		log_die(EX_CONFIG, "%s", control.error);
	if (check) {
		settings_print(&control.set);
		return EX_OK;
	}
	proc_ignore_sigpipe();
	if (notes)
		notes_begin();
	if (dns_init() == -1)
		log_die_errno(EX_CONFIG, "cannot set up DNS");
	open_dirs(&control, &dirs);
	control_follow(&control);
	if (remote_confine_manager(&control) == -1)
		log_die_errno(EX_OSERR, "cannot confine myself");
	return manager_run(&control, &dirs);
}
