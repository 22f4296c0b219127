/*
 * Punycode, the encoding of A-labels: RFC 3492.  Trusts nothing: ill-formed
 * UTF-8 and labels that DNS cannot hold are refused.  It does no mapping: two
 * spellings must not become one domain here that are two for others.
 */
#include "idna.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "addr.h"
#include "buf.h"
#include "utf8.h"

#define LABEL_MAX	63	/* RFC 1035 section 2.3.4 */

/* RFC 3492 section 5 */
#define BASE		36u
#define TMIN		1u
#define TMAX		26u
#define SKEW		38u
#define DAMP		700u
#define INITIAL_BIAS	72u
#define INITIAL_N	0x80u

/* RFC 3492 section 6.1 */
static uint32_t
adapt(uint32_t delta, uint32_t n, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / n;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* A generalized variable-length integer: RFC 3492 section 3.3. */
static void
put_delta(uint32_t q, uint32_t bias, struct buf *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX :
		    k - bias;

		if (q < t)
			break;
		buf_addc(out, (unsigned char)digits[t + (q - t) % (BASE - t)]);
		q = (q - t) / (BASE - t);
	}
	buf_addc(out, (unsigned char)digits[q]);
}

/* RFC 3492 section 6.3.  At most LABEL_MAX code points below 0x110000: delta
 * cannot overflow. */
static void
put_points(const uint32_t *points, size_t npoints, struct buf *out)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS;
	uint32_t basic = 0, done;

	for (size_t i = 0; i < npoints; i++)
		if (points[i] < INITIAL_N) {
			buf_addc(out, (unsigned char)points[i]);
			basic++;
		}
	if (basic > 0)
		buf_addc(out, '-');
	for (done = basic; done < npoints; delta++, n++) {
		uint32_t next = UINT32_MAX;

		for (size_t i = 0; i < npoints; i++)
			if (points[i] >= n && points[i] < next)
				next = points[i];
		delta += (next - n) * (done + 1);
		n = next;
		for (size_t i = 0; i < npoints; i++) {
			if (points[i] < n)
				delta++;
			if (points[i] != n)
				continue;
			put_delta(delta, bias, out);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
}

static int
put_label(struct span label, struct buf *out)
{
	uint32_t points[LABEL_MAX];
	size_t n = 0, before = out->len;
	bool ascii = true;
	struct cur c;

	if (label.len > LABEL_MAX)
		return -1;
	cur_init(&c, label);
	while (!cur_end(&c)) {
		points[n] = utf8_get(&c);
		ascii = ascii && points[n] < INITIAL_N;
		n++;
	}
	if (ascii)
		return buf_addspan(out, label);
	buf_adds(out, "xn--");
	put_points(points, n, out);
	return out->bad || out->len - before > LABEL_MAX ? -1 : 0;
}

int
idna_ascii(const char *domain, char *out, size_t size)
{
	struct span s = span_str(domain);
	const char *text;
	struct buf b;
	struct cur c;
	int r = 0;

	if (!is_utf8(s))
		return -1;
	buf_init(&b, ADDR_DOMAIN_MAX);
	cur_init(&c, s);
	while (r == 0 && !cur_end(&c)) {
		r = put_label(cur_until(&c, '.'), &b);
		if (r == 0 && cur_ch(&c, '.'))
			r = buf_addc(&b, '.');
	}
	text = r == 0 ? buf_cstr(&b) : NULL;
	if (text == NULL || strlcpy(out, text, size) >= size)
		r = -1;
	buf_free(&b);
	return r;
}
