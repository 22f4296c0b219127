/*
 * BODY and BODYSTRUCTURE: RFC 3501 section 7.4.2.  The tree is already bounded
 * in depth and parts (common/mime), so recursion over it is, too.
 */
#include "fetch.h"
#include "limits.h"

/* A part that the grammar wants where the message has none, as Dovecot says it. */
#define PLAIN_TEXT "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
#define EMPTY_PART PLAIN_TEXT "\"7bit\" 0 0)"
#define EMPTY_ENVELOPE "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

struct params {
	struct netout *o;
	size_t n;
	bool charset;			/* one of them is it */
};

static void
one_param(void *arg, struct span name, struct span value, bool extended)
{
	struct params *p = arg;
	struct buf b;

	(void)netout_adds(p->o, p->n++ == 0 ? "(" : " ");
	p->charset |= span_isis(name, "charset");
	if (extended) {
		buf_init(&b, name.len + 1);
		(void)buf_addspan(&b, name);
		(void)buf_addc(&b, '*');
		out_string(p->o, buf_span(&b));
		buf_free(&b);
	} else {
		out_string(p->o, name);
	}
	(void)netout_adds(p->o, " ");
	out_string(p->o, value);
}

/* body-fld-param; text without a charset is told to be US-ASCII: RFC 2045 section
 * 5.2. */
static void
out_params(struct netout *o, struct span body, bool text)
{
	struct params p = { .o = o };
	struct span value;

	if (body.len > 0)
		(void)mime_params(body, &value, one_param, &p);
	if (text && !p.charset)
		one_param(&p, span_str("charset"), span_str("us-ascii"), false);
	(void)netout_adds(o, p.n > 0 ? ")" : "NIL");
}

enum { CONTENT_ID, DESCRIPTION, ENCODING, MD5, DISPOSITION, LANGUAGE,
	LOCATION, NFIELDS };

/* The fields of a part that are told, found in one look; those that are not there have a body without p. */
static void
find_fields(const struct mime_tree *t, const struct mime_part *p,
    struct header_field f[NFIELDS])
{
	static const struct span names[NFIELDS] = {
		HEADER_NAME("Content-ID"), HEADER_NAME("Content-Description"),
		HEADER_NAME("Content-Transfer-Encoding"),
		HEADER_NAME("Content-MD5"), HEADER_NAME("Content-Disposition"),
		HEADER_NAME("Content-Language"), HEADER_NAME("Content-Location")
	};

	(void)header_find_all(mime_header(t, p), names, NFIELDS, f);
}

/* Of the body, with CRLF. */
static size_t
octets(const struct mime_part *p)
{
	return p->end - p->body + p->body_lf;
}

static void
out_number(struct netout *o, size_t n)
{
	(void)netout_adds(o, " ");
	(void)netout_addu(o, n);
}

static void
out_unfolded(struct netout *o, struct span s)
{
	struct buf b;

	buf_init(&b, HEADER_LINE_MAX);
	if (s.p == NULL || header_unfold(s, &b) == -1 || b.len == 0)
		(void)netout_adds(o, "NIL");
	else
		out_string(o, buf_span(&b));
	buf_free(&b);
}

/* body-fld-enc: a token; what is no token is called 7bit. */
static void
out_encoding(struct netout *o, struct span s)
{
	struct cur c;
	struct span token;

	cur_init(&c, s);
	while (cur_ch(&c, ' ') || cur_ch(&c, '\t') || cur_ch(&c, '\r') ||
	    cur_ch(&c, '\n'))
		;
	token = cur_while(&c, imap_chars, IC_ATOM);
	if (token.len > 0)
		token = cur_until(&(struct cur){ token.p, token.p +
		    token.len }, ';');
	if (token.len == 0)
		(void)netout_adds(o, "\"7bit\"");
	else
		out_string(o, token);
}

static void
no_param(void *arg, struct span name, struct span value, bool extended)
{
	(void)arg;
	(void)name;
	(void)value;
	(void)extended;
}

/* body-fld-dsp: RFC 3501 section 9. */
static void
out_disposition(struct netout *o, struct span body)
{
	struct params p = { .o = o };
	struct span value;

	if (body.p == NULL || mime_params(body, &value, no_param, NULL) == -1 ||
	    value.len == 0) {
		(void)netout_adds(o, "NIL");
		return;
	}
	(void)netout_adds(o, "(");
	out_string(o, value);
	(void)netout_adds(o, " ");
	(void)mime_params(body, &value, one_param, &p);
	(void)netout_adds(o, p.n > 0 ? "))" : "NIL)");
}

