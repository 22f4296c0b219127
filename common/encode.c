/*
 * base64, quoted-printable and encoded-words.  The strict decoder is for
 * credentials, where two spellings of one secret must not both be right; the
 * lenient ones are for bodies, where something is to be shown whatever stands
 * there.  All look at each byte a bounded number of times.
 */
#include "encode.h"

#include <stdbool.h>

#include "addr.h"
#include "chars.h"
#include "header.h"

#define WORD_TEXT_MAX	45	/* bytes in one encoded-word: 75 columns, 2047 section 2 */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define DIGIT	64	/* in values: this byte is one */

/* What each digit stands for, and DIGIT. */
static const unsigned char values[256] = {
	['A'] = 64, ['B'] = 65, ['C'] = 66, ['D'] = 67, ['E'] = 68, ['F'] = 69, ['G'] = 70, ['H'] = 71,
	['I'] = 72, ['J'] = 73, ['K'] = 74, ['L'] = 75, ['M'] = 76, ['N'] = 77, ['O'] = 78, ['P'] = 79,
	['Q'] = 80, ['R'] = 81, ['S'] = 82, ['T'] = 83, ['U'] = 84, ['V'] = 85, ['W'] = 86, ['X'] = 87,
	['Y'] = 88, ['Z'] = 89, ['a'] = 90, ['b'] = 91, ['c'] = 92, ['d'] = 93, ['e'] = 94, ['f'] = 95,
	['g'] = 96, ['h'] = 97, ['i'] = 98, ['j'] = 99, ['k'] = 100, ['l'] = 101, ['m'] = 102, ['n'] = 103,
	['o'] = 104, ['p'] = 105, ['q'] = 106, ['r'] = 107, ['s'] = 108, ['t'] = 109, ['u'] = 110, ['v'] = 111,
	['w'] = 112, ['x'] = 113, ['y'] = 114, ['z'] = 115, ['0'] = 116, ['1'] = 117, ['2'] = 118, ['3'] = 119,
	['4'] = 120, ['5'] = 121, ['6'] = 122, ['7'] = 123, ['8'] = 124, ['9'] = 125, ['+'] = 126, ['/'] = 127,
};

/* RFC 4648 section 4; -1: not in the alphabet. */
static int
base64_value(int c)
{
	return c >= 0 && values[c] & DIGIT ? values[c] & (DIGIT - 1) : -1;
}

/* Bits that wait to become bytes. */
struct bits {
	unsigned value;
	unsigned n;
};

static void
base64_push(struct bits *b, int v, struct buf *out)
{
	b->value = (b->value << 6 | (unsigned)v) & 0xffff;
	b->n += 6;
	if (b->n < 8)
		return;
	b->n -= 8;
	buf_addc(out, (unsigned char)(b->value >> b->n & 0xff));
}

/* RFC 4648 section 4, with 3.2 and 3.5: full padding, zero pad bits. */
int
base64_decode(struct span s, struct buf *out)
{
	struct bits b = { 0, 0 };
	struct cur c;
	size_t pad = 0;
	int v;

	if (s.len % 4 != 0)
		return -1;
	cur_init(&c, s);
	while ((v = base64_value(cur_peek(&c))) != -1) {
		cur_next(&c);
		base64_push(&b, v, out);
	}
	while (cur_ch(&c, '='))
		pad++;
	if (!cur_end(&c) || pad * 2 != b.n || pad > 2 ||
	    (b.value & ((1U << b.n) - 1)) != 0)
		return -1;
	return out->bad ? -1 : 0;
}

int
base64_encode(struct span s, struct buf *out)
{
	unsigned v;

	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i;

		v = (unsigned)s.p[i] << 16;
		v |= n > 1 ? (unsigned)s.p[i + 1] << 8 : 0;
		v |= n > 2 ? (unsigned)s.p[i + 2] : 0;
		buf_addc(out, (unsigned char)base64_digits[v >> 18 & 63]);
		buf_addc(out, (unsigned char)base64_digits[v >> 12 & 63]);
		buf_addc(out, n > 1 ?
		    (unsigned char)base64_digits[v >> 6 & 63] : '=');
		buf_addc(out, n > 2 ? (unsigned char)base64_digits[v & 63] : '=');
	}
	return out->bad ? -1 : 0;
}

