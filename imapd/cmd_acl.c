/*
 * Access control lists: SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS (RFC 4314).  The owner of a mailbox has all
 * rights, always: they stand in no list.
 */
#include <sys/stat.h>

#include <errno.h>
#include <string.h>

#include "imap.h"
#include "limits.h"
#include "log.h"
#include "reach.h"

struct acl_cmd {
	struct imap *im;
	struct place place;
	struct span wire;		/* the mailbox as the client named it */
	struct span given;		/* the identifier as the client has it */
	struct buf identifier;
	bool negative;
	unsigned char mode;		/* '+', '-', or '=' */
	unsigned rights;
};

static bool
exists(struct imap *im, const struct place *p)
{
	struct stat st;

	if (stat(p->dir, &st) == 0)
		return true;
	reply_errno(im, "cannot look at a mailbox");
	return false;
}

/* Unlike MYRIGHTS, these tell who may administer it, and nobody else. */
static bool
find(struct acl_cmd *c)
{
	return place_named(c->im, c->wire, false, &c->place) &&
	    place_need(c->im, &c->place, ACL_ADMIN) && exists(c->im, &c->place);
}

static bool
parse_identifier(struct args *a, struct acl_cmd *c)
{
	if (!parse_astring(a, &c->given))
		return false;
	buf_init(&c->identifier, ADDR_MAX);
	return acl_identifier_parse(c->given, &c->identifier, &c->negative) ==
	    0 || parse_fail(a, "Invalid identifier");
}

/* mod-rights: RFC 4314 section 7. */
static bool
parse_rights(struct args *a, struct acl_cmd *c)
{
	struct span s;

	if (!parse_astring(a, &s))
		return false;
	c->mode = '=';
	if (s.len > 0 && (s.p[0] == '+' || s.p[0] == '-')) {
		c->mode = s.p[0];
		s = span_of(s.p + 1, s.len - 1);
	}
	return acl_rights_parse(s, &c->rights) == 0 ||
	    parse_fail(a, "Unknown right");
}

static bool
is_owner(const struct acl_cmd *c, struct span identifier)
{
	return span_isis(identifier, c->place.owner);
}

/* What went wrong with the list itself. */
static void
reply_list(struct imap *im, const struct place *p, const char *why,
    unsigned line)
{
	if (errno == EBADMSG) {
		log_warn("%s/" ACL_FILE ":%u: %s; until then only its owner "
		    "has any right", p->dir, line, why);
		reply_no(im, "CORRUPTION", "The access control list cannot be "
		    "understood, see the server's log");
	} else if (errno == E2BIG) {
		reply_no(im, "LIMIT", "Too many identifiers");
	} else {
		reply_errno(im, "cannot change an access control list");
	}
}

static void
out_rights(struct imap *im, unsigned rights)
{
	struct buf b;

	buf_init(&b, 32);
	acl_rights_print(rights, true, &b);
	(void)netout_adds(&im->out, " ");
	out_astring(&im->out, buf_span(&b));
	buf_free(&b);
}

static void
out_pair(struct imap *im, struct span identifier, bool negative,
    unsigned rights)
{
	struct buf b;

	buf_init(&b, ADDR_MAX + 1);
	if (negative)
		(void)buf_addc(&b, '-');
	(void)buf_addspan(&b, identifier);
	(void)netout_adds(&im->out, " ");
	out_astring(&im->out, buf_span(&b));
	buf_free(&b);
	out_rights(im, rights);
}

