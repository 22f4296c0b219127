/*
 * What an address is here.  Queue's word counts for nothing: the control files
 * are asked again.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>

#include "local.h"
#include "rcpt.h"
#include "result.h"

void
target_log(const struct delivery *d, const struct target *t)
{
	result_log(&d->name, t->rcpt.address, "local", "", t->out.class,
	    t->out.dsn, t->out.note[0] != '\0' ? t->out.note : t->out.text);
}

/* "\name" is the mailbox itself; "postmaster" alone is a name too. */
bool
target_address(const struct target *t, struct addr *a)
{
	const char *text = t->rcpt.address;

	if (*text == '\\')
		text++;
	if (parse_mailbox(span_str(text), true, a) == ADDR_OK)
		return true;
	if (!span_isis(span_str(text), "postmaster"))
		return false;
	memset(a, 0, sizeof(*a));
	strlcpy(a->text, "postmaster", sizeof(a->text));
	a->local_len = strlen(a->text);
	return true;
}

/* A detail that is the name of a folder as it stands on the disk. */
static bool
is_folder_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    span_haschr(span_str("/\\\"%&*"), s.p[i]) ||
		    (s.p[i] == '.' && (i == 0 || i + 1 == s.len ||
		    s.p[i - 1] == '.')))
			return false;
	return s.len > 0;
}

/* alice+lists goes into the folder lists where there is one; a stranger never
 * makes a folder. */
static void
into_folder(const struct control *c, struct target *t, const struct addr *a)
{
	struct span detail = rcpt_detail(c, a);
	char path[sizeof(t->account.maildir)];
	struct stat st;
	int n;

	if (!c->set.detail_folders || !is_folder_name(detail))
		return;
	n = snprintf(path, sizeof(path), "%s/.%.*s", t->account.maildir,
	    (int)detail.len, (const char *)detail.p);
	if (n < 0 || (size_t)n >= sizeof(path) || lstat(path, &st) == -1 ||
	    !S_ISDIR(st.st_mode))
		return;
	strlcpy(t->account.maildir, path, sizeof(t->account.maildir));
	t->folder = true;
}

enum found
target_find(const struct control *c, struct target *t)
{
	bool itself = t->rcpt.address[0] == '\\';
	struct rcpt_decision d;
	const struct mailbox *m;
	struct addr a;
	bool forward;

	if (!target_address(t, &a))
		return FOUND_NOTHING;
	if (itself)
		rcpt_mailbox(c, &a, &d);
	else
		rcpt_decide(c, &a, &d);
	if (d.kind == RCPT_ALIAS && alias_is_list(c, &a, &d))
		return FOUND_LIST;
	if (d.kind == RCPT_UNKNOWN)
		outcome_set(&t->out, PROC_FAIL, "5.1.1", "no such user here");
	if (d.kind != RCPT_MAILBOX)
		return FOUND_NOTHING;
	t->account = d.account;
	m = itself ? NULL : mailbox_open(c, &t->account);
	forward = m != NULL && m->forward;
	into_folder(c, t, &a);
	return forward ? FOUND_FORWARD : FOUND_MAILBOX;
}
