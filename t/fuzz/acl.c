/*
 * posthouse.acl: what the parser takes, printed, is taken again as the same; what it refuses gives nobody
 * a right.  The first line is an account's address.
 */
#include "acl.h"

#include <stdint.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
same(const struct acl *a, const struct acl *b)
{
	if (a->n != b->n)
		abort();
	for (size_t i = 0; i < a->n; i++)
		if (a->e[i].rights != b->e[i].rights ||
		    a->e[i].negative != b->e[i].negative ||
		    !span_eq(acl_identifier(a, &a->e[i]),
		    acl_identifier(b, &b->e[i])))
			abort();
}

/* A right that is there was given to the account or to anyone, and taken from neither. */
static void
check_rights(const struct acl *a, const char *address)
{
	unsigned has = acl_rights(a, address);
	const struct acl_entry *e;

	if ((has & ~(unsigned)ACL_ALL) != 0)
		abort();
	if ((e = acl_find(a, span_str("anyone"), true)) != NULL &&
	    has & e->rights)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acl a = { 0 }, b = { 0 };
	char address[ADDR_MAX + 1];
	const char *why;
	struct buf text;
	unsigned line;
	struct cur c;

	cur_init(&c, span_of(data, size));
	if (span_cstr(cur_until(&c, '\n'), address, sizeof(address)) == -1 ||
	    !cur_ch(&c, '\n'))
		return 0;
	if (acl_parse(&a, cur_rest(&c), &why, &line) == -1) {
		if (a.n != 0 || acl_rights(&a, address) != 0 || why == NULL ||
		    line == 0)
			abort();
		acl_free(&a);
		return 0;
	}
	check_rights(&a, address);
	buf_init(&text, 4 * size + 65536);
	acl_print(&a, &text);
	if (text.bad || acl_parse(&b, buf_span(&text), &why, &line) == -1)
		abort();
	same(&a, &b);
	buf_free(&text);
	acl_free(&a);
	acl_free(&b);
	return 0;
}
