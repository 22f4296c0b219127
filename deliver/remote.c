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
#include "options.h"
#include "proc.h"
#include "remote_note.h"

#define WANTED	(CONTROL_HOSTNAME | CONTROL_ROUTES)

static const char usage[] =
    "usage: deliver-remote [-nsty] [-C controldir]\n";

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
	struct options o;
	struct dirs dirs;

	options_parse(&o, argc, argv, "nsty", usage, 0);
	log_init("deliver-remote", o.given['t'], o.given['y']);
	clock_init();
	control_init(&control, o.dir, WANTED);
	if (control_load(&control, tell) == -1)
		log_die(EX_CONFIG, "%s", control.error);
	if (o.given['n']) {
		settings_print(&control.set);
		return EX_OK;
	}
	proc_ignore_sigpipe();
	if (o.given['s'])
		notes_begin();
	if (dns_init() == -1)
		log_die_errno(EX_CONFIG, "cannot set up DNS");
	open_dirs(&control, &dirs);
	control_watch(&control, REMOTE_RESOLV_CONF);
	control_follow(&control);
	if (remote_confine_manager(&control) == -1)
		log_die_errno(EX_OSERR, "cannot confine myself");
	return manager_run(&control, &dirs);
}
