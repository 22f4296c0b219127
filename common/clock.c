/*
 * Time and randomness.  Trusts the environment for both, except in a set-id
 * program, whose caller chose the environment.
 */
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "limits.h"

static int	clock_fd = -1;		/* POSTHOUSE_CLOCK as a file */
static time_t	clock_fixed = -1;	/* POSTHOUSE_CLOCK as @N */
static uint64_t	random_state;		/* POSTHOUSE_RANDOM */
static bool	random_given;

static time_t
parse_seconds(const char *s)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (end == s || errno != 0 || v < 0)
		return -1;
	return (time_t)v;
}

void
clock_init(void)
{
	const char *c = getenv("POSTHOUSE_CLOCK");
	const char *r = getenv("POSTHOUSE_RANDOM");

	if (getauxval(AT_SECURE) != 0)
		return;
	if (c != NULL && c[0] == '@')
		clock_fixed = parse_seconds(c + 1);
	else if (c != NULL && c[0] != '\0')
		clock_fd = open(c, O_RDONLY | O_CLOEXEC);
	if (r != NULL && r[0] != '\0') {
		random_given = true;
		random_state = 0xcbf29ce484222325ULL;	/* FNV-1a */
		for (; *r != '\0'; r++)
			random_state = (random_state ^ (unsigned char)*r) *
			    0x100000001b3ULL;
	}
}

time_t
clock_now(void)
{
	char text[32];
	ssize_t n;
	time_t t;

	if (clock_fixed != -1)
		return clock_fixed;
	if (clock_fd != -1) {
		n = pread(clock_fd, text, sizeof(text) - 1, 0);
		if (n > 0) {
			text[n] = '\0';
			if ((t = parse_seconds(text)) != -1)
				return t;
		}
	}
	return time(NULL);
}

uint64_t
clock_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* splitmix64: only for POSTHOUSE_RANDOM, where repeatability is the point. */
static uint64_t
random_next(void)
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void
random_bytes(void *out, size_t n)
{
	unsigned char *p = out;

	/* getentropy fails only on a kernel without it: then no name can be
	 * made safely, and going on would be worse. */
	while (!random_given && n > 0) {
		size_t part = n < 256 ? n : 256;

		if (getentropy(p, part) == -1)
			abort();
		p += part;
		n -= part;
	}
	for (; n > 0; n--) {
		uint64_t v = random_next();

		memcpy(p++, &v, 1);
	}
}

static void
print_hex64(const unsigned char b[8], char out[17])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 8; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[16] = '\0';
}

void
random_hex64(char out[17])
{
	unsigned char b[8];

	random_bytes(b, sizeof(b));
	print_hex64(b, out);
}

void
random_id(char out[17])
{
	static unsigned char pool[256];
	static size_t left;

	if (random_given) {
		random_hex64(out);
		return;
	}
	if (left == 0)
		random_bytes(pool, left = sizeof(pool));
	left -= 8;
	print_hex64(pool + left, out);
}
