/*
 * Line ends.  Messages are stored with LF, some with CRLF (written by others),
 * some with both.  Size and output walk the same way, so a literal is right to
 * the byte.  A NUL, which no literal may carry, goes out as 0x80.
 */
#include "crlf.h"

#include <string.h>

#define BLOCK 16384

/* Does the LF at p[at] lack its CR? */
static bool
bare_lf(struct span s, size_t at)
{
	return at == 0 || s.p[at - 1] != '\r';
}

uint64_t
crlf_size(struct span s)
{
	uint64_t n = s.len;
	size_t at = 0;
	const unsigned char *lf;

	while (at < s.len && (lf = memchr(s.p + at, '\n', s.len - at)) != NULL) {
		at = (size_t)(lf - s.p);
		n += bare_lf(s, at);
		at++;
	}
	return n;
}

/* Where octet `from` of the output lies in s; *half when it is the LF whose CR is
 * not in s. */
static size_t
seek(struct span s, uint64_t from, bool *half)
{
	size_t at = 0, next;
	uint64_t done = 0;
	const unsigned char *lf;

	*half = false;
	while (at < s.len && (lf = memchr(s.p + at, '\n', s.len - at)) != NULL) {
		next = (size_t)(lf - s.p);
		if (done + (next - at) >= from)
			break;
		done += next - at;
		at = next;
		if (!bare_lf(s, at)) {
			done++;
			at++;
		} else if (done + 1 == from) {
			*half = true;
			return at;
		} else {
			done += 2;
			at++;
		}
		if (done >= from)
			return at;
	}
	return at + (size_t)(from - done);
}

/* A block without NUL, or with each as 0x80. */
static void
put(struct netout *o, const unsigned char *p, size_t n)
{
	const unsigned char *nul;
	size_t part;

	while (n > 0) {
		nul = memchr(p, 0, n);
		part = nul == NULL ? n : (size_t)(nul - p);
		if (part > 0)
			(void)netout_add(o, p, part);
		if (nul == NULL)
			return;
		(void)netout_add(o, "\200", 1);
		p += part + 1;
		n -= part + 1;
	}
}

void
crlf_out(struct netout *o, struct span s, uint64_t from, uint64_t n)
{
	unsigned char block[BLOCK];
	bool half;
	size_t at = from == 0 ? 0 : seek(s, from, &half), used = 0, part;
	const unsigned char *lf;

	if (from != 0 && half && n > 0) {
		block[used++] = '\n';
		at++;
		n--;
	}
	while (n > 0 && at < s.len) {
		lf = memchr(s.p + at, '\n', s.len - at < BLOCK ?
		    s.len - at : BLOCK);
		part = lf == NULL ? (s.len - at < BLOCK ? s.len - at : BLOCK) :
		    (size_t)(lf - (s.p + at));
		if (part > n)
			part = (size_t)n;
		if (used + part + 2 > BLOCK) {
			put(o, block, used);
			used = 0;
		}
		if (part + 2 > BLOCK) {
			put(o, s.p + at, part);
		} else {
			memcpy(block + used, s.p + at, part);
			used += part;
		}
		at += part;
		n -= part;
		if (lf == NULL || n == 0 || at >= s.len || s.p[at] != '\n')
			continue;
		if (bare_lf(s, at)) {
			block[used++] = '\r';
			n--;
		}
		if (n > 0) {
			block[used++] = '\n';
			n--;
		}
		at++;
	}
	put(o, block, used);
}

int
crlf_add(struct buf *b, struct span s)
{
	struct span line;
	struct cur c;

	cur_init(&c, s);
	while (!cur_end(&c) && !b->bad) {
		line = cur_until(&c, '\n');
		(void)buf_addspan(b, line);
		if (!cur_ch(&c, '\n'))
			break;
		if (line.len == 0 || line.p[line.len - 1] != '\r')
			(void)buf_addc(b, '\r');
		(void)buf_addc(b, '\n');
	}
	return b->bad ? -1 : 0;
}
