/*
 * deliver-local: delivers messages of the spool into Maildirs, for queue.  See
 * posthouse-deliver-local(8).  Here are the options, the places and the
 * privileges; the work is the master's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "clock.h"
#include "local.h"
#include "log.h"
#include "options.h"
#include "proc.h"

static const char usage[] = "usage: deliver-local [-nty] [-C dir]\n";

static void
print_error(const char *error)
{
	fprintf(stderr, "deliver-local: %s\n", error);
}

int
main(int argc, char *argv[])
{
	struct options o;
	struct control c;
	int spool;

	options_parse(&o, argc, argv, "nty", usage, 0);
	clock_init();
	log_init("deliver-local", o.given['t'], o.given['y']);
	proc_ignore_sigpipe();
	umask(077);
	control_init(&c, o.dir, CONTROL_HOSTNAME | CONTROL_DOMAINS |
	    CONTROL_USERS | CONTROL_ALIASES);
	if (control_load(&c, print_error) == -1)
		return EX_CONFIG;
	if (o.given['n']) {
		settings_print(&c.set);
		return 0;
	}
	if (local_drop_powers(true) == -1)
		log_die_errno(EX_OSERR, "cannot give up privileges");
	spool = open(c.set.spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (spool == -1)
		log_die_errno(EX_CONFIG, "cannot open %s", c.set.spool);
	return master_run(&c, spool);
}
