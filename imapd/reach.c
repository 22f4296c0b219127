/*
 * Collecting what others share with this account.  The index says where to look, users says where that is, and the
 * folder's own list decides.  Trusts neither index nor lists: owners are looked up, names are checked, links are
 * not followed, and what cannot be understood gives nothing.
 */
#include "reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "ex.h"
#include "fmt.h"
#include "folder.h"
#include "limits.h"
#include "log.h"
#include "utf7.h"

#define DIRECTORY_RW	(SANDBOX_READ | SANDBOX_WRITE | SANDBOX_PLAIN | SANDBOX_DIR)
#define LINES_MAX	(4 * SHARE_FOLDERS_MAX)	/* of the index: some are stale */
#define LINES_MANY	(2 * SHARE_YOUNG)	/* so many that it may be worth tidying */

static struct {
	const struct control *control;
	const struct account *account;
	char shared[SHARE_PATH_MAX];
	struct grant **g;
	size_t n, cap, lines;
	struct sandbox_path *paths;
	size_t npaths, paths_cap;
} reach;

static void *
grow(void *p, size_t n, size_t *cap, size_t each)
{
	if (n < *cap)
		return p;
	*cap = *cap == 0 ? 16 : *cap * 2;
	if ((p = reallocarray(p, *cap, each)) == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	return p;
}

static char *
keep(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		log_die(EX_TEMPFAIL, "out of memory");
	return p;
}

static void
add_path(const char *path, unsigned access)
{
	for (size_t i = 0; i < reach.npaths; i++)
		if (reach.paths[i].access == access &&
		    strcmp(reach.paths[i].path, path) == 0)
			return;
	reach.paths = grow(reach.paths, reach.npaths, &reach.paths_cap,
	    sizeof(*reach.paths));
	reach.paths[reach.npaths++] = (struct sandbox_path){ keep(path),
	    access };
}

/* A reader writes no message, but may have to number those that came: two files, each
 * for itself. */
static void
add_reader(const char *dir)
{
	static const char *const files[] = { "posthouse.uids",
	    "posthouse.lock" };
	char path[1024 + 32];

	add_path(dir, SANDBOX_READ | SANDBOX_PLAIN | SANDBOX_DIR);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		add_path(path, SANDBOX_READ | SANDBOX_WRITE | SANDBOX_PLAIN);
	}
}

static void
add_paths(const struct grant *g)
{
	char path[1024 + 32];

	/* Folders are made beside each other, and Landlock knows no directory without what is
	 * below it. */
	if (g->rights & ACL_TREE) {
		add_path(g->root, DIRECTORY_RW);
	} else if (g->rights & ACL_CHANGES) {
		add_path(g->dir, DIRECTORY_RW);
	} else if (g->rights & ACL_READ) {
		add_reader(g->dir);
	} else {
		snprintf(path, sizeof(path), "%s/%s", g->dir, ACL_FILE);
		add_path(path, SANDBOX_READ | SANDBOX_PLAIN);
	}
}

/* "user/bob@example.org/A": the dots of an address are "/" in a raw name. */
static int
raw_name(const char *owner, const char *name, char raw[NAME_RAW_MAX + 1])
{
	struct buf b;
	int n = -1;

	if (strcmp(owner, SHARE_TREE) == 0) {
		n = snprintf(raw, NAME_RAW_MAX + 1, REACH_SHARED ".%s", name);
		return n > 0 && n <= NAME_RAW_MAX ? 0 : -1;
	}
	buf_init(&b, NAME_RAW_MAX);
	if (strchr(owner, '/') == NULL &&
	    utf7_encode(span_str(owner), &b) == 0) {
		for (size_t i = 0; i < b.len; i++)
			if (b.p[i] == '.')
				b.p[i] = '/';
		n = snprintf(raw, NAME_RAW_MAX + 1, REACH_USERS ".%s.%s",
		    buf_cstr(&b), name);
	}
	buf_free(&b);
	return n > 0 && n <= NAME_RAW_MAX ? 0 : -1;
}

