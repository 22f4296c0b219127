/*
 * UIDLs: what one may hold, and Dovecot's way of composing them.  Free of I/O.  Refuses formats whose
 * results could not tell messages apart.
 */
#include "uidl.h"

#define WIDTH_MAX	20	/* digits; no number has more */

bool
uidl_ok(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.len > 0 && s.len <= UIDL_MAX;
}

struct conversion {
	bool zero, hex;
	uint64_t width;
	int what;			/* u v f g */
};

/* Behind the '%'. */
static int
parse_conversion(struct cur *c, struct conversion *k)
{
	k->zero = cur_ch(c, '0');
	k->width = 0;
	if (cur_peek(c) >= '1' && cur_peek(c) <= '9' &&
	    cur_num(c, WIDTH_MAX, &k->width) == -1)
		return -1;
	k->hex = cur_ch(c, 'X');
	k->what = cur_next(c);
	switch (k->what) {
	case 'u':
	case 'v':
		return 0;
	case 'f':
	case 'g':
		return k->width == 0 && !k->zero && !k->hex ? 0 : -1;
	default:
		return -1;
	}
}

static void
add_number(const struct conversion *k, uint32_t n, struct buf *out)
{
	int width = (int)k->width;

	if (k->hex && k->zero)
		buf_addf(out, "%0*x", width, n);
	else if (k->hex)
		buf_addf(out, "%*x", width, n);
	else if (k->zero)
		buf_addf(out, "%0*u", width, n);
	else
		buf_addf(out, "%*u", width, n);
}

static void
add_conversion(const struct conversion *k, const struct uidl_parts *p,
    struct buf *out)
{
	switch (k->what) {
	case 'u':
		add_number(k, p->uid, out);
		break;
	case 'v':
		add_number(k, p->validity, out);
		break;
	case 'f':
		buf_addspan(out, p->file);
		break;
	default:
		buf_addspan(out, p->guid.len > 0 ? p->guid : p->file);
		break;
	}
}

int
uidl_format(struct span format, const struct uidl_parts *p, struct buf *out)
{
	struct conversion k;
	struct cur c;

	cur_init(&c, format);
	while (!cur_end(&c)) {
		buf_addspan(out, cur_until(&c, '%'));
		if (!cur_ch(&c, '%'))
			break;
		if (parse_conversion(&c, &k) == -1)
			return -1;
		add_conversion(&k, p, out);
	}
	return out->bad ? -1 : 0;
}

bool
uidl_format_ok(struct span format)
{
	struct conversion k;
	struct cur c;
	bool told_apart = false;

	cur_init(&c, format);
	while (!cur_end(&c)) {
		struct span text = cur_until(&c, '%');

		if (text.len > 0 && !uidl_ok(text))
			return false;
		if (!cur_ch(&c, '%'))
			break;
		if (parse_conversion(&c, &k) == -1)
			return false;
		told_apart = told_apart || k.what != 'v';
	}
	return told_apart;
}
