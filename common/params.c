/*
 * Parameters of MIME fields: RFC 2045 section 5.1, RFC 2231.  Reads what
 * senders write: values without quotes that should have them, with spaces,
 * without an end.  Bounded by MIME_PARAMS_MAX, so that joining continuations
 * may look at all pairs.
 */
#include "mime.h"

#include "chars.h"
#include "encode.h"
#include "limits.h"

#define NOT_CONTINUED	UINT64_MAX

struct param {
	struct span name;	/* without "*" and section */
	uint64_t section;	/* RFC 2231 section 3 */
	bool extended;
	bool used;
	size_t at, len;		/* of the value in params.values */
};
struct params {
	struct param list[MIME_PARAMS_MAX];
	size_t n;
	struct buf values;
};

/* attribute: RFC 2231 section 7: name ["*" section] ["*"]. */
static void
split_name(struct span raw, struct param *p)
{
	struct cur c;

	p->section = NOT_CONTINUED;
	p->extended = false;
	cur_init(&c, raw);
	p->name = cur_until(&c, '*');
	if (!cur_ch(&c, '*'))
		return;
	if (cur_end(&c)) {
		p->extended = true;
		return;
	}
	if (cur_num(&c, 9999, &p->section) == -1)
		p->section = NOT_CONTINUED;
	p->extended = cur_ch(&c, '*');
}

/*
 * Everything before the next separator, which stays: a ";", or a folded line
 * end with "name=" behind it, where a ";" was forgotten (as RFC 2231 itself
 * does in its examples).  Line ends inside what was looked over are not looked
 * behind again: a megabyte of folding would take its square.
 */
static struct span
until_separator(struct cur *c)
{
	const unsigned char *start = c->p;
	struct cur look = *c;
	int ch;

	for (; (ch = cur_peek(c)) != -1 && ch != ';'; cur_next(c)) {
		if (ch != '\n' || c->p < look.p)
			continue;
		look = *c;
		header_skip_cfws(&look);
		if (cur_while(&look, chars, CH_TOKEN).len > 0 &&
		    cur_ch(&look, '='))
			break;
	}
	return span_of(start, (size_t)(c->p - start));
}

static void
quoted_value(struct cur *c, struct buf *out)
{
	int ch;

	cur_next(c);
	while ((ch = cur_next(c)) != -1 && ch != '"') {
		if (ch == '\\')
			ch = cur_next(c);
		if (ch != '\r' && ch != '\n' && ch != -1)
			buf_addc(out, (unsigned char)ch);
	}
	until_separator(c);
}

/* Up to the ";", for file names with spaces are sent bare; a comment behind
 * white space is none of it. */
static void
bare_value(struct cur *c, struct buf *out)
{
	struct span s = until_separator(c);
	size_t from = out->len;
	bool space = true;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '(' && space)
			break;
		space = (chars[s.p[i]] & CH_FWS) != 0;
		if (s.p[i] != '\r' && s.p[i] != '\n')
			buf_addc(out, s.p[i]);
	}
	while (out->len > from && (chars[out->p[out->len - 1]] & CH_FWS) != 0)
		out->len--;
}

/* parameter: RFC 2045 section 5.1; the cursor behind
 * the separator. */
static void
parse_parameter(struct cur *c, struct params *ps)
{
	struct param *p = &ps->list[ps->n];
	struct span raw;

	header_skip_cfws(c);
	raw = cur_while(c, chars, CH_TOKEN | CH_UTF8);
	header_skip_cfws(c);
	if (raw.len == 0 || !cur_ch(c, '=')) {
		until_separator(c);
		return;
	}
	split_name(raw, p);
	p->used = p->name.len == 0;
	p->at = ps->values.len;
	header_skip_cfws(c);
	if (cur_peek(c) == '"')
		quoted_value(c, &ps->values);
	else
		bare_value(c, &ps->values);
	p->len = ps->values.len - p->at;
	ps->n++;
}

static struct span
value_of(const struct params *ps, const struct param *p)
{
	return p->len == 0 ? span_str("") :
	    span_of(ps->values.p + p->at, p->len);
}

/* Sections of one value may differ in "*": then the plain ones are encoded, so
 * that the whole can be decoded. */
