/*
 * The tree of mailboxes: CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE
 * (RFC 3501 sections 6.3.3 to 6.3.7).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "notify.h"
#include "subs.h"
#include "usage.h"

/* One mailbox argument and nothing else.  False: the reply is sent. */
static bool
one_name(struct imap *im, struct args *a, char raw[NAME_RAW_MAX + 1])
{
	struct span name;
	const char *why;

	if (!parse_sp(a) || !parse_astring(a, &name) || !parse_end(a)) {
		reply_args(im, a);
		return false;
	}
	if ((why = name_to_raw(name, utf8_names(im), raw)) != NULL)
		reply_no(im, "NONEXISTENT", why);
	return why == NULL;
}

/* "(" "USE" SP "(" attributes ")" ")": RFC 6154 section 6.  use.len 0: none. */
static bool
parse_use(struct args *a, struct span *use)
{
	*use = span_of(NULL, 0);
	if (!cur_ch(&a->c, ' '))
		return true;
	if (!cur_word(&a->c, "(USE ("))
		return parse_fail(a, "Unknown CREATE parameter");
	*use = cur_until(&a->c, ')');
	return cur_word(&a->c, "))") || parse_fail(a, "Unterminated list");
}

/* RFC 6154 section 3, RFC 4314 section 4: the mailbox is made with its use and with the rights of its
 * parent, or not at all. */
static int
create(struct imap *im, const struct place *p, struct span use)
{
	struct meta_entry e = { .name = span_str(METADATA_USE), .value = use };
	int error;

	if (p->name[0] == '\0') {
		errno = EEXIST;
		return -1;
	}
	if (folder_create(p->root, p->name) == -1)
		return -1;
	if ((use.len == 0 || metadata_change(p->dir, METADATA_FILE,
	    &im->arena, &e) == 0) && place_made(p) == 0)
		return 0;
	error = errno;
	(void)folder_delete(p->root, p->name);
	errno = error;
	return -1;
}

/* RFC 4314 section 4: "k" on the parent.  That others have a mailbox of that name is not told. */
static bool
may_make(struct imap *im, const struct place *p)
{
	if (p->rights & ACL_CREATE)
		return true;
	reply_no(im, "NOPERM", "You may not create mailboxes there");
	return false;
}

