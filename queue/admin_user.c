/*
 * posthouse user: makes, changes, removes and shows accounts.  Trusts its
 * caller, who can write the control directory.  Never deletes mail, and leaves
 * no account that can log in but has no place for its mail.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "admin_edit.h"
#include "ex.h"
#include "maildir.h"
#include "secret.h"

struct user {
	struct control control;
	char address[ADDR_MAX + 8];	/* canonical, lower case */
	const char *maildir, *owner, *quota;
	bool no_password;
	int lock;
};

static int
usage(void)
{
	fprintf(stderr, "usage: posthouse user add [-n] [-m maildir] [-o owner] "
	    "[-q quota] address\n"
	    "       posthouse user passwd | delete | show address\n"
	    "       posthouse user list\n");
	return EX_USAGE;
}

/* The address in the form in which it is looked up. */
static int
take_address(struct user *u, const char *arg)
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

static bool
exists(const struct user *u)
{
	return table_find(&u->control.users, span_str(u->address), NULL, NULL);
}

static int
unknown(const struct user *u)
{
	fprintf(stderr, "%s: there is no such user in %s/users\n", u->address,
	    u->control.dir);
	return EX_NOUSER;
}

/* Stores the hash of a new secret; the secret itself is nowhere kept. */
static int
set_password(struct user *u)
{
	char secret[ADMIN_SECRET_MAX];
	struct buf line;
	int r;

	if (secret_read(secret) == -1)
		return EX_DATAERR;
	buf_init(&line, CONTROL_LINE_MAX);
	buf_addf(&line, "%s:", u->address);
	r = secret_make(SECRET_SCRAM, span_str(secret), false, NULL, &line);
	explicit_bzero(secret, sizeof(secret));
	if (r == -1) {
		fprintf(stderr, "cannot make a hash: %s\n", strerror(errno));
		buf_wipe(&line);
		return EX_OSERR;
	}
	r = edit_line(&u->control, "passwords", span_str(u->address),
	    buf_cstr(&line), 0600);
	buf_wipe(&line);
	return r == 0 ? EX_OK : EX_IOERR;
}

/* The new line goes through the same checks as one written by hand. */
static int
check_line(struct user *u, const char *line, struct account *a)
{
	static const struct table_format format = { ':', false, true,
	    account_check };
	struct control *c = &u->control;
	struct table t = { 0 };
	struct buf text;
	int r;

	buf_init(&text, CONTROL_LINE_MAX);
	buf_adds(&text, line);
	r = table_build(&t, c, "users", &text, &format);
	if (r == 0 && c->nerrors == 0) {
		table_free(&c->users);
		c->users = t;
		return account_find(c, u->address, a) == 0 ? EX_OK : EX_DATAERR;
	}
	table_free(&t);
	fprintf(stderr, "%s\n", c->error);
	return EX_DATAERR;
}

static int
add_options(struct user *u, int argc, char *argv[])
{
	int ch;

	optind = 0;
	while ((ch = getopt(argc, argv, "+m:no:q:")) != -1)
		switch (ch) {
		case 'm':
			u->maildir = optarg;
			break;
		case 'n':
			u->no_password = true;
			break;
		case 'o':
			u->owner = optarg;
			break;
		case 'q':
			u->quota = optarg;
			break;
		default:
			return usage();
		}
	return argc - optind == 1 ? take_address(u, argv[optind]) : usage();
}

/* Mailbox, password, and last the line that makes the account live. */
static int
user_add(struct user *u, int argc, char *argv[])
{
	struct account a;
	char line[CONTROL_LINE_MAX];
	int r;

	if ((r = add_options(u, argc, argv)) != EX_OK)
		return r;
	if (exists(u)) {
		fprintf(stderr, "%s: the user exists already\n", u->address);
		return EX_CANTCREAT;
	}
	if (!control_is_local(&u->control, strrchr(u->address, '@') + 1)) {
		fprintf(stderr, "%s: the domain is not in %s/domains; add it "
		    "there first\n", u->address, u->control.dir);
		return EX_DATAERR;
	}
	if ((size_t)snprintf(line, sizeof(line), "%s:%s:%s:%s:", u->address,
	    u->maildir ? u->maildir : "", u->owner ? u->owner : "",
	    u->quota ? u->quota : "") >= sizeof(line))
		return usage();
	if ((r = check_line(u, line, &a)) != EX_OK)
		return r;
	if (maildir_make(a.maildir, &a.owner) == -1) {
		fprintf(stderr, "%s: cannot make the Maildir: %s\n", a.maildir,
		    strerror(errno));
		return EX_CANTCREAT;
	}
	if (!u->no_password && (r = set_password(u)) != EX_OK)
		return r;
	return edit_line(&u->control, "users", span_str(u->address), line,
	    0644) == 0 ? EX_OK : EX_IOERR;
}

