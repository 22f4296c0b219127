/*
 * BINARY, BINARY.PEEK and BINARY.SIZE: a part without its transfer encoding,
 * RFC 3516.  Memory: at most the part twice, which the size limit of messages
 * bounds.
 */
#include <string.h>

#include "chars.h"
#include "crlf.h"
#include "encode.h"
#include "ex.h"
#include "fetch.h"
#include "log.h"

enum cte { CTE_NONE, CTE_BASE64, CTE_QP, CTE_UNKNOWN };

/* NULL: there is no such part. */
static const struct mime_part *
find_part(const struct fetch_run *r, const struct fetch_item *item)
{
	return mime_find(&r->m.tree, item->section->path,
	    item->section->npath);
}

/* RFC 2045 section 6.1.  The whole message has none: its header is no part of
 * what an encoding could be of. */
static enum cte
cte_of(const struct fetch_run *r, const struct fetch_item *item,
    const struct mime_part *p)
{
	struct header_field f;
	struct span word;
	struct cur c;

	if (item->section->npath == 0 || p->multipart || !header_find(
	    mime_header(&r->m.tree, p), "Content-Transfer-Encoding", &f))
		return CTE_NONE;
	cur_init(&c, f.body);
	header_skip_cfws(&c);
	word = cur_while(&c, chars, CH_TOKEN);
	if (span_isis(word, "base64"))
		return CTE_BASE64;
	if (span_isis(word, "quoted-printable"))
		return CTE_QP;
	return word.len == 0 || span_isis(word, "7bit") ||
	    span_isis(word, "8bit") || span_isis(word, "binary") ?
	    CTE_NONE : CTE_UNKNOWN;
}

bool
binary_known(const struct fetch_run *r, const struct fetch_item *item)
{
	const struct mime_part *p = find_part(r, item);

	return p == NULL || cte_of(r, item, p) != CTE_UNKNOWN;
}

/* Text has CRLF line ends however it was carried: RFC 3516 section 6. */
static void
decode(const struct fetch_run *r, const struct fetch_item *item,
    const struct mime_part *p, struct buf *out)
{
	struct span body = item->section->npath == 0 ? r->m.text :
	    mime_body(&r->m.tree, p);
	enum cte cte = cte_of(r, item, p);
	struct buf crlf;
	int res;

	buf_init(out, 2 * body.len + 16);
	buf_init(&crlf, 2 * body.len + 16);
	if (cte == CTE_NONE) {
		res = crlf_add(out, body);
	} else if (cte == CTE_QP) {
		res = crlf_add(&crlf, body);
		if (res == 0)
			res = qp_decode_body(buf_span(&crlf), out);
	} else if (span_isis(p->type, "text")) {
		res = base64_decode_body(body, &crlf);
		if (res == 0)
			res = crlf_add(out, buf_span(&crlf));
	} else {
		res = base64_decode_body(body, out);
	}
	buf_free(&crlf);
	if (res == -1)
		log_die(EX_TEMPFAIL, "out of memory");
}

void
fetch_binary_size(struct fetch_run *r, const struct fetch_item *item)
{
	const struct mime_part *p = find_part(r, item);
	struct buf b;

	fetch_label(&r->im->out, item, "BINARY.SIZE");
	if (p == NULL) {
		(void)netout_adds(&r->im->out, "0");
		return;
	}
	decode(r, item, p, &b);
	(void)netout_addf(&r->im->out, "%zu", b.len);
	buf_free(&b);
}

void
fetch_binary(struct fetch_run *r, const struct fetch_item *item)
{
	const struct mime_part *p = find_part(r, item);
	struct netout *o = &r->im->out;
	struct span s;
	struct buf b;

	fetch_label(o, item, "BINARY");
	if (p == NULL) {
		(void)netout_adds(o, "NIL");
		return;
	}
	decode(r, item, p, &b);
	s = buf_span(&b);
	if (item->partial) {
		size_t from = item->from < s.len ? (size_t)item->from : s.len;

		s = span_of(s.p + from, s.len - from);
		if (item->count < s.len)
			s.len = (size_t)item->count;
	}
	(void)netout_addf(o, "%s{%zu}\r\n",
	    s.len > 0 && span_haschr(s, 0) ? "~" : "", s.len);
	if (s.len > 0)
		(void)netout_add(o, s.p, s.len);
	buf_free(&b);
}
