/*
 * Envelope addresses: RFC 5321 section 4.1.2 and 4.1.3, with RFC 6531 section
 * 3.3 where the caller allows it.  One function per production over a cursor.
 * Trusts nothing; accepts or refuses, and never completes what is missing.
 * Refused although some accept them: a final dot, underscores in domains,
 * General-address-literals (no tag but IPv6 is registered), and leading zeros
 * in IPv4 literals, which some resolvers read as octal.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "chars.h"

#define LABEL_MAX	63	/* RFC 1035 section 2.3.4 */

/*
 * Well-formed UTF-8: RFC 3629 section 4, one code point.  Returns it, or -1.
 */
static int
utf8_char(struct cur *c)
{
	static const struct {
		uint8_t mask, lead;
		uint8_t more;
		int min;
	} forms[] = {
		{ 0x80, 0x00, 0, 0x01 },	/* NUL has no place in an address */
		{ 0xe0, 0xc0, 1, 0x80 },
		{ 0xf0, 0xe0, 2, 0x800 },
		{ 0xf8, 0xf0, 3, 0x10000 },
	};
	int b = cur_next(c), v, t;

	for (size_t i = 0; b != -1 && i < sizeof(forms) / sizeof(forms[0]); i++) {
		if ((b & forms[i].mask) != forms[i].lead)
			continue;
		v = b & ~forms[i].mask;
		for (uint8_t n = 0; n < forms[i].more; n++) {
			if ((t = cur_next(c)) == -1 || (t & 0xc0) != 0x80)
				return -1;
			v = v << 6 | (t & 0x3f);
		}
		if (v < forms[i].min || v > 0x10ffff ||
		    (v >= 0xd800 && v <= 0xdfff))
			return -1;
		return v;
	}
	return -1;
}

bool
is_utf8(struct span s)
{
	struct cur c;

	cur_init(&c, s);
	while (!cur_end(&c))
		if (utf8_char(&c) == -1)
			return false;
	return true;
}

/* C1 controls: invisible, and an escape to some terminals. */
static bool
has_c1(struct span s)
{
	struct cur c;
	int v;

	cur_init(&c, s);
	while ((v = utf8_char(&c)) != -1)
		if (v >= 0x80 && v < 0xa0)
			return true;
	return false;
}

/*
 * Dots of other scripts: IDNA (RFC 3490 section 3.1) would split labels at
 * them, so that "b<U+3002>example" and "b.example" were one domain for some.
 */
static bool
has_other_dot(struct span s)
{
	struct cur c;
	int v;

	cur_init(&c, s);
	while ((v = utf8_char(&c)) != -1)
		if (v == 0x3002 || v == 0xff0e || v == 0xff61)
			return true;
	return false;
}

/* What a run of bytes needs beyond its grammar: the rules for UTF-8. */
static enum addr_result
check_utf8(struct span s, bool allowed, bool *seen)
{
	if (span_isascii(s))
		return ADDR_OK;
	if (!allowed || !is_utf8(s) || has_c1(s))
		return ADDR_UTF8;
	*seen = true;
	return ADDR_OK;
}

/* sub-domain: RFC 5321 section 4.1.2, RFC 6531 section 3.3 (U-label). */
static enum addr_result
parse_sub_domain(struct cur *c)
{
	size_t len = 0;
	struct span run;
	bool hyphen;

	do {
		run = cur_while(c, chars, CH_LETDIG | CH_UTF8);
		if (run.len == 0)	/* also: a hyphen at either end */
			return ADDR_SYNTAX;
		len += run.len;
		for (hyphen = false; cur_ch(c, '-'); hyphen = true)
			len++;
	} while (hyphen);
	return len > LABEL_MAX ? ADDR_TOOLONG : ADDR_OK;
}

/* Domain: RFC 5321 section 4.1.2.  Letters and digits of any script. */
static enum addr_result
parse_domain(struct cur *c, struct span *out)
{
	const unsigned char *start = c->p;
	enum addr_result r, worst = ADDR_OK;

	do {
		if ((r = parse_sub_domain(c)) == ADDR_SYNTAX)
			return r;
		if (r != ADDR_OK)
			worst = r;
	} while (cur_ch(c, '.'));
	*out = span_of(start, (size_t)(c->p - start));
	return out->len > ADDR_DOMAIN_MAX ? ADDR_TOOLONG : worst;
}