void
cmd_create(struct imap *im, struct args *a)
{
	char raw[NAME_RAW_MAX + 1];
	struct folder_status st;
	struct span name, use;
	struct place place;
	const char *why;

	if (!parse_sp(a) || !parse_astring(a, &name) || !parse_use(a, &use) ||
	    !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	if ((why = name_for_new(name, utf8_names(im), raw)) != NULL) {
		reply_no(im, "CANNOT", why);
		return;
	}
	if (place_for_new(im, raw, &place) == -1) {
		reply_errno(im, "cannot create a mailbox");
		return;
	}
	if (use.len > 0 && (!place.own || !metadata_is_use(use))) {
		reply_no(im, "USEATTR", "A mailbox cannot have this use here");
		return;
	}
	if (!may_make(im, &place))
		return;
	if (create(im, &place, use) == -1) {
		reply_errno(im, "cannot create a mailbox");
		return;
	}
	/* RFC 8474 section 4.1 */
	if (folder_status(place.dir, &st) == 0)
		(void)buf_addf(&im->code, "MAILBOXID (%s)", st.id);
	notify_own_names(im, raw, NULL);
	reply_ok(im, NULL, "Create completed");
}

static int
find_below(void *arg, const char *raw)
{
	const char *top = arg;
	size_t n = strlen(top);

	return strncmp(raw, top, n) == 0 && raw[n] == '.' ? -1 : 0;
}

/* RFC 9051 section 6.3.5. */
static bool
has_children(struct place *p)
{
	int e = errno;
	bool has = folder_list(p->root, find_below, p->name) == -1;

	errno = e;
	return has;
}

void
cmd_delete(struct imap *im, struct args *a)
{
	char raw[NAME_RAW_MAX + 1];
	struct place place;

	if (!one_name(im, a, raw))
		return;
	if (raw[0] == '\0') {
		reply_no(im, "CANNOT", "INBOX cannot be deleted");
		return;
	}
	if (place_find(im, raw, &place) == -1) {
		reply_errno(im, "cannot delete a mailbox");
		return;
	}
	if (!place_need(im, &place, ACL_DELETE))
		return;
	if (folder_delete(place.root, place.name) == -1) {
		if (errno == ENOENT && has_children(&place))
			reply_no(im, "HASCHILDREN",
			    "It is no mailbox, and has some below it");
		else
			reply_errno(im, "cannot delete a mailbox");
		return;
	}
	if (place.own)
		usage_forget(im);
	/* By what it is: others may have renamed the selected one and given its name to this. */
	if (im->view.folder != NULL && folder_deleted(im->view.folder))
		view_close(&im->view);
	notify_own_names(im, raw, NULL);
	reply_ok(im, NULL, "Delete completed");
}

/* RFC 3501 section 6.3.5: INBOX stays, and its messages move. */
static int
rename_inbox(struct imap *im, const char *to)
{
	char dir[DIR_SIZE], target[DIR_SIZE];
	struct folder *f;
	uint32_t uidvalidity, *uids = NULL;
	size_t n, *all = NULL;
	int r = -1;

	if (folder_create(im->root, to) == -1 ||
	    folder_path(im->root, "", dir, sizeof(dir)) == -1 ||
	    folder_path(im->root, to, target, sizeof(target)) == -1 ||
	    (f = folder_open(dir, false)) == NULL)
		return -1;
	metadata_copy(&im->arena, dir, target);	/* RFC 5464 section 4.1 */
	n = folder_count(f);
	if (n > 0) {
		uids = calloc(n, sizeof(*uids));
		all = calloc(n, sizeof(*all));
	}
	if (uids != NULL && all != NULL) {
		for (size_t i = 0; i < n; i++)
			all[i] = i;
		r = folder_copy_many(f, all, n, target, true, &uidvalidity,
		    uids);
	}
	if (n == 0)
		r = 0;
	free(uids);
	free(all);
	folder_close(f);
	return r;
}

static bool
is_below(const char *raw, const char *top)
{
	size_t n = strlen(top);

	return strncmp(raw, top, n) == 0 && (raw[n] == '\0' || raw[n] == '.');
}

/* The selected mailbox may have another name now. */
static void
follow(struct imap *im, const char *from, const char *to)
{
	struct view *v = &im->view;
	struct buf b;

	if (v->folder == NULL || !is_below(v->raw, from))
		return;
	buf_init(&b, 2 * NAME_RAW_MAX);
	(void)buf_adds(&b, to);
	(void)buf_adds(&b, v->raw + strlen(from));
	(void)span_cstr(buf_span(&b), v->raw, sizeof(v->raw));
	(void)span_cstr(buf_span(&b), v->place.raw, sizeof(v->place.raw));
	buf_free(&b);
}

/* RFC 4314 section 4: "x" on the mailbox, "k" on its new parent.  False: the reply is sent. */
static bool
may_rename(struct imap *im, const struct place *f, const struct place *t)
{
	if (!place_need(im, f, ACL_DELETE) || !may_make(im, t))
		return false;
	if (strcmp(f->root, t->root) == 0)
		return true;
	reply_no(im, "CANNOT", "A mailbox stays with its owner: copy the "
	    "messages");
	return false;
}

static void
rename_mailbox(struct imap *im, const char *from, const char *to)
{
	struct place f, t;
	int r = -1;

	if (place_find(im, from, &f) == -1 || place_for_new(im, to, &t) == -1) {
		reply_errno(im, "cannot rename a mailbox");
		return;
	}
	if (!may_rename(im, &f, &t))
		return;
	errno = EEXIST;
	if (t.name[0] != '\0' && strcmp(from, to) != 0)
		r = from[0] == '\0' ? rename_inbox(im, t.name) :
		    folder_rename(f.root, f.name, t.name);
	if (r == -1) {
		reply_errno(im, "cannot rename a mailbox");
		return;
	}
	if (from[0] != '\0') {
		follow(im, from, to);
		place_renamed(&f, &t);
	}
	notify_own_names(im, to, from[0] != '\0' ? from : NULL);
	reply_ok(im, NULL, "Rename completed");
}

void
cmd_rename(struct imap *im, struct args *a)
{
	char from[NAME_RAW_MAX + 1], to[NAME_RAW_MAX + 1];
	struct span f, t;
	const char *why;

	if (!parse_sp(a) || !parse_astring(a, &f) || !parse_sp(a) ||
	    !parse_astring(a, &t) || !parse_end(a)) {
		reply_args(im, a);
		return;
	}
	if ((why = name_to_raw(f, utf8_names(im), from)) != NULL) {
		reply_no(im, "NONEXISTENT", why);
		return;
	}
	if ((why = name_for_new(t, utf8_names(im), to)) == NULL && from[0] != '\0' &&
	    to[0] != '\0' && is_below(to, from) && strcmp(to, from) != 0)
		why = "A mailbox cannot move below itself";
	if (why != NULL) {
		reply_no(im, "CANNOT", why);
		return;
	}
	rename_mailbox(im, from, to);
}

static void
subscribe(struct imap *im, struct args *a, bool on)
{
	char raw[NAME_RAW_MAX + 1];

	if (!one_name(im, a, raw))
		return;
	if (subs_set(im->root, raw, on) == -1) {
		reply_errno(im, "cannot write subscriptions");
		return;
	}
	notify_own_names(im, raw, NULL);
	reply_ok(im, NULL, on ? "Subscribe completed" :
	    "Unsubscribe completed");
}

void
cmd_subscribe(struct imap *im, struct args *a)
{
	subscribe(im, a, true);
}

void
cmd_unsubscribe(struct imap *im, struct args *a)
{
	subscribe(im, a, false);
}
