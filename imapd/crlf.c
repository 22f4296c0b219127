/*
 * Line ends.  Messages are stored with LF, some with CRLF (written by others),
 * some with both.  Size and output walk the same way, so a literal is right to
 * the byte.  A NUL, which no literal may carry, goes out as 0x80.
 */
#include "crlf.h"

#include <string.h>

#include "lines.h"

#define ROOM_MIN 4096		/* less room is not worth a round */

/* Does the LF at p[at] lack its CR? */
static bool
bare_lf(struct span s, size_t at)
{
	return at == 0 || s.p[at - 1] != '\r';
}

uint64_t
crlf_size(struct span s)
{
	struct lines l = { 0 };

	lines_count(s, '\n', &l);
	return s.len + l.bare;
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

void
crlf_out(struct netout *o, struct span s, uint64_t from, uint64_t n)
{
	bool half = false;
	size_t at = from == 0 ? 0 : seek(s, from, &half), room, part, made;
	unsigned char *p;

	if (half && n > 0) {
		(void)netout_add(o, "\n", 1);
		at++;
		n--;
	}
	while (n > 0 && at < s.len) {
		if ((p = netout_room(o, ROOM_MIN, &room)) == NULL)
			return;
		part = (room - 1) / 2;
		if (part > s.len - at)
			part = s.len - at;
		made = lines_convert(s.p + at, part,
		    at == 0 ? '\n' : s.p[at - 1], false, p);
		if (made > n)
			made = (size_t)n;
		netout_put(o, made);
		at += part;
		n -= made;
	}
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
