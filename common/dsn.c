/*
 * The parameters of RFC 3461.  Pure functions: smtpd and sendmail refuse with
 * them what is not in the grammar; queue, bounce and deliver-remote ask them
 * what a recipient's sender wants to hear.
 */
#include "dsn.h"

#include <string.h>

#include "addr.h"
#include "chars.h"
#include "encode.h"
#include "limits.h"

static const struct { const char *word; unsigned bit; } words[] = {
	{ "SUCCESS", DSN_SUCCESS }, { "FAILURE", DSN_FAILURE },
	{ "DELAY", DSN_DELAY }, { "NEVER", DSN_NEVER }
};
#define NWORDS	(sizeof(words) / sizeof(words[0]))

static unsigned
word_bit(struct span s)
{
	for (size_t i = 0; i < NWORDS; i++)
		if (span_isis(s, words[i].word))
			return words[i].bit;
	return 0;
}

unsigned
dsn_notify_parse(struct span s)
{
	unsigned bits = 0, bit;
	struct cur c;

	cur_init(&c, s);
	do {
		if ((bit = word_bit(cur_until(&c, ','))) == 0)
			return 0;
		bits |= bit;
	} while (cur_ch(&c, ','));
	return (bits & DSN_NEVER) != 0 && !span_isis(s, "NEVER") ? 0 : bits;
}

void
dsn_notify_print(unsigned bits, char out[DSN_NOTIFY_SIZE])
{
	out[0] = '\0';
	for (size_t i = 0; i < NWORDS; i++) {
		if ((bits & words[i].bit) == 0)
			continue;
		if (out[0] != '\0')
			strlcat(out, ",", DSN_NOTIFY_SIZE);
		strlcat(out, words[i].word, DSN_NOTIFY_SIZE);
	}
}

bool
dsn_is_expanded(struct span index)
{
	struct cur c;
	uint64_t n;

	cur_init(&c, index);
	(void)cur_until(&c, '.');
	while (cur_ch(&c, '.'))
		if (cur_num(&c, UINT64_MAX, &n) == -1 || n > 0)
			return true;
	return false;
}

unsigned
dsn_notify_of(const char *notify, struct span index)
{
	unsigned bits = notify == NULL ? 0 : dsn_notify_parse(span_str(notify));

	if ((bits & DSN_SUCCESS) == 0 || !dsn_is_expanded(index))
		return bits;
	/* Who asked for success alone wants to hear nothing else. */
	return bits == DSN_SUCCESS ? DSN_NEVER : bits & ~(unsigned)DSN_SUCCESS;
}

/* xchar = %d33-42 / %d44-60 / %d62-126; hexchar = "+" 2HEXDIG, upper case. */
static bool
xtext(struct span s, bool utf8)
{
	struct cur c;
	int ch, v;

	for (cur_init(&c, s); (ch = cur_next(&c)) != -1;) {
		if (ch == '+') {
			const unsigned char *hex = c.p;

			if ((v = hex_byte(&c)) == -1 ||
			    (v < ' ' && v != '\t') || v == 0x7f ||
			    hex[0] > 'F' || hex[1] > 'F')
				return false;
		} else if (ch <= ' ' || ch == '=' || ch == 0x7f ||
		    (ch > 0x7f && !utf8))
			return false;
	}
	return s.len > 0 && (!utf8 || is_utf8(s));
}

bool
dsn_is_xtext(struct span s)
{
	return xtext(s, false);
}

const char *
dsn_ret_parse(struct span s)
{
	return span_isis(s, "FULL") ? "FULL" :
	    span_isis(s, "HDRS") ? "HDRS" : NULL;
}

bool
dsn_is_envid(struct span s)
{
	return s.len <= DSN_ENVID_MAX && dsn_is_xtext(s);
}

bool
dsn_is_orcpt(struct span s, bool utf8)
{
	struct span type;
	struct cur c;

	if (s.len > DSN_ORCPT_MAX)
		return false;
	cur_init(&c, s);
	type = cur_while(&c, chars, CH_ATEXT);		/* addr-type = atom */
	return type.len > 0 && cur_ch(&c, ';') &&
	    xtext(cur_rest(&c), utf8 && span_isis(type, "utf-8"));
}
