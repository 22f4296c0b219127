/*
 * posthouse acl: shared folders and the rights on them.  Works as the owner of the folders, so that what accounts
 * have put there leads nowhere; reads the control files before that.
 */
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "acl.h"
#include "admin.h"
#include "ex.h"
#include "folder.h"
#include "maildir.h"
#include "sandbox.h"

#define NAME_SIZE	256

struct acl_run {
	struct control control;
	char shared[SHARE_PATH_MAX];
	const char *root, *owner;	/* of the tree; SHARE_TREE or the address */
	struct account account;		/* whose tree it is, if not the shared one */
	char name[NAME_SIZE];		/* in it: "A.B" */
	struct buf identifier;
	bool negative;
	unsigned char mode;		/* '+', '-' or '=' */
	unsigned rights, found, added;
	int failed;
};

static int
usage(void)
{
	fprintf(stderr, "usage: posthouse acl create folder\n"
	    "       posthouse acl set folder identifier rights\n"
	    "       posthouse acl list [folder]\n"
	    "       posthouse acl index\n");
	return EX_USAGE;
}

static int
failed(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return errno == EEXIST ? EX_CANTCREAT : EX_IOERR;
}

/* The list that cannot be understood. */
static int
broken(const char *dir, const char *why, unsigned line)
{
	if (errno != EBADMSG)
		return failed(dir);
	fprintf(stderr, "%s/" ACL_FILE ":%u: %s; until then nobody has any "
	    "right there\n", dir, line, why);
	return EX_DATAERR;
}

/* The list of one folder, which the caller frees in any case.  An exit code; what is wrong is
 * said. */
static int
load_list(const char *root, const char *name, struct acl *acl)
{
	const char *why = "";
	unsigned line = 0;
	char dir[1024];

	acl_init(acl);
	if (folder_path(root, name, dir, sizeof(dir)) == -1)
		return failed(name);
	return acl_load(dir, acl, NULL, &why, &line) == -1 ?
	    broken(dir, why, line) : EX_OK;
}

/* "Shared/A/B" or "user/ADDRESS/A/B". */
static int
find_folder(struct acl_run *r, const char *folder)
{
	char address[ADDR_MAX + 1];
	struct span rest;
	struct cur c;

	cur_init(&c, span_str(folder));
	r->root = r->shared;
	r->owner = SHARE_TREE;
	if (cur_word(&c, "user/")) {
		if (span_cstr(cur_until(&c, '/'), address, sizeof(address)) ==
		    -1 || account_find(&r->control, address, &r->account) ==
		    -1) {
			fprintf(stderr, "%s: there is no such user in "
			    "%s/users\n", folder, r->control.dir);
			return EX_NOUSER;
		}
		r->root = r->account.maildir;
		r->owner = r->account.address;
		(void)cur_ch(&c, '/');
	} else if (!cur_word(&c, "Shared/")) {
		fprintf(stderr, "%s: a folder is Shared/NAME or "
		    "user/ADDRESS/NAME\n", folder);
		return EX_USAGE;
	}
	rest = cur_rest(&c);
	if (rest.len == 0 || span_haschr(rest, '.') ||
	    span_cstr(rest, r->name, sizeof(r->name)) == -1) {
		fprintf(stderr, "%s: the name of a folder must follow, without "
		    "dots and as it is on disk\n", folder);
		return EX_USAGE;
	}
	for (char *p = r->name; *p != '\0'; p++)
		if (*p == '/')
			*p = '.';
	return EX_OK;
}

static void
print_list(const struct acl_run *r, const char *name, const struct acl *acl)
{
	struct buf text;
	struct cur c;

	buf_init(&text, 1 << 20);
	acl_print(acl, &text);
	cur_init(&c, buf_span(&text));
	do {
		struct span line = cur_until(&c, '\n');

		if (strcmp(r->owner, SHARE_TREE) == 0)
			printf("Shared/");
		else
			printf("user/%s/", r->owner);
		for (const char *p = name; *p != '\0'; p++)
			putchar(*p == '.' ? '/' : *p);
		printf("\t%.*s\n", (int)line.len, (const char *)line.p);
		(void)cur_ch(&c, '\n');
	} while (!cur_end(&c));
	buf_free(&text);
}

