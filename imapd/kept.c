/*
 * Fields of a header, packed for the folder's cache.  What comes out of it is checked against its bounds; what a field
 * number means is for who asked for that number.
 */
#include "kept.h"

#define TEXT_MAX	65535

int
kept_field(struct span name)
{
	static const char *const names[] = { "From", "To", "Cc", "Subject",
		"Bcc", "Message-ID" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_isis(name, names[i]))
			return (int)i;
	return -1;
}

int
kept_add(struct buf *out, int field, struct span text)
{
	if (text.len > TEXT_MAX)
		return -1;
	(void)buf_addc(out, (unsigned char)field);
	(void)buf_addc(out, (unsigned char)(text.len >> 8));
	(void)buf_addc(out, (unsigned char)(text.len & 0xff));
	return buf_addspan(out, text);
}

bool
kept_next(struct span *rest, int *field, struct span *text)
{
	struct cur c;
	int hi, lo;

	cur_init(&c, *rest);
	*field = cur_next(&c);
	hi = cur_next(&c);
	if ((lo = cur_next(&c)) == -1)
		return false;
	*text = cur_take(&c, (size_t)hi << 8 | (size_t)lo);
	if (text->p == NULL && (hi | lo) != 0)
		return false;
	*rest = cur_rest(&c);
	return true;
}
