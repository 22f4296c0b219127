/*
 * deliver-local: delivers messages of the spool into Maildirs, for queue.  See
 * posthouse-deliver-local(8).
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "local.h"
#include "log.h"
#include "proc.h"

#define RETRY_MS	1000	/* between looks at control files that are broken */

static void
usage(void)
{
	fprintf(stderr, "usage: deliver-local [-nty] [-C dir]\n");
	exit(EX_USAGE);
}

static void
print_error(const char *error)
{
	fprintf(stderr, "deliver-local: %s\n", error);
}

static int
open_below(int at, const char *name)
{
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		log_die_errno(EX_CONFIG, "cannot open %s in the spool", name);
	return fd;
}

/* Made with the rest of the spool, by queue; by hand this program may run without. */
static int
open_full(int spool)
{
	return openat(spool, "full",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A file without a name, for what one worker leaves to the next. */
static int
open_rest(int spool)
{
	char name[64], random[17];
	int fd;

	random_hex64(random);
	snprintf(name, sizeof(name), "tmp/deliver-local.%s", random);
	fd = openat(spool, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1 || unlinkat(spool, name, 0) == -1)
		log_die_errno(EX_IOERR, "cannot make a file in the spool");
	return fd;
}

static int
run_worker(struct worker *w)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == -1)
		return EX_OSERR;
	if (pid == 0) {
		log_forked();
		control_follow(w->c);
		if (local_confine(w->c) == -1)
			log_die_errno(EX_OSERR, "cannot enter the sandbox");
		_exit(worker_run(w));
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

/* The master: the last to see a broken file mended; until then jobs wait. */
static int
serve(struct worker *w)
{
	int r, said = 0;

	while ((r = run_worker(w)) == LOCAL_EXIT_RELOAD)
		while (control_load(w->c, NULL) == -1) {
			if (!said++)
				log_warn("nothing is delivered until this is "
				    "mended: %s", w->c->error);
			poll(NULL, 0, RETRY_MS);
		}
	return r;
}

int
main(int argc, char *argv[])
{
	bool check = false, stamp = false, syslog = false;
	const char *dir = NULL;
	struct control c;
	struct worker w;
	int ch, spool;

	while ((ch = getopt(argc, argv, "C:nty")) != -1)
		switch (ch) {
		case 'C':
			dir = optarg;
			break;
		case 'n':
			check = true;
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
	clock_init();
	log_init("deliver-local", stamp, syslog);
	proc_ignore_sigpipe();
	umask(077);
	control_init(&c, dir, CONTROL_HOSTNAME | CONTROL_DOMAINS |
	    CONTROL_USERS | CONTROL_ALIASES);
	if (control_load(&c, print_error) == -1)
		return EX_CONFIG;
	if (check) {
		settings_print(&c.set);
		return 0;
	}
	if (local_drop_powers() == -1)
		log_die_errno(EX_OSERR, "cannot give up privileges");
	spool = open(c.set.spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (spool == -1)
		log_die_errno(EX_CONFIG, "cannot open %s", c.set.spool);
	w = (struct worker){ &c, open_below(spool, "new"),
	    open_below(spool, "cur"), open_full(spool), open_rest(spool) };
	close(spool);
	return serve(&w);
}
