/*
 * Horspool's search over folded bytes: looks at about one byte of the text for
 * each byte that the needle is long, and copies nothing.
 */
#include "find.h"

#include <string.h>

#define SKIP_MAX 255

const unsigned char find_lower[256] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
	48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
	64, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
	112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 91, 92, 93, 94, 95,
	96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
	112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
	128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143,
	144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159,
	160, 161, 162, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 174, 175,
	176, 177, 178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189, 190, 191,
	192, 193, 194, 195, 196, 197, 198, 199, 200, 201, 202, 203, 204, 205, 206, 207,
	208, 209, 210, 211, 212, 213, 214, 215, 216, 217, 218, 219, 220, 221, 222, 223,
	224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239,
	240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255,
};

void
find_fold(unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = find_lower[p[i]];
}

/* One byte, in either case. */
static bool
find_byte(struct span text, unsigned char b)
{
	if (text.len == 0)
		return false;
	if (memchr(text.p, b, text.len) != NULL)
		return true;
	return b >= 'a' && b <= 'z' &&
	    memchr(text.p, b & ~0x20, text.len) != NULL;
}

static bool
same(const unsigned char *p, struct span needle)
{
	for (size_t i = 0; i < needle.len; i++)
		if (find_lower[p[i]] != needle.p[i])
			return false;
	return true;
}

bool
find_folded(struct span text, struct span needle)
{
	unsigned char skip[256];
	size_t m = needle.len, at = 0, most;

	if (m == 0)
		return true;
	if (m > text.len)
		return false;
	if (m == 1)
		return find_byte(text, needle.p[0]);
	/* How far the needle may move when its last byte stands over b. */
	most = m < SKIP_MAX ? m : SKIP_MAX;
	memset(skip, (int)most, sizeof(skip));
	for (size_t i = m - most; i < m - 1; i++)
		skip[needle.p[i]] = (unsigned char)(m - 1 - i);
	while (at <= text.len - m) {
		unsigned char b = find_lower[text.p[at + m - 1]];

		if (b == needle.p[m - 1] && same(text.p + at, needle))
			return true;
		at += skip[b];
	}
	return false;
}
