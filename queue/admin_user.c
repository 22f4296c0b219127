/*
 * posthouse user: makes, changes, removes and shows accounts.  Trusts its
 * caller, who can write the control directory.  Leaves no account that can log in
 * but has no place for its mail, and removes mail only where it is told to.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "admin_edit.h"
#include "admin_user.h"
#include "ex.h"

int
user_usage(void)
{
	fprintf(stderr, "usage: posthouse user add [-n] [-c clients] "
	    "[-m maildir] [-o owner] [-p protocols]\n"
	    "                      [-q quota] address\n"
	    "       posthouse user passwd address\n"
	    "       posthouse user app-password [-i] [-e day] [-p protocols] "
	    "address label\n"
	    "       posthouse user app-password -d address label\n"
	    "       posthouse user disable address [reason]\n"
	    "       posthouse user enable address\n"
	    "       posthouse user delete [-fk] [--purge] address\n"
	    "       posthouse user list [-l]\n"
	    "       posthouse user show address\n");
	return EX_USAGE;
}

int
user_address(struct user *u, const char *arg)
{
	struct addr a;

	if (parse_mailbox(span_str(arg), true, &a) != ADDR_OK || a.literal) {
		fprintf(stderr, "%s: this is not an address; write one like "
		    "alice@example.org\n", arg);
		return EX_USAGE;
	}
	for (size_t i = 0; i <= strlen(a.text); i++)
		u->address[i] = (char)ascii_lower((unsigned char)a.text[i]);
	return EX_OK;
}

int
user_find(struct user *u, const char *arg, struct account *a)
{
	int r = user_address(u, arg);

	if (r != EX_OK || account_find(&u->control, u->address, a) == 0)
		return r;
	fprintf(stderr, "%s: there is no such user in %s/users\n", u->address,
	    u->control.dir);
	return EX_NOUSER;
}

/* The new line goes through the same checks as one written by hand. */
static int
check_line(struct user *u, const char *line, struct account *a)
{
	static const struct table_format format = { ':', false, true,
	    account_check };
	struct control *c = &u->control;
	struct table one = { 0 }, all;
	struct buf text;
	int r;

	buf_init(&text, CONTROL_LINE_MAX);
	buf_adds(&text, line);
	r = table_build(&one, c, "users", &text, &format);
	if (r == -1 || c->nerrors > 0) {
		fprintf(stderr, "%s\n", c->error);
		table_free(&one);
		return EX_DATAERR;
	}
	all = c->users;
	c->users = one;
	r = account_find(c, u->address, a) == 0 ? EX_OK : EX_DATAERR;
	c->users = all;
	memset(&a->line, 0, sizeof(a->line));	/* what it points into goes */
	table_free(&one);
	return r;
}

struct new_user {
	struct user_line line;
	bool no_password;
};

static int
add_options(struct user *u, struct new_user *new, int argc, char *argv[])
{
	struct user_line *l = &new->line;
	int ch;

	l->protocols = FOR_ALL;
	optind = 0;
	while ((ch = getopt(argc, argv, "+c:m:no:p:q:")) != -1)
		switch (ch) {
		case 'c':
			l->clients = span_str(optarg);
			break;
		case 'm':
			l->maildir = span_str(optarg);
			break;
		case 'n':
			new->no_password = true;
			break;
		case 'o':
			l->owner = span_str(optarg);
			break;
		case 'p':
			if (protocols_parse(span_str(optarg), &l->protocols) ==
			    0)
				break;
			fprintf(stderr, "-p %s: write some of imap, pop3 and "
			    "smtp, with commas between\n", optarg);
			return EX_USAGE;
		case 'q':
			l->quota = span_str(optarg);
			break;
		default:
			return user_usage();
		}
	return argc - optind == 1 ? user_address(u, argv[optind]) :
	    user_usage();
}

static int
check_new(const struct user *u)
{
	const struct control *c = &u->control;

	if (table_find(&c->users, span_str(u->address), NULL, NULL)) {
		fprintf(stderr, "%s: the user exists already\n", u->address);
		return EX_CANTCREAT;
	}
	if (control_is_local(c, strrchr(u->address, '@') + 1))
		return EX_OK;
	fprintf(stderr, "%s: the domain is not in %s/domains; add it there "
	    "first\n", u->address, c->dir);
	return EX_DATAERR;
}