/* Fours of digits, of which nearly all lines consist: many times as fast as one by one. */
static void
base64_fours(struct cur *c, struct buf *out)
{
	unsigned char bytes[192];
	size_t n;

	do {
		for (n = 0; n < sizeof(bytes) && cur_left(c) >= 4; n += 3) {
			unsigned a = values[c->p[0]], b = values[c->p[1]];
			unsigned d = values[c->p[2]], e = values[c->p[3]];

			if ((a & b & d & e & DIGIT) == 0)
				break;
			c->p += 4;
			bytes[n] = (unsigned char)(a << 2 | (b & 63) >> 4);
			bytes[n + 1] = (unsigned char)(b << 4 | (d & 63) >> 2);
			bytes[n + 2] = (unsigned char)(d << 6 | (e & 63));
		}
		(void)buf_add(out, bytes, n);
	} while (n == sizeof(bytes));
}

/* RFC 2045 section 6.8: all other bytes are ignored; padding ends a run, and
 * what follows it (bodies that were joined) begins a new one. */
int
base64_decode_body(struct span s, struct buf *out)
{
	struct bits b = { 0, 0 };
	struct cur c;
	int ch, v;

	cur_init(&c, s);
	while (!cur_end(&c)) {
		if (b.n == 0)
			base64_fours(&c, out);
		ch = cur_next(&c);
		if ((v = base64_value(ch)) != -1)
			base64_push(&b, v, out);
		else if (ch == '=')
			b = (struct bits){ 0, 0 };
	}
	return out->bad ? -1 : 0;
}

static int
hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
hex_byte(struct cur *c)
{
	struct cur look = *c;
	int hi = hex_value(cur_next(&look)), lo = hex_value(cur_next(&look));

	if (hi == -1 || lo == -1)
		return -1;
	*c = look;
	return hi << 4 | lo;
}

/* One line of quoted-printable without its end.  true: a soft line break. */
static bool
qp_line(struct span line, struct buf *out)
{
	struct cur c;
	int v;

	while (line.len > 0 && (line.p[line.len - 1] == ' ' ||
	    line.p[line.len - 1] == '\t'))
		line.len--;
	cur_init(&c, line);
	for (;;) {
		buf_addspan(out, cur_until(&c, '='));
		if (!cur_ch(&c, '='))
			return false;
		if (cur_end(&c))
			return true;
		v = hex_byte(&c);
		buf_addc(out, v == -1 ? '=' : (unsigned char)v);
	}
}

/* RFC 2045 section 6.7; "=" that means nothing stays. */
int
qp_decode_body(struct span s, struct buf *out)
{
	struct span line;
	struct cur c;
	bool crlf;

	cur_init(&c, s);
	while (!cur_end(&c)) {
		line = cur_until(&c, '\n');
		crlf = !cur_end(&c) && line.len > 0 &&
		    line.p[line.len - 1] == '\r';
		if (crlf)
			line.len--;
		if (!qp_line(line, out) && !cur_end(&c))
			buf_adds(out, crlf ? "\r\n" : "\n");
		cur_ch(&c, '\n');
	}
	return out->bad ? -1 : 0;
}

struct encoded_word {
	struct span charset;	/* without the language of RFC 2231 section 5 */
	struct span text;
	bool base64;
};

/*
 * encoded-word: RFC 2047 section 2.  Taken anywhere and with spaces inside,
 * for such are sent.  The text ends at the first "?", so that a thousand
 * beginnings without an end are each given up soon.
 */
static bool
parse_encoded_word(struct cur *c, struct encoded_word *w)
{
	struct cur look = *c;
	int e;

	if (!cur_word(&look, "=?"))
		return false;
	w->charset = cur_while(&look, chars, CH_TOKEN);
	if (w->charset.len == 0 || !cur_ch(&look, '?'))
		return false;
	e = ascii_lower(cur_next(&look));
	if ((e != 'q' && e != 'b') || !cur_ch(&look, '?'))
		return false;
	w->base64 = e == 'b';
	w->text = cur_until(&look, '?');
	if (!cur_word(&look, "?="))
		return false;
	*c = look;
	for (size_t i = 0; i < w->charset.len; i++)
		if (w->charset.p[i] == '*')
			w->charset.len = i;
	return true;
}

/* "Q": RFC 2047 section 4.2. */
static void
decode_q(struct span text, struct buf *out)
{
	struct cur c;
	int ch, v;

	cur_init(&c, text);
	while ((ch = cur_next(&c)) != -1) {
		if (ch == '\r' || ch == '\n') {	/* folded inside: its */
			cur_while(&c, chars, CH_FWS);	/* white space too */
			continue;
		}
		if (ch == '_')
			ch = ' ';
		else if (ch == '=' && (v = hex_byte(&c)) != -1)
			ch = v;
		buf_addc(out, (unsigned char)ch);
	}
}

/* Words of one charset in a row are joined before they are converted: senders
 * split characters between words although RFC 2047 section 5 forbids it. */
struct decoder {
	struct span charset;
	struct buf bytes;	/* decoded, in charset */
	struct buf *out;
};

