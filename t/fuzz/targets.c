/*
 * Target lists: the parser comes to an end, never gives an address that the
 * strict parser would not take, a command or path with a line end from a file, or
 * a kind without its text.
 */
#include "targets.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct target_item *item, bool lines)
{
	char key[17];
	struct addr a;

	target_key(item, key);
	if (strlen(key) != 16)
		abort();
	if (item->kind == TARGET_ADDRESS || item->kind == TARGET_MAILBOX) {
		if (parse_mailbox(span_str(item->addr.text), true, &a) !=
		    ADDR_OK || strcmp(a.text, item->addr.text) != 0)
			abort();
	} else if (item->text[0] == '\0' ||
	    (lines && strchr(item->text, '\n') != NULL))
		abort();
}

static void
walk(struct span in, bool lines)
{
	struct targets t;
	struct target_item item;
	const char *wrong;
	size_t n = 0;
	int r;

	targets_init(&t, in, "d.example", lines);
	while ((r = targets_next(&t, &item, &wrong)) != 0) {
		if (r == 1)
			check(&item, lines);
		else if (wrong == NULL)
			abort();
		if (++n > in.len)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk(span_of(data, size), true);
	walk(span_of(data, size), false);
	return 0;
}
