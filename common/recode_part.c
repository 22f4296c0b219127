/*
 * Labels, and what becomes of them.  Trusts a label only where there is
 * nothing better (RECODE_ONCE): what counts is what the body holds.  Never
 * encodes a composite type (RFC 2045 section 6.4) and never touches what a
 * signature covers (RFC 1847 section 2.1).
 */
#include "recode_part.h"

#include "addr.h"
#include "chars.h"
#include "limits.h"
#include "mime.h"

static bool
is_label(struct span body, const char *word)
{
	struct cur c;

	cur_init(&c, body);
	header_skip_cfws(&c);
	return span_isis(cur_while(&c, chars, CH_TOKEN), word);
}

static enum part_label
parse_label(struct span body)
{
	static const char *const words[] = { [PART_7BIT] = "7bit",
		[PART_8BIT] = "8bit", [PART_BINARY] = "binary",
		[PART_QP] = "quoted-printable", [PART_BASE64] = "base64" };

	for (unsigned i = 0; i < PART_UNKNOWN; i++)
		if (is_label(body, words[i]))
			return i;
	return PART_UNKNOWN;
}

static bool
is_identity(enum part_label l)
{
	return l == PART_7BIT || l == PART_8BIT || l == PART_BINARY;
}

/* RFC 6532 section 3.7 and RFC 6533 let these be encoded; RFC 2046 section 5.2
 * forbids it for the rest. */
static bool
may_encode_message(struct span subtype)
{
	return span_isis(subtype, "global") ||
	    span_isis(subtype, "global-headers") ||
	    span_isis(subtype, "global-delivery-status") ||
	    span_isis(subtype, "global-disposition-notification");
}

/* type "/" subtype: RFC 2045 section 5.1. */
static void
set_type(struct part *p, struct span body)
{
	struct span type, subtype = span_str("");
	struct cur c;

	cur_init(&c, body);
	header_skip_cfws(&c);
	type = cur_while(&c, chars, CH_TOKEN);
	header_skip_cfws(&c);
	if (cur_ch(&c, '/')) {
		header_skip_cfws(&c);
		subtype = cur_while(&c, chars, CH_TOKEN);
	}
	p->text = span_isis(type, "text");
	if (span_isis(type, "multipart")) {
		p->multipart = is_identity(p->label);
		p->digest = span_isis(subtype, "digest");
		p->sealed = span_isis(subtype, "signed") ||
		    span_isis(subtype, "encrypted");
	} else if (span_isis(type, "message")) {
		p->message = span_isis(subtype, "rfc822") &&
		    is_identity(p->label);
		p->opaque = !may_encode_message(subtype);
	}
}

void
part_parse(struct span header, bool in_digest, struct part *p,
    struct buf *boundary)
{
	struct span type = span_str(in_digest ? "message/rfc822" :
	    "text/plain");
	struct header_field f;
	size_t before = boundary->len;

	*p = (struct part){ .label = PART_7BIT };
	while (header_field(&header, &f)) {
		if (!p->typed && span_isis(f.name, "content-type")) {
			p->typed = true;
			type = f.body;
		} else if (!p->labelled &&
		    span_isis(f.name, "content-transfer-encoding")) {
			p->labelled = true;
			p->label = parse_label(f.body);
		} else if (span_isis(f.name, "mime-version"))
			p->versioned = true;
	}
	set_type(p, type);
	/* One without a boundary is all preamble: a body that must stay. */
	if (p->multipart && (!mime_param(type, "boundary", boundary) ||
	    boundary->len == before)) {
		p->multipart = p->digest = p->sealed = false;
		p->opaque = true;
	}
}

void
part_look(struct part_facts *f, struct span s)
{
	struct cur c;
	int ch;

	f->bytes += s.len;
	f->line += s.len;
	if (f->line > SMTP_TEXT_MAX)
		f->longline = true;
	cur_init(&c, s);
	while ((ch = cur_next(&c)) != -1) {
		if (f->utf8_left > 0) {
			f->bad_utf8 |= (ch & 0xc0) != 0x80;
			f->utf8_left--;
		} else if (ch >= 0x80) {
			f->bad_utf8 |= ch < 0xc2 || ch > 0xf4;
			f->utf8_left = ch >= 0xf0 ? 3 : ch >= 0xe0 ? 2 : 1;
		}
		if (ch >= 0x80)
			f->body8 = true;
		else if (ch == '\0' || ch == '\r' || ch == '\n')
			f->binary = true;
		f->special += ch > '~' || ch == '=' ||
		    (ch < ' ' && ch != '\t');
	}
}

