/*
 * mbox files: every byte of a line is given out once, or the line is left out for a reason.  Then the input as two messages
 * that deliver-local adds to one: however they are cut, the same is written, and they are read as what they were.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mbox.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_read(const uint8_t *data, size_t size)
{
	struct mbox m = { .flags = 0 };
	size_t at = 0;

	while (at < size) {
		size_t n = 0;
		struct span line;

		while (at + n < size && n < 64 && data[at + n++] != '\n')
			;
		line = span_of(data + at, n);
		switch (mbox_line(&m, &line)) {
		case MBOX_FROM:
			mbox_begin(&m, line);
			break;
		case MBOX_LINE:
			if (line.len > n || line.len + 1 < n)
				abort();
			break;
		case MBOX_NOTHING:
			if (n > 2)
				abort();
			break;
		}
		at += n;
	}
}

static void
write_one(struct span text, size_t piece, struct buf *out)
{
	struct mbox_out o = { .open = false };
	struct cur c;

	mbox_put_from(out, "a@b", 1800000000);
	cur_init(&c, text);
	while (!cur_end(&c))
		mbox_put(&o, cur_take(&c, cur_left(&c) < piece ?
		    cur_left(&c) : piece), out);
	mbox_put_end(&o, out);
	if (out->bad)
		abort();
}

/* Reads the messages of an mbox, one behind the other. */
static size_t
read_all(struct span file, struct buf *out)
{
	struct mbox m = { .flags = 0 };
	struct span line;
	size_t n = 0;
	struct cur c;

	cur_init(&c, file);
	while (!cur_end(&c)) {
		line = cur_until(&c, '\n');
		line.len += cur_ch(&c, '\n');
		switch (mbox_line(&m, &line)) {
		case MBOX_FROM:
			mbox_begin(&m, line);
			if (m.arrival != 1800000000)
				abort();
			n++;
			break;
		case MBOX_LINE:
			if (m.empty_first)
				(void)buf_addc(out, '\n');
			(void)buf_addspan(out, line);
			break;
		case MBOX_NOTHING:
			break;
		}
	}
	return n;
}

/* As the spool has messages: without CR, and an empty line behind the header. */
static bool
is_message(struct span text)
{
	return text.len > 0 && !span_haschr(text, '\r') &&
	    (text.p[0] == '\n' || memmem(text.p, text.len, "\n\n", 2) != NULL);
}

static void
check_write(struct span text, size_t piece)
{
	struct buf file, pieces, got, want;

	buf_init(&file, 4 * text.len + 256);
	buf_init(&pieces, 4 * text.len + 256);
	buf_init(&got, 4 * text.len + 256);
	buf_init(&want, 4 * text.len + 256);
	write_one(text, SIZE_MAX, &file);
	write_one(text, SIZE_MAX, &file);
	write_one(text, piece, &pieces);
	write_one(text, piece, &pieces);
	if (!span_eq(buf_span(&file), buf_span(&pieces)))
		abort();
	for (int i = 0; i < 2; i++) {
		(void)buf_addspan(&want, text);
		if (text.len > 0 && text.p[text.len - 1] != '\n')
			(void)buf_addc(&want, '\n');
	}
	if (read_all(buf_span(&file), &got) != 2 || got.bad || want.bad ||
	    (is_message(text) && !span_eq(buf_span(&got), buf_span(&want))))
		abort();
	buf_free(&file);
	buf_free(&pieces);
	buf_free(&got);
	buf_free(&want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_read(data, size);
	if (size > 1)
		check_write(span_of(data + 1, size - 1), data[0] == 0 ? 99 :
		    data[0]);
	return 0;
}
