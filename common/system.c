/*
 * Accounts of the system as mailboxes: everybody whom getpwent(3) lists with a
 * uid of a person gets mail in ~/FOLDER, in the first local domain, if the
 * setting home-maildir names FOLDER.  The list is taken while loading, outside
 * every sandbox; a process that cannot ask again keeps what it has, and leaves
 * names that it does not know to deliver-local.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "control_parts.h"

struct system_account {
	char name[ADDR_LOCAL_MAX + 1];	/* in lower case */
	char home[256];
	struct ids ids;
};
struct system_accounts {		/* sorted by name */
	struct system_account *v;
	size_t n, cap;
};

void
system_free(struct control *c)
{
	if (c->system != NULL)
		free(c->system->v);
	free(c->system);
	c->system = NULL;
}

/* People, not services: their mail goes where an alias says. */
static bool
is_person(const struct passwd *pw)
{
	return pw->pw_uid >= SYSTEM_UID_MIN && pw->pw_uid <= SYSTEM_UID_MAX &&
	    pw->pw_dir != NULL && pw->pw_dir[0] == '/';
}

static int
add(struct system_accounts *s, const struct passwd *pw)
{
	size_t cap = s->cap == 0 ? 16 : s->cap * 2;
	struct system_account *p;

	if (s->n == s->cap) {
		if ((p = reallocarray(s->v, cap, sizeof(*p))) == NULL)
			return -1;
		s->v = p;
		s->cap = cap;
	}
	p = &s->v[s->n];
	if (strlcpy(p->name, pw->pw_name, sizeof(p->name)) >= sizeof(p->name) ||
	    strlcpy(p->home, pw->pw_dir, sizeof(p->home)) >= sizeof(p->home))
		return 0;		/* no address could name it */
	for (char *q = p->name; *q != '\0'; q++)
		*q = (char)ascii_lower((unsigned char)*q);
	p->ids.uid = geteuid() == 0 ? pw->pw_uid : (uid_t)-1;
	p->ids.gid = geteuid() == 0 ? pw->pw_gid : (gid_t)-1;
	s->n++;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct system_account *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void
system_load(struct control *c)
{
	struct system_accounts *s;
	struct passwd *pw;
	int r = 0;

	if (c->set.home_maildir[0] == '\0') {
		system_free(c);
		return;
	}
	control_watch(c, "/etc/passwd");
	/* Not root: perhaps in a sandbox by now. */
	if (c->system != NULL && geteuid() != 0)
		return;
	system_free(c);
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		control_error(c, "settings", 0, "there is not enough memory");
		return;
	}
	setpwent();
	while (r == 0 && (pw = getpwent()) != NULL)
		if (is_person(pw))
			r = add(s, pw);
	endpwent();
	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), by_name);
	c->system = s;
	if (r == -1)
		control_error(c, "settings", 0, "there is not enough memory");
}

bool
system_is_domain(const struct control *c, const char *domain)
{
	return c->set.home_maildir[0] != '\0' &&
	    strcmp(domain, c->first_domain) == 0;
}

/* The local part of an address, in lower case, among the accounts. */
static const struct system_account *
find(const struct control *c, const char *address)
{
	struct system_account key = { .name = "" }, *found;
	const char *at = strrchr(address, '@');
	size_t n;

	if (c->system == NULL || c->system->n == 0 || at == NULL ||
	    !system_is_domain(c, at + 1) ||
	    (n = (size_t)(at - address)) >= sizeof(key.name))
		return NULL;
	for (size_t i = 0; i < n; i++)
		key.name[i] = (char)ascii_lower((unsigned char)address[i]);
	key.name[n] = '\0';
	found = bsearch(&key, c->system->v, c->system->n, sizeof(key), by_name);
	return found;
}

int
system_find(const struct control *c, const char *address, struct account *a)
{
	const struct system_account *s = find(c, address);
	int n;

	memset(a, 0, sizeof(*a));
	errno = ENOENT;
	if (s == NULL)
		return -1;
	snprintf(a->address, sizeof(a->address), "%s@%s", s->name,
	    c->first_domain);
	strlcpy(a->home, s->home, sizeof(a->home));
	n = snprintf(a->maildir, sizeof(a->maildir), "%s/%s", s->home,
	    c->set.home_maildir);
	a->owner = s->ids;
	a->quota.bytes = c->set.mailbox_size;
	a->quota.messages = c->set.mailbox_messages;
	return n > 0 && (size_t)n < sizeof(a->maildir) ? 0 : -1;
}