void
part_look_eol(struct part_facts *f)
{
	f->bad_utf8 |= f->utf8_left > 0;
	f->utf8_left = 0;
	f->line = 0;
	f->bytes++;
}

/* Text stays readable unless base64 is the shorter one. */
static enum coder_mode
choose(const struct part *p, const struct part_facts *f)
{
	if (p->label == PART_QP)
		return CODER_REQP;
	if (p->label == PART_BASE64)
		return CODER_REBASE64;
	return p->text && f->special * 6 <= f->bytes ? CODER_QP :
	    CODER_BASE64;
}

unsigned
part_decide(const struct part *p, const struct part_facts *f, bool sealed,
    enum recode_to to, struct recode_plan *plan)
{
	bool cannot = f->binary || (f->body8 && to == RECODE_7BIT);

	plan->body8 |= f->body8;
	plan->binary |= f->binary;
	plan->longline |= f->longline;
	if (!cannot && !f->longline)
		return CODER_KEEP;
	if (sealed || p->opaque || p->label == PART_UNKNOWN) {
		plan->prohibited |= cannot;
		return CODER_KEEP;
	}
	plan->needed = true;
	return choose(p, f) | (!f->body8 ? 0 :
	    f->bad_utf8 ? PART_HOW_8BIT : PART_HOW_UTF8);
}

unsigned
part_decide_label(const struct part *p, bool sealed, enum recode_to to)
{
	if (sealed || p->opaque || (p->label != PART_BINARY &&
	    (p->label != PART_8BIT || to == RECODE_8BIT)))
		return CODER_KEEP;
	return (p->text ? CODER_QP : CODER_BASE64) | PART_HOW_8BIT;
}

/* A line over SMTP_TEXT_MAX is folded where it has white space. */
static void
put_folded(struct span line, struct buf *out)
{
	while (line.len > SMTP_TEXT_MAX + 1) {
		size_t at = SMTP_TEXT_MAX;

		while (at > 0 && line.p[at] != ' ' && line.p[at] != '\t')
			at--;
		/* A line of white space alone would end the header for some. */
		if (header_trim(span_of(line.p, at)).len == 0)
			break;
		buf_add(out, line.p, at);
		buf_addc(out, '\n');
		line = span_of(line.p + at, line.len - at);
	}
	buf_addspan(out, line);
}

static void
put_field(struct span field, struct buf *out)
{
	struct cur c;

	if (field.len <= SMTP_TEXT_MAX) {
		buf_addspan(out, field);
		return;
	}
	cur_init(&c, field);
	while (!cur_end(&c)) {
		struct span line = cur_until(&c, '\n');

		line.len += cur_ch(&c, '\n');
		put_folded(line, out);
	}
}

/* The label that a part has afterwards; NULL: the one that it has. */
static const char *
new_label(const struct part *p, enum coder_mode mode, enum recode_to to)
{
	if (mode == CODER_QP)
		return "quoted-printable";
	if (mode == CODER_BASE64)
		return "base64";
	if (to == RECODE_7BIT &&
	    (p->label == PART_8BIT || p->label == PART_BINARY))
		return "7bit";
	return p->label == PART_BINARY ? "8bit" : NULL;
}

void
part_put_header(const struct part *p, struct span header, unsigned how,
    bool whole, enum recode_to to, struct buf *out)
{
	enum coder_mode mode = (enum coder_mode)(how & PART_HOW_MODE);
	const char *label = new_label(p, mode, to);
	const unsigned char *from = header.p;
	struct span rest = header;
	struct header_field f;

	for (; header_field(&rest, &f); from = rest.p) {
		if (label != NULL &&
		    span_isis(f.name, "content-transfer-encoding"))
			continue;
		/* A line that is no field, and was passed over.  Without the
		 * field behind it, it would end the header. */
		buf_add(out, from, (size_t)(f.whole.p - from));
		put_field(f.whole, out);
	}
	if (label == NULL)
		return;
	if (whole && !p->versioned)
		buf_adds(out, "MIME-Version: 1.0\n");
	/* RFC 1428 section 2 has the name for what nobody has named. */
	if (!p->typed && (how & ~(unsigned)PART_HOW_MODE) != 0)
		buf_addf(out, "Content-Type: text/plain; charset=%s\n",
		    (how & PART_HOW_UTF8) != 0 ? "utf-8" : "unknown-8bit");
	buf_addf(out, "Content-Transfer-Encoding: %s\n", label);
}
