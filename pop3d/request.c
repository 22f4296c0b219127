/*
 * The grammar of a command line.  Free of I/O; takes the line or refuses it, and repairs nothing but blanks at
 * its end.
 */
#include "request.h"

/* Blanks at the end are no part of the grammar, but clients send them ("AUTH "). */
static struct span
trim_end(struct span s)
{
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool
printable(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

/* RFC 2449 section 4: keyword *(SP param).  A password may be any bytes. */
enum request_result
request_parse(struct span line, struct request *r)
{
	struct cur c;

	cur_init(&c, line);
	r->verb = cur_until(&c, ' ');
	(void)cur_ch(&c, ' ');
	r->raw = cur_rest(&c);
	r->arg = trim_end(r->raw);
	if (r->verb.len == 0)
		return REQUEST_EMPTY;
	if (!printable(r->verb) ||
	    (!span_isis(r->verb, "PASS") && !printable(r->arg)))
		return REQUEST_BYTES;
	return REQUEST_OK;
}

int
request_numbers(struct span arg, uint64_t *number, unsigned max)
{
	struct cur c;
	unsigned n = 0;

	cur_init(&c, arg);
	while (!cur_end(&c)) {
		if (n == max || cur_num(&c, UINT32_MAX, &number[n]) == -1)
			return -1;
		n++;
		if (!cur_end(&c) && (!cur_ch(&c, ' ') || cur_end(&c)))
			return -1;
	}
	return (int)n;
}
