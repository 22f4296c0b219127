/*
 * admin: the commands of posthouse(1) that need more than a shell.  Runs with
 * its caller's rights and gives none; trusts its caller and the control files'
 * owner, who are the administrator.
 */
#include "admin.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ex.h"

static const struct {
	const char *name;
	int (*run)(const char *dir, int argc, char *argv[]);
} commands[] = {
	{ "acl", admin_acl },
	{ "check", admin_check },
	{ "hash", admin_hash },
	{ "maildir", admin_maildir },
	{ "queue", admin_queue },
	{ "rcpt", admin_rcpt },
	{ "user", admin_user },
};

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: admin [-C dir] acl command ... | check | hash | "
	    "maildir command ... | queue verb | rcpt address | "
	    "user command ...\n");
	exit(EX_USAGE);
}

int
main(int argc, char *argv[])
{
	const char *dir = NULL;
	int ch, r;

	clock_init();
	while ((ch = getopt(argc, argv, "+C:")) != -1) {
		if (ch != 'C')
			usage();
		dir = optarg;
	}
	argc -= optind;
	argv += optind;
	optind = 0;			/* the command reads its own options */
	if (argc == 0)
		usage();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[0], commands[i].name) == 0) {
			r = commands[i].run(dir, argc, argv);
			return fflush(stdout) == 0 ? r : EX_IOERR;
		}
	usage();
}