static void
flush_words(struct decoder *d)
{
	size_t from = d->out->len;

	if (d->bytes.len == 0)
		return;
	charset_decode(buf_span(&d->bytes), d->charset, d->out);
	if (d->bytes.bad)
		d->out->bad = true;
	buf_clear(&d->bytes);
	/* an encoded line end or NUL must not become one */
	for (size_t i = from; i < d->out->len; i++)
		if (d->out->p[i] < 0x20 && d->out->p[i] != '\t')
			d->out->p[i] = ' ';
}

static void
add_word(struct decoder *d, const struct encoded_word *w)
{
	if (!span_iseq(d->charset, w->charset))
		flush_words(d);
	d->charset = w->charset;
	if (w->base64)
		base64_decode_body(w->text, &d->bytes);
	else
		decode_q(w->text, &d->bytes);
}

/* Plain text: raw 8-bit bytes are taken for UTF-8 or else ISO-8859-1. */
static void
add_plain(struct decoder *d, struct span s)
{
	struct span part;
	struct cur c;

	flush_words(d);
	cur_init(&c, s);
	while (!cur_end(&c)) {
		part = cur_until(&c, '\n');
		cur_ch(&c, '\n');
		if (part.len > 0 && part.p[part.len - 1] == '\r')
			part.len--;
		charset_decode(part, span_str(""), d->out);
	}
}

int
words_decode(struct span s, struct buf *out)
{
	struct decoder d = { .out = out };
	struct encoded_word w;
	const unsigned char *plain;
	struct cur c;
	bool after_word = false;	/* only white space since the last word */

	buf_init(&d.bytes, out->max);
	cur_init(&c, s);
	plain = c.p;
	while (!cur_end(&c)) {
		const unsigned char *here = c.p;

		if (parse_encoded_word(&c, &w)) {
			/* white space between words goes: 2047 section 6.2 */
			if (!after_word)
				add_plain(&d, span_of(plain,
				    (size_t)(here - plain)));
			add_word(&d, &w);
			after_word = true;
			plain = c.p;
		} else if ((chars[cur_next(&c)] & CH_FWS) == 0) {
			after_word = false;
			/* on to where a word may begin */
			cur_until(&c, '=');
		}
	}
	add_plain(&d, span_of(plain, (size_t)(c.p - plain)));
	buf_free(&d.bytes);
	return out->bad ? -1 : 0;
}

/* Could this word of a phrase stand as it is? */
static bool
is_plain_word(struct span s)
{
	struct cur c;
	int ch;

	cur_init(&c, s);
	while ((ch = cur_next(&c)) != -1)
		if (ch < 0x20 || ch > 0x7e ||
		    (ch == '=' && cur_peek(&c) == '?'))
			return false;
	return true;
}

/* One encoded-word of at most WORD_TEXT_MAX bytes off the front of s. */
static void
add_encoded(struct span *s, struct buf *out)
{
	size_t n = s->len < WORD_TEXT_MAX ? s->len : WORD_TEXT_MAX;

	/* not in the middle of a character: 2047 section 5 */
	while (n > 1 && n < s->len && (s->p[n] & 0xc0) == 0x80)
		n--;
	buf_adds(out, "=?UTF-8?B?");
	base64_encode(span_of(s->p, n), out);
	buf_adds(out, "?=");
	s->p += n;
	s->len -= n;
}

/* The run of words from the cursor that must be encoded, with the spaces
 * inside, or one plain word; and the spaces behind stay at the cursor. */
static struct span
take_run(struct cur *c, bool *encode)
{
	const unsigned char *start = c->p;
	struct span word = cur_until(c, ' ');
	struct cur look;

	*encode = !is_plain_word(word);
	if (!*encode)
		return word;
	for (look = *c; cur_ch(&look, ' ');) {
		word = cur_until(&look, ' ');
		if (!is_plain_word(word))
			*c = look;
		else if (word.len > 0)
			break;
	}
	return span_of(start, (size_t)(c->p - start));
}

int
words_encode(struct span text, struct buf *out)
{
	struct buf utf8;
	struct span run;
	struct cur c;
	bool encode;

	buf_init(&utf8, out->max);
	charset_decode(text, span_str(""), &utf8);
	if (utf8.bad)
		out->bad = true;
	cur_init(&c, buf_span(&utf8));
	while (!cur_end(&c) && !out->bad) {
		run = take_run(&c, &encode);
		if (!encode)
			buf_addspan(out, run);
		while (encode && run.len > 0) {
			add_encoded(&run, out);
			if (run.len > 0)
				buf_addc(out, ' ');
		}
		if (cur_ch(&c, ' '))
			buf_addc(out, ' ');
	}
	buf_free(&utf8);
	return out->bad ? -1 : 0;
}
