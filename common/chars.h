/*
 * Classes of bytes, named after the RFC productions: for cur_while and single
 * tests.  No locale, no sign trouble, bytes above 127 are in CH_UTF8 alone.
 */
#ifndef CHARS_H
#define CHARS_H

#include <stdint.h>

enum {
	CH_ATEXT = 0x01,	/* RFC 5322 3.2.3 */
	CH_QTEXT = 0x02,	/* RFC 5321 4.1.2 qtextSMTP: with space */
	CH_DTEXT = 0x04,	/* RFC 5321 4.1.3 dcontent */
	CH_LETDIG = 0x08,	/* RFC 5321 4.1.2 Let-dig: A-Z a-z 0-9 */
	CH_UTF8 = 0x10,		/* bytes of UTF8-non-ascii (RFC 6532 3.1) */
	CH_FTEXT = 0x20,	/* RFC 5322 3.6.8: field names */
	CH_TOKEN = 0x40,	/* RFC 2045 5.1 */
	CH_FWS = 0x80		/* space, tab, CR, LF: what folding is made of */
};
extern const uint8_t chars[256];

#endif