/* RFC 4314 section 3.3. */
void
cmd_getacl(struct imap *im, struct args *a)
{
	struct acl_cmd c = { .im = im };
	const char *why;
	unsigned line;
	struct acl acl;

	if (!parse_sp(a) || !parse_astring(a, &c.wire) || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	if (!find(&c))
		return;
	acl_init(&acl);
	if (acl_load(c.place.dir, &acl, NULL, &why, &line) == -1) {
		reply_list(im, &c.place, why, line);
		acl_free(&acl);
		return;
	}
	(void)netout_adds(&im->out, "* ACL ");
	out_mailbox(im, c.wire);
	if (strcmp(c.place.owner, SHARE_TREE) != 0)
		out_pair(im, span_str(c.place.owner), false, ACL_ALL);
	for (size_t i = 0; i < acl.n; i++)
		out_pair(im, acl_identifier(&acl, &acl.e[i]), acl.e[i].negative,
		    acl.e[i].rights);
	(void)netout_adds(&im->out, "\r\n");
	acl_free(&acl);
	reply_ok(im, NULL, "Getacl completed");
}

/* RFC 4314 section 3.1: replaces, adds or removes. */
static int
change(void *arg, struct acl *acl)
{
	struct acl_cmd *c = arg;
	struct span id = buf_span(&c->identifier);
	const struct acl_entry *e = acl_find(acl, id, c->negative);
	unsigned rights = e == NULL ? 0 : e->rights;

	if (c->mode == '+')
		rights |= c->rights;
	else if (c->mode == '-')
		rights &= ~c->rights;
	else
		rights = c->rights;
	return acl_set(acl, id, c->negative, rights);
}

/* What cannot be: false, and the reply is sent. */
static bool
possible(struct acl_cmd *c)
{
	if (is_owner(c, buf_span(&c->identifier))) {
		reply_no(c->im, "CANNOT", "Its owner has all rights, always");
	} else if (c->place.name[0] == '\0') {
		reply_no(c->im, "CANNOT", "INBOX holds all other mailboxes: "
		    "share one of these");
	} else {
		return true;
	}
	return false;
}

static bool
is_listed(const struct acl_cmd *c)
{
	const char *why;
	unsigned line;
	struct acl acl;
	bool is;

	acl_init(&acl);
	is = acl_load(c->place.dir, &acl, NULL, &why, &line) == 0 &&
	    acl_find(&acl, buf_span(&c->identifier), false) != NULL;
	acl_free(&acl);
	return is;
}

/* First where to look, then the right: a line too many in the index opens nothing. */
static int
set(struct acl_cmd *c)
{
	const char *shared = reach_shared();

	if (shared != NULL && !c->negative && c->mode != '-' &&
	    c->rights != 0 && !is_listed(c) && share_is_known(c->im->control,
	    buf_span(&c->identifier)) && share_note(shared,
	    buf_span(&c->identifier), c->place.owner, c->place.name) == -1)
		return -1;
	return acl_change(c->place.dir, change, c);
}

static void
set_command(struct acl_cmd *c, const char *done)
{
	struct imap *im = c->im;

	if (find(c) && possible(c)) {
		if (set(c) == 0)
			reply_ok(im, NULL, done);
		else
			reply_list(im, &c->place, "it must be mended by hand", 0);
	}
	buf_free(&c->identifier);
}

void
cmd_setacl(struct imap *im, struct args *a)
{
	struct acl_cmd c = { .im = im };

	if (!parse_sp(a) || !parse_astring(a, &c.wire) || !parse_sp(a) ||
	    !parse_identifier(a, &c) || !parse_sp(a) || !parse_rights(a, &c) ||
	    !parse_end(a)) {
		buf_free(&c.identifier);
		reply_args(im, a);
		return;
	}
	set_command(&c, "Setacl completed");
}

/* RFC 4314 section 3.2. */
void
cmd_deleteacl(struct imap *im, struct args *a)
{
	struct acl_cmd c = { .im = im, .mode = '=' };

	if (!parse_sp(a) || !parse_astring(a, &c.wire) || !parse_sp(a) ||
	    !parse_identifier(a, &c) || !parse_end(a)) {
		buf_free(&c.identifier);
		reply_args(im, a);
		return;
	}
	set_command(&c, "Deleteacl completed");
}

/* RFC 4314 section 3.4: no right is tied to another, so each stands for itself. */
void
cmd_listrights(struct imap *im, struct args *a)
{
	struct acl_cmd c = { .im = im };
	bool owner;

	if (!parse_sp(a) || !parse_astring(a, &c.wire) || !parse_sp(a) ||
	    !parse_identifier(a, &c) || !parse_end(a)) {
		buf_free(&c.identifier);
		reply_args(im, a);
		return;
	}
	if (find(&c)) {
		owner = is_owner(&c, buf_span(&c.identifier)) && !c.negative;
		(void)netout_adds(&im->out, "* LISTRIGHTS ");
		out_mailbox(im, c.wire);
		(void)netout_adds(&im->out, " ");
		out_astring(&im->out, c.given);
		out_rights(im, owner ? ACL_ALL : 0);
		if (!owner && c.place.name[0] != '\0')
			(void)netout_adds(&im->out, " l r s w i p k x t e a c d");
		(void)netout_adds(&im->out, "\r\n");
		reply_ok(im, NULL, "Listrights completed");
	}
	buf_free(&c.identifier);
}

static void
out_myrights(struct imap *im, struct span wire, const struct place *p)
{
	(void)netout_adds(&im->out, "* MYRIGHTS ");
	out_mailbox(im, wire);
	out_rights(im, p->rights);
	(void)netout_adds(&im->out, "\r\n");
}

static bool
may_know(const struct place *p)
{
	return (p->rights & (ACL_LOOKUP | ACL_READ | ACL_INSERT | ACL_CREATE |
	    ACL_DELETE | ACL_ADMIN)) != 0;
}

int
myrights_out(struct imap *im, const char *raw)
{
	struct place place;
	struct buf wire;

	if (place_find(im, raw, &place) == -1 || !may_know(&place))
		return -1;
	buf_init(&wire, 4 * NAME_RAW_MAX);
	(void)name_from_raw(raw, utf8_names(im), &wire);
	out_myrights(im, buf_span(&wire), &place);
	buf_free(&wire);
	return 0;
}

/* RFC 4314 section 3.5. */
void
cmd_myrights(struct imap *im, struct args *a)
{
	struct place place;
	struct span wire;

	if (!parse_sp(a) || !parse_astring(a, &wire) || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	if (!place_named(im, wire, false, &place))
		return;
	if (!may_know(&place)) {
		reply_no(im, "NONEXISTENT", "Mailbox does not exist");
		return;
	}
	if (!exists(im, &place))
		return;
	out_myrights(im, wire, &place);
	reply_ok(im, NULL, "Myrights completed");
}