/* Where that owner's folders are; NULL: not where this process could work. */
static const char *
root_of(const char *owner)
{
	struct account a;

	if (strcmp(owner, SHARE_TREE) == 0)
		return reach.shared;
	for (size_t i = 0; i < reach.n; i++)
		if (strcmp(reach.g[i]->owner, owner) == 0)
			return reach.g[i]->root;
	if (account_find(reach.control, owner, &a) == -1 ||
	    a.owner.uid != reach.account->owner.uid ||
	    strcmp(a.maildir, reach.account->maildir) == 0)
		return NULL;
	return keep(a.maildir);
}

static int
append(struct grant *g)
{
	if (reach.n == SHARE_FOLDERS_MAX) {
		errno = EMFILE;
		free(g);
		return -1;
	}
	reach.g = grow(reach.g, reach.n, &reach.cap, sizeof(*reach.g));
	reach.g[reach.n++] = g;
	return 0;
}

/* The administrator's folders are as many as he likes. */
static bool
has_enough(const char *owner)
{
	size_t n = 0;

	if (strcmp(owner, SHARE_TREE) == 0)
		return false;
	for (size_t i = 0; i < reach.n && n < SHARE_OWNER_MAX; i++)
		n += strcmp(reach.g[i]->owner, owner) == 0;
	return n == SHARE_OWNER_MAX;
}

/* Some line of the index: stale, false or true. */
static void
candidate(void *arg, const char *owner, const char *name)
{
	struct grant *g;

	(void)arg;
	if (has_enough(owner) || ++reach.lines > LINES_MAX ||
	    (g = calloc(1, sizeof(*g))) == NULL)
		return;
	if (raw_name(owner, name, g->raw) == -1 || reach_find(g->raw) != NULL ||
	    (g->root = root_of(owner)) == NULL ||
	    folder_path(g->root, name, g->dir, sizeof(g->dir)) == -1 ||
	    span_cstr(span_str(name), g->name, sizeof(g->name)) == -1 ||
	    (reach_rights(g) & ~(unsigned)ACL_POST) == 0) {
		free(g);
		return;
	}
	g->owner = keep(owner);
	if (append(g) == 0)
		add_paths(g);
}

/* arg: the identifier.  Is the line of the index right?  What cannot be told stays. */
static bool
is_granted(void *arg, const char *owner, const char *name)
{
	const char *identifier = arg, *why, *root = reach.shared;
	const struct acl_entry *e;
	struct account a;
	char dir[1024];
	struct acl acl;
	unsigned line;
	bool is;

	if (strcmp(owner, SHARE_TREE) != 0) {
		if (account_find(reach.control, owner, &a) == -1 ||
		    a.owner.uid != reach.account->owner.uid)
			return false;
		root = a.maildir;
	}
	if (folder_path(root, name, dir, sizeof(dir)) == -1)
		return false;
	acl_init(&acl);
	if (acl_load(dir, &acl, NULL, &why, &line) == 0)
		is = (e = acl_find(&acl, span_str(identifier), false)) !=
		    NULL && e->rights != 0;
	else
		is = errno != ENOENT && errno != ENOTDIR && errno != ELOOP;
	acl_free(&acl);
	return is;
}

/* All that the index has for the identifier. */
static void
look_up(const char *identifier)
{
	char keyed[ADDR_MAX + 1];
	size_t n = reach.n;

	strlcpy(keyed, identifier, sizeof(keyed));
	reach.lines = 0;
	(void)share_each(reach.shared, keyed, candidate, NULL);
	if (reach.lines < LINES_MANY || reach.lines < 2 * (reach.n - n) ||
	    share_tidy(reach.shared, keyed, is_granted, keyed) == -1 ||
	    reach.lines <= LINES_MAX)
		return;
	reach.lines = 0;
	(void)share_each(reach.shared, keyed, candidate, NULL);
}

