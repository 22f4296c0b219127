/* Lists of Dovecot and Courier: whatever the bytes, what is made of them is a list that our parser takes whole. */
#include <stdint.h>
#include <stdlib.h>

#include "folder_import.h"
#include "uidlist.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
judge(const struct buf *list)
{
	struct uidlist_header h;
	struct uidlist_line line;
	enum uidlist_kind kind;
	struct cur c;

	cur_init(&c, buf_span(list));
	if (uidlist_header_parse(&c, &h) == -1)
		abort();
	while ((kind = uidlist_next(&c, &line)) != UIDLIST_END)
		if (kind != UIDLIST_MESSAGE && kind != UIDLIST_FLAGS)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf list, names;

	buf_init(&list, 1 << 20);
	buf_init(&names, 1 << 20);
	if (import_uids(span_of(data, size), "x", &list) == 0)
		judge(&list);
	buf_clear(&list);
	buf_adds(&list, "posthouse-uids 1 77 9 0 x\n5 1.a\n7 2.b\n");
	if (import_courier_keywords(span_of(data, size), &names, &list) == 0)
		judge(&list);
	buf_clear(&names);
	(void)import_dovecot_keywords(span_of(data, size), &names);
	buf_free(&list);
	buf_free(&names);
	return 0;
}
