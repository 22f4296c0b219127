/*
 * The name of the selected mailbox, which another session may have renamed: its
 * directory stays the same.
 */
#include <string.h>

#include "folder.h"
#include "imap.h"

static int
is_it(void *arg, const char *name)
{
	struct imap *im = arg;
	struct view *v = &im->view;
	char dir[DIR_SIZE];

	if (folder_path(im->root, name, dir, sizeof(dir)) == -1 ||
	    folder_moved(v->folder, dir) == -1)
		return 0;
	(void)span_cstr(span_str(name), v->raw, sizeof(v->raw));
	(void)place_find(im, name, &v->place);
	return 1;
}

void
view_follow(struct imap *im)
{
	const struct view *v = &im->view;

	/* INBOX keeps its directory; names of others' mailboxes are theirs to give. */
	if (v->folder == NULL || !v->place.own || v->raw[0] == '\0' ||
	    folder_moved(v->folder, v->place.dir) == 0)
		return;
	(void)folder_list(im->root, is_it, im);
}