static int
user_passwd(struct user *u, int argc, char *argv[])
{
	int r;

	if (argc != 2)
		return usage();
	if ((r = take_address(u, argv[1])) != EX_OK)
		return r;
	return exists(u) ? set_password(u) : unknown(u);
}

/* The password goes first: at no moment can one log in without a mailbox. */
static int
user_delete(struct user *u, int argc, char *argv[])
{
	struct account a;
	int r;

	if (argc != 2)
		return usage();
	if ((r = take_address(u, argv[1])) != EX_OK)
		return r;
	if (!exists(u))
		return unknown(u);
	r = account_find(&u->control, u->address, &a);
	if (edit_line(&u->control, "passwords", span_str(u->address), NULL,
	    0600) == -1 || edit_line(&u->control, "users",
	    span_str(u->address), NULL, 0644) == -1)
		return EX_IOERR;
	if (r == 0 && access(a.maildir, F_OK) == 0)
		printf("the mail stays in %s\n", a.maildir);
	return EX_OK;
}

/* In the order of the file. */
static int
user_list(struct user *u, int argc, char *argv[])
{
	struct control_lines l;
	struct span line;

	(void)argv;
	if (argc != 1)
		return usage();
	control_lines_init(&l, &u->control, "users",
	    buf_span(&u->control.users.text));
	while (control_lines_next(&l, &line)) {
		struct span key;
		struct cur c;

		cur_init(&c, line);
		key = table_key(&u->control.users, &c);
		printf("%.*s\n", (int)key.len, (const char *)key.p);
	}
	return EX_OK;
}

static int
user_show(struct user *u, int argc, char *argv[])
{
	struct account a;
	struct span value;
	size_t at = 0, n = 0;
	unsigned line;
	int r;

	if (argc != 2)
		return usage();
	if ((r = take_address(u, argv[1])) != EX_OK)
		return r;
	if (account_find(&u->control, u->address, &a) == -1)
		return unknown(u);
	(void)table_find(&u->control.users, span_str(u->address), &value, &line);
	while (table_next(&u->control.passwords, span_str(u->address), &at,
	    NULL, NULL))
		n++;
	printf("address %s\nfile %s/users:%u\nmaildir %s\n", a.address,
	    u->control.dir, line, a.maildir);
	if (a.owner.uid != (uid_t)-1)
		printf("owner %lu.%lu\n", (unsigned long)a.owner.uid,
		    (unsigned long)a.owner.gid);
	if (quota_is_set(&a.quota))
		printf("quota %llu bytes, %llu messages\n",
		    (unsigned long long)a.quota.bytes,
		    (unsigned long long)a.quota.messages);
	printf("passwords %zu\n", n);
	return EX_OK;
}

static const struct {
	const char *name;
	int (*run)(struct user *, int argc, char *argv[]);
	bool edits;
} verbs[] = {
	{ "add", user_add, true },
	{ "passwd", user_passwd, true },
	{ "delete", user_delete, true },
	{ "list", user_list, false },
	{ "show", user_show, false },
};

/* The files are loaded under the lock, so that what is checked is what is edited. */
static int
run(size_t verb, const char *dir, int argc, char *argv[])
{
	static struct user u;
	unsigned want = CONTROL_DOMAINS | CONTROL_USERS;
	int r;

	u.lock = -1;
	if (verbs[verb].run != user_list)
		want |= CONTROL_PASSWORDS;
	control_init(&u.control, dir, want);
	if (verbs[verb].edits) {
		if (control_open(&u.control) == -1) {
			fprintf(stderr, "%s\n", u.control.error);
			return EX_CONFIG;
		}
		if ((u.lock = edit_lock(&u.control)) == -1)
			return EX_CANTCREAT;
	}
	if (control_load(&u.control, NULL) == -1) {
		fprintf(stderr, "%s\n", u.control.error);
		return EX_CONFIG;
	}
	r = verbs[verb].run(&u, argc, argv);
	if (u.lock != -1)
		close(u.lock);
	control_free(&u.control);
	return r;
}

int
admin_user(const char *dir, int argc, char *argv[])
{
	if (argc < 2)
		return usage();
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run(i, dir, argc - 1, argv + 1);
	return usage();
}
