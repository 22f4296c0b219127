/*
 * queue: hands every message in the spool to the worker that can deliver it,
 * again and again until it is delivered or given up.  See posthouse-queue(8).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "control.h"
#include "ex.h"
#include "log.h"
#include "queue_plan.h"
#include "queue_super.h"

struct options {
	const char *dir;
	bool check, once, stamp, syslog, plan;
	uint64_t plan_seconds;
};

static void
usage(void)
{
	fprintf(stderr, "usage: queue [-1nty] [-C dir] [-f time | --for time]\n");
	exit(EX_USAGE);
}

static void
print_error(const char *error)
{
	fprintf(stderr, "queue: %s\n", error);
}

static void
options_parse(struct options *o, int argc, char *argv[])
{
	static const struct option longopts[] = {
		{ "for", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 }
	};
	int ch;

	memset(o, 0, sizeof(*o));
	while ((ch = getopt_long(argc, argv, "1C:f:nty", longopts, NULL)) != -1)
		switch (ch) {
		case '1':
			o->once = true;
			break;
		case 'C':
			o->dir = optarg;
			break;
		case 'f':
			o->plan = true;
			if (duration_parse(span_str(optarg),
			    &o->plan_seconds) == -1)
				usage();
			break;
		case 'n':
			o->check = true;
			break;
		case 't':
			o->stamp = true;
			break;
		case 'y':
			o->syslog = true;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
}

int
main(int argc, char *argv[])
{
	struct control c;
	struct options o;
	struct super su;

	options_parse(&o, argc, argv);
	clock_init();
	log_init("queue", o.stamp, o.syslog);
	control_init(&c, o.dir, CONTROL_HOSTNAME | CONTROL_DOMAINS |
	    CONTROL_USERS | CONTROL_ALIASES | CONTROL_RULES);
	if (control_load(&c, print_error) == -1)
		return EX_CONFIG;
	if (o.check) {
		settings_print(&c.set);
		return 0;
	}
	if (spool_make(&c.set) == -1) {
		fprintf(stderr, "queue: %s: %s; make this directory, or name "
		    "another (spool-directory)\n", c.set.spool,
		    strerror(errno));
		return EX_CONFIG;
	}
	if (o.plan)
		return plan_print(&c, (time_t)o.plan_seconds, stdout);
	setenv("POSTHOUSE", c.dir, 1);	/* for bounce */
	memset(&su, 0, sizeof(su));
	su.c = &c;
	su.once = o.once;
	su.stamp = o.stamp;
	su.syslog = o.syslog;
	return super_run(&su);
}