/* One folder of the tree, for list. */
static int
list_one(void *arg, const char *name)
{
	struct acl_run *r = arg;
	struct acl acl;
	int code;

	if (r->name[0] != '\0' && strcmp(name, r->name) != 0)
		return 0;
	if ((code = load_list(r->root, name, &acl)) != EX_OK) {
		r->failed = code;
	} else {
		r->found++;
		print_list(r, name, &acl);
	}
	acl_free(&acl);
	return 0;
}

static int
run_list(struct acl_run *r)
{
	if (folder_list(r->root, list_one, r) == -1)
		return failed(r->root);
	if (r->name[0] != '\0' && r->found == 0 && r->failed == 0) {
		errno = ENOENT;
		return failed(r->name);
	}
	return r->failed;
}

static int
run_create(struct acl_run *r)
{
	return folder_create(r->root, r->name) == -1 ? failed(r->name) : EX_OK;
}

static int
change(void *arg, struct acl *acl)
{
	struct acl_run *r = arg;
	const struct acl_entry *e = acl_find(acl, buf_span(&r->identifier),
	    r->negative);
	unsigned rights = e == NULL ? 0 : e->rights;

	rights = r->mode == '+' ? rights | r->rights :
	    r->mode == '-' ? rights & ~r->rights : r->rights;
	return acl_set(acl, buf_span(&r->identifier), r->negative, rights);
}

static int
run_set(struct acl_run *r)
{
	char dir[1024];
	struct acl acl;
	int code;

	if (folder_path(r->root, r->name, dir, sizeof(dir)) == -1)
		return failed(r->name);
	if (!r->negative && r->rights != 0 && r->mode != '-' &&
	    share_note(r->shared, buf_span(&r->identifier), r->owner,
	    r->name) == -1)
		return failed(r->shared);
	if (acl_change(dir, change, r) == 0)
		return EX_OK;
	if (errno != EBADMSG)
		return failed(dir);
	code = load_list(r->root, r->name, &acl);	/* says why */
	acl_free(&acl);
	return code == EX_OK ? failed(dir) : code;
}

struct lookup {
	const char *owner, *name;
	bool found;
};

static void
compare(void *arg, const char *owner, const char *name)
{
	struct lookup *l = arg;

	l->found = l->found || (strcmp(owner, l->owner) == 0 &&
	    strcmp(name, l->name) == 0);
}

/* What the index lacks about one folder: told to each, which returns -1 to
 * stop. */
static int
missing(const struct acl_run *r, const struct acl *acl, const char *name,
    int (*each)(struct acl_run *, struct span, const char *),
    struct acl_run *arg)
{
	char identifier[ADDR_MAX + 1];

	for (size_t i = 0; i < acl->n; i++) {
		struct lookup l = { r->owner, name, false };

		if (acl->e[i].negative || span_cstr(acl_identifier(acl,
		    &acl->e[i]), identifier, sizeof(identifier)) == -1)
			continue;
		(void)share_each(r->shared, identifier, compare, &l);
		if (!l.found && each(arg, span_str(identifier), name) == -1)
			return -1;
	}
	return 0;
}

static int
note(struct acl_run *r, struct span identifier, const char *name)
{
	r->added++;
	return share_note(r->shared, identifier, r->owner, name);
}

static int
index_one(void *arg, const char *name)
{
	struct acl_run *r = arg;
	struct acl acl;
	int code = load_list(r->root, name, &acl);

	if (code != EX_OK)
		r->failed = code;
	else if (missing(r, &acl, name, note, r) == -1)
		r->failed = failed(r->shared);
	acl_free(&acl);
	return 0;
}

/* All accounts that are of the same owner, and the shared tree. */
static int
run_index(struct acl_run *r)
{
	char address[ADDR_MAX + 1];
	struct span key, value;
	unsigned line;

	if (folder_list(r->root, index_one, r) == -1)
		return failed(r->root);
	for (size_t i = 0; i < r->control.users.nslots; i++) {
		table_at(&r->control.users, i, &key, &value, &line);
		if (span_cstr(key, address, sizeof(address)) == -1 ||
		    account_find(&r->control, address, &r->account) == -1 ||
		    r->account.owner.uid != r->control.set.mail_user.uid)
			continue;
		r->root = r->account.maildir;
		r->owner = r->account.address;
		if (folder_list(r->root, index_one, r) == -1 && errno != ENOENT)
			r->failed = failed(r->root);
	}
	printf("%u lines added\n", r->added);
	return r->failed;
}

