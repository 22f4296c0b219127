/*
 * Modified UTF-7 and UTF-8.  One text has exactly one encoding: a decoder that
 * took others would give one folder several names, so what does not come out
 * the same when encoded again is refused.
 */
#include "utf7.h"

#include "addr.h"
#include "utf8.h"

#define NAME_BYTES 4096

static const unsigned char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Value of a base64 digit, or -1. */
static int
digit_value(int ch)
{
	for (int i = 0; i < 64; i++)
		if (digits[i] == ch)
			return i;
	return -1;
}

/* One UTF-16 unit; *high holds the first half of a pair. */
static int
utf16_unit(uint32_t u, uint32_t *high, struct buf *out)
{
	if (u >= 0xdc00 && u < 0xe000) {
		if (*high == 0)
			return -1;
		utf8_put(out, 0x10000 + ((*high - 0xd800) << 10) +
		    (u - 0xdc00));
		*high = 0;
		return 0;
	}
	if (*high != 0)
		return -1;
	if (u >= 0xd800 && u < 0xdc00)
		*high = u;
	else
		utf8_put(out, u);
	return 0;
}

/* What stands between "&" and "-". */
static int
decode_run(struct cur *c, struct buf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned n = 0;
	int v;

	while (!cur_ch(c, '-')) {
		if ((v = digit_value(cur_next(c))) == -1)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		n += 6;
		if (n >= 16) {
			n -= 16;
			if (utf16_unit(bits >> n & 0xffff, &high, out) == -1)
				return -1;
			bits &= (1u << n) - 1;
		}
	}
	return high == 0 && bits == 0 && n < 6 ? 0 : -1;
}

int
utf7_decode(struct span s, struct buf *out)
{
	struct buf again;
	struct cur c;
	size_t start = out->len;
	int ch, r = 0;

	cur_init(&c, s);
	while (r == 0 && (ch = cur_next(&c)) != -1) {
		if (ch < ' ' || ch > '~')
			return -1;
		if (ch != '&')
			buf_addc(out, (unsigned char)ch);
		else if (cur_ch(&c, '-'))
			buf_addc(out, '&');
		else
			r = decode_run(&c, out);
	}
	if (r == -1 || out->bad)
		return -1;
	buf_init(&again, NAME_BYTES + 4 * s.len);
	if (utf7_encode(span_of(out->p == NULL ? NULL : out->p + start,
	    out->len - start), &again) == -1 || !span_eq(buf_span(&again), s))
		r = -1;
	buf_free(&again);
	return r;
}

struct b64 {
	uint32_t bits;
	unsigned n;
	bool open;
};

static void
put_unit(struct b64 *b, uint32_t u, struct buf *out)
{
	if (!b->open) {
		buf_addc(out, '&');
		*b = (struct b64){ .open = true };
	}
	b->bits = b->bits << 16 | u;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		buf_addc(out, digits[b->bits >> b->n & 0x3f]);
	}
	b->bits &= (1u << b->n) - 1;
}

static void
close_run(struct b64 *b, struct buf *out)
{
	if (!b->open)
		return;
	if (b->n > 0)
		buf_addc(out, digits[b->bits << (6 - b->n) & 0x3f]);
	buf_addc(out, '-');
	b->open = false;
}

int
utf7_encode(struct span s, struct buf *out)
{
	struct b64 b = { 0 };
	struct cur c;
	uint32_t v;

	if (!is_utf8(s))
		return -1;
	cur_init(&c, s);
	while (!cur_end(&c)) {
		v = utf8_get(&c);
		if (v >= ' ' && v <= '~') {
			close_run(&b, out);
			buf_addc(out, (unsigned char)v);
			if (v == '&')
				buf_addc(out, '-');
		} else if (v < 0x10000) {
			put_unit(&b, v, out);
		} else {
			v -= 0x10000;
			put_unit(&b, 0xd800 + (v >> 10), out);
			put_unit(&b, 0xdc00 + (v & 0x3ff), out);
		}
	}
	close_run(&b, out);
	return out->bad ? -1 : 0;
}

int
utf7_take(struct span s, struct buf *out)
{
	struct buf text;
	int r;

	buf_init(&text, NAME_BYTES + 4 * s.len);
	r = utf7_decode(s, &text);
	buf_free(&text);
	return r == 0 ? buf_addspan(out, s) : utf7_encode(s, out);
}