size_t
reach_collect(const struct control *control, const struct account *account,
    const struct sandbox_path **paths)
{
	char index[SHARE_PATH_MAX + 8];

	reach.control = control;
	reach.account = account;
	add_path(account->maildir, SANDBOX_READ | SANDBOX_WRITE | SANDBOX_DIR);
	add_path(charset_directory(), SANDBOX_READ | SANDBOX_DIR);
	share_path(&control->set, reach.shared);
	if (reach.shared[0] != '\0') {
		fmt_print(index, sizeof(index), "%s/for", reach.shared);
		look_up(account->address);
		look_up("anyone");
		add_path(index, SANDBOX_ADD | SANDBOX_PLAIN | SANDBOX_DIR);
	}
	*paths = reach.paths;
	return reach.npaths;
}

const char *
reach_shared(void)
{
	return reach.shared[0] == '\0' ? NULL : reach.shared;
}

const struct control *
reach_control(void)
{
	return reach.control;
}

size_t
reach_count(void)
{
	return reach.n;
}

struct grant *
reach_at(size_t i)
{
	return reach.g[i];
}

/* Clients that take a dot for a separator too (mutt) write "user/bob@example/org/A". */
static bool
same_name(const char *name, const char *asked)
{
	for (; *name == *asked || (*name == '/' && *asked == '.'); name++,
	    asked++)
		if (*name == '\0')
			return true;
	return false;
}

struct grant *
reach_find(const char *raw)
{
	for (size_t i = 0; i < reach.n; i++)
		if (same_name(reach.g[i]->raw, raw))
			return reach.g[i];
	return NULL;
}

unsigned
reach_rights(struct grant *g)
{
	const char *why;
	struct acl acl;
	unsigned line;

	if (g->stamp.ino != 0 && acl_is_same(g->dir, &g->stamp))
		return g->rights;
	acl_init(&acl);
	g->rights = 0;
	if (acl_load(g->dir, &acl, &g->stamp, &why, &line) == 0)
		g->rights = acl_rights(&acl, reach.account->address);
	else if (errno == EBADMSG && !g->told) {
		g->told = true;
		log_warn("%s/" ACL_FILE ":%u: %s; until then only its owner "
		    "has any right", g->dir, line, why);
	}
	acl_free(&acl);
	return g->rights;
}

struct grant *
reach_add(const struct grant *g, const char *raw, const char *name)
{
	struct grant *new = reach_find(raw);

	if (new != NULL)
		return new;
	if ((new = calloc(1, sizeof(*new))) == NULL)
		return NULL;
	new->root = g->root;
	new->owner = g->owner;
	(void)span_cstr(span_str(raw), new->raw, sizeof(new->raw));
	(void)span_cstr(span_str(name), new->name, sizeof(new->name));
	if (folder_path(new->root, name, new->dir, sizeof(new->dir)) == -1) {
		free(new);
		return NULL;
	}
	return append(new) == 0 ? new : NULL;
}

/* base and the rest of a name behind its first skip bytes. */
static bool
put_name(char out[NAME_RAW_MAX + 1], const char *base, const char *rest)
{
	char made[2 * NAME_RAW_MAX];

	snprintf(made, sizeof(made), "%s%s", base, rest);
	return span_cstr(span_str(made), out, NAME_RAW_MAX + 1) == 0;
}

void
reach_rename(const char *from, const char *to, const char *name)
{
	size_t n = strlen(from);

	for (size_t i = 0; i < reach.n; i++) {
		struct grant *g = reach.g[i];
		char rest[NAME_RAW_MAX + 1];

		if (strncmp(g->raw, from, n) != 0 ||
		    (g->raw[n] != '\0' && g->raw[n] != '.'))
			continue;
		(void)span_cstr(span_str(g->raw + n), rest, sizeof(rest));
		if (put_name(g->raw, to, rest) && put_name(g->name, name, rest))
			(void)folder_path(g->root, g->name, g->dir,
			    sizeof(g->dir));
	}
}