static int
as_owner(struct acl_run *r, int (*run)(struct acl_run *))
{
	const struct ids *ids = &r->control.set.mail_user;
	int status;
	pid_t pid;

	if (strcmp(r->owner, SHARE_TREE) != 0)
		ids = &r->account.owner;
	if (share_make(r->shared, &r->control.set.mail_user) == -1)
		return failed(r->shared);
	(void)fflush(stdout);
	if ((pid = fork()) == -1)
		return failed("fork");
	if (pid == 0) {
		if (geteuid() == 0 && sandbox_become(ids, 0) == -1)
			_exit(failed("become the owner"));
		status = run(r);
		_exit(fflush(stdout) == 0 ? status : EX_IOERR);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR;
}

static int
parse_set(struct acl_run *r, const char *identifier, const char *rights)
{
	r->mode = '=';
	if (*rights == '+' || *rights == '-')
		r->mode = (unsigned char)*rights++;
	buf_init(&r->identifier, ADDR_MAX);
	if (acl_identifier_parse(span_str(identifier), &r->identifier,
	    &r->negative) == -1) {
		fprintf(stderr, "%s: this is no identifier; write an address or "
		    "anyone, with - before it to take rights away\n",
		    identifier);
		return EX_USAGE;
	}
	if (acl_rights_parse(span_str(rights), &r->rights) == -1) {
		fprintf(stderr, "%s: write some of the rights lrswipkxtea, with "
		    "+ or - before them to add or take\n", rights);
		return EX_USAGE;
	}
	return EX_OK;
}

static const struct command {
	const char *name;
	int (*run)(struct acl_run *);
	int min, max;			/* arguments */
} commands[] = {
	{ "create", run_create, 1, 1 },
	{ "index", run_index, 0, 0 },
	{ "list", run_list, 0, 1 },
	{ "set", run_set, 3, 3 },
};

static const struct command *
find_command(int argc, char *argv[])
{
	for (size_t i = 0; argc > 1 &&
	    i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0 &&
		    argc - 2 >= commands[i].min && argc - 2 <= commands[i].max)
			return &commands[i];
	return NULL;
}

static int
run_command(struct acl_run *r, const struct command *c, char *argv[])
{
	int code = EX_OK;

	r->root = r->shared;
	r->owner = SHARE_TREE;
	if (argv[0] != NULL)
		code = find_folder(r, argv[0]);
	if (code == EX_OK && c->run == run_set)
		code = parse_set(r, argv[1], argv[2]);
	if (code == EX_OK)
		code = as_owner(r, c->run);
	buf_free(&r->identifier);
	return code;
}

int
admin_acl(const char *dir, int argc, char *argv[])
{
	const struct command *c = find_command(argc, argv);
	static struct acl_run r;
	int code;

	if (c == NULL)
		return usage();
	control_init(&r.control, dir, CONTROL_USERS);
	if (control_load(&r.control, NULL) == -1) {
		fprintf(stderr, "%s\n", r.control.error);
		code = EX_CONFIG;
	} else {
		share_path(&r.control.set, r.shared);
		folder_setup(r.control.set.sync_directory);
		if (r.shared[0] != '\0') {
			code = run_command(&r, c, argv + 2);
		} else {
			fprintf(stderr, "%s/settings: nothing can be shared: "
			    "shared-folders is none\n", r.control.dir);
			code = EX_CONFIG;
		}
	}
	control_free(&r.control);
	return code;
}

/* For posthouse check: the shared tree, whose lists are the administrator's. */
static int
warn_missing(struct acl_run *r, struct span identifier, const char *name)
{
	(void)name;
	r->found++;
	return identifier.len > 0 ? 0 : -1;
}

struct check_run {
	struct admin_check *k;
	struct acl_run r;
};

static int
check_one(void *arg, const char *name)
{
	struct check_run *c = arg;
	struct acl acl;

	c->k->errors += load_list(c->r.shared, name, &acl) != EX_OK;
	(void)missing(&c->r, &acl, name, warn_missing, &c->r);
	acl_free(&acl);
	return 0;
}

void
check_shared(struct admin_check *k)
{
	static struct check_run c;

	c.k = k;
	c.r.owner = SHARE_TREE;
	share_path(&k->control.set, c.r.shared);
	if (c.r.shared[0] == '\0' || folder_list(c.r.shared, check_one, &c) ==
	    -1)
		return;
	if (c.r.found > 0)
		check_warning(k, "settings", 0, "the index below %s lacks %u "
		    "lines, so some do not see what is shared with them; run "
		    "posthouse acl index", c.r.shared, c.r.found);
}
