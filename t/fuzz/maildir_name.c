/*
 * File names in a mailbox, which any program may have given: taken apart and put together they mean the same, and
 * a change of flags changes nothing else.
 */
#include "maildir.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "folder_impl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_parts(struct span name, const struct maildir_name *n)
{
	if (n->base.p != name.p || n->unique.p != name.p ||
	    n->base.len > name.len || n->unique.len > n->base.len ||
	    n->letters >> FOLDER_LETTERS != 0 || n->flags > 63 ||
	    n->size > UINT64_MAX / 2 || n->wsize > UINT64_MAX / 2 ||
	    span_haschr(n->unique, ',') || span_haschr(n->unique, ':'))
		abort();
}

static void
check_print(struct span base, unsigned flags, uint32_t letters)
{
	char out[FOLDER_NAME_MAX + 64], id[FOLDER_EMAIL_ID + 1],
	    again[FOLDER_EMAIL_ID + 1];
	struct maildir_name was, n;

	maildir_name_parse(base, &was);
	if (maildir_name_print(base, flags, letters, out, sizeof(out)) == -1)
		return;
	maildir_name_parse(span_str(out), &n);
	if (!span_eq(n.base, base) || n.flags != flags ||
	    n.letters != letters || n.size != was.size ||
	    n.wsize != was.wsize || !span_eq(n.unique, was.unique))
		abort();
	folder_id_of(base, was.unique.len, id);
	folder_id_of(n.base, n.unique.len, again);
	if (strlen(id) != FOLDER_EMAIL_ID || strcmp(id, again) != 0 ||
	    strspn(id, "0123456789abcdef") != FOLDER_EMAIL_ID)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct maildir_name n;
	unsigned flags = 0;
	uint64_t letters = 0;

	maildir_name_parse(in, &n);
	check_parts(in, &n);
	check_print(n.base, n.flags, n.letters);
	check_print(n.base, ~n.flags & 63, ~n.letters &
	    ((1U << FOLDER_LETTERS) - 1));
	(void)maildir_letters_parse(in, &flags, &letters);
	if (flags > 63 || letters >> FOLDER_LETTERS != 0)
		abort();
	return 0;
}
