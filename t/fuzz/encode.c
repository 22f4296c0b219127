/*
 * Encodings: round trips, and decoded text is always well-formed UTF-8 without
 * line ends or NULs that were not there.
 */
#include "encode.h"

#include <stdint.h>
#include <stdlib.h>

#include "addr.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Without spaces: encoding may not keep those around an encoded-word that
 * stands between others. */
static void
check_words(struct span in)
{
	struct buf text, code, back;

	buf_init(&text, 64 << 20);
	buf_init(&code, 64 << 20);
	buf_init(&back, 64 << 20);
	if (words_decode(in, &text) == -1)
		abort();
	if (!span_haschr(in, 0) && (!is_utf8(buf_span(&text)) ||
	    span_haschr(buf_span(&text), '\n')))
		abort();
	if (words_encode(buf_span(&text), &code) == -1 ||
	    words_decode(buf_span(&code), &back) == -1)
		abort();
	if (!span_haschr(buf_span(&code), '\n') &&
	    !span_haschr(buf_span(&code), '\r'))
		for (size_t i = 0; i < code.len; i++)
			if (code.p[i] < 0x20 || code.p[i] > 0x7e)
				abort();
	for (size_t i = 0; i < text.len; i++)	/* as words_decode does */
		if (text.p[i] < 0x20 && text.p[i] != '\t')
			text.p[i] = ' ';
	if (!span_eq(buf_span(&text), buf_span(&back)))
		abort();
	buf_free(&text);
	buf_free(&code);
	buf_free(&back);
}

static void
check_charset(struct span in)
{
	struct span charset;
	struct buf out;
	struct cur c;

	buf_init(&out, 64 << 20);
	cur_init(&c, in);
	charset = cur_until(&c, '\n');
	cur_ch(&c, '\n');
	charset_decode(cur_rest(&c), charset, &out);
	if (!out.bad && !span_haschr(buf_span(&out), 0) &&
	    !is_utf8(buf_span(&out)))
		abort();
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct buf code, back;

	buf_init(&code, 64 << 20);
	buf_init(&back, 64 << 20);
	if (base64_encode(in, &code) == -1 ||
	    base64_decode(buf_span(&code), &back) == -1 ||
	    !span_eq(in, buf_span(&back)))
		abort();
	buf_clear(&back);
	if (base64_decode_body(buf_span(&code), &back) == -1 ||
	    !span_eq(in, buf_span(&back)))
		abort();
	buf_clear(&back);
	buf_clear(&code);
	if (base64_decode(in, &back) == 0 &&
	    (base64_encode(buf_span(&back), &code) == -1 ||
	    !span_eq(in, buf_span(&code))))
		abort();
	buf_clear(&back);
	if (qp_decode_body(in, &back) == -1 || back.len > size)
		abort();
	check_words(in);
	check_charset(in);
	buf_free(&code);
	buf_free(&back);
	return 0;
}
