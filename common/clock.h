/*
 * Time and randomness, both of which can be given from outside so that a
 * session or six days of queue run the same way twice:
 *
 *	POSTHOUSE_CLOCK=/path	a file holding seconds since 1970, read at each call
 *	POSTHOUSE_CLOCK=@N	a fixed time
 *	POSTHOUSE_RANDOM=text	seeds a deterministic stream
 *
 * Both are ignored in a set-id program.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

void	clock_init(void);	/* reads the environment; call before privileges go */
time_t	clock_now(void);	/* wall clock, seconds */
uint64_t clock_mono_ms(void);	/* monotonic, for timeouts; never from outside */
void	random_bytes(void *, size_t);
/* 64 random bits as 16 lower-case hexadecimal digits and a NUL. */
void	random_hex64(char out[17]);
/* The same for what must differ but may be guessed: one system call for 32. */
void	random_id(char out[17]);

#endif
