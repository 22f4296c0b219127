/*
 * Fields of a header as the folder's cache has them: bytes from a broken cache do no harm, what was packed comes out
 * as it went in.
 */
#include "imapd/fields.h"
#include "imapd/kept.h"

#include <stdint.h>
#include <stdlib.h>

/* LINK: imapd/kept.c imapd/fields.c */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is picked of a header is what its fields are, one by one. */
static void
check_fields(struct span header)
{
	struct span rest = header, name;
	struct section s = { .kind = SEC_FIELDS, .fields = &name,
	    .nfields = 1 };
	struct buf packed, all, want;
	struct header_field f;

	buf_init(&packed, FIELDS_MAX);
	buf_init(&all, FIELDS_MAX);
	buf_init(&want, header.len + 2);
	while (header_field(&rest, &f)) {
		name = f.name;
		if (fields_wanted(&s) != 0)
			(void)buf_addspan(&want, f.whole);
	}
	(void)buf_adds(&want, "\r\n");
	if (fields_pack(header, &packed) == 0 &&
	    (!fields_pick(buf_span(&packed), UINT64_MAX, &all) ||
	    !span_eq(buf_span(&all), buf_span(&want))))
		abort();
	buf_free(&packed);
	buf_free(&all);
	buf_free(&want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), text, back, out;
	struct buf packed;
	int field, again;

	check_fields(rest);
	if (kept_is_list(rest) && (size < 2 || data[0] != '(' ||
	    data[size - 1] != ')'))
		abort();
	buf_init(&packed, FIELDS_MAX + size);
	(void)fields_pick(rest, UINT64_MAX, &packed);
	buf_free(&packed);
	while (rest.len > 0) {
		size_t before = rest.len;

		if (!kept_next(&rest, &field, &text))
			break;
		if (field < 0 || field > 255 ||
		    text.len + 3 + rest.len != before)
			abort();
		buf_init(&packed, size);
		if (kept_add(&packed, field, text) == -1)
			abort();
		back = buf_span(&packed);
		if (!kept_next(&back, &again, &out) || again != field ||
		    back.len != 0 || !span_eq(out, text))
			abort();
		buf_free(&packed);
	}
	return 0;
}
