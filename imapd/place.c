/*
 * Names to directories and rights.  The account's own mailboxes cost nothing here: no list is read for who may do
 * all.  An own mailbox that stands where a namespace begins goes before it, so that none is lost.
 */
#include "place.h"

#include <sys/stat.h>

#include <errno.h>
#include <string.h>

#include "folder.h"
#include "imap.h"
#include "reach.h"

bool
place_is_foreign(const char *raw)
{
	return reach_shared() != NULL &&
	    (strncmp(raw, REACH_SHARED ".", sizeof(REACH_SHARED)) == 0 ||
	    strncmp(raw, REACH_USERS ".", sizeof(REACH_USERS)) == 0);
}

static int
own(const struct imap *im, const char *raw, struct place *p)
{
	p->own = true;
	p->rights = ACL_ALL;
	p->root = im->root;
	p->owner = im->self;
	(void)span_cstr(span_str(raw), p->name, sizeof(p->name));
	return folder_path(im->root, raw, p->dir, sizeof(p->dir));
}

static void
granted(struct grant *g, struct place *p)
{
	p->rights = reach_rights(g);
	p->root = g->root;
	p->owner = g->owner;
	(void)span_cstr(span_str(g->name), p->name, sizeof(p->name));
	(void)span_cstr(span_str(g->dir), p->dir, sizeof(p->dir));
}

int
place_find(const struct imap *im, const char *raw, struct place *p)
{
	struct grant *g;
	struct stat st;

	memset(p, 0, sizeof(*p));
	(void)span_cstr(span_str(raw), p->raw, sizeof(p->raw));
	if (!place_is_foreign(raw))
		return own(im, raw, p);
	if (strchr(raw, '/') == NULL && own(im, raw, p) == 0 &&
	    stat(p->dir, &st) == 0)
		return 0;
	memset(p, 0, sizeof(*p));
	(void)span_cstr(span_str(raw), p->raw, sizeof(p->raw));
	if ((g = reach_find(raw)) != NULL)
		granted(g, p);
	return 0;
}

/* The grant on the nearest mailbox above raw, and how much of raw is its name. */
static struct grant *
parent_of(const char *raw, size_t *len)
{
	char up[NAME_RAW_MAX + 1];
	struct grant *g;
	char *dot;

	(void)span_cstr(span_str(raw), up, sizeof(up));
	while ((dot = strrchr(up, '.')) != NULL) {
		*dot = '\0';
		*len = strlen(up);
		if ((g = reach_find(up)) != NULL && reach_rights(g) != 0)
			return g;
	}
	return NULL;
}

int
place_for_new(struct imap *im, const char *raw, struct place *p)
{
	struct grant *g;
	struct buf name;
	size_t len;
	int r;

	if (reach_shared() != NULL && (strcmp(raw, REACH_SHARED) == 0 ||
	    strcmp(raw, REACH_USERS) == 0)) {
		errno = EINVAL;
		return -1;
	}
	if (place_find(im, raw, p) == -1)
		return -1;
	if (p->own)
		return 0;
	memset(p, 0, sizeof(*p));
	(void)span_cstr(span_str(raw), p->raw, sizeof(p->raw));
	if ((g = parent_of(raw, &len)) == NULL)
		return 0;
	p->rights = reach_rights(g);
	p->root = g->root;
	p->owner = g->owner;
	buf_init(&name, 2 * NAME_RAW_MAX);
	(void)buf_adds(&name, g->name);
	(void)buf_adds(&name, raw + len);
	r = span_cstr(buf_span(&name), p->name, sizeof(p->name));
	buf_free(&name);
	return r == -1 ? -1 : folder_path(p->root, p->name, p->dir,
	    sizeof(p->dir));
}

unsigned
place_flags(unsigned rights)
{
	unsigned flags = 0;

	if (rights & ACL_SEEN)
		flags |= MAIL_SEEN;
	if (rights & ACL_DELETED)
		flags |= MAIL_DELETED;
	if (rights & ACL_WRITE)
		flags |= ~(unsigned)(MAIL_SEEN | MAIL_DELETED);
	return flags;
}