/* The text of a line of users; the caller frees line. */
static int
print_line(const struct user_line *l, struct buf *line)
{
	buf_init(line, CONTROL_LINE_MAX);
	if (user_line_print(line, l) == 0 && buf_cstr(line) != NULL)
		return EX_OK;
	fprintf(stderr, "a value is too long, or holds a colon, a semicolon or "
	    "a control character where none may be; write it without\n");
	return EX_DATAERR;
}

/* Mailbox, password, and last the line that makes the account live. */
static int
add_account(struct user *u, const struct new_user *new, const char *line)
{
	struct account a;
	int r;

	if ((r = check_line(u, line, &a)) != EX_OK)
		return r;
	if (!new->no_password && !u->asked)
		return USER_ASK;
	if (mailbox_make(&a) == -1)
		return EX_CANTCREAT;
	if (!new->no_password && (r = user_set_password(u)) != EX_OK)
		return r;
	return edit_line(&u->control, "users", span_str(u->address), line,
	    0644) == 0 ? EX_OK : EX_IOERR;
}

static int
user_add(struct user *u, int argc, char *argv[])
{
	struct new_user new = { .no_password = false };
	struct buf line;
	int r;

	if ((r = add_options(u, &new, argc, argv)) != EX_OK ||
	    (r = check_new(u)) != EX_OK)
		return r;
	new.line.address = span_str(u->address);
	if ((r = print_line(&new.line, &line)) == EX_OK)
		r = add_account(u, &new, buf_cstr(&line));
	buf_free(&line);
	return r;
}

/* Changes the account's line to what l says. */
static int
change_line(struct user *u, const struct user_line *l)
{
	struct account a;
	struct buf line;
	int r;

	if ((r = print_line(l, &line)) == EX_OK &&
	    (r = check_line(u, buf_cstr(&line), &a)) == EX_OK)
		r = edit_line(&u->control, "users", span_str(u->address),
		    buf_cstr(&line), 0644) == 0 ? EX_OK : EX_IOERR;
	buf_free(&line);
	return r;
}

static int
user_disable(struct user *u, int argc, char *argv[])
{
	struct account a;
	int r;

	if (argc < 2 || argc > 3)
		return user_usage();
	if ((r = user_find(u, argv[1], &a)) != EX_OK)
		return r;
	a.line.disabled = true;
	a.line.reason = span_str(argc == 3 ? argv[2] : "");
	return change_line(u, &a.line);
}

static int
user_enable(struct user *u, int argc, char *argv[])
{
	struct account a;
	int r;

	if (argc != 2)
		return user_usage();
	if ((r = user_find(u, argv[1], &a)) != EX_OK)
		return r;
	a.line.disabled = false;
	return change_line(u, &a.line);
}

struct deletion {
	bool force;			/* without asking */
	bool keep;			/* the mail stays where it is */
	bool purge;
};

static int
delete_options(struct deletion *d, int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "purge", no_argument, NULL, 'P' }, { NULL, 0, NULL, 0 }
	};
	int ch;

	optind = 0;
	while ((ch = getopt_long(argc, argv, "+fk", longs, NULL)) != -1)
		switch (ch) {
		case 'f':
			d->force = true;
			break;
		case 'k':
			d->keep = true;
			break;
		case 'P':
			d->purge = true;
			break;
		default:
			return user_usage();
		}
	return argc - optind == 1 && !(d->keep && d->purge) ? EX_OK :
	    user_usage();
}

/* Another account that has the same Maildir, or NULL. */
static const char *
shared_with(const struct user *u, const struct account *a)
{
	static struct account other;
	char address[ADDR_MAX + 1];
	struct span key, value;
	unsigned line;

	for (size_t i = 0; i < u->control.users.nslots; i++) {
		table_at(&u->control.users, i, &key, &value, &line);
		if (span_iseq(key, span_str(a->address)) ||
		    span_cstr(key, address, sizeof(address)) == -1)
			continue;
		if (account_find(&u->control, address, &other) == 0 &&
		    strcmp(other.maildir, a->maildir) == 0)
			return other.address;
	}
	return NULL;
}

static bool
confirmed(const struct account *a, const struct deletion *d)
{
	char line[16];

	if (d->force || !isatty(STDIN_FILENO))
		return true;
	fprintf(stderr, "%s: the account goes, and its mail in %s %s.\n"
	    "Type yes to go on: ", a->address, a->maildir,
	    d->purge ? "is removed for good" : d->keep ? "stays there" :
	    "is put aside");
	if (fgets(line, sizeof(line), stdin) != NULL &&
	    strcmp(line, "yes\n") == 0)
		return true;
	fprintf(stderr, "nothing was changed\n");
	return false;
}