/* body-fld-lang: RFC 3282 section 2, tags between commas. */
static void
out_language(struct netout *o, struct span body)
{
	struct buf b;
	struct cur c;
	struct span tag;
	size_t n = 0;

	buf_init(&b, HEADER_LINE_MAX);
	if (body.p != NULL)
		(void)header_unfold(body, &b);
	cur_init(&c, buf_span(&b));
	while (!cur_end(&c)) {
		tag = cur_until(&c, ',');
		(void)cur_ch(&c, ',');
		tag = header_trim(tag);
		if (tag.len == 0)
			continue;
		(void)netout_adds(o, n++ == 0 ? "(" : " ");
		out_string(o, tag);
	}
	(void)netout_adds(o, n > 0 ? ")" : "NIL");
	buf_free(&b);
}

/* The extension data after body-fld-md5 or body-fld-param. */
static void
out_extension(struct netout *o, const struct header_field f[NFIELDS])
{
	(void)netout_adds(o, " ");
	out_disposition(o, f[DISPOSITION].body);
	(void)netout_adds(o, " ");
	out_language(o, f[LANGUAGE].body);
	(void)netout_adds(o, " ");
	out_unfolded(o, f[LOCATION].body);
}

static void	out_part(struct netout *, const struct mime_tree *,
    const struct mime_part *, bool extended);

/* body-type-mpart.  The grammar wants a part even where the message has none: then it is the text of the multipart, so
 * that it is shown at all. */
static void
out_multipart(struct netout *o, const struct mime_tree *t,
    const struct mime_part *p, bool extended)
{
	struct header_field f[NFIELDS];

	find_fields(t, p, f);
	if (p->first_child == 0) {
		(void)netout_adds(o, PLAIN_TEXT);
		out_encoding(o, f[ENCODING].body);
		out_number(o, octets(p));
		out_number(o, p->body_lines);
		(void)netout_adds(o, ")");
	}
	for (size_t i = p->first_child; i != 0; i = t->parts[i].next)
		out_part(o, t, &t->parts[i], extended);
	(void)netout_adds(o, " ");
	out_string(o, p->subtype);
	if (!extended)
		return;
	(void)netout_adds(o, " ");
	out_params(o, p->content_type, false);
	out_extension(o, f);
}

/* body-fields */
static void
out_fields(struct netout *o, const struct mime_part *p,
    const struct header_field f[NFIELDS])
{
	bool text = span_isis(p->type, "text");

	out_string(o, p->type);
	(void)netout_adds(o, " ");
	out_string(o, p->subtype);
	(void)netout_adds(o, " ");
	out_params(o, p->content_type, text);
	(void)netout_adds(o, " ");
	out_unfolded(o, f[CONTENT_ID].body);
	(void)netout_adds(o, " ");
	out_unfolded(o, f[DESCRIPTION].body);
	(void)netout_adds(o, " ");
	out_encoding(o, f[ENCODING].body);
	out_number(o, octets(p));
}

/* body-type-basic, -msg and -text */
static void
out_single(struct netout *o, const struct mime_tree *t,
    const struct mime_part *p, bool extended)
{
	const struct mime_part *child = p->message && p->first_child != 0 ?
	    &t->parts[p->first_child] : NULL;
	bool message = child != NULL || (span_isis(p->type, "message") &&
	    (span_isis(p->subtype, "rfc822") ||
	    span_isis(p->subtype, "global")));
	struct header_field f[NFIELDS];

	find_fields(t, p, f);
	out_fields(o, p, f);
	if (child != NULL) {
		(void)netout_adds(o, " ");
		envelope_out(o, mime_header(t, child));
		(void)netout_adds(o, " ");
		out_part(o, t, child, extended);
	} else if (message) {		/* one that could not be taken apart */
		(void)netout_adds(o, " " EMPTY_ENVELOPE " " EMPTY_PART);
	}
	if (message || span_isis(p->type, "text"))
		out_number(o, p->body_lines);
	if (!extended)
		return;
	(void)netout_adds(o, " ");
	out_unfolded(o, f[MD5].body);
	out_extension(o, f);
}

static void
out_part(struct netout *o, const struct mime_tree *t,
    const struct mime_part *p, bool extended)
{
	(void)netout_adds(o, "(");
	/* Without a boundary it has no parts, but is what it says. */
	if (p->multipart || span_isis(p->type, "multipart"))
		out_multipart(o, t, p, extended);
	else
		out_single(o, t, p, extended);
	(void)netout_adds(o, ")");
}

void
structure_out(struct netout *o, const struct mime_tree *t, bool extended)
{
	out_part(o, t, &t->parts[0], extended);
}
