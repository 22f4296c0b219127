/*
 * Lists of Dovecot and Courier, formats of UIDLs, and our own lines about messages.
 * LINK: pop3d/uidl_import.c pop3d/names.c
 */
#include <stdint.h>
#include <stdlib.h>

#include "pop3d/names.h"
#include "pop3d/uidl_import.h"
#include "uidl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
each(void *arg, struct span unique, struct span uidl)
{
	struct names *n = arg;

	if (!uidl_ok(uidl) || unique.len == 0)
		abort();
	(void)names_add(n, uidl, unique);
}

/* What was taken is found again. */
static void
index_all(struct names *n)
{
	struct span value;
	struct cur c;

	if (names_index(n) == -1)
		return;
	cur_init(&c, buf_span(&n->text));
	while (!cur_end(&c)) {
		struct span line = cur_until(&c, '\n');
		struct cur l;

		(void)cur_ch(&c, '\n');
		cur_init(&l, line);
		(void)cur_until(&l, ' ');
		(void)cur_ch(&l, ' ');
		if (!names_find(n, cur_rest(&l), &value) || !uidl_ok(value))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span format, text;
	struct names n;
	struct cur c;

	cur_init(&c, span_of(data, size));
	format = cur_until(&c, '\n');
	(void)cur_ch(&c, '\n');
	text = cur_rest(&c);
	names_init(&n, "f", "t");
	if (uidl_format_ok(format))
		(void)uidl_import_dovecot(text, format, each, &n);
	(void)uidl_import_courier(text, each, &n);
	index_all(&n);
	names_free(&n);
	return 0;
}
