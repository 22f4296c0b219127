/*
 * The few conversions of printf(3) that sessions need, without stdio.  Trusts
 * its caller's format, which the compiler checks; never writes past size.
 */
#include "fmt.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX	24	/* sign and digits of 64 bits */
#define WIDTH_MAX	999	/* of a conversion that is done here */

struct out {
	char *p;
	size_t size, len;		/* len: of all that was to be written */
};

/* What stands between '%' and the letter. */
struct spec {
	bool zero;			/* %0 */
	unsigned width;
	int precision;			/* -1: none */
	char length;			/* 'l', 'q' for ll, 'j', 'z', or 0 */
};

static void
put(struct out *o, const char *s, size_t n)
{
	if (o->len < o->size)
		memcpy(o->p + o->len, s,
		    n < o->size - o->len ? n : o->size - o->len);
	o->len += n;
}

static unsigned
digits(const char **f)
{
	unsigned n = 0;

	while (**f >= '0' && **f <= '9' && n <= WIDTH_MAX)
		n = n * 10 + (unsigned)(*(*f)++ - '0');
	return n;
}

/* f is behind the '%'; returns the place of the letter. */
static const char *
parse(const char *f, struct spec *s, va_list *ap)
{
	*s = (struct spec){ .zero = *f == '0', .precision = -1 };
	s->width = digits(&f);
	if (*f == '.' && f[1] == '*') {
		s->precision = va_arg(*ap, int);
		f += 2;
	} else if (*f == '.') {
		f++;
		s->precision = (int)digits(&f);
	}
	if (*f == 'l' && f[1] == 'l') {
		s->length = 'q';
		f += 2;
	} else if (*f == 'l' || *f == 'j' || *f == 'z')
		s->length = *f++;
	return f;
}

static uint64_t
take_unsigned(const struct spec *s, va_list *ap)
{
	return s->length == 'q' ? va_arg(*ap, unsigned long long) :
	    s->length == 'l' ? va_arg(*ap, unsigned long) :
	    s->length == 'j' ? va_arg(*ap, uintmax_t) :
	    s->length == 'z' ? va_arg(*ap, size_t) : va_arg(*ap, unsigned);
}

static int64_t
take_signed(const struct spec *s, va_list *ap)
{
	return s->length == 'q' ? va_arg(*ap, long long) :
	    s->length == 'l' ? va_arg(*ap, long) :
	    s->length == 'j' ? va_arg(*ap, intmax_t) : va_arg(*ap, int);
}

static void
put_padded(struct out *o, const struct spec *s, bool minus, const char *p,
    const char *end)
{
	size_t n = (size_t)(end - p);

	if (minus)
		put(o, "-", 1);
	for (size_t pad = n + minus; pad < s->width; pad++)
		put(o, "0", 1);
	put(o, p, n);
}

static void
put_number(struct out *o, const struct spec *s, bool minus, uint64_t v)
{
	char text[NUMBER_MAX], *p = text + sizeof(text);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	put_padded(o, s, minus, p, text + sizeof(text));
}

static void
put_hex(struct out *o, const struct spec *s, uint64_t v)
{
	char text[NUMBER_MAX], *p = text + sizeof(text);

	do
		*--p = "0123456789abcdef"[v & 15];
	while ((v >>= 4) > 0);
	put_padded(o, s, false, p, text + sizeof(text));
}

/* false: it is left to stdio. */
static bool
convert(struct out *o, const struct spec *s, char letter, va_list *ap)
{
	bool number = letter == 'u' || letter == 'x' ||
	    (letter == 'd' && s->length != 'z');
	const char *text;
	int64_t v;
	char c;

	if (number ? s->precision >= 0 || (s->width > 0 && !s->zero) :
	    s->length != 0 || s->zero || s->width > 0)
		return false;
	switch (letter) {
	case 's':
		if ((text = va_arg(*ap, const char *)) == NULL)
			return false;
		put(o, text, s->precision < 0 ? strlen(text) :
		    strnlen(text, (size_t)s->precision));
		return true;
	case 'c':
		c = (char)va_arg(*ap, int);
		put(o, &c, 1);
		return true;
	case 'u':
		put_number(o, s, false, take_unsigned(s, ap));
		return true;
	case 'x':
		put_hex(o, s, take_unsigned(s, ap));
		return true;
	case 'd':
		if (!number)
			return false;
		v = take_signed(s, ap);
		put_number(o, s, v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v);
		return true;
	case '%':
		put(o, "%", 1);
		return true;
	default:
		return false;
	}
}

static bool
print(struct out *o, const char *f, va_list *ap)
{
	struct spec s;
	size_t n;

	for (; *f != '\0'; f++) {
		for (n = 0; f[n] != '%' && f[n] != '\0';)
			n++;
		put(o, f, n);
		f += n;
		if (*f == '\0')
			break;
		f = parse(f + 1, &s, ap);
		if (!convert(o, &s, *f, ap))
			return false;
	}
	return true;
}

int
fmt_vprint(char *out, size_t size, const char *fmt, va_list args)
{
	struct out o = { .p = out, .size = size };
	bool done;
	va_list ap;

	va_copy(ap, args);
	done = print(&o, fmt, &ap);
	va_end(ap);
	if (!done)
		return vsnprintf(out, size, fmt, args);
	if (size > 0)
		out[o.len < size ? o.len : size - 1] = '\0';
	return o.len > INT_MAX ? -1 : (int)o.len;
}

int
fmt_print(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vprint(out, size, fmt, ap);
	va_end(ap);
	return n;
}