/* The next user of that name must not find this one's mail. */
static int
delete_mail(const struct account *a, const struct deletion *d,
    const char *shared)
{
	char aside[1024];
	int r;

	if (shared != NULL) {
		printf("the mail stays in %s, which %s has too\n", a->maildir,
		    shared);
		return EX_OK;
	}
	if (d->keep) {
		if (access(a->maildir, F_OK) == 0)
			printf("the mail stays in %s\n", a->maildir);
		return EX_OK;
	}
	if ((r = mailbox_aside(a->maildir, aside, sizeof(aside))) != 1)
		return r == 0 ? EX_OK : EX_IOERR;
	if (d->purge)
		return mailbox_purge(aside) == 0 ? EX_OK : EX_IOERR;
	printf("the mail is in %s\n", aside);
	return EX_OK;
}

/* The password goes first: at no moment can one log in without a mailbox. */
static int
user_delete(struct user *u, int argc, char *argv[])
{
	struct deletion d = { .force = false };
	const char *shared;
	struct account a;
	int r;

	if ((r = delete_options(&d, argc, argv)) != EX_OK ||
	    (r = user_find(u, argv[optind], &a)) != EX_OK)
		return r;
	shared = d.keep ? NULL : shared_with(u, &a);
	if (!confirmed(&a, &d))
		return EX_NOPERM;
	if (edit_line(&u->control, "passwords", span_str(u->address), NULL,
	    0600) == -1 || edit_line(&u->control, "users",
	    span_str(u->address), NULL, 0644) == -1)
		return EX_IOERR;
	return delete_mail(&a, &d, shared);
}

static const struct {
	const char *name;
	int (*run)(struct user *, int argc, char *argv[]);
	bool edits;
} verbs[] = {
	{ "add", user_add, true },
	{ "passwd", user_passwd, true },
	{ "app-password", user_app_password, true },
	{ "disable", user_disable, true },
	{ "enable", user_enable, true },
	{ "delete", user_delete, true },
	{ "list", user_list, false },
	{ "show", user_show, false },
};

static int
load_and_run(struct user *u, size_t verb, int argc, char *argv[])
{
	if (verbs[verb].edits) {
		if (control_open(&u->control) == -1) {
			fprintf(stderr, "%s\n", u->control.error);
			return EX_CONFIG;
		}
		if ((u->lock = edit_lock(&u->control)) == -1)
			return EX_CANTCREAT;
	}
	if (control_load(&u->control, NULL) == -1) {
		fprintf(stderr, "%s\n", u->control.error);
		return EX_CONFIG;
	}
	return verbs[verb].run(u, argc, argv);
}

/* All but list are about an address: without any argument that is no option, no file is looked
 * at. */
static bool
names_nobody(size_t verb, int argc, char *argv[])
{
	if (verbs[verb].run == user_list)
		return false;
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			return false;
	return true;
}

/* The files are loaded under the lock, so that what is checked is what is edited. */
static int
run_once(struct user *u, size_t verb, const char *dir, int argc, char *argv[])
{
	unsigned want = CONTROL_DOMAINS | CONTROL_USERS;
	int r;

	u->lock = -1;
	if (verbs[verb].run != user_list)
		want |= CONTROL_PASSWORDS | CONTROL_LAZY;
	control_init(&u->control, dir, want);
	r = load_and_run(u, verb, argc, argv);
	if (u->lock != -1)
		close(u->lock);
	control_free(&u->control);
	return r;
}

static int
run(size_t verb, const char *dir, int argc, char *argv[])
{
	static struct user u;
	int r = run_once(&u, verb, dir, argc, argv);

	if (r == USER_ASK) {
		if (secret_read(u.secret) == -1)
			return EX_DATAERR;
		u.asked = true;
		r = run_once(&u, verb, dir, argc, argv);
	}
	buf_zero(u.secret, sizeof(u.secret));
	return r;
}

int
admin_user(const char *dir, int argc, char *argv[])
{
	if (argc < 2)
		return user_usage();
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 &&
		    !names_nobody(i, argc - 1, argv + 1))
			return run(i, dir, argc - 1, argv + 1);
	return user_usage();
}