/* address-literal: RFC 5321 section 4.1.3; out is with the brackets. */
static enum addr_result
parse_address_literal(struct cur *c, struct span *out)
{
	const unsigned char *start = c->p;
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	struct span s;
	int family = AF_INET;

	if (!cur_ch(c, '['))
		return ADDR_SYNTAX;
	if (cur_word(c, "IPv6:"))
		family = AF_INET6;
	s = cur_while(c, chars, CH_DTEXT);
	if (!cur_ch(c, ']') || span_cstr(s, text, sizeof(text)) == -1 ||
	    inet_pton(family, text, &ip) != 1)
		return ADDR_SYNTAX;
	*out = span_of(start, (size_t)(c->p - start));
	return ADDR_OK;
}

/* Dot-string: RFC 5321 section 4.1.2. */
static enum addr_result
parse_dot_string(struct cur *c)
{
	do {
		if (cur_while(c, chars, CH_ATEXT | CH_UTF8).len == 0)
			return ADDR_SYNTAX;
	} while (cur_ch(c, '.'));
	return ADDR_OK;
}

/* Quoted-string: RFC 5321 section 4.1.2 (QcontentSMTP, quoted-pairSMTP). */
static enum addr_result
parse_quoted_string(struct cur *c)
{
	int ch;

	if (!cur_ch(c, '"'))
		return ADDR_SYNTAX;
	for (;;) {
		cur_while(c, chars, CH_QTEXT | CH_UTF8);
		if (cur_ch(c, '"'))
			return ADDR_OK;
		if (!cur_ch(c, '\\'))
			return ADDR_SYNTAX;
		ch = cur_next(c);
		if (ch < 32 || ch > 126)
			return ADDR_SYNTAX;
	}
}

/* Local-part: RFC 5321 section 4.1.2; out is as it stands. */
static enum addr_result
parse_local_part(struct cur *c, struct span *out)
{
	const unsigned char *start = c->p;
	enum addr_result r;

	r = cur_peek(c) == '"' ? parse_quoted_string(c) : parse_dot_string(c);
	if (r != ADDR_OK)
		return r;
	*out = span_of(start, (size_t)(c->p - start));
	return out->len > ADDR_LOCAL_MAX ? ADDR_TOOLONG : ADDR_OK;
}

static bool
is_dot_string(struct span s)
{
	struct cur c;

	cur_init(&c, s);
	return parse_dot_string(&c) == ADDR_OK && cur_end(&c);
}

/* Removes quotes and backslashes; out holds s.len bytes.  Returns the length. */
static size_t
unquote(struct span s, unsigned char *out)
{
	struct cur c;
	size_t n = 0;
	int ch;

	cur_init(&c, s);
	if (!cur_ch(&c, '"')) {
		memcpy(out, s.p, s.len);
		return s.len;
	}
	while ((ch = cur_next(&c)) != '"' && ch != -1) {
		if (ch == '\\')
			ch = cur_next(&c);
		out[n++] = (unsigned char)ch;
	}
	return n;
}

/* The canonical local part: never longer than what it came from. */
static void
set_local(struct addr *a, struct span raw)
{
	unsigned char plain[ADDR_LOCAL_MAX];
	size_t n = unquote(raw, plain), len = 0;

	if (is_dot_string(span_of(plain, n))) {
		memcpy(a->text, plain, n);
		a->local_len = n;
		return;
	}
	a->text[len++] = '"';
	for (size_t i = 0; i < n; i++) {
		if (plain[i] == '"' || plain[i] == '\\')
			a->text[len++] = '\\';
		a->text[len++] = (char)plain[i];
	}
	a->text[len++] = '"';
	a->local_len = len;
}

static void
set_domain(struct addr *a, struct span domain)
{
	char *out = a->text + a->local_len;

	*out++ = '@';
	for (size_t i = 0; i < domain.len; i++)
		*out++ = (char)ascii_lower(domain.p[i]);
	*out = '\0';
}

