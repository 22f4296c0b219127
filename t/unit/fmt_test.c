/*
 * fmt_print says what snprintf(3) says, for what it does itself and for what it
 * leaves to it.
 */
#include "fmt.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

/* In a room of every size, from none to more than enough. */
#define SAME(...) do { \
	char want[80], have[80]; \
	for (size_t size = 0; size <= sizeof(want); size++) { \
		memset(want, 'x', sizeof(want)); \
		memset(have, 'x', sizeof(have)); \
		int w = snprintf(want, size, __VA_ARGS__); \
		int h = fmt_print(have, size, __VA_ARGS__); \
		CHECK(w == h && memcmp(want, have, sizeof(want)) == 0, \
		    #__VA_ARGS__); \
	} \
} while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"

int
main(void)
{
	volatile int zero = 0;		/* the compiler must not know */

	SAME("%s", "");
	SAME("plain text, no conversion");
	SAME("%s=%s;", "name", "value");
	SAME("%.*s|%.*s|%.*s", zero, "none", 3, "three", -1, "all");
	SAME("%.39s", "0123456789012345678901234567890123456789012345");
	SAME("%c%c%%", 'a', 'b');
	SAME("%d %d %d %d", zero, -1, INT_MAX, INT_MIN);
	SAME("%u %u", 0U, UINT_MAX);
	SAME("%ld %ld %lu", LONG_MIN, LONG_MAX, ULONG_MAX);
	SAME("%lld %lld %llu", LLONG_MIN, LLONG_MAX, ULLONG_MAX);
	SAME("%zu %zu", (size_t)0, SIZE_MAX);
	SAME("%jd %jd %ju", INTMAX_MIN, INTMAX_MAX, UINTMAX_MAX);
	SAME("%x %lx %08x %016llx %jx %zx", 0U, ULONG_MAX, 0xabcU, 0x1fULL,
	    UINTMAX_MAX, (size_t)10);
	SAME("%s, %02u %s %04u %02u:%02u:%02u +0000", "Sun", 7U, "Nov", 99U,
	    1U, 23U, 456U);
	SAME("%05d %03d %010lld", -42, 1234 + zero, -1LL);
	test_end("conversions");

	SAME("%+d %-5d| %5d %5s %-5s|", 1, 2, 3, "a", "b");
	SAME("%x %02X %#o %p", 255U, 10U, 8U, (void *)0);
	SAME("%.3d %.3u %zd", 5, 6U, (ptrdiff_t)7);
	SAME("%s %s %d %x %s", "before", "what", 1, 2U, "is left to stdio");
	SAME("%.2f %hd %hhu %jx %i", 1.5, (short)-3, (unsigned char)4,
	    (uintmax_t)5, 6);
	test_end("what stdio does");
	return test_done();
}