const char *
place_code(const struct place *p)
{
	return p->rights & ACL_LOOKUP ? "NOPERM" : "NONEXISTENT";
}

bool
place_need(struct imap *im, const struct place *p, unsigned rights)
{
	if ((p->rights & rights) == rights)
		return true;
	reply_no(im, place_code(p), p->rights & ACL_LOOKUP ?
	    "You have not the right to do that here" :
	    "Mailbox does not exist");
	return false;
}

/* The list of the nearest mailbox above p in its tree. */
static int
parents_list(const struct place *p, struct acl *acl)
{
	char up[NAME_RAW_MAX + 1], dir[DIR_SIZE];
	const char *why;
	unsigned line;
	char *dot;

	(void)span_cstr(span_str(p->name), up, sizeof(up));
	while ((dot = strrchr(up, '.')) != NULL) {
		*dot = '\0';
		if (folder_path(p->root, up, dir, sizeof(dir)) == 0 &&
		    acl_load(dir, acl, NULL, &why, &line) == 0)
			return 0;
		if (errno != ENOENT)
			return -1;
	}
	return 0;
}

/* arg: the list to be. */
static int
take_list(void *arg, struct acl *acl)
{
	const struct acl *from = arg;

	for (size_t i = 0; i < from->n; i++)
		if (acl_set(acl, acl_identifier(from, &from->e[i]),
		    from->e[i].negative, from->e[i].rights) == -1)
			return -1;
	return 0;
}

int
place_made(const struct place *p)
{
	struct grant *g;
	struct acl acl;
	size_t len;
	int r = 0;

	if (reach_shared() == NULL || strchr(p->name, '.') == NULL)
		return 0;
	acl_init(&acl);
	if (parents_list(p, &acl) == -1)
		r = -1;
	else if (acl.n > 0)
		r = acl_change(p->dir, take_list, &acl);
	if (r == 0)
		(void)share_note_all(reach_shared(), reach_control(), &acl,
		    p->owner, p->name);
	acl_free(&acl);
	if (r == 0 && !p->own && (g = parent_of(p->raw, &len)) != NULL)
		(void)reach_add(g, p->raw, p->name);
	return r;
}

static int
note_renamed(void *arg, const char *name)
{
	const struct place *p = arg;
	size_t n = strlen(p->name);
	char dir[DIR_SIZE];
	const char *why;
	struct acl acl;
	unsigned line;

	if (strncmp(name, p->name, n) != 0 ||
	    (name[n] != '\0' && name[n] != '.'))
		return 0;
	acl_init(&acl);
	if (folder_path(p->root, name, dir, sizeof(dir)) == 0 &&
	    acl_load(dir, &acl, NULL, &why, &line) == 0)
		(void)share_note_all(reach_shared(), reach_control(), &acl,
		    p->owner, name);
	acl_free(&acl);
	return 0;
}

void
place_renamed(const struct place *from, const struct place *to)
{
	struct place copy = *to;

	if (reach_shared() == NULL)
		return;
	(void)folder_list(to->root, note_renamed, &copy);
	if (!from->own)
		reach_rename(from->raw, to->raw, to->name);
}

bool
place_named(struct imap *im, struct span wire, bool trycreate,
    struct place *p)
{
	char raw[NAME_RAW_MAX + 1];
	const char *why = name_to_raw(wire, utf8_names(im), raw);

	if (why == NULL && place_find(im, raw, p) == -1)
		why = errno == ENAMETOOLONG ? "Mailbox name too long" :
		    "Invalid mailbox name";
	/* A name that cannot be made must not ask for CREATE. */
	if (why != NULL)
		reply_no(im, trycreate ? "CANNOT" : "NONEXISTENT", why);
	return why == NULL;
}