/* Mailbox: RFC 5321 section 4.1.2. */
static enum addr_result
parse_mailbox_at(struct cur *c, bool utf8, struct addr *a)
{
	enum addr_result r;
	struct span local, domain;
	bool literal;

	r = parse_local_part(c, &local);
	if (r == ADDR_SYNTAX || !cur_ch(c, '@'))
		return ADDR_SYNTAX;
	if (r != ADDR_OK)
		return r;
	literal = cur_peek(c) == '[';
	r = literal ? parse_address_literal(c, &domain) :
	    parse_domain(c, &domain);
	if (r != ADDR_OK)
		return r;
	if ((r = check_utf8(local, utf8, &a->utf8)) != ADDR_OK ||
	    (r = check_utf8(domain, utf8, &a->utf8)) != ADDR_OK)
		return r;
	if (a->utf8 && has_other_dot(domain))
		return ADDR_SYNTAX;
	set_local(a, local);
	set_domain(a, domain);
	a->literal = literal;
	return ADDR_OK;
}

/* A-d-l ":", a source route: RFC 5321 section 4.1.2; ignored as Appendix C says. */
static enum addr_result
skip_source_route(struct cur *c, bool utf8)
{
	struct span domain;
	enum addr_result r;
	bool seen = false;

	if (cur_peek(c) != '@')
		return ADDR_OK;
	do {
		if (!cur_ch(c, '@'))
			return ADDR_SYNTAX;
		if ((r = parse_domain(c, &domain)) != ADDR_OK ||
		    (r = check_utf8(domain, utf8, &seen)) != ADDR_OK)
			return r;
	} while (cur_ch(c, ','));
	return cur_ch(c, ':') ? ADDR_OK : ADDR_SYNTAX;
}

/* Path: RFC 5321 section 4.1.2, the cursor behind "<". */
static enum addr_result
parse_path(struct cur *c, bool utf8, struct addr *a)
{
	const unsigned char *start = c->p;
	enum addr_result r;

	if ((r = skip_source_route(c, utf8)) != ADDR_OK ||
	    (r = parse_mailbox_at(c, utf8, a)) != ADDR_OK)
		return r;
	if (!cur_ch(c, '>'))
		return ADDR_SYNTAX;
	return c->p - start > ADDR_PATH_MAX ? ADDR_TOOLONG : ADDR_OK;
}

/* A refused address leaves nothing behind that could be used by mistake. */
static enum addr_result
finish(enum addr_result r, struct addr *a)
{
	if (r != ADDR_OK)
		memset(a, 0, sizeof(*a));
	return r;
}

/* Reverse-path: RFC 5321 section 4.1.2. */
enum addr_result
parse_reverse_path(struct cur *c, bool utf8, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	if (!cur_ch(c, '<'))
		return ADDR_SYNTAX;
	if (cur_ch(c, '>'))
		return ADDR_OK;
	return finish(parse_path(c, utf8, a), a);
}

/* Forward-path and the special "<Postmaster>": RFC 5321 section 4.1.1.3. */
enum addr_result
parse_forward_path(struct cur *c, bool utf8, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	if (!cur_ch(c, '<'))
		return ADDR_SYNTAX;
	if (cur_word(c, "postmaster>")) {
		memcpy(a->text, "postmaster", 11);
		a->local_len = 10;
		return ADDR_OK;
	}
	return finish(parse_path(c, utf8, a), a);
}

enum addr_result
parse_mailbox(struct span s, bool utf8, struct addr *a)
{
	enum addr_result r;
	struct cur c;

	memset(a, 0, sizeof(*a));
	cur_init(&c, s);
	r = parse_mailbox_at(&c, utf8, a);
	if (r == ADDR_OK && !cur_end(&c))
		r = ADDR_SYNTAX;
	return finish(r, a);
}

bool
is_domain(struct span s, bool utf8)
{
	struct span domain;
	struct cur c;
	bool seen = false;

	cur_init(&c, s);
	return parse_domain(&c, &domain) == ADDR_OK && cur_end(&c) &&
	    check_utf8(s, utf8, &seen) == ADDR_OK &&
	    !(seen && has_other_dot(s));
}

bool
is_address_literal(struct span s)
{
	struct span out;
	struct cur c;

	cur_init(&c, s);
	return parse_address_literal(&c, &out) == ADDR_OK && cur_end(&c);
}

const char *
addr_domain(const struct addr *a)
{
	return a->text[a->local_len] == '@' ? a->text + a->local_len + 1 : "";
}

struct span
addr_local(const struct addr *a)
{
	return span_of(a->text, a->local_len);
}
