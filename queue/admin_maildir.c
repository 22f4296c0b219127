/*
 * posthouse maildir: check and repair look through a mailbox as its owner, and tell each finding on a line; who owns
 * what is looked at, and mended, before that, as root.  Trusts nothing in the mailbox.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "ex.h"
#include "folder.h"
#include "folder_check.h"
#include "sandbox.h"

enum action { CHECK, WOULD, REPAIR };

struct run {
	struct folder_check check;
	enum action action;
	char path[1024];
};

static int
usage(void)
{
	fprintf(stderr, "usage: posthouse maildir check address|directory\n"
	    "       posthouse maildir repair [-n] address|directory\n"
	    "       posthouse maildir import [-f folder] address source\n");
	return EX_USAGE;
}

/* Names are what people outside chose. */
static void
print_escaped(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			printf("\\x%02x", (unsigned char)*s);
		else
			putchar(*s);
}

static void
tell(void *arg, const struct folder_finding *f)
{
	static const char *const verbs[] = { "to mend it", "would", "mended" };
	const struct run *r = arg;

	print_escaped(f->file);
	if (f->line > 0)
		printf(":%u", f->line);
	printf(": ");
	print_escaped(f->what);
	printf("; %s: %s\n", f->by_hand ? "by hand" : verbs[r->action],
	    f->mend);
}

static int
failed(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return EX_IOERR;
}

static int
verdict(const struct folder_check *c, enum action action)
{
	if (c->failed) {
		fprintf(stderr, "not everything could be mended: run it as "
		    "root, or as the owner of the mailbox\n");
		return EX_IOERR;
	}
	return (action == REPAIR ? c->by_hand : c->findings) > 0 ?
	    EX_DATAERR : EX_OK;
}

/* In a process of its own. */
static int
as_owner(struct run *r)
{
	uint64_t caps = r->action == REPAIR ? 0 :
	    SANDBOX_CAP(CAP_DAC_READ_SEARCH);

	if (geteuid() == 0 && r->check.owner.uid != (uid_t)-1 &&
	    r->check.owner.uid != 0 &&
	    sandbox_become(&r->check.owner, caps) == -1)
		return failed("become the owner");
	if (folder_check(&r->check, r->path) == -1)
		return failed(r->path);
	if (fflush(stdout) != 0)
		return failed("standard output");
	return verdict(&r->check, r->action);
}

static int
run(struct run *r)
{
	int status;
	pid_t pid;

	r->check.tell = tell;
	r->check.arg = r;
	r->check.repair = r->action == REPAIR;
	if (folder_check_owner(&r->check, r->path) == -1) {
		(void)failed(r->path);
		return EX_NOINPUT;
	}
	(void)fflush(stdout);
	if ((pid = fork()) == -1)
		return failed("fork");
	if (pid == 0)
		_exit(as_owner(r));
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR;
}

/* An account's Maildir, owner and limits. */
static int
find_account(struct run *r, const char *dir, const char *address)
{
	static struct control control;
	struct account account;
	int code = EX_OK;

	control_init(&control, dir, CONTROL_USERS);
	if (control_load(&control, NULL) == -1) {
		fprintf(stderr, "%s\n", control.error);
		code = EX_CONFIG;
	} else if (account_find(&control, address, &account) == -1) {
		fprintf(stderr, "%s: there is no such user in %s/users\n",
		    address, control.dir);
		code = EX_NOUSER;
	} else {
		snprintf(r->path, sizeof(r->path), "%s", account.maildir);
		r->check.owner = account.owner;
		r->check.quota = account.quota;
		folder_setup(control.set.sync_directory);
	}
	control_free(&control);
	return code;
}

/* A directory belongs to whom it belongs. */
static int
find_directory(struct run *r, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1 ||
	    (S_ISDIR(st.st_mode) ? 0 : (errno = ENOTDIR)) != 0) {
		(void)failed(path);
		return EX_NOINPUT;
	}
	if ((size_t)snprintf(r->path, sizeof(r->path), "%s", path) >=
	    sizeof(r->path)) {
		errno = ENAMETOOLONG;
		(void)failed(path);
		return EX_USAGE;
	}
	r->check.owner = (struct ids){ st.st_uid, st.st_gid };
	return EX_OK;
}

int
admin_maildir(const char *dir, int argc, char *argv[])
{
	struct run r = { .action = CHECK };
	const char *what;
	int ch, code;

	if (argc < 2)
		return usage();
	argc--;
	argv++;
	if (strcmp(argv[0], "import") == 0)
		return admin_import(dir, argc, argv);
	if (strcmp(argv[0], "repair") == 0)
		r.action = REPAIR;
	else if (strcmp(argv[0], "check") != 0)
		return usage();
	optind = 0;
	while ((ch = getopt(argc, argv, r.action == REPAIR ? "+n" : "+")) !=
	    -1) {
		if (ch != 'n')
			return usage();
		r.action = WOULD;
	}
	if (argc - optind != 1)
		return usage();
	what = argv[optind];
	code = strchr(what, '@') != NULL && strchr(what, '/') == NULL ?
	    find_account(&r, dir, what) : find_directory(&r, what);
	return code == EX_OK ? run(&r) : code;
}
