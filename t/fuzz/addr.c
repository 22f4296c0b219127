/*
 * Addresses: what the envelope parser takes, it takes again in canonical text
 * and gives the same; what the list parser reports lies inside the input.
 */
#include "addr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct addr *a)
{
	struct addr again;

	if (strlen(a->text) > ADDR_MAX || a->local_len > strlen(a->text) ||
	    strpbrk(a->text, "\r\n") != NULL ||
	    !is_utf8(span_str(a->text)))
		abort();
	if (a->text[0] == '\0' || addr_domain(a)[0] == '\0')
		return;
	if (parse_mailbox(span_str(a->text), true, &again) != ADDR_OK ||
	    memcmp(a, &again, sizeof(again)) != 0)
		abort();
}

static void
check_item(void *arg, const struct addr_item *it)
{
	const struct span *in = arg;
	const struct span parts[] = { it->name, it->local, it->domain,
		it->comment };
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < 4; i++) {
		if (parts[i].len > 0 && (parts[i].p < in->p ||
		    parts[i].p + parts[i].len > in->p + in->len))
			abort();
		for (int how = ADDR_CLEAN_KEEP; how <= ADDR_CLEAN_PHRASE; how++)
			addr_clean(parts[i], (enum addr_clean)how, &out);
		if (span_haschr(buf_span(&out), '\n'))
			abort();
		buf_clear(&out);
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct addr a;
	struct cur c;

	for (int utf8 = 0; utf8 < 2; utf8++) {
		cur_init(&c, in);
		if (parse_reverse_path(&c, utf8, &a) == ADDR_OK)
			check(&a);
		cur_init(&c, in);
		if (parse_forward_path(&c, utf8, &a) == ADDR_OK)
			check(&a);
		if (parse_mailbox(in, utf8, &a) == ADDR_OK)
			check(&a);
		is_domain(in, utf8);
	}
	is_address_literal(in);
	parse_address_list(in, check_item, &in);
	return 0;
}