static void
add_section(struct span s, bool plain_in_extended, struct buf *out)
{
	if (!plain_in_extended) {
		buf_addspan(out, s);
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '%' || s.p[i] == '\'')
			buf_addf(out, "%%%02X", (unsigned)s.p[i]);
		else
			buf_addc(out, s.p[i]);
	}
}

static struct param *
find_section(struct params *ps, struct span name, uint64_t section)
{
	for (size_t i = 0; i < ps->n; i++)
		if (!ps->list[i].used && ps->list[i].section == section &&
		    span_iseq(ps->list[i].name, name))
			return &ps->list[i];
	return NULL;
}

/* Parameter value continuations: RFC 2231 section 3; a gap ends them.  Returns
 * whether the first section, and so the whole, is extended. */
static bool
join_sections(struct params *ps, struct span name, struct buf *out)
{
	struct param *p;
	bool extended = false;

	for (uint64_t n = 0; (p = find_section(ps, name, n)) != NULL; n++) {
		p->used = true;
		if (n == 0)
			extended = p->extended;
		add_section(value_of(ps, p), extended && !p->extended, out);
	}
	for (size_t i = 0; i < ps->n; i++)	/* what lies behind a gap */
		if (ps->list[i].section != NOT_CONTINUED &&
		    span_iseq(ps->list[i].name, name))
			ps->list[i].used = true;
	return extended;
}

int
mime_params(struct span body, struct span *value,
    void (*each)(void *, struct span, struct span, bool), void *arg)
{
	struct params ps;
	struct buf joined;
	struct cur c;
	bool extended;
	int r;

	ps.n = 0;
	buf_init(&ps.values, HEADER_LINE_MAX);
	buf_init(&joined, 3 * HEADER_LINE_MAX);
	cur_init(&c, body);
	*value = header_trim(until_separator(&c));
	while (cur_next(&c) != -1 && ps.n < MIME_PARAMS_MAX)
		parse_parameter(&c, &ps);
	for (size_t i = 0; i < ps.n && !ps.values.bad; i++) {
		struct param *p = &ps.list[i];

		if (p->used)
			continue;
		if (p->section == NOT_CONTINUED) {
			each(arg, p->name, value_of(&ps, p), p->extended);
			continue;
		}
		buf_clear(&joined);
		extended = join_sections(&ps, p->name, &joined);
		if (joined.len > 0)
			each(arg, p->name, buf_span(&joined), extended);
	}
	r = ps.values.bad || joined.bad ? -1 : 0;
	buf_free(&ps.values);
	buf_free(&joined);
	return r;
}

/* "%" that means nothing stays. */
static void
percent_decode(struct cur *c, struct buf *out)
{
	int v;

	while (!cur_end(c)) {
		buf_addspan(out, cur_until(c, '%'));
		if (!cur_ch(c, '%'))
			break;
		v = hex_byte(c);
		buf_addc(out, v == -1 ? '%' : (unsigned char)v);
	}
}

/* extended-initial-value: RFC 2231 section 7. */
int
mime_decode_extended(struct span value, struct buf *out)
{
	struct span charset;
	struct buf bytes;
	struct cur c;

	buf_init(&bytes, HEADER_LINE_MAX);
	cur_init(&c, value);
	charset = cur_until(&c, '\'');
	if (cur_ch(&c, '\'')) {
		cur_until(&c, '\'');
		cur_ch(&c, '\'');
	} else {		/* no charset: all of it is text */
		charset.len = 0;
		cur_init(&c, value);
	}
	percent_decode(&c, &bytes);
	charset_decode(buf_span(&bytes), charset, out);
	if (bytes.bad)
		out->bad = true;
	buf_free(&bytes);
	return out->bad ? -1 : 0;
}

struct wanted {
	const char *name;
	struct buf *out;
	bool found;
};

static void
pick(void *arg, struct span name, struct span value, bool extended)
{
	struct wanted *w = arg;

	if (w->found || !span_isis(name, w->name))
		return;
	w->found = true;
	if (extended)
		mime_decode_extended(value, w->out);
	else
		words_decode(value, w->out);
}

bool
mime_param(struct span body, const char *name, struct buf *out)
{
	struct wanted w = { name, out, false };
	struct span value;

	return mime_params(body, &value, pick, &w) == 0 && w.found &&
	    !out->bad;
}
