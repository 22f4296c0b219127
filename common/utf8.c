/*
 * UTF-8.  Trusts that what it reads is well-formed: charset_utf8_length says so.
 */
#include "utf8.h"

void
utf8_put(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(out, (unsigned char)c);
		return;
	}
	if (c < 0x800) {
		buf_addc(out, (unsigned char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_addc(out, (unsigned char)(0xe0 | c >> 12));
		} else {
			buf_addc(out, (unsigned char)(0xf0 | c >> 18));
			buf_addc(out, (unsigned char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_addc(out, (unsigned char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_addc(out, (unsigned char)(0x80 | (c & 0x3f)));
}

uint32_t
utf8_get(struct cur *c)
{
	uint32_t v = (uint32_t)cur_next(c);
	int more = v < 0x80 ? 0 : v < 0xe0 ? 1 : v < 0xf0 ? 2 : 3;

	if (more > 0)
		v &= 0x3fu >> more;
	while (more-- > 0)
		v = v << 6 | ((uint32_t)cur_next(c) & 0x3f);
	return v;
}
